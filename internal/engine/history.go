package engine

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"time"

	"cairn/internal/delivery"
	"cairn/internal/history"
	"cairn/internal/insight"
	"cairn/internal/organization"
)

// openHistory opens what reads the journal beside delivery, the event history and
// the watch for unusual activity, and the organization the accounts are in.
func (e *Engine) openHistory(ctx context.Context, o *Options, tables delivery.Tables) (err error) {
	if e.organization, err = organization.Open(ctx, e.store, e.dir.about.Account); err != nil {
		return err
	}
	if e.history, err = history.Open(history.Options{Journal: e.records, Lake: e.lake, Log: e.log}); err != nil {
		return err
	}
	if err := e.journal.Reached(ctx, e.history.Mark()); err != nil {
		return err
	}
	e.insights, err = insight.New(insight.Options{
		Journal: e.records, Snapshots: snapshots{e.dir}, Wanted: wanted(tables), Rules: o.InsightRules, Log: e.log,
	})
	return err
}

// wanted returns the function that tells whether any trail logs an Insights event.
func wanted(tables delivery.Tables) func(typ, account, region string, minute time.Time) bool {
	return func(typ, account, region string, minute time.Time) bool {
		for _, row := range tables.Trails.List() {
			if row.Value.Wants(typ, account, region, minute) {
				return true
			}
		}
		return false
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
