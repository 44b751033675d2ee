package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cairn/digest"
)

// Head is the newest digest of a chain as a run saw it. Kept outside the
// bucket, it shows when the newest digests are removed: nothing in the bucket
// can, as each digest only speaks of those before it.
type Head struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	// Hash is the SHA-256 of its content, Signature its signature.
	Hash      string    `json:"hash"`
	Signature string    `json:"signature"`
	End       time.Time `json:"end"`
	// Since is where the run's walk from it came to an end: where the chain
	// starts, or what was selected.
	Since time.Time `json:"since,omitzero"`
}

// Heads are the heads of several chains, sorted by bucket and key.
type Heads []Head

// ParseHeads reads what [Heads.Write] wrote.
func ParseHeads(r io.Reader) (Heads, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var file headFile
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("read chain heads: %w", err)
	}
	for _, h := range file.Heads {
		name, err := digest.ParseKey(h.Key)
		if err != nil {
			return nil, fmt.Errorf("read chain heads: %w", err)
		}
		if len(h.Hash) != 64 || !name.End.Equal(h.End) {
			return nil, fmt.Errorf("read chain heads: the entry of %s is damaged", h.Key)
		}
	}
	return file.Heads, nil
}

type headFile struct {
	Heads Heads `json:"heads"`
}

// Write writes the heads as JSON.
func (h Heads) Write(w io.Writer) error {
	if h == nil {
		h = Heads{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(headFile{h}); err != nil {
		return fmt.Errorf("write chain heads: %w", err)
	}
	return nil
}

// With returns the heads brought up to date with those of a run. A head goes only
// if one is there that the run came from to it: a trail that was stopped and
// started again has several, and the older chain could be removed if only the
// newest were demanded.
func (h Heads) With(newer Heads) Heads {
	chains := map[string]Heads{}
	for _, head := range slices.Concat(h, newer) {
		c := head.chain()
		chains[c] = append(slices.DeleteFunc(chains[c], func(old Head) bool { return old.Key == head.Key }), head)
	}
	merged := make(Heads, 0, len(chains))
	for _, heads := range chains {
		for _, head := range heads {
			if !slices.ContainsFunc(heads, func(o Head) bool { return o.reaches(head) }) {
				merged = append(merged, head)
			}
		}
	}
	slices.SortFunc(merged, func(a, b Head) int { return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key)) })
	return merged
}

// reaches reports whether the run that saw this head came from it to another one
// of its chain.
func (h Head) reaches(older Head) bool {
	return older.Key != h.Key && !h.Since.IsZero() && older.End.After(h.Since) && !older.End.After(h.End)
}

// chain names the head's chain: its key without the time. A chain that moved to
// another bucket is another one here.
func (h Head) chain() string {
	n, err := digest.ParseKey(h.Key)
	if err != nil {
		return h.Key // ParseHeads lets none through
	}
	n.End = time.Time{}
	return h.Bucket + "/" + n.Key()
}

// headAt returns the earlier run's head that is this digest.
func (r *run) headAt(d *loaded) (Head, bool) {
	for _, h := range r.Heads {
		if h.Key == d.key && (r.Bucket == "" || h.Bucket == d.at.bucket) {
			return h, true
		}
	}
	return Head{}, false
}

// pinned notes if no head of the chain was saved: whoever gives some may think
// that all chains are held to one.
func (c *chain) pinned() {
	if c.run.Heads == nil || c.backfill || c.told.Digests.Total() == 0 {
		return
	}
	of := Head{Bucket: c.at.bucket, Key: digest.Name{Place: c.at.Place, Trail: c.trail, HomeRegion: c.home}.Key()}.chain()
	for _, h := range c.run.Heads {
		if c.at.bucket == "" {
			h.Bucket = ""
		}
		if h.chain() == of {
			return
		}
	}
	c.tell(Finding{Severity: Note, Kind: Unpinned, Bucket: c.at.bucket, From: c.told.From, To: c.told.To, Text: "no head of this chain was saved before: that its newest digests were removed does not show"})
}

// compareHead checks a digest that is an earlier run's head.
func (r *run) compareHead(d *loaded) *Finding {
	h, ok := r.headAt(d)
	if !ok {
		return nil
	}
	r.mu.Lock()
	r.seen[h.Bucket+"/"+h.Key] = true
	r.mu.Unlock()
	if d.hash != "" && d.hash == h.Hash {
		return nil
	}
	return &Finding{Severity: Invalid, Kind: HeadChanged, Text: "it is not the digest that was here when the chain's head was saved"}
}

// absentHeads looks for the heads that the run did not come across.
func (r *run) absentHeads(ctx context.Context) error {
	for _, h := range r.Heads {
		name, err := digest.ParseKey(h.Key)
		if err != nil {
			return err
		}
		if r.seen[h.Bucket+"/"+h.Key] || !r.selectsHead(h, name) {
			continue
		}
		d := r.load(ctx, spot{bucket: r.bucketOf(h.Bucket), Place: name.Place}, h.Key)
		f := Finding{Severity: Invalid, Kind: HeadMissing, Text: "the newest digest when the chain's head was saved is gone, and so may be digests after it"}
		switch {
		case d.kind == Unreadable:
			f = Finding{Severity: Unverified, Kind: Unreadable, Text: fmt.Sprintf("the saved head could not be read: %v", d.err)}
		case !errors.Is(d.err, ErrNotFound):
			changed := r.compareHead(d)
			if changed == nil {
				continue
			}
			f = *changed
		}
		f.Bucket, f.Key, f.Account, f.Region, f.Trail, f.To = d.at.bucket, h.Key, name.Account, name.Region, name.Trail, name.End
		r.found(f)
	}
	return ctx.Err()
}

// selectsHead reports whether the options reach a head's chain.
func (r *run) selectsHead(h Head, n digest.Name) bool {
	return (r.Bucket == "" || h.Bucket == r.Bucket) && r.selects(n) && (r.Account == "" || n.Account == r.Account) &&
		(r.Region == "" || n.Region == r.Region) && underPrefix(h.Key, r.Prefix)
}

// selects reports whether the options select a digest's trail.
func (r *run) selects(n digest.Name) bool {
	return (r.Trail == "" || n.Trail == r.Trail) && (r.HomeRegion == "" || n.HomeRegion == r.HomeRegion)
}
