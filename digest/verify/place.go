package verify

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"cairn/digest"
)

const (
	// earlier and later are how far beyond the selected time digests are read,
	// for the log files they list: names of log files are rounded up, and an
	// outage makes CloudTrail deliver late.
	earlier = time.Hour
	later   = 24 * time.Hour
	// rounding is how much later than its delivery a log file's name may be.
	rounding = 5 * time.Minute
	// settling is how long before the newest digest's end a log file may have
	// been named and still be the next digest's.
	settling = 15 * time.Minute
)

// visit is the look at one account in one region: all its chains, then the log
// files in its folder.
type visit struct {
	run   *run
	at    spot
	known map[digest.Place]bool // places the run visits

	seed   maphash.Seed
	listed map[uint64]struct{} // hashes of the keys that digests list
	cover  []span              // what digests are there for
	holes  []span              // what missing or changed digests were there for
}

// span is a stretch of time.
type span struct{ from, to time.Time }

// place verifies a place.
func (r *run) place(ctx context.Context, p digest.Place, known map[digest.Place]bool) error {
	v := &visit{run: r, at: spot{r.Bucket, p}, known: known, seed: maphash.MakeSeed(), listed: map[uint64]struct{}{}}
	chains, err := v.chains(ctx)
	if err != nil {
		return err
	}
	if len(chains) > 0 {
		first, last := chains[0].span()
		for _, c := range chains[1:] {
			from, to := c.span()
			first, last = earliest(first, from), latest(last, to)
		}
		if err := r.rings.load(ctx, p.Region, first, last); err != nil {
			return err
		}
	}
	newest := v.newest(chains)
	ctx, cancel := context.WithCancel(ctx) // ends listing ahead
	defer cancel()
	inFolder := v.listLogs(ctx)
	for _, c := range chains {
		if err := c.walk(ctx); err != nil {
			return err
		}
	}
	if err := v.delivered(ctx, newest); err != nil {
		return err
	}
	return v.unlisted(inFolder)
}

// chains lists the place's digests and sorts them into chains, backfill chains
// last.
func (v *visit) chains(ctx context.Context) ([]*chain, error) {
	listed, err := v.run.list(ctx, v.at, func(key string, err error) {
		v.tell(Finding{Severity: Invalid, Kind: DigestStray, Key: key, Text: "among digests, and no digest: " + err.Error()})
	})
	if err != nil {
		return nil, err
	}
	byID := map[chainID]*chain{}
	for id, stops := range listed {
		byID[id] = &chain{
			visit: v, chainID: id, feeds: map[spot]*feed{v.at: {run: v.run, at: v.at, stops: stops}},
			quiet: v.run.Trail != "" && id.trail != v.run.Trail || v.run.HomeRegion != "" && id.home != v.run.HomeRegion,
			told:  Chain{Bucket: v.at.bucket, Place: v.at.Place, Trail: id.trail, HomeRegion: id.home, Backfill: id.backfill},
		}
	}
	chains := make([]*chain, 0, len(byID))
	for id, c := range byID {
		if standard, ok := byID[chainID{id.trail, id.home, false}]; ok && id.backfill {
			c.standard = standard
			standard.passed = map[string]string{}
		}
		chains = append(chains, c)
	}
	slices.SortFunc(chains, func(a, b *chain) int {
		return cmp.Or(compareBool(a.backfill, b.backfill), cmp.Compare(a.trail, b.trail), cmp.Compare(a.home, b.home))
	})
	return chains, nil
}

// newest is the end of the newest digest of the selected trails, zero if there
// is none.
func (v *visit) newest(chains []*chain) (end time.Time) {
	for _, c := range chains {
		if _, last := c.span(); !c.quiet && !c.backfill {
			end = latest(end, last)
		}
	}
	return end
}

// deliveryLag is how long after its end a digest may be delivered before it
// seems that newer ones were removed.
const deliveryLag = 45 * time.Minute

