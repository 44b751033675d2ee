package lifecycle

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/service/s3/objects"
)

// fake is a store that answers each request with the next of its answers, and
// buckets that all have one rule.
type fake struct {
	names []string
	asked atomic.Int32
	ask   func(req *objects.Request) (string, error)
}

func (f *fake) Expiring(context.Context) []Bucket {
	var list []Bucket
	for _, n := range f.names {
		list = append(list, Bucket{Name: n, Rules: []Rule{{ID: "r", Days: 1}}})
	}
	return list
}

func (f *fake) Alone(_, _ string, g func() error) (bool, error) { return true, g() }

func (f *fake) Ask(_ context.Context, req *objects.Request) (*objects.Answer, error) {
	f.asked.Add(1)
	text, err := f.ask(req)
	if err != nil {
		return nil, err
	}
	return &objects.Answer{Body: io.NopCloser(strings.NewReader(text))}, nil
}

func (f *fake) runner(interval time.Duration) *Runner {
	return NewRunner(Options{Buckets: f, Objects: f, Interval: interval, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

const (
	emptyList = "<ListVersionsResult/>"
	oneOld    = `<ListVersionsResult><Version><Key>k</Key><VersionId>null</VersionId><IsLatest>true</IsLatest><LastModified>1999-01-01T00:00:00Z</LastModified></Version></ListVersionsResult>`
)

// TestRun: rules are applied at once, then at every interval, until the end.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{names: []string{"b"}, ask: func(*objects.Request) (string, error) { return emptyList, nil }}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { f.runner(0).Run(ctx); close(done) }()
		synctest.Wait()
		if n := f.asked.Load(); n != 1 {
			t.Errorf("at the start the store was asked %d times", n)
		}
		time.Sleep(2*DefaultInterval + time.Minute)
		synctest.Wait()
		if n := f.asked.Load(); n != 3 {
			t.Errorf("after two intervals the store was asked %d times", n)
		}
		cancel()
		<-done
	})
}

// TestSweepGoesOn: a bucket that fails does not keep the next from its turn,
// and one that was removed is no failure.
func TestSweepGoesOn(t *testing.T) {
	broken := errors.New("disk on fire")
	f := &fake{names: []string{"broken", "removed", "fine"}, ask: func(req *objects.Request) (string, error) {
		switch {
		case req.Bucket == "broken":
			return "", broken
		case req.Bucket == "removed":
			return "", awserr.New(http.StatusNotFound, "NoSuchBucket", "gone")
		case req.Method == http.MethodDelete:
			return "", nil
		}
		return oneOld, nil
	}}
	stats, err := f.runner(0).Sweep(t.Context())
	if !errors.Is(err, broken) || strings.Contains(err.Error(), "removed") || !strings.Contains(err.Error(), "bucket broken") {
		t.Errorf("error is %v", err)
	}
	if stats != (Stats{Expired: 1}) {
		t.Errorf("stats %+v", stats)
	}
}

// TestExpireLooksAgain: what was listed as old and is new by the time nobody
// else writes to it stays.
func TestExpireLooksAgain(t *testing.T) {
	lists := 0
	f := &fake{names: []string{"b"}, ask: func(req *objects.Request) (string, error) {
		if req.Method == http.MethodDelete {
			t.Error("the new object was deleted")
		}
		if lists++; lists == 2 {
			return strings.Replace(oneOld, "1999-01-01T00:00:00Z", time.Now().UTC().Format(time.RFC3339), 1), nil
		}
		return oneOld, nil
	}}
	if stats, err := f.runner(0).Sweep(t.Context()); err != nil || stats != (Stats{}) {
		t.Errorf("%+v, %v", stats, err)
	}
	if lists != 2 {
		t.Errorf("listed %d times", lists)
	}
}

// TestPages: a key whose versions come on two pages is decided about once, and
// with all of them.
func TestPages(t *testing.T) {
	version := func(key, id, latest string) string {
		return "<Version><Key>" + key + "</Key><VersionId>" + id + "</VersionId><IsLatest>" + latest + "</IsLatest><LastModified>1999-01-01T00:00:00Z</LastModified></Version>"
	}
	f := &fake{ask: func(req *objects.Request) (string, error) {
		if req.Query.Get("key-marker") == "" {
			return "<L><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>" +
				version("j", "1", "true") + version("k", "2", "true") + "</L>", nil
		}
		if req.Query.Get("key-marker") != "k" || req.Query.Get("version-id-marker") != "2" {
			t.Errorf("went on from %v", req.Query)
		}
		return "<L>" + version("k", "1", "false") + version("l", "1", "true") + "</L>", nil
	}}
	var got []string
	for vs, err := range f.runner(0).keys(t.Context(), "b", "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, vs[0].Key+strings.Repeat("'", len(vs)))
	}
	if s := strings.Join(got, " "); s != "j' k'' l'" {
		t.Errorf("keys %s", s)
	}
}
