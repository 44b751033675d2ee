package delivery

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"cairn/digest"
	"cairn/internal/awserr"
	"cairn/internal/trail"
)

// testKeys has one key for everything.
type testKeys struct{}

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := digest.GenerateKey()
	if err != nil {
		panic(err)
	}
	return key
})

func (testKeys) At(context.Context, string, time.Time) (*rsa.PrivateKey, error) {
	return testKey(), nil
}

// digests returns the digests in the bucket by region and end, after having
// checked each by itself and against the one before: signature, place, interval,
// and that every log file is listed once, with its hash. Chains are shown as one
// text for each region:
//
//	[12:00:00-12:02:00 2] [12:02:00-13:02:00 0] | [14:00:00-...
//
// start, end and number of log files; a bar where a chain begins anew.
func (w *world) digests(t *testing.T) map[string]string {
	t.Helper()
	w.dest.mu.Lock()
	defer w.dest.mu.Unlock()
	listed := map[string]bool{}
	shown := map[string]string{}
	last := map[string]*digest.Signed{}
	end := func(key string) string { // sorts by time, whatever the place
		key = strings.TrimSuffix(key, "_backfill.json.gz")
		return key[strings.LastIndexByte(key, '_'):]
	}
	for _, key := range slices.SortedFunc(maps.Keys(w.dest.objects), func(a, b string) int { return strings.Compare(end(a), end(b)) }) {
		meta := w.dest.meta[key]
		if meta == nil {
			continue
		}
		f, content := w.checkDigest(t, key)
		region := strings.Split(f.Object, "/CloudTrail-Digest/")[1]
		region, _, _ = strings.Cut(region, "/")
		made, filled := meta[digest.MetaBackfill]
		if filled {
			region += " backfill"
		}
		before := last[region]
		switch {
		case f.Previous == digest.Previous{}:
			if before != nil {
				shown[region] += " |"
				if f.Start.Before(before.File.End) {
					t.Errorf("%s begins within the chain before", key)
				}
			}
		case before == nil:
			t.Errorf("%s: there is none before %v", key, f.Start)
		case f.Previous != before.Link() || !f.Start.Equal(before.File.End) && !filled:
			t.Errorf("%s does not follow %s (%v): %+v, want %+v", key, before.File.Object, before.File.End, f.Previous, before.Link())
		}
		last[region] = &digest.Signed{File: *f, Content: content, Signature: meta[digest.MetaSignature]}
		if filled != strings.HasSuffix(f.Object, "_backfill.json.gz") {
			t.Errorf("%s is generated %q", key, made)
		}
		shown[region] += fmt.Sprintf(" [%s-%s %d]", f.Start.Format(time.TimeOnly), f.End.Format(time.TimeOnly), len(f.LogFiles))
		if filled {
			shown[region] += " at " + made
		}
		for _, l := range f.LogFiles {
			if listed[l.Object] {
				t.Errorf("%s is listed twice", l.Object)
			}
			listed[l.Object] = true
		}
	}
	for key := range w.dest.objects {
		if strings.Contains(key, "/CloudTrail/") && !listed[strings.TrimPrefix(key, "new:")] && !w.undigested[key] {
			t.Errorf("%s is not listed", key)
		}
	}
	for region, s := range shown {
		shown[region] = s[1:]
	}
	return shown
}

func (w *world) checkDigest(t *testing.T, key string) (*digest.File, []byte) {
	t.Helper()
	content, err := digest.Decode(w.dest.objects[key])
	if err != nil {
		t.Fatal(key, err)
	}
	f, err := digest.Parse(content)
	if err != nil {
		t.Fatal(key, err)
	}
	place := f.Object
	if f.Bucket != "b" {
		place = f.Bucket + ":" + f.Object
	}
	if place != key {
		t.Errorf("%s says it is %s", key, place)
	}
	if err := digest.Verify(&testKey().PublicKey, f, content, w.dest.meta[key][digest.MetaSignature]); err != nil {
		t.Error(key, err)
	}
	for _, l := range f.LogFiles {
		at := l.Object
		if l.Bucket != "b" {
			at = l.Bucket + ":" + l.Object
		}
		z, err := gzip.NewReader(bytes.NewReader(w.dest.objects[at]))
		if err != nil {
			t.Fatalf("%s lists %s: %v", key, at, err)
		}
		text, err := io.ReadAll(z)
		if err != nil || digest.Hash(text) != l.Hash || l.OldestEvent.IsZero() || l.NewestEvent.Before(l.OldestEvent) {
			t.Errorf("%s lists %s as %+v, %v", key, at, l, err)
		}
	}
	return f, content
}

