package verify

import (
	"context"
	"fmt"
	"time"

	"cairn/digest"
)

// chainID names one of a place's chains.
type chainID struct {
	trail, home string
	backfill    bool
}

// chain is a walk along one chain, from its newest digest to its oldest.
type chain struct {
	*visit
	chainID
	// quiet is set for a chain that was not selected: it is read only for the
	// log files it lists, and nothing is told of it.
	quiet    bool
	standard *chain            // a backfill chain's other one, if there is one
	passed   map[string]string // hashes of digests by key, for the backfill chain; nil if there is none
	feeds    map[spot]*feed    // digests listed and not yet walked

	newer  *loaded       // the digest walked before, if its link can be followed
	edge   time.Time     // the start of the oldest digest believed so far
	open   bool          // a digest below edge is missing or invalid
	period time.Duration // the longest time a digest is for
	told   Chain
	heads  []*Head // of what is linked, newest first
	linked *Head   // the one that newer was reached from; nil if it is not signed
}

// span bounds the ends of the digests listed.
func (c *chain) span() (first, last time.Time) {
	stops := c.feeds[c.at].stops
	return stops[0].end, stops[len(stops)-1].end
}

// walk goes along the chain and tells what it finds.
func (c *chain) walk(ctx context.Context) error {
	ahead, cancel := context.WithCancel(ctx) // ends reading ahead, not log files being checked
	defer cancel()
	for at := c.at; ; {
		var err error
		if at, err = c.follow(ctx, at); err != nil {
			return err
		}
		d, err := c.feeds[at].next(ahead)
		if err != nil {
			return err
		}
		if d != nil {
			if err := c.step(ctx, d); err != nil {
				return err
			}
			continue
		}
		c.tail()
		if at == c.at {
			break
		}
		// The chain came from elsewhere and has ended there; what is left here
		// is an older chain of the same name.
		at, c.newer = c.at, nil
	}
	if c.open && !c.backfill {
		c.hole(time.Time{}, c.edge)
	}
	if !c.quiet {
		c.pinned()
		c.run.chainDone(c.told, c.heads)
	}
	return nil
}

// follow goes to where the newest believed digest says the one before it is: a
// trail may have had another bucket or prefix.
func (c *chain) follow(ctx context.Context, at spot) (spot, error) {
	if c.newer == nil {
		return at, nil
	}
	p := c.newer.file.Previous
	name, err := digest.ParseKey(p.Object)
	to := spot{c.run.bucketOf(p.Bucket), name.Place}
	if err != nil || to == at || name.Backfill != c.backfill {
		return at, nil // what does not fit will be found missing
	}
	if to.bucket == c.at.bucket && c.known[to.Place] && to != c.at {
		// The run visits that place for itself; only the link is left to check.
		d := c.run.load(ctx, to, p.Object)
		if ctx.Err() == nil {
			c.linkedElsewhere(d)
		}
		c.newer = nil
		return at, ctx.Err()
	}
	if _, ok := c.feeds[to]; !ok {
		listed, err := c.run.list(ctx, to, func(string, error) {})
		if ctx.Err() != nil {
			return at, ctx.Err()
		}
		if err != nil {
			c.tell(Finding{Severity: Unverified, Kind: OtherBucket, Bucket: to.bucket, Key: p.Object, Text: fmt.Sprintf("the chain goes on in a place that cannot be read: %v", err)})
			c.newer = nil
			return at, nil
		}
		stops := listed[chainID{name.Trail, name.HomeRegion, name.Backfill}]
		for len(stops) > 0 && stops[len(stops)-1].end.After(name.End) {
			stops = stops[:len(stops)-1]
		}
		c.feeds[to] = &feed{run: c.run, at: to, stops: stops}
	}
	return to, nil
}

