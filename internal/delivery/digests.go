package delivery

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn/digest"
	"cairn/internal/signkey"
	"cairn/internal/trail"
)

// follow opens an interval for a trail that asks for digests and logs, and closes
// it when the trail asks no more. The end of logging closes it too, see pass.
func (p *pump) follow(ctx context.Context, t *trail.Trail, row *Progress) (*Progress, error) {
	span, _ := t.Span(row.Span)
	wanted := p.kind == Bucket && t.Validate && span != nil
	if wanted == row.Digests.on() {
		return row, nil
	}
	now := p.o.Now()
	// A crash before this leaves the chains as they were, and nothing was
	// delivered since; the next start comes here again.
	row, err := p.update(ctx, row, func(r *Progress) {
		if r.Digests == nil {
			r.Digests = &Digests{}
		}
		if wanted {
			r.Digests.begin(now, p.o.DigestInterval)
		} else {
			r.Digests.finish(now)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("begin or end digests: %w", err)
	}
	if wanted {
		// Whoever validates asks for keys first, and takes none for an error.
		if _, err := p.o.Keys.At(ctx, t.HomeRegion, row.Digests.End); err != nil {
			p.log.WarnContext(ctx, "no key to sign digests with; it will be tried again when there are any", "error", err)
		}
	}
	return row, nil
}

// keep makes room for log files that were delivered: those that are too many for
// the progress row go to rows of their own. It returns what the progress row is to
// hold of rows and files.
func (p *pump) keep(ctx context.Context, row *Progress, files []LogFile) ([]PendingRow, []LogFile, error) {
	rows := slices.Clone(row.Digests.Rows)
	p.markLeft(row, files)
	files = append(slices.Clone(row.Digests.Files), files...)
	for len(files) >= p.rowFiles {
		n := freeRow(rows)
		// A crash after this leaves a row that nothing refers to; the plan is then
		// carried out again and writes a row of the same number.
		if err := p.o.Pending.Put(ctx, &Pending{TrailID: p.id, Files: files[:p.rowFiles]}, p.pendingKey(n)...); err != nil {
			return nil, nil, fmt.Errorf("save list of log files to digest: %w", err)
		}
		rows, files = append(rows, PendingRow{Number: n, Files: p.rowFiles}), files[p.rowFiles:]
	}
	return rows, files, nil
}

// markLeft marks log files that were delivered so long after they were planned and
// named that the digests of that time were closed without them: their bucket had
// refused them. Backfill digests list those. A file of a place that has no chain
// yet begins one, as if it were not late.
func (p *pump) markLeft(row *Progress, files []LogFile) {
	left := row.Digests.leftOut(row.Plan.Time, p.o.DigestInterval)
	if left == nil {
		return
	}
	for i := range files {
		f := &files[i]
		c, ok := p.o.Chains.Get(slices.Concat(p.key, []string{f.Account, f.Region})...)
		if ok && c.TrailID == p.id && !c.Over {
			f.Left = left
		}
	}
}

// waiting returns the log files that wait, oldest first.
func (p *pump) waiting(d *Digests) ([]LogFile, error) {
	var all []LogFile
	for _, r := range d.Rows {
		row, ok := p.o.Pending.Get(p.pendingKey(r.Number)...)
		if !ok || row.TrailID != p.id || len(row.Files) != r.Files {
			return nil, fmt.Errorf("read list %d of log files to digest: it is missing or not this trail's; restore the state from a backup", r.Number)
		}
		all = append(all, row.Files...)
	}
	all = append(all, d.Files...)
	return all[d.Listed:], nil
}

// digest closes the interval that is over, if one is, and writes the digests of
// those that are closed.
func (p *pump) digest(ctx context.Context) error {
	t := p.find()
	row, ok := p.o.Progress.Get(p.row...)
	if t == nil || !ok || row.TrailID != p.id || row.Digests == nil {
		return nil
	}
	now := p.o.Now()
	due := row.Digests.due(now)
	if !due && len(row.Digests.Closed) == 0 {
		return nil
	}
	files, err := p.waiting(row.Digests)
	if err != nil {
		return err
	}
	if due {
		// A crash before this leaves the interval open: it is closed at the next
		// start, for longer. After it, what its digests list and how they are named
		// is settled.
		row, err = p.update(ctx, row, func(r *Progress) { r.Digests.turn(now, p.o.DigestInterval, files) })
		if err != nil {
			return fmt.Errorf("close interval of digests: %w", err)
		}
	}
	for len(row.Digests.Closed) > 0 {
		n := row.Digests.Closed[0].Files
		at := p.o.Now().UTC()
		if err := p.write(ctx, t, row.Digests.Closed[0], files[:n]); err != nil {
			return failure{err, at}
		}
		if row, err = p.digested(ctx, row, at); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// digested notes that the digests of the oldest closed interval are written.
func (p *pump) digested(ctx context.Context, row *Progress, at time.Time) (*Progress, error) {
	var free []PendingRow
	// A crash before this leaves the digests written, and each chain knows that
	// its own is: the next start passes over them and comes here again.
	row, err := p.update(ctx, row, func(r *Progress) {
		free = r.Digests.written(p.o.Now().UTC())
		r.Digests.Attempted = at
	})
	if err != nil {
		return nil, fmt.Errorf("save digests: %w", err)
	}
	for _, r := range free {
		// A row that stays, because of a crash or an error, is written over when
		// its number comes again.
		if err := p.o.Pending.Delete(ctx, p.pendingKey(r.Number)...); err != nil {
			p.log.DebugContext(ctx, "a list of log files that were digested is left", "number", r.Number, "error", err)
		}
	}
	return row, nil
}

// link is a chain that gets a digest, and what the digest lists.
type link struct {
	account, region string
	chain           *Chain // nil: it begins
	files           []digest.LogFile
	// backfill are digests of intervals that left log files out, oldest first.
	backfill []backfill
}

// backfill is a backfill digest to be written.
type backfill struct {
	Span
	files []digest.LogFile
}

// add adds a log file. If the digest of an interval left it out, a backfill digest
// of that interval lists it, unless the chain of those is past that: their names
// are the ends of intervals, and each is written once. A clock that is set back and
// forward brings intervals in any order.
func (l *link) add(f LogFile) {
	if f.Left == nil || l.chain != nil && l.chain.Backfill != nil && !l.chain.Backfill.End.Before(f.Left.End) {
		l.files = append(l.files, f.LogFile)
		return
	}
	i, ok := slices.BinarySearchFunc(l.backfill, f.Left.End, func(b backfill, end time.Time) int { return b.End.Compare(end) })
	if !ok {
		l.backfill = slices.Insert(l.backfill, i, backfill{Span: *f.Left})
	}
	l.backfill[i].files = append(l.backfill[i].files, f.LogFile)
}

// links returns the chains that get a digest for an interval, sorted: the home
// region's always, and those of the regions that have one or have log files in
// the interval. So every region's chain begins with its first log file, and is
// complete from there on.
func (p *pump) links(t *trail.Trail, in Interval, files []LogFile) []*link {
	byPlace := map[[2]string]*link{}
	at := func(account, region string) *link {
		place := [2]string{account, region}
		if byPlace[place] == nil {
			byPlace[place] = &link{account: account, region: region}
		}
		return byPlace[place]
	}
	at(t.Account, t.HomeRegion)
	for _, row := range p.o.Chains.List(p.key...) {
		c := row.Value
		if c.TrailID != p.id || c.Over && !c.End.Equal(in.End) {
			continue
		}
		at(row.Key[len(p.key)], row.Key[len(p.key)+1]).chain = c
	}
	for _, f := range files {
		at(f.Account, f.Region).add(f)
	}
	all := make([]*link, 0, len(byPlace))
	for _, l := range byPlace {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *link) int {
		return cmp.Or(strings.Compare(a.account, b.account), strings.Compare(a.region, b.region))
	})
	return all
}

// write writes the digests of an interval, one after the other. Everything in
// them follows from the interval, the chains and the trail's configuration, so
// that they can be written again.
func (p *pump) write(ctx context.Context, t *trail.Trail, in Interval, files []LogFile) error {
	for _, l := range p.links(t, in, files) {
		if l.chain == nil || !l.chain.End.Equal(in.End) { // else written before a crash or a failure
			if err := p.extend(ctx, t, in, l); err != nil {
				return err
			}
		}
		for _, b := range l.backfill { // those written before a crash or a failure are not among them
			if err := p.fill(ctx, t, in, l, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// extend writes the next digest of a chain.
func (p *pump) extend(ctx context.Context, t *trail.Trail, in Interval, l *link) error {
	next := digest.Next{Name: p.nameOf(t, l), Bucket: t.Bucket, Start: in.Start, LogFiles: l.files}
	next.Name.End = in.End
	c := &Chain{TrailID: p.id, End: in.End, Over: in.Last}
	if l.chain != nil {
		next.Start, next.Previous, c.Backfill = l.chain.End, l.chain.Last, l.chain.Backfill
	}
	d, err := p.put(ctx, t, next, in.End)
	if err != nil {
		return err
	}
	c.Last = d.Link()
	return p.save(ctx, l, c)
}

// fill writes a backfill digest. How AWS's are chained is not documented: here each
// follows the one before, beside the chain of the others (spec 3.1).
func (p *pump) fill(ctx context.Context, t *trail.Trail, in Interval, l *link, b backfill) error {
	next := digest.Next{Name: p.nameOf(t, l), Bucket: t.Bucket, Start: b.Start, LogFiles: b.files, Generated: in.End}
	next.Name.End, next.Name.Backfill = b.End, true
	if last := l.chain.Backfill; last != nil {
		next.Previous = last.Last
	}
	d, err := p.put(ctx, t, next, in.End)
	if err != nil {
		return err
	}
	c := *l.chain
	c.Backfill = &Backfill{Last: d.Link(), End: b.End, Made: in.End}
	return p.save(ctx, l, &c)
}

// nameOf returns the name of a chain's digests, without their end.
func (p *pump) nameOf(t *trail.Trail, l *link) digest.Name {
	return digest.Name{
		Place: digest.Place{Prefix: t.Prefix, Organization: t.OrganizationID, Account: l.account, Region: l.region},
		Trail: t.Name, HomeRegion: t.HomeRegion,
	}
}

// put signs a digest with the key of a time and writes it.
func (p *pump) put(ctx context.Context, t *trail.Trail, next digest.Next, signed time.Time) (*digest.Signed, error) {
	if late := p.o.Now().Add(-signkey.Late); signed.Before(late) {
		signed = late // the key of then is gone
	}
	key, err := p.o.Keys.At(ctx, next.Name.Region, signed)
	if err != nil {
		return nil, err
	}
	d, err := digest.Make(key, next)
	if err != nil {
		return nil, err
	}
	// A crash before this leaves the digests before this one; after it, this one
	// too. The interval is then done again: this digest is written once more, with
	// the same name and bytes.
	if err := p.o.Dest.PutObject(ctx, t, d.File.Object, d.Object(), d.Metadata()); err != nil {
		return nil, fmt.Errorf("write digest %s to bucket %s: %w", d.File.Object, t.Bucket, err)
	}
	return d, nil
}

// save makes it durable how a chain ends: from here on it goes on from there.
func (p *pump) save(ctx context.Context, l *link, c *Chain) error {
	if err := p.o.Chains.Put(ctx, c, slices.Concat(p.key, []string{l.account, l.region})...); err != nil {
		return fmt.Errorf("save digest chain of %s in %s: %w", l.account, l.region, err)
	}
	l.chain = c
	return nil
}
