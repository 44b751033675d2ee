package queries_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
	"cairn/internal/loginsights/queries"
)

// source is log groups in memory: each has count events, and pause is called
// before each.
type source struct {
	count int
	pause func(ctx context.Context, i int) error
	err   error
}

func (s *source) Scan(ctx context.Context, q *loggroup.Query, each func(loggroup.Position, string, []byte, int64) bool) error {
	for i := range s.count {
		if s.pause != nil {
			if err := s.pause(ctx, i); err != nil {
				return err
			}
		}
		message := fmt.Appendf(nil, `{"eventName":"E%d","group":"%s"}`, i%3, q.Group.Name)
		if q.Where != nil && !q.Where.Match(message) {
			continue
		}
		if !each(loggroup.Position{Timestamp: int64(i), Seq: uint64(i)}, "stream", message, int64(i)) {
			return nil
		}
	}
	return s.err
}

var owner = queries.Owner{Account: "111122223333", Region: "eu-west-1"}

func spec(t *testing.T, query string, groups ...string) *queries.Spec {
	t.Helper()
	q, err := loginsights.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	s := &queries.Spec{Owner: owner, Caller: "arn:aws:iam::111122223333:root", Query: q, End: 1 << 50}
	for _, g := range groups {
		s.Groups = append(s.Groups, loggroup.Ref{Account: owner.Account, Region: owner.Region, Name: g})
	}
	return s
}

func start(t *testing.T, r *queries.Runner, s *queries.Spec) string {
	t.Helper()
	id, err := r.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// look returns a query's status and its rows as text.
func look(t *testing.T, r *queries.Runner, id string) (queries.Info, string) {
	t.Helper()
	info, rows, err := r.Get(owner, id)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range rows {
		var cells []string
		for _, f := range row {
			cells = append(cells, f.Value)
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return info, strings.Join(lines, "; ")
}

const counts = `stats count(*) as n by eventName`

func TestComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := queries.New(&source{count: 7}, queries.Options{})
		defer r.Close()
		id := start(t, r, spec(t, `filter eventName in ["E0", "E2"] | stats count(*) as n by group, eventName`, "a", "b"))
		synctest.Wait()
		info, rows := look(t, r, id)
		if want := "a E0 3; a E2 2; b E0 3; b E2 2"; info.Status != queries.Complete || rows != want {
			t.Errorf("%s: %s, want %s", info.Status, rows, want)
		}
		if s := info.Statistics; s.Matched != 10 || s.Scanned != 14 || s.Bytes != 14*int64(len(`{"eventName":"E0","group":"a"}`)) {
			t.Errorf("statistics %+v", s)
		}
		if err := r.Stop(owner, id); !errors.Is(err, queries.ErrEnded) {
			t.Errorf("a query that has ended was stopped: %v", err)
		}
		other := queries.Owner{Account: "444455556666", Region: owner.Region}
		if _, _, err := r.Get(other, id); !errors.Is(err, queries.ErrNotFound) {
			t.Errorf("another account sees the query: %v", err)
		}
		if err := r.Stop(other, id); !errors.Is(err, queries.ErrNotFound) {
			t.Errorf("another account stops the query: %v", err)
		}
		if list := r.List(other); len(list) != 0 {
			t.Errorf("another account lists %v", list)
		}
	})
}

// slowly makes a source that takes a second for each event.
func slowly(count int) *source {
	return &source{count: count, pause: func(ctx context.Context, _ int) error {
		select {
		case <-time.After(time.Second):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
}

func TestStatuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := queries.New(slowly(10), queries.Options{Workers: 1, MostActive: 3, Timeout: 25 * time.Second})
		defer r.Close()
		first := start(t, r, spec(t, counts, "a"))
		synctest.Wait()
		second, third := start(t, r, spec(t, counts, "a")), start(t, r, spec(t, counts, "a", "b", "c"))
		if _, err := r.Start(spec(t, counts, "a")); !errors.Is(err, queries.ErrTooMany) {
			t.Errorf("a fourth query was started: %v", err)
		}
		time.Sleep(5500 * time.Millisecond)
		// The first is under way and shows what it has; the others wait.
		if info, rows := look(t, r, first); info.Status != queries.Running || rows != "E0 2; E1 2; E2 1" || info.Took != 5500*time.Millisecond {
			t.Errorf("the first query is %s after %s with %s", info.Status, info.Took, rows)
		}
		if info, rows := look(t, r, second); info.Status != queries.Scheduled || rows != "" {
			t.Errorf("the second query is %s with %s", info.Status, rows)
		}
		if err := r.Stop(owner, second); err != nil {
			t.Error(err)
		}
		if err := r.Stop(owner, first); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if info, rows := look(t, r, first); info.Status != queries.Cancelled || rows != "E0 2; E1 2; E2 1" {
			t.Errorf("the first query is %s with %s", info.Status, rows)
		}
		if info, _ := look(t, r, second); info.Status != queries.Cancelled {
			t.Errorf("the second query is %s", info.Status)
		}
		// The third would take 30 seconds.
		time.Sleep(24 * time.Second)
		if info, _ := look(t, r, third); info.Status != queries.Running {
			t.Errorf("the third query is %s", info.Status)
		}
		time.Sleep(2 * time.Second)
		if info, rows := look(t, r, third); info.Status != queries.Timeout || rows == "" || info.Took != 25*time.Second {
			t.Errorf("the third query is %s after %s with %q", info.Status, info.Took, rows)
		}
		var order []string
		for _, q := range r.List(owner) {
			order = append(order, q.ID)
		}
		if strings.Join(order, " ") != third+" "+second+" "+first {
			t.Errorf("queries are listed as %v", order)
		}
	})
}

