package scan

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"
)

// groups counts the records that one engine finds.
type groups struct {
	by     *Grouping
	counts map[string]*int64
	other  int64
	key    []byte
}

// maxGroups is how many groups are kept unless asked otherwise.
const maxGroups = 1_000_000

func newGroups(by *Grouping) *groups { return &groups{by: by, counts: map[string]*int64{}} }

// Most is how many groups are kept: MaxGroups, or what is meant by 0.
func (by *Grouping) Most() int { return cmp.Or(by.MaxGroups, maxGroups) }

// add counts a record whose fields were found.
func (g *groups) add(f *fields) {
	g.key = g.key[:0]
	if g.by.Every > 0 {
		var at int64
		if t := f.time(); !t.IsZero() {
			at = t.Truncate(g.by.Every).Unix()
		}
		g.key = binary.BigEndian.AppendUint64(g.key, uint64(at))
	}
	for i := range g.by.By {
		start := len(g.key)
		g.key = f.text(append(g.key, 0, 0, 0, 0), countedBy+i)
		binary.BigEndian.PutUint32(g.key[start:], uint32(len(g.key)-start-4))
	}
	g.more(g.key, 1)
}

// more adds to the count of a key.
func (g *groups) more(key []byte, n int64) {
	if c := g.counts[string(key)]; c != nil {
		*c += n
		return
	}
	if len(g.counts) >= g.by.Most() {
		g.other += n
		return
	}
	g.counts[string(key)] = &n
}

// group takes a key apart.
func (g *groups) group(key string, n int64) Group {
	out := Group{Count: n, Values: make([]string, 0, len(g.by.By))}
	if g.by.Every > 0 {
		if at := int64(binary.BigEndian.Uint64([]byte(key[:8]))); at != 0 {
			out.Time = time.Unix(at, 0).UTC()
		}
		key = key[8:]
	}
	for range g.by.By {
		n := binary.BigEndian.Uint32([]byte(key[:4]))
		out.Values = append(out.Values, key[4:4+n])
		key = key[4+n:]
	}
	return out
}

// count is [Count].
func count(ctx context.Context, src Source, q Query, by Grouping) (*Counts, *Report, error) {
	q.Order = AsRead
	r, err := prepare(src, q, &by)
	if err != nil {
		return &Counts{}, &Report{}, err
	}
	r.begin(ctx, func(ctx context.Context) {
		var head []byte
		for j := range r.jobs {
			var err error
			if head, err = r.file(ctx, j, head, func(e *engine, _ []byte) error {
				e.groups.add(e.fields)
				return nil
			}); err != nil {
				return
			}
		}
	})
	r.readers.Wait()
	report, err := r.finish(ctx, nil)
	return r.counts(&by), report, err
}

// counts puts together what all engines have counted.
func (r *run) counts(by *Grouping) *Counts {
	all := newGroups(by)
	for range r.q.Workers {
		e := <-r.engines
		for key, n := range e.groups.counts {
			all.more([]byte(key), *n)
		}
		all.other += e.groups.other
	}
	out := &Counts{Other: all.other, Groups: make([]Group, 0, len(all.counts))}
	for key, n := range all.counts {
		out.Groups = append(out.Groups, all.group(key, *n))
	}
	SortGroups(out.Groups)
	return out
}

// SortGroups puts the largest groups first, and those of one size in the order of
// time and values.
func SortGroups(list []Group) {
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Time.Compare(b.Time), slices.Compare(a.Values, b.Values))
	})
}
