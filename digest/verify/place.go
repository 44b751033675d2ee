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
	// longest is the longest time a digest is for.
	longest time.Duration
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
	listing, cancel := context.WithCancel(ctx) // not ctx: log files are still being checked when this returns
	defer cancel()
	inFolder := v.listLogs(listing)
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