// delivered compares the newest digest with what CloudTrail says of it.
func (v *visit) delivered(ctx context.Context, newest time.Time) error {
	if v.run.Delivered == nil || !v.run.To.IsZero() {
		return nil
	}
	last, err := v.run.Delivered(ctx, v.at.Place)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.tell(Finding{Severity: Note, Kind: Unreadable, Text: fmt.Sprintf("when the newest digest was delivered could not be asked: %v", err)})
	case last.After(newest.Add(deliveryLag)):
		v.tell(Finding{
			Severity: Invalid, Kind: HeadMissing, From: newest, To: last,
			Text: "CloudTrail delivered a digest later than any that is here: the newest ones were removed",
		})
	}
	return nil
}

// list lists the digests of the selected time at a spot by chain, oldest first.
// Keys that are no digest's are told to stray.
func (r *run) list(ctx context.Context, at spot, stray func(key string, err error)) (map[chainID][]stop, error) {
	prefix, after := at.Path(digest.Folder), ""
	if !r.From.IsZero() {
		after = prefix + r.From.Add(-earlier).UTC().Format(dayFolder)
	}
	chains := map[chainID][]stop{}
	for key, err := range r.Source.List(ctx, at.bucket, prefix, after) {
		if err != nil {
			return nil, fmt.Errorf("list the digests of %s: %w", objectName(at.bucket, prefix), err)
		}
		name, err := digest.ParseKey(key)
		switch {
		case strings.HasSuffix(key, "/"): // consoles leave empty objects for folders
		case err != nil:
			stray(key, err)
		case !r.From.IsZero() && name.End.Before(r.From.Add(-earlier)), !r.To.IsZero() && name.End.After(r.To.Add(later)):
		default:
			id := chainID{name.Trail, name.HomeRegion, name.Backfill}
			chains[id] = append(chains[id], stop{key, name.End})
		}
	}
	for _, stops := range chains {
		slices.SortFunc(stops, func(a, b stop) int { return cmp.Or(a.end.Compare(b.end), cmp.Compare(a.key, b.key)) })
	}
	return chains, nil
}

// dayFolder is how the folders of a region's days are called.
const dayFolder = "2006/01/02"

// tell tells a finding of this place.
func (v *visit) tell(f Finding) {
	f.Bucket, f.Account, f.Region = v.at.bucket, v.at.Account, v.at.Region
	v.run.found(f)
}

// lists notes that a digest lists a log file.
func (v *visit) lists(key string) { v.listed[maphash.String(v.seed, key)] = struct{}{} }

// within reports whether a stretch of time touches the selected one.
func (r *run) within(from, to time.Time) bool {
	return (r.From.IsZero() || to.After(r.From) || to.Equal(r.From)) && (r.To.IsZero() || from.Before(r.To))
}

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
			f = &Finding{Kind: kind, Severity: Note, From: name.Time, To: name.Time}
			tally[kind] = f
		}
		f.LogFiles++
		f.From, f.To = earliest(f.From, name.Time), latest(f.To, name.Time)
	}
	for kind, text := range tallies {
		if f, ok := tally[kind]; ok {
			f.Text = fmt.Sprintf(text, f.LogFiles)
			if kind == Unchecked || kind == Undigested {
				f.Severity = Unverified
			}
			v.tell(*f)
		}
	}
	return nil
}

// tallies are the texts of findings that only count log files.
var tallies = map[Kind]string{
	Pending:    "%d log files are not in a digest yet: they are newer than the newest one",
	Uncovered:  "%d log files are of a time no digest is for: before the first one, or while validation was off",
	Unchecked:  "%d log files cannot be checked: the digests that list them are missing or invalid",
	Undigested: "%d log files have no digests at all: validation is off, or all digests were removed",
}

// classify says what it means that no digest lists a log file of a name.
func (v *visit) classify(at time.Time) Kind {
	delivered := span{at.Add(-rounding), at}
	switch {
	case len(v.cover) == 0 && len(v.holes) == 0:
		return Undigested
	case slices.ContainsFunc(v.holes, delivered.touches):
		return Unchecked
	case len(v.cover) == 0 || at.After(v.cover[len(v.cover)-1].to.Add(-settling)):
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
