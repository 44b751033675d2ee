package verify

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/digest"
	"cairn/digest/digesttest"
)

// expect runs a verification and compares what was found.
func expect(t *testing.T, o Options, want ...string) *Report {
	t.Helper()
	r, found := verify(t, o)
	if d := cmp.Diff(sorted(want...), brief(found)); d != "" {
		t.Errorf("findings (-want +got):\n%s\n%+v", d, found)
	}
	return r
}

func TestHeads(t *testing.T) {
	tr := sixHours(t)
	pinned := expect(t, of(tr)).Heads
	tr.Hour(t, 1)
	with := func(heads Heads) Options {
		o := of(tr)
		o.Heads = heads
		return o
	}
	newer := expect(t, with(pinned)).Heads
	if newer[0].Key != tr.Digests[6] {
		t.Errorf("the head stayed at %s", newer[0].Key)
	}
	tr.remove(tr.Digests[6], tr.Logs[12])
	expect(t, with(pinned))
	expect(t, with(newer), "invalid head-missing "+base(tr.Digests[6]))

	// Also where the time selected ends before it.
	o := with(newer)
	o.To = clock(13, 0, 0)
	expect(t, o, "invalid head-missing "+base(tr.Digests[6]))

	// Of another bucket or trail, it is none of this run's business.
	other := newer[0]
	other.Bucket = "other"
	expect(t, with(Heads{other}), "note unpinned")
	expect(t, with(Heads{}), "note unpinned")
	o = with(newer)
	o.Trail = "t2"
	expect(t, o, "unverified nothing")

	tr.again(t, 5, func(n *digest.Next) { n.LogFiles = nil })
	expect(t, with(pinned), "invalid head-changed "+base(tr.Digests[5]), "invalid log-unlisted "+base(tr.Logs[10]), "note pending 1")
}