// day is a trail with validation and a running delivery, in a synctest bubble.
type day struct {
	*world
	*testing.T
	tr    *trail.Trail
	calls int
}

func newDay(t *testing.T) (*day, func()) {
	w := newWorld()
	w.undigested = map[string]bool{}
	time.Sleep(time.Until(noon))
	d := &day{world: w, T: t, tr: w.newTrail("audit")}
	d.tr.Validate = true
	d.put(d.tr)
	return d, w.start(t)
}

// until sleeps until a time of the day, such as 13:02.
func (d *day) until(at string) {
	d.Helper()
	c, err := time.Parse("15:04:05", at)
	if err != nil {
		d.Fatal(err)
	}
	time.Sleep(time.Until(time.Date(2026, 3, 1, c.Hour(), c.Minute(), c.Second(), 0, time.UTC)))
	synctest.Wait()
}

func (d *day) events(regions ...string) {
	for _, r := range regions {
		d.journal.add(d.record(r, "A"))
	}
}

func (d *day) stop() {
	d.calls++
	request := fmt.Sprintf("stop%d", d.calls)
	d.tr.Stop(request, trail.Mark{}, time.Now())
	d.put(d.tr)
	e := (&history{world: d.world, rnd: newRand(), now: time.Now()}).call("cloudtrail.amazonaws.com", "StopLogging", request)
	e.Header.Region = home
	d.journal.add(e)
}

func (d *day) resume() {
	d.tr.Prune(Delivered(d.progress, d.tr))
	d.tr.Start(mark(d.journal.End()), time.Now())
	d.put(d.tr)
}

func (d *day) want(chains map[string]string) {
	d.Helper()
	if diff := cmp.Diff(chains, d.digests(d.T)); diff != "" {
		d.Error(diff)
	}
}

func TestDigestChains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		d.events(home, "us-east-1")
		d.until("12:01:59")
		if n := d.dest.writes(); n != 2 {
			t.Errorf("%d objects before the first digests, want two log files", n)
		}
		d.until("12:02:00")
		// The other region's chain begins with its first file, and goes on without.
		d.want(map[string]string{home: "[12:00:00-12:02:00 1]", "us-east-1": "[12:00:00-12:02:00 1]"})
		d.until("13:30:00")
		d.events(home, "ap-south-1")
		d.until("13:40:00")
		d.events(home)
		d.until("14:02:00")
		if row := Status(d.progress, d.tr, Bucket); !row.Digests.Succeeded.Equal(time.Now()) || row.Digests.Error != "" || len(row.Digests.Files) != 0 {
			t.Errorf("status %+v", row.Digests)
		}
		end()
		d.want(map[string]string{
			home:         "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 2]",
			"us-east-1":  "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 0]",
			"ap-south-1": "[13:02:00-14:02:00 1]",
		})
		// Not running for hours: one digest covers them. The final one ends the chain.
		d.events(home)
		d.until("19:00:00")
		defer d.start(t)()
		synctest.Wait()
		d.until("19:30:30")
		d.events(home)
		d.stop()
		d.until("19:31:00")
		want := "[12:00:00-12:02:00 1] [12:02:00-13:02:00 0] [13:02:00-14:02:00 2] [14:02:00-18:02:00 0] [18:02:00-19:02:00 1] [19:02:00-19:30:36 1]"
		d.want(map[string]string{
			home:         want,
			"us-east-1":  strings.Replace(want[:strings.Index(want, " [18")], "2]", "0]", 1) + " [18:02:00-19:02:00 0] [19:02:00-19:30:36 0]",
			"ap-south-1": "[13:02:00-14:02:00 1] [14:02:00-18:02:00 0] [18:02:00-19:02:00 0] [19:02:00-19:30:36 0]",
		})
		d.until("22:00:00")
		d.resume()
		d.until("22:10:00")
		if got := d.digests(t)[home]; got != want+" | [22:00:05-22:02:05 0]" {
			t.Error(got)
		}
	})
}

