package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/journal"
)

// agingJournal keeps batches for 30 days, as the journal does.
type agingJournal struct {
	*memJournal
	added []time.Time
}

func (j *agingJournal) add(e event.Entry) {
	j.added = append(j.added, time.Now())
	j.memJournal.add(e)
}

func (j *agingJournal) Read(ctx context.Context, from journal.Position) ([]journal.Located, journal.Position, error) {
	first, _ := slices.BinarySearchFunc(j.added, time.Now().Add(-30*24*time.Hour), time.Time.Compare)
	if oldest := (journal.Position{Seq: uint64(first) + 1}); from.Less(oldest) {
		return nil, from, &journal.GapError{From: from, To: oldest, Why: "no longer kept: older than the journal's oldest record"}
	}
	return j.memJournal.Read(ctx, from)
}

// TestOutageOfDays has a bucket refuse for 29 days, and for 31, with a restart in
// between. What waits for up to 30 days is delivered in order when the bucket takes
// files again; of what waited longer, the status and the log say that it is lost.
// The status tells of the outage all the while, and the log group has everything.
func TestOutageOfDays(t *testing.T) {
	for days, lost := range map[int]int{29: 0, 31: 25} {
		t.Run(fmt.Sprint(days), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				aging := &agingJournal{memJournal: &w.journal}
				w.options.Journal, w.options.Interval, w.options.MaxRetry = func() Journal { return aging }, 5*time.Minute, 20*time.Minute
				tr := w.newTrail("audit")
				tr.LogGroupARN = "arn:aws:logs:" + home + ":" + account + ":log-group:g:*"
				w.put(tr)
				w.dest.failWith(func(op string) (error, bool) {
					if op != "events" {
						return awserr.New(403, "AccessDenied", "no"), false
					}
					return nil, true
				})
				stop := w.start(t)
				var want []string
				for hour := range days * 24 {
					aging.add(w.record(home, "A"))
					want = append(want, fmt.Sprintf("e%d", w.records))
					time.Sleep(time.Hour)
					synctest.Wait()
					if s := Status(w.progress, tr, Bucket); s.Error != "AccessDenied" || time.Since(s.Attempted) > time.Hour || s.Records > 0 {
						t.Fatalf("hour %d: the status says %q, last tried %v ago, %d records", hour, s.Error, time.Since(s.Attempted), s.Records)
					}
					if hour == 500 {
						stop()
						stop = w.start(t)
					}
				}
				w.dest.failWith(nil)
				time.Sleep(time.Hour)
				synctest.Wait()
				stop()
				if got := w.dest.delivered(t)[home]; !slices.Equal(got, want[lost:]) {
					t.Errorf("%d of %d records are in the bucket, or not in order", len(got), len(want))
				}
				if got := w.dest.events(); !slices.Equal(got, want) {
					t.Errorf("%d of %d records are in the log group, or not in order", len(got), len(want))
				}
				s := Status(w.progress, tr, Bucket)
				if named := s.Gaps > 0 && strings.Contains(s.LastGap, "no longer kept") && s.DeliveryError(time.Now()) == LostCode; named != (lost > 0) {
					t.Errorf("%d records are lost; the status says %d gaps, %q, %q", lost, s.Gaps, s.LastGap, s.DeliveryError(time.Now()))
				}
				if s.Error != "" || s.DeliveryError(time.Now().Add(tellLost)) != "" {
					t.Errorf("delivery works, and the status says %q, %q", s.Error, s.DeliveryError(time.Now().Add(tellLost)))
				}
			})
		})
	}
}
