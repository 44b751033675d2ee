package verify

import (
	"errors"
	"fmt"
	"time"

	"cairn/digest"
)

// follows reports whether the digest walked before was written after d, as the
// next of its chain.
func (c *chain) follows(d *loaded) bool {
	if c.newer == nil {
		return false
	}
	p := c.newer.file.Previous
	return p.Object == d.key && (d.at.bucket == "" || p.Bucket == d.at.bucket)
}

// between tells what is missing between the digest walked before and this one.
// beside means that this one is not in the chain: the one before stays the one
// whose link is followed.
func (c *chain) between(d *loaded) (beside bool) {
	p := c.newer.file.Previous
	switch {
	case p.Object == "":
		if !c.backfill && c.run.within(d.name.End, c.newer.file.Start) {
			c.tell(Finding{
				Severity: Note, Kind: Gap, Bucket: c.at.bucket, From: d.name.End, To: c.newer.file.Start,
				Text: "no digests: a chain ends and another starts, as when validation or logging is off in between",
			})
		}
		// Not a hole: the signed digest above says that it starts a chain.
		c.newer, c.edge = nil, time.Time{}
	case c.follows(d):
	case c.linksStandard(p):
		c.compareStandard(p)
	case endOf(p.Object).Before(d.name.End):
		return true
	default:
		c.missing(d.name.End)
	}
	return false
}

// tail looks at the link of the oldest digest there is.
func (c *chain) tail() {
	if c.newer == nil || c.newer.file.Previous.Object == "" {
		return
	}
	p := c.newer.file.Previous
	end := endOf(p.Object)
	switch {
	case c.linksStandard(p):
		c.compareStandard(p)
	case !end.IsZero() && !c.run.From.IsZero() && end.Before(c.run.From.Add(-earlier)): // not selected
	default:
		c.missing(time.Time{})
	}
}

// missing tells that the digest that the one before follows is not there; older
// is the end of the next one that is, zero if there is none.
func (c *chain) missing(older time.Time) {
	p, to := c.newer.file.Previous, c.newer.file.Start
	f := Finding{Severity: Invalid, Kind: DigestMissing, Bucket: c.run.bucketOf(p.Bucket), Key: p.Object, From: older, To: to, Text: "not found, though the digest after it follows it"}
	hidden := to.Sub(older)
	switch {
	case older.IsZero():
		f.From = to
		f.Text += "; there is none older (if they were removed on purpose, select the time after)"
	case c.period > 0 && hidden > c.period*3/2:
		f.Text += fmt.Sprintf("; those before it are missing too, about %d in all", int64((hidden+c.period/2)/c.period))
	}
	if c.run.within(f.From, f.To) && !c.quiet {
		c.tell(f)
		c.run.countDigest(&c.told, Invalid)
	}
	c.broken(endOf(p.Object))
}

// linksStandard reports whether a backfill digest follows one that is not.
func (c *chain) linksStandard(p digest.Previous) bool {
	name, err := digest.ParseKey(p.Object)
	return c.backfill && err == nil && !name.Backfill
}

// compareStandard checks the link from a backfill digest to one of the trail's
// other digests, which were walked before.
func (c *chain) compareStandard(p digest.Previous) {
	c.newer = nil
	var hash string
	known := c.standard != nil && c.standard.passed != nil
	if known {
		hash, known = c.standard.passed[p.Object]
	}
	f := Finding{Severity: Invalid, Bucket: c.run.bucketOf(p.Bucket), Key: p.Object, To: endOf(p.Object)}
	switch {
	case !known && (!c.run.From.IsZero() && f.To.Before(c.run.From)): // not selected
		return
	case !known:
		f.Kind, f.Text = DigestMissing, "not found, or not valid, though a backfill digest follows it"
	case p.Hash != "" && p.Hash != hash:
		f.Kind, f.Text = PreviousHash, "the backfill digest after it was signed over another content of it"
	default:
		return
	}
	c.tell(f)
}

// linkedElsewhere checks a link to a digest that another visit looks at.
func (c *chain) linkedElsewhere(d *loaded) {
	p := c.newer.file.Previous
	f := Finding{Severity: Invalid, Bucket: d.at.bucket, Key: d.key, To: c.newer.file.Start}
	switch {
	case d.kind == Unreadable:
		f.Severity, f.Kind, f.Text = Unverified, Unreadable, fmt.Sprintf("could not be read: %v", d.err)
	case errors.Is(d.err, ErrNotFound):
		f.Kind, f.Text = DigestMissing, "not found, though the digest after it follows it"
	case d.hash != p.Hash:
		f.Kind, f.Text = PreviousHash, "the digest after it was signed over another content of it"
	default:
		return
	}
	c.tell(f)
}

// endOf is the end of the digest with a key; zero if no digest has such a key.
func endOf(key string) time.Time {
	n, err := digest.ParseKey(key)
	if err != nil {
		return time.Time{}
	}
	return n.End
}