func TestHeadsMoveOn(t *testing.T) {
	at := func(trail string, hour int) Head {
		n := digest.Name{Place: digest.Place{Account: "111122223333", Region: "eu-west-1"}, Trail: trail, HomeRegion: "eu-west-1", End: clock(hour, 4, 4)}
		return Head{Bucket: "b", Key: n.Key(), Hash: digest.Hash(nil), Signature: "00", End: n.End, Since: clock(10, 4, 4)}
	}
	old := Heads{at("a", 11), at("b", 14), at("c", 11)}
	merged := old.With(Heads{at("a", 12), at("b", 13), at("d", 11)})
	if d := cmp.Diff(Heads{at("a", 12), at("b", 14), at("c", 11), at("d", 11)}, merged); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	var file strings.Builder
	if err := merged.Write(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ParseHeads(strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(merged, read); d != "" {
		t.Errorf("written and read (-want +got):\n%s", d)
	}
	if d := cmp.Diff(merged, merged.With(nil)); d != "" {
		t.Errorf("with nothing newer (-want +got):\n%s", d)
	}
}

// TestMissingCounts checks that a removed stretch is told with its length.
func TestMissingCounts(t *testing.T) {
	tr := sixHours(t)
	tr.remove(tr.Digests[1], tr.Digests[2], tr.Digests[3])
	_, found := verify(t, of(tr))
	f := found[0]
	if f.Kind != DigestMissing || f.Key != tr.Digests[3] || !f.From.Equal(clock(11, 4, 4)) || !f.To.Equal(clock(14, 4, 4)) || !strings.Contains(f.Text, "about 3 in all") {
		t.Errorf("found %+v", f)
	}
}

func TestRestartedChain(t *testing.T) {
	tr := sixHours(t)
	tr.At, tr.Link = tr.At.Add(5*time.Hour), digest.Previous{}
	tr.Log(clock(18, 30, 0)) // while validation was off
	tr.Hour(t, 1)
	tr.Hour(t, 1)
	_, found := verify(t, of(tr))
	if d := cmp.Diff([]string{"note gap", "note uncovered 1"}, brief(found)); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if f := found[0]; !f.From.Equal(clock(16, 4, 4)) || !f.To.Equal(clock(21, 4, 4)) {
		t.Errorf("the gap is %v to %v", f.From, f.To)
	}
}

func TestPending(t *testing.T) {
	tr := sixHours(t)
	tr.Log(clock(16, 0, 0)) // close to the end of the newest digest: may be the next one's
	tr.Log(clock(16, 30, 0))
	expect(t, of(tr), "note pending 2")
}

func TestTimes(t *testing.T) {
	for name, c := range map[string]struct {
		from, to time.Time
		remove   []int
		digests  int64
		want     []string
	}{
		"from":                    {from: clock(13, 30, 0), digests: 3},
		"to":                      {to: clock(13, 30, 0), digests: 4},
		"both":                    {from: clock(12, 30, 0), to: clock(13, 30, 0), digests: 2},
		"older removed":           {from: clock(13, 30, 0), remove: []int{0, 1}, digests: 3},
		"newer removed":           {to: clock(12, 30, 0), remove: []int{4}, digests: 3},
		"removed inside":          {from: clock(12, 30, 0), to: clock(14, 30, 0), remove: []int{3}, digests: 3, want: []string{"invalid digest-missing", "unverified hole 2"}},
		"nothing there":           {from: clock(23, 0, 0), want: []string{"unverified nothing"}},
		"nothing there but later": {to: clock(9, 0, 0), want: []string{"unverified nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			tr := sixHours(t)
			for _, i := range c.remove {
				tr.remove(tr.Digests[i])
			}
			o := of(tr)
			o.From, o.To = c.from, c.to
			r, found := verify(t, o)
			for i := range found {
				found[i].Key = ""
			}
			if d := cmp.Diff(sorted(c.want...), brief(found)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if r.Digests.Total() != c.digests {
				t.Errorf("%d digests were counted, want %d", r.Digests.Total(), c.digests)
			}
		})
	}
}

// TestSharedFolder checks two trails that deliver to one folder, of which one
// is asked for: the files of the other are not strangers.
func TestSharedFolder(t *testing.T) {
	a := sixHours(t)
	b := &trail{digesttest.NewTrail(a.Store, "t2")}
	for range 6 {
		b.Hour(t, 3)
	}
	if r := expect(t, of(a)); r.Digests.Valid != 12 || r.LogFiles.Valid != 30 || len(r.Chains) != 2 {
		t.Errorf("both: %+v", r)
	}
	o := of(a)
	o.Trail, o.HomeRegion = "t1", "eu-west-1"
	b.alter(b.Logs[3], func([]byte) []byte { return nil })
	b.remove(b.Logs[4])
	if r := expect(t, o); r.Digests.Valid != 6 || r.LogFiles.Valid != 12 || len(r.Chains) != 1 || len(r.Heads) != 1 {
		t.Errorf("one: %+v", r)
	}
	// A digest of the other trail that is not signed vouches for nothing.
	b.rewrite(t, b.Digests[2], func(c []byte) []byte { return append(c, ' ') })
	expect(t, o, "unverified hole 3")
}

func TestBackfill(t *testing.T) {
	backfill := func(t *testing.T, tr *trail, hour int, previous digest.Previous) *digest.Signed {
		t.Helper()
		end := clock(hour, 4, 4)
		name := digest.Name{Place: tr.Place, Trail: tr.Name, HomeRegion: tr.Home, End: end, Backfill: true}
		return tr.Put(t, digesttest.Key(), digest.Next{
			Name: name, Bucket: tr.Bucket, Start: end.Add(-time.Hour), Previous: previous, Generated: end.Add(3 * time.Hour),
			LogFiles: []digest.LogFile{tr.Log(end.Add(-20 * time.Minute))},
		})
	}
	for name, c := range map[string]struct {
		previous func(tr *trail, first *digest.Signed) digest.Previous
		heads    int
	}{
		"chained":          {func(_ *trail, first *digest.Signed) digest.Previous { return first.Link() }, 2},
		"each by itself":   {func(*trail, *digest.Signed) digest.Previous { return digest.Previous{} }, 3},
		"after the others": {func(tr *trail, _ *digest.Signed) digest.Previous { return tr.Link }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			tr := sixHours(t)
			first := backfill(t, tr, 12, digest.Previous{})
			link := c.previous(tr, first)
			second := backfill(t, tr, 14, link)
			if r := expect(t, of(tr)); r.Backfills.Valid != 2 || r.Digests.Valid != 6 || r.LogFiles.Valid != 14 || len(r.Heads) != c.heads {
				t.Errorf("%+v", r)
			}
			tr.Store[tr.Full(second.File.Object)] = digesttest.Object{Body: second.Object(), Metadata: map[string]string{
				digest.MetaSignature: second.Signature, digest.MetaAlgorithm: digest.SignatureAlgorithm,
			}}
			expect(t, of(tr), "invalid digest-format "+base(second.File.Object), "unverified hole 1")
			tr.remove(second.File.Object)
			tr.Store[tr.Full(second.File.Object)] = digesttest.Object{Body: second.Object(), Metadata: second.Metadata()}
			if link.Object != "" {
				tr.remove(link.Object)
				_, found := verify(t, of(tr))
				if !strings.Contains(strings.Join(brief(found), " "), "invalid digest-missing "+base(link.Object)) {
					t.Errorf("removed: %v", brief(found))
				}
			}
		})
	}
}

// TestMovedTrail checks a trail whose bucket, then prefix, changed.
func TestMovedTrail(t *testing.T) {
	tr := sixHours(t)
	tr.Bucket = "second"
	tr.Hour(t, 2)
	tr.Prefix = "p"
	tr.Hour(t, 2)

	o := Options{Source: source{tr.Store}, Bucket: "second"}
	if r := expect(t, o); r.Digests.Valid != 8 || r.LogFiles.Valid != 16 {
		t.Errorf("from the second bucket: %+v", r)
	}
	o.Prefix = "p"
	if r := expect(t, o); r.Digests.Valid != 8 || r.LogFiles.Valid != 16 {
		t.Errorf("from the prefix: %+v", r)
	}
	delete(tr.Store, "second/"+tr.Digests[6])
	expect(t, o, "invalid digest-missing "+base(tr.Digests[6]))
	o.Prefix = ""
	_, found := verify(t, o)
	if got := strings.Join(brief(found), " "); !strings.Contains(got, "invalid digest-missing "+base(tr.Digests[6])) {
		t.Errorf("found %s", got)
	}
}

func TestPlaces(t *testing.T) {
	tr := sixHours(t)
	for _, p := range []digest.Place{
		{Account: "444455556666", Region: "eu-west-1"},
		{Account: "111122223333", Region: "us-east-1"},
		{Prefix: "a/b", Organization: "o-1a2b3c4d5e", Account: "111122223333", Region: "eu-west-1"},
	} {
		other := &trail{digesttest.NewTrail(tr.Store, "t1")}
		other.Place = p
		other.Hour(t, 1)
	}
	// Folders that are none of ours.
	tr.Store[tr.Full("AWSLogs/111122223333/elasticloadbalancing/eu-west-1/x")] = digesttest.Object{}
	tr.Store[tr.Full("AWSLogs/111122223333/CloudTrail-Digest/")] = digesttest.Object{}
	keys := keyList()
	keys.Keys[0].Region = "" // any
	for name, c := range map[string]struct {
		change func(o *Options)
		want   int64
	}{
		"all":           {func(*Options) {}, 9},
		"an account":    {func(o *Options) { o.Account = "444455556666" }, 1},
		"a region":      {func(o *Options) { o.Region = "us-east-1" }, 1},
		"a prefix":      {func(o *Options) { o.Prefix = "a/b/" }, 1},
		"above it":      {func(o *Options) { o.Prefix = "a" }, 1},
		"AWSLogs":       {func(o *Options) { o.Prefix = "AWSLogs" }, 8},
		"below AWSLogs": {func(o *Options) { o.Prefix = "AWSLogs/111122223333" }, 7},
		"a folder":      {func(o *Options) { o.Prefix = "AWSLogs/111122223333/CloudTrail-Digest" }, 7},
		"a place":       {func(o *Options) { o.Prefix = "AWSLogs/111122223333/CloudTrail/us-east-1/" }, 1},
		"organization":  {func(o *Options) { o.Prefix = "a/b/AWSLogs/o-1a2b3c4d5e/111122223333" }, 1},
	} {
		o := of(tr)
		o.Keys = keys
		c.change(&o)
		r, found := verify(t, o)
		if r.Digests.Valid != c.want || len(found) != 0 {
			t.Errorf("%s: %d digests, want %d; found %v", name, r.Digests.Valid, c.want, found)
		}
	}
}

func TestDelivered(t *testing.T) {
	tr := sixHours(t)
	for latest, want := range map[time.Time][]string{
		{}:               {},
		clock(16, 8, 0):  {},
		clock(17, 30, 0): {"invalid head-missing"},
	} {
		o := of(tr)
		o.Delivered = func(context.Context, digest.Place) (time.Time, error) { return latest, nil }
		expect(t, o, want...)
	}
	o := of(tr)
	o.Delivered = func(context.Context, digest.Place) (time.Time, error) { return time.Time{}, errors.New("no") }
	expect(t, o, "note unreadable")
}

// faulty is a source whose objects fail to be read so many times.
type faulty struct {
	source
	fails map[string]int
}

func (f faulty) Open(ctx context.Context, bucket, key string) (*Object, error) {
	o, err := f.source.Open(ctx, bucket, key)
	if n := f.fails[key]; n > 0 && err == nil {
		f.fails[key]--
		if n%2 == 0 {
			return nil, errors.New("no connection")
		}
		o.Body = io.NopCloser(io.MultiReader(io.LimitReader(o.Body, 20), brokenReader{}))
	}
	return o, err
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

func TestUnreadable(t *testing.T) {
	tr := sixHours(t)
	o := of(tr)
	o.InFlight = 1
	o.Source = faulty{source{tr.Store}, map[string]int{tr.Logs[1]: 2, tr.Digests[1]: 2}}
	expect(t, o) // tried again
	o.Source = faulty{source{tr.Store}, map[string]int{tr.Logs[1]: 9, tr.Digests[4]: 9}}
	r := expect(t, o, "unverified unreadable "+base(tr.Logs[1]), "unverified unreadable "+base(tr.Digests[4]), "unverified hole 2")
	if r.Outcome() != Unverified || r.LogFiles != (Count{Valid: 9, Unverified: 1}) {
		t.Errorf("%+v", r)
	}
}

type noKeys struct{}

func (noKeys) PublicKeys(context.Context, string, time.Time, time.Time) ([]digest.PublicKey, error) {
	return nil, errors.New("access denied")
}

func TestRunFails(t *testing.T) {
	tr := sixHours(t)
	o := of(tr)
	o.Keys = noKeys{}
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "get the public keys of eu-west-1") {
		t.Errorf("without keys: %v", err)
	}
	o.Keys = keyList()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
