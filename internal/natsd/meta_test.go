package natsd_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
)

// keepTimes does something to a file and leaves it its times, as rot does.
func keepTimes(t *testing.T, file string, do func()) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	do()
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, files ...string) {
	t.Helper()
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHalfMade puts the folder of a stream into every state that a crash leaves, and
// some that only damage does. What was acknowledged is there or is refused by name,
// and a stream can be made again that is gone, and is there after one more start.
func TestHalfMade(t *testing.T) {
	config := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}
	changed := config
	changed.MaxAge = time.Hour
	for name, tt := range map[string]struct {
		used   bool // it had messages
		purged bool // and they were deleted
		crash  func(t *testing.T, meta, sum string)
		want   string // there, gone, refused
	}{
		"made: no description":           {false, false, func(t *testing.T, meta, sum string) { remove(t, meta, sum) }, "gone"},
		"made: no checksum":              {false, false, func(t *testing.T, _, sum string) { remove(t, sum) }, "there"},
		"deleted: no description":        {true, true, func(t *testing.T, meta, _ string) { remove(t, meta) }, "gone"},
		"damaged: no checksum, messages": {true, false, func(t *testing.T, _, sum string) { remove(t, sum) }, "there"},
		"damaged: no description":        {true, false, func(t *testing.T, meta, _ string) { remove(t, meta) }, "refused"},
		"damaged: description": {true, false, func(t *testing.T, meta, _ string) {
			keepTimes(t, meta, func() {
				change(t, meta, func(b []byte) []byte { return bytes.Replace(b, []byte(`"max_age":0`), []byte(`"max_age":1`), 1) })
			})
		}, "refused"},
		"damaged: checksum": {true, false, func(t *testing.T, _, sum string) {
			keepTimes(t, sum, func() { change(t, sum, flip(3)) })
		}, "refused"},
		"damaged: description cut, no checksum": {true, false, func(t *testing.T, meta, sum string) {
			remove(t, sum)
			change(t, meta, func(b []byte) []byte { return b[:len(b)/2] })
		}, "refused"},
		"damaged: another's description": {true, false, func(t *testing.T, meta, sum string) {
			remove(t, sum)
			change(t, meta, func(b []byte) []byte { return bytes.Replace(b, []byte(`"name":"S"`), []byte(`"name":"T"`), 1) })
		}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := natsdtest.StartDir(t, dir)
			st, err := s.JetStream().CreateStream(t.Context(), config)
			if err == nil && tt.used {
				_, err = s.JetStream().Publish(t.Context(), "s", []byte("kept"))
			}
			if err == nil && tt.purged {
				err = st.Purge(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			folder := filepath.Join(dir, "jetstream", "$G", "streams", "S")
			tt.crash(t, filepath.Join(folder, "meta.inf"), filepath.Join(folder, "meta.sum"))
			s, err = natsd.Start(t.Context(), natsd.Options{Dir: dir})
			if tt.want == "refused" {
				if !errors.Is(err, natsd.ErrStore) || !strings.Contains(err.Error(), folder) {
					t.Errorf("start: %v, want it refused by name", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.JetStream().Stream(t.Context(), "S"); tt.want == "gone" != errors.Is(err, jetstream.ErrStreamNotFound) {
				t.Errorf("the stream, which should be %s: %v", tt.want, err)
			}
			// Whoever was making it makes it again.
			if _, err := s.JetStream().CreateOrUpdateStream(t.Context(), changed); err != nil {
				t.Fatal(err)
			}
			if _, err := s.JetStream().Publish(t.Context(), "s", []byte("new")); err != nil {
				t.Fatal(err)
			}
			s.Close()
			s = natsdtest.StartDir(t, dir)
			st, err = s.JetStream().Stream(t.Context(), "S")
			if err != nil {
				t.Fatal(err)
			}
			want := uint64(1)
			if tt.used && !tt.purged {
				want++
			}
			if got := st.CachedInfo().State.Msgs; got != want {
				t.Errorf("%d messages, want %d", got, want)
			}
		})
	}
}

// TestHalfChanged is killed between the two files of a change: the change holds.
func TestHalfChanged(t *testing.T) {
	dir := t.TempDir()
	s := natsdtest.StartDir(t, dir)
	config := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage, Metadata: map[string]string{"b": "<&>", "a": "ä"}}
	if _, err := s.JetStream().CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if _, err := s.JetStream().Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	sum := filepath.Join(dir, "jetstream", "$G", "streams", "S", "meta.sum")
	former, err := os.ReadFile(sum)
	if err != nil {
		t.Fatal(err)
	}
	made, err := os.Stat(sum)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxAge = time.Hour
	if _, err := s.JetStream().UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	s.Close()
	change(t, sum, func([]byte) []byte { return former })
	earlier := made.ModTime().Add(-time.Second) // the disk's clock may be coarse
	if err := os.Chtimes(sum, earlier, earlier); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s = natsdtest.StartDir(t, dir)
		st, err := s.JetStream().Stream(t.Context(), "S")
		if err != nil {
			t.Fatal(err)
		}
		if info := st.CachedInfo(); info.Config.MaxAge != time.Hour || info.State.Msgs != 1 {
			t.Errorf("after a change that a crash cut short: %+v", info)
		}
		s.Close()
	}
}

// TestHalfDeleted starts on a folder that the server had begun to delete: it has
// another name already.
func TestHalfDeleted(t *testing.T) {
	dir, one, _ := filled(t)
	folder := filepath.Dir(filepath.Dir(one))
	deleting := filepath.Join(filepath.Dir(folder), ".TWO")
	if err := os.CopyFS(deleting, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(deleting, "meta.inf"))
	natsdtest.StartDir(t, dir)
	until(t, "what is left of a deleted stream goes", func() bool {
		_, err := os.Stat(deleting)
		return errors.Is(err, fs.ErrNotExist)
	})
}
