package scan

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// memoryStore is a store in memory that remembers what was asked of it.
type memoryStore struct {
	files map[string][]byte
	// fail, if set, is asked before a file is opened.
	fail func(ctx context.Context, key string) error

	mu     sync.Mutex
	listed []string
	opened []string
}

func (m *memoryStore) list(_ context.Context, l listing, each func(File) error) (folders []string, err error) {
	m.mu.Lock()
	m.listed = append(m.listed, l.folder)
	m.mu.Unlock()
	for key, content := range m.files {
		rest, ok := strings.CutPrefix(key, l.folder)
		if !ok {
			continue
		}
		if name, _, deeper := strings.Cut(rest, "/"); deeper && !l.all {
			if !slices.Contains(folders, name) {
				folders = append(folders, name)
			}
			continue
		}
		if err := each(File{Key: key, Size: int64(len(content))}); err != nil {
			return nil, err
		}
	}
	return folders, nil
}

func (m *memoryStore) open(ctx context.Context, f File) (io.ReadCloser, error) {
	m.mu.Lock()
	m.opened = append(m.opened, f.Key)
	m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(ctx, f.Key); err != nil {
			return nil, err
		}
	}
	content, ok := m.files[f.Key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// source makes a tree of files.
func (m *memoryStore) source() *tree { return &tree{store: m, inFlight: 4} }

// key is a log file's key, with a region's folder.
func key(prefix, account, region string, at time.Time, unique string) string {
	return prefix + "AWSLogs/" + account + "/CloudTrail/" + region + "/" + at.Format("2006/01/02") + "/" +
		account[strings.LastIndexByte(account, '/')+1:] + "_CloudTrail_" + region + "_" + at.Format("20060102T1504Z") + "_" + unique + ".json.gz"
}

func packed(content string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(content))
	_ = w.Close()
	return b.Bytes()
}

// record is a short record.
func record(at time.Time, id string) string {
	return fmt.Sprintf(`{"eventTime":"%s","eventName":"Get%s","eventID":"%s"}`, at.UTC().Format(time.RFC3339), id[:1], id)
}

func logFile(records ...string) []byte {
	return packed(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

func date(day, hour, minute int) time.Time {
	return time.Date(2026, 5, day, hour, minute, 0, 0, time.UTC)
}

// findIn runs a search and returns the eventIDs it gives.
func findIn(t *testing.T, src Source, q Query) (ids []string, r *Report) {
	t.Helper()
	r, err := Search(t.Context(), src, q, func(m Match) error {
		_, id, _ := strings.Cut(string(m.Record), `"eventID":"`)
		id, _, _ = strings.Cut(id, `"`)
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(ids)) != r.Matches {
		t.Errorf("%d records were given, the report says %d", len(ids), r.Matches)
	}
	return ids, r
}