func TestDigestsFollowTheTrail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		defer end()
		d.events(home)
		d.until("12:30:00")
		d.events(home)
		d.until("12:30:10")
		d.tr.Bucket = "new"
		d.put(d.tr)
		d.events(home)
		d.until("13:10:00")
		chain := "[12:00:00-12:02:00 1] [12:02:00-13:02:00 2]"
		d.want(map[string]string{home: chain})
		key := slices.Collect(maps.Keys(d.dest.objects))
		slices.Sort(key)
		i := slices.IndexFunc(key, func(k string) bool { return strings.HasPrefix(k, "new:") && strings.Contains(k, "-Digest") })
		if f, _ := d.checkDigest(t, key[i]); f.Previous.Bucket != "b" || f.Bucket != "new" {
			t.Errorf("the first digest in the new bucket: %+v", f)
		}
		d.tr.Validate = false
		d.put(d.tr)
		d.until("13:20:00")
		before := maps.Clone(d.dest.objects)
		d.events(home)
		d.until("15:00:00")
		for key := range d.dest.objects {
			d.undigested[key] = before[key] == nil
		}
		chain += " [13:02:00-13:10:06 0]"
		d.want(map[string]string{home: chain})
		d.tr.Validate = true
		d.put(d.tr)
		d.events(home)
		d.until("15:30:00")
		d.want(map[string]string{home: chain + " | [15:00:05-15:02:05 1]"})
		// Selecting otherwise does not end a chain.
		d.tr.Select(trail.Selection{}, mark(d.journal.End()))
		d.put(d.tr)
		d.events(home)
		d.until("16:05:00")
		d.want(map[string]string{home: chain + " | [15:00:05-15:02:05 1] [15:02:05-16:02:05 1]"})
	})
}

// TestDigestsRefused checks that a bucket which takes log files and no digests
// gets the log files, says so in the status, and that the digests then catch up.
func TestDigestsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		defer end()
		d.dest.failWith(func(op string) (error, bool) {
			if op != "digest" {
				return nil, true
			}
			return fmt.Errorf("put: %w", awserr.New(403, "AccessDenied", "Access Denied")), false
		})
		for _, at := range []string{"12:10:00", "13:10:00", "14:10:00"} {
			d.events(home)
			d.until(at)
		}
		row := Status(d.progress, d.tr, Bucket)
		if row.Records != 3 || row.Error != "" || row.Digests.Error != "AccessDenied" || row.Digests.Message != "Access Denied" || len(row.Digests.Closed) != 1 {
			t.Errorf("status %+v, %+v", row, row.Digests)
		}
		d.stop()
		d.until("14:20:00")
		d.resume()
		d.until("15:00:00")
		d.dest.failWith(nil)
		d.until("15:05:00")
		d.want(map[string]string{home: "[12:00:00-12:02:00 1] [12:02:00-14:10:06 3] | [14:20:05-14:22:05 0]"})
		if row = Status(d.progress, d.tr, Bucket); row.Digests.Error != "" || len(row.Digests.Closed) != 0 {
			t.Errorf("status %+v", row.Digests)
		}
	})
}

// TestDeletedTrailIsFinished checks that what a trail had logged when it was
// deleted is delivered, final digest and all, and that nothing is left of it; and
// that the next trail of its name waits until then.
func TestDeletedTrailIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		defer end()
		d.events(home)
		d.until("12:30:01")
		d.events(home, "us-east-1")
		d.tr.End(mark(d.journal.End()), time.Now())
		d.events(home) // too late
		d.put(d.tr)
		synctest.Wait()
		if !d.options.Gone(d.tr) || len(d.progress.rows)+len(d.chains.rows)+len(d.pending.rows) != 0 {
			t.Error("rows are left", d.trails.rows, d.deleted.rows, d.progress.rows, d.chains.rows)
		}
		want := map[string]string{home: "[12:00:00-12:02:00 1] [12:02:00-12:30:02 1]", "us-east-1": "[12:02:00-12:30:02 1]"}
		d.want(want)
		d.until("12:30:02")
		next := d.newTrail("audit")
		next.ID, next.Validate = "id-2", true
		d.put(next)
		d.events(home)
		d.until("12:33:00")
		want[home] += " | [12:30:02-12:32:02 1]"
		d.want(want)
		if n := len(d.dest.delivered(t)[home]); n != 3 {
			t.Errorf("%d records delivered", n)
		}
	})
}

func TestDeletedTrailIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		defer end()
		d.dest.failWith(func(string) (error, bool) { return errors.New("no such bucket"), false })
		d.events(home)
		d.until("12:10:00")
		d.tr.End(mark(d.journal.End()), time.Now())
		d.put(d.tr)
		d.until("13:00:00")
		if d.options.Gone(d.tr) {
			t.Error("given up before an hour is over")
		}
		d.until("13:12:00")
		if !d.options.Gone(d.tr) || len(d.progress.rows) != 0 {
			t.Error("not given up after an hour")
		}
	})
}

// TestDigestFaults fails every single write of a trail's life once, before or
// after it took effect, and goes on either in the same process or in a new one.
// Each log file must be listed once, and the chains whole, whatever happened.
func TestDigestFaults(t *testing.T) { eachFault(t, testDigestFault) }

// eachFault runs a test that fails one write, for each write there is: before or after
// it took effect, in the same process or a new one. The test tells whether it got as
// far as that write.
func eachFault(t *testing.T, test func(t *testing.T, happens, restart bool, failing int) (reached bool)) {
	t.Helper()
	for _, happens := range []bool{false, true} {
		for _, restart := range []bool{false, true} {
			for op := 0; ; op++ {
				more := true
				name := fmt.Sprintf("happens=%v restart=%v op=%d", happens, restart, op)
				if !t.Run(name, func(t *testing.T) { more = test(t, happens, restart, op) }) || !more {
					break
				}
			}
		}
	}
}

func testDigestFault(t *testing.T, happens, restart bool, failing int) (reached bool) {
	w := newWorld()
	clock := noon
	w.options.Now = func() time.Time { return clock }
	tr := w.newTrail("audit")
	tr.Validate = true
	w.put(tr)
	w.options.MaxBytes = 1 // a file for every record
	op, faults := 0, 0
	fail := func(string) (error, bool) {
		if op++; op-1 == failing {
			return errors.New("fault"), happens
		}
		return nil, true
	}
	w.progress.fail, w.dest.fail, w.chains.fail, w.pending.fail = fail, fail, fail, fail
	fresh := func() *pump {
		p := w.pump(t, tr, Bucket)
		p.rowFiles = 3
		return p
	}
	p := fresh()
	settle := func() {
		for again := true; again; {
			var err error
			if again, err = p.step(t.Context()); err == nil {
				err = p.digest(t.Context())
			}
			if err == nil {
				continue
			}
			if faults++; faults > 1 {
				t.Fatal("second failure:", err)
			}
			p.report(t.Context(), err, (*Progress).failDigest)
			if again = true; restart {
				p = fresh()
			}
		}
	}
	settle()
	for _, minutes := range []int{1, 2, 30, 40, 70} {
		clock = noon.Add(time.Duration(minutes) * time.Minute)
		w.journal.add(w.record(home, "A"), w.record("us-east-1", "B"), w.record(home, "C"))
		settle()
	}
	tr.Stop("stop", trail.Mark{}, clock)
	w.put(tr)
	h := &history{world: w, rnd: newRand(), now: clock}
	w.journal.add(h.call("cloudtrail.amazonaws.com", "StopLogging", "stop"))
	settle()
	want := map[string]string{
		home:        "[12:00:00-12:02:00 2] [12:02:00-13:02:00 6] [13:02:00-13:10:01 3]",
		"us-east-1": "[12:00:00-12:02:00 1] [12:02:00-13:02:00 3] [13:02:00-13:10:01 1]",
	}
	if diff := cmp.Diff(want, w.digests(t)); diff != "" {
		t.Error(diff)
	}
	row := Status(w.progress, tr, Bucket)
	if d := row.Digests; d.on() || len(d.Closed)+len(d.Rows)+len(d.Files)+d.Listed != 0 || d.Error != "" {
		t.Errorf("progress %+v", d)
	}
	if len(w.pending.rows) > 2 { // what was to be removed may be left, if it could not be told whether it was to be
		t.Errorf("rows of log files are left: %v", w.pending.rows)
	}
	return op > failing
}