// step takes one digest into the chain.
func (c *chain) step(ctx context.Context, d *loaded) error {
	beside := false
	if c.newer != nil {
		beside = c.between(d)
	}
	v, err := c.judge(ctx, d)
	if err != nil {
		return err
	}
	if beside && v.believed {
		v.problem(Unverified, DigestForked, "it is beside its trail's chain: the digest after it follows an older one")
	}
	from, outcome := d.name.End, Note
	if d.file != nil {
		from = d.file.Start
	}
	wanted := !c.quiet && c.run.within(from, d.name.End)
	for _, f := range v.problems {
		outcome = worse(outcome, f.Severity)
		f.Bucket, f.Key, f.To = d.at.bucket, d.key, d.name.End
		if wanted {
			c.tell(f)
		}
	}
	if wanted {
		c.run.countDigest(&c.told, outcome)
	}
	switch {
	case v.believed && !beside:
		c.accept(d, v.signed, wanted)
		return c.take(ctx, d, v.signed, wanted)
	case v.believed:
		return c.take(ctx, d, v.signed, wanted)
	case !beside:
		c.broken(d.name.End)
	}
	return nil
}

// accept makes a digest the chain's next: it is signed, or at least not known to
// be wrong.
func (c *chain) accept(d *loaded, signed, wanted bool) {
	if c.open && !c.backfill {
		c.hole(d.file.End, c.edge)
	}
	if c.newer == nil {
		c.linked = nil
	}
	c.newer, c.edge, c.open = d, d.file.Start, false
	c.period = max(c.period, d.file.End.Sub(d.file.Start))
	c.longest = max(c.longest, c.period)
	if signed && c.linked == nil {
		c.linked = &Head{Bucket: d.file.Bucket, Key: d.key, Hash: d.hash, Signature: d.signature, End: d.file.End}
		c.heads = append(c.heads, c.linked)
	}
	if c.linked != nil {
		c.linked.Since = d.file.Start
	}
	if signed && wanted {
		c.told.From, c.told.To = d.file.Start, latest(c.told.To, d.file.End)
	}
}

// take takes over what a digest lists.
func (c *chain) take(ctx context.Context, d *loaded, signed, wanted bool) error {
	if c.passed != nil {
		c.passed[d.key] = d.hash
	}
	if !c.backfill { // those only add to what others are for
		c.cover = append(c.cover, span{d.file.Start, d.file.End})
	}
	for _, l := range d.file.LogFiles {
		if c.run.bucketOf(l.Bucket) == c.at.bucket { // another bucket's may have the same key
			c.lists(l.Object)
		}
		if wanted {
			if err := c.checkLog(ctx, l, signed); err != nil {
				return err
			}
		}
	}
	d.file.LogFiles, d.content = nil, nil // a long walk keeps none of it
	return nil
}

// broken notes that a digest that ends at a time is missing or not believed.
func (c *chain) broken(end time.Time) {
	if c.backfill {
		c.hole(end.Add(-time.Hour-rounding), end) // what it added cannot be told
	} else if !c.open {
		c.open = true
		if c.edge.IsZero() {
			c.edge = end
		}
	}
	c.newer = nil
}

// hole notes a time whose digest is missing or invalid.
func (c *chain) hole(from, to time.Time) { c.holes = append(c.holes, span{from, to}) }

// tell tells a finding of this chain.
func (c *chain) tell(f Finding) {
	if c.quiet {
		return
	}
	f.Account, f.Region, f.Trail = c.at.Account, c.at.Region, c.trail
	c.run.found(f)
}

// chainDone adds a chain to the report.
func (r *run) chainDone(told Chain, heads []*Head) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if told.Digests.Total() > 0 {
		r.report.Chains = append(r.report.Chains, told)
	}
	for _, h := range heads {
		r.heads = append(r.heads, *h)
	}
}

// countDigest counts a digest of a chain.
func (r *run) countDigest(told *Chain, outcome Severity) {
	r.Progress.Digests.Add(1)
	told.Digests.add(outcome)
	r.mu.Lock()
	defer r.mu.Unlock()
	if told.Backfill {
		r.report.Backfills.add(outcome)
		return
	}
	r.report.Digests.add(outcome)
}

func worse(a, b Severity) Severity {
	switch {
	case a == Invalid || b == Invalid:
		return Invalid
	case a == Unverified || b == Unverified:
		return Unverified
	}
	return Note
}