func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name, query, want string
		src               *source
		o                 queries.Options
	}{
		{"too many groups", `stats count(*) by @timestamp`, "the query needs more than 5 groups", &source{count: 10}, queries.Options{Groups: 5}},
		{"too much memory", `fields @message`, "the query needs more than 1000 bytes of memory", &source{count: 10}, queries.Options{Bytes: 1000}},
		{"too many groups later", `stats count(*) as n by @timestamp % 7 as x | stats count(*) by x`, "the query needs more than 5 groups", &source{count: 10}, queries.Options{Groups: 5}},
		{"cannot read", `fields @message`, "the log events could not be read", &source{count: 1, err: errors.New("disk on fire")}, queries.Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := queries.New(tt.src, tt.o)
				defer r.Close()
				id := start(t, r, spec(t, tt.query, "a"))
				synctest.Wait()
				if info, rows := look(t, r, id); info.Status != queries.Failed || info.Err == nil || !strings.HasPrefix(rows, tt.want) {
					t.Errorf("%s (%v) with %q", info.Status, info.Err, rows)
				}
			})
		})
	}
	t.Run("group deleted meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := queries.New(&source{count: 2, err: loggroup.ErrGroupNotFound}, queries.Options{})
			defer r.Close()
			id := start(t, r, spec(t, counts, "a"))
			synctest.Wait()
			if info, rows := look(t, r, id); info.Status != queries.Complete || rows != "E0 1; E1 1" {
				t.Errorf("%s with %q", info.Status, rows)
			}
		})
	})
}

// TestLimitAny checks that reading ends when there are enough rows.
func TestLimitAny(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := queries.New(&source{count: 1000}, queries.Options{})
		defer r.Close()
		some, all := start(t, r, spec(t, `fields eventName | limit any 2`, "a")), start(t, r, spec(t, `fields eventName | limit 2`, "a"))
		synctest.Wait()
		if info, rows := look(t, r, some); info.Statistics.Scanned != 2 || strings.Count(rows, ";") != 1 {
			t.Errorf("limit any looked at %d events: %s", info.Statistics.Scanned, rows)
		}
		if info, rows := look(t, r, all); info.Statistics.Scanned != 1000 || strings.Count(rows, ";") != 1 {
			t.Errorf("limit looked at %d events: %s", info.Statistics.Scanned, rows)
		}
	})
}

// TestForgotten checks that queries go when they are old, and the oldest when
// results are too much.
func TestForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := queries.New(&source{count: 10}, queries.Options{Keep: time.Hour, KeepBytes: 6000})
		defer r.Close()
		small := start(t, r, spec(t, counts, "a"))
		synctest.Wait()
		time.Sleep(time.Minute)
		large := start(t, r, spec(t, `fields @message`, "a"))
		synctest.Wait()
		if n := len(r.List(owner)); n != 2 {
			t.Fatalf("%d queries are left", n)
		}
		time.Sleep(time.Minute)
		last := start(t, r, spec(t, `fields @message`, "a"))
		synctest.Wait()
		for _, id := range []string{small, large} {
			if _, _, err := r.Get(owner, id); !errors.Is(err, queries.ErrNotFound) {
				t.Errorf("an old result is kept: %v", err)
			}
		}
		look(t, r, last)
		time.Sleep(time.Hour)
		if _, _, err := r.Get(owner, last); !errors.Is(err, queries.ErrNotFound) {
			t.Errorf("the result is kept for more than an hour: %v", err)
		}
	})
}

// TestClose checks that closing ends what is under way.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := queries.New(slowly(1000), queries.Options{Workers: 1})
		a, b := start(t, r, spec(t, counts, "a")), start(t, r, spec(t, counts, "a"))
		time.Sleep(1500 * time.Millisecond)
		r.Close()
		for _, id := range []string{a, b} {
			if info, _ := look(t, r, id); info.Status != queries.Cancelled {
				t.Errorf("after the end a query is %s", info.Status)
			}
		}
	})
}
