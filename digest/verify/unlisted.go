package verify

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"cairn/digest"
)

const (
	// rounding is how much later than its delivery a log file's name may be.
	rounding = 5 * time.Minute
	// settling is how long before the newest digest's end a log file may have
	// been named and still be the next digest's.
	settling = 15 * time.Minute
	// usual is what digests are for, if those that are there do not tell; overdue
	// is how much later than that the next one may come.
	usual   = time.Hour
	overdue = 2*time.Hour + rounding
)

// unlisted looks for log files that no digest lists. It does so for all trails
// together: they share the folder.
func (v *visit) unlisted(inFolder <-chan listedKey) error {
	v.cover = merge(v.cover)
	tally := map[Kind]*Finding{}
	for l := range inFolder {
		if l.err != nil {
			return fmt.Errorf("list the log files of %s: %w", objectName(v.at.bucket, v.at.Path(digest.LogFolder)), l.err)
		}
		key := l.key
		if _, ok := v.listed[maphash.String(v.seed, key)]; ok || strings.HasSuffix(key, "/") {
			continue
		}
		name, err := digest.ParseLogKey(key)
		if err != nil {
			v.tell(Finding{Severity: Invalid, Kind: LogUnlisted, Key: key, Text: "among log files, and none that CloudTrail delivers: " + err.Error()})
			continue
		}
		if !v.run.within(name.Time, name.Time) {
			continue
		}
		kind := v.classify(name.Time)
		if kind == LogUnlisted {
			v.tell(Finding{Severity: Invalid, Kind: LogUnlisted, Key: key, Text: "no digest lists it: CloudTrail did not deliver it, or a trail without log file validation did"})
			continue
		}
		f, ok := tally[kind]
		if !ok {
			f = &Finding{Kind: kind, From: name.Time, To: name.Time}
			tally[kind] = f
		}
		f.LogFiles++
		f.From, f.To = earliest(f.From, name.Time), latest(f.To, name.Time)
	}
	for _, c := range tallies() {
		if f, ok := tally[c.kind]; ok {
			f.Severity, f.Text = c.severity, fmt.Sprintf(c.text, f.LogFiles)
			v.tell(*f)
		}
	}
	return nil
}

// tallyKind is a kind of finding that only counts log files.
type tallyKind struct {
	kind     Kind
	severity Severity
	text     string
}

func tallies() []tallyKind {
	return []tallyKind{
		{Overdue, Unverified, "%d log files are so much newer than the newest digest that there should be one that lists them: newer digests were removed, or validation is off"},
		{Pending, Note, "%d log files are not in a digest yet: they are newer than the newest one"},
		{Uncovered, Note, "%d log files are of a time no digest is for: before the first one, or while validation was off"},
		{Unchecked, Unverified, "%d log files cannot be checked: the digests that list them are missing or invalid"},
		{Undigested, Unverified, "%d log files have no digests at all: validation is off, or all digests were removed"},
	}
}

// classify says what it means that no digest lists a log file of a name.
func (v *visit) classify(at time.Time) Kind {
	delivered := span{at.Add(-rounding), at}
	switch {
	case len(v.cover) == 0 && len(v.holes) == 0:
		return Undigested
	case slices.ContainsFunc(v.holes, delivered.touches):
		return Unchecked
	case len(v.cover) == 0:
		return Pending
	case at.After(v.cover[len(v.cover)-1].to.Add(max(v.longest, usual) + overdue)):
		return Overdue
	case at.After(v.cover[len(v.cover)-1].to.Add(-settling)):
		return Pending
	case slices.ContainsFunc(v.cover, func(s span) bool { return !s.from.After(delivered.from) && !s.to.Before(delivered.to) }):
		return LogUnlisted
	}
	return Uncovered
}

// listedKey is a key of a listing, or how it failed.
type listedKey struct {
	key string
	err error
}

// listedAhead is how many keys of log files are listed while digests are still
// being read: the listing, a page after the other, is slow by itself.
const listedAhead = 16 << 10

// listLogs lists the log files of the selected days. It ends with ctx.
func (v *visit) listLogs(ctx context.Context) <-chan listedKey {
	prefix, after := v.at.Path(digest.LogFolder), ""
	if !v.run.From.IsZero() {
		after = prefix + v.run.From.UTC().Format(dayFolder)
	}
	past := ""
	if !v.run.To.IsZero() {
		past = prefix + v.run.To.UTC().AddDate(0, 0, 1).Format(dayFolder)
	}
	keys := make(chan listedKey, listedAhead)
	v.run.work.Go(func() {
		defer close(keys)
		for key, err := range v.run.Source.List(ctx, v.at.bucket, prefix, after) {
			if err == nil && past != "" && key >= past {
				continue
			}
			select {
			case keys <- listedKey{key, err}:
			case <-ctx.Done():
				return
			}
		}
	})
	return keys
}

func (s span) touches(o span) bool { return !s.from.After(o.to) && !o.from.After(s.to) }

// merge sorts spans and joins those that touch.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return a.from.Compare(b.from) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 && !s.from.After(out[n-1].to) {
			out[n-1].to = latest(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// underPrefix reports whether a key is in the folder a prefix names.
func underPrefix(key, prefix string) bool {
	prefix = strings.Trim(prefix, "/")
	return prefix == "" || strings.HasPrefix(key, prefix+"/")
}
