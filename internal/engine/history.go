package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"time"

	"cairn/event"
	"cairn/internal/delivery"
	"cairn/internal/history"
	"cairn/internal/insight"
	"cairn/internal/organization"
	"cairn/internal/trail"
)

// openHistory opens what reads the journal beside delivery, the event history and
// the watch for unusual activity, and the organization the accounts are in.
func (e *Engine) openHistory(ctx context.Context, o *Options, tables delivery.Tables) (err error) {
	if e.organization, err = organization.Open(ctx, e.store, e.dir.about.Account); err != nil {
		return err
	}
	if e.history, err = history.Open(history.Options{Journal: e.records.Reader(), Lake: e.lake, Log: e.log}); err != nil {
		return err
	}
	if err := e.journal.Reached(ctx, e.history.Mark()); err != nil {
		return err
	}
	e.insights, err = insight.New(insight.Options{
		Journal: e.records.Reader(), Snapshots: snapshots{e.dir}, Wanted: wanted(tables), Watching: watching(tables), Rules: o.InsightRules, Log: e.log,
	})
	return err
}

// wanted returns the function that tells whether any trail logs an Insights event.
func wanted(tables delivery.Tables) func(s *insight.Subject, minute time.Time) bool {
	return func(s *insight.Subject, minute time.Time) bool {
		for _, row := range tables.Trails.List() {
			t := row.Value
			if s.Trail == "" && t.Wants(s.Type(), s.Account, s.Region, minute) ||
				s.Trail != "" && s.Trail == t.ARN() && t.WantsData(s.Type(), minute) {
				return true
			}
		}
		return false
	}
}

// watching returns the function that tells which trails want Insights events of a
// data event. It is for one goroutine, and reads the trails again when any changed:
// data events are many.
func watching(tables delivery.Tables) func(h *event.Header) []string {
	var list []*trail.Trail
	var changed <-chan struct{}
	return func(h *event.Header) (arns []string) {
		select {
		case <-changed:
			changed = nil
		default:
		}
		if changed == nil {
			changed, list = tables.Trails.Changed(), nil
			for _, row := range tables.Trails.List() {
				if len(row.Value.DataInsights) > 0 {
					list = append(list, row.Value)
				}
			}
		}
		for _, t := range list {
			if t.Watches(h) {
				arns = append(arns, t.ARN())
			}
		}
		return arns
	}
}

// snapshots keeps the statistics of Insights in the data folder.
type snapshots struct{ dir *dataDir }

// Load implements insight.Snapshots.
func (s snapshots) Load() ([]byte, error) {
	b, err := os.ReadFile(s.dir.file(insightsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Save implements insight.Snapshots.
func (s snapshots) Save(b []byte) error { return s.dir.write(insightsFile, b) }

// tokenKey returns the key that seals page tokens. It follows from the seal key,
// so that tokens outlive a restart.
func (e *Engine) tokenKey() ([]byte, error) {
	key, err := e.dir.sealKey()
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte("page tokens"))
	return h.Sum(nil), nil
}
