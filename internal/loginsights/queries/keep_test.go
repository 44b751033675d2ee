package queries_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/loginsights/queries"
)

// restore returns a Runner that keeps its queries in a folder.
func restore(t *testing.T, dir string, src queries.Source, o queries.Options) *queries.Runner {
	t.Helper()
	o.Dir = dir
	r := queries.New(src, o)
	if err := r.Restore(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// shown is all that a caller sees of a query.
func shown(t *testing.T, r *queries.Runner, id string) []any {
	t.Helper()
	i, rows := look(t, r, id)
	return []any{i.ID, i.Spec.Caller, i.Spec.Groups, i.Spec.Query.String(), i.Status, i.Created.UnixNano(), i.Took, i.Statistics, rows}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestRestart ends an engine and starts another: what had ended is as it was, for
// as long as without the restart, and what had not has failed.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "queries")
		r := restore(t, dir, slowly(4), queries.Options{})
		done, stopped := start(t, r, spec(t, `fields @message, "<é\u2028>" as x | sort eventName`, "a")), start(t, r, spec(t, counts, "a"))
		time.Sleep(2500 * time.Millisecond)
		if err := r.Stop(owner, stopped); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		under := start(t, r, spec(t, counts, "a", "b"))
		time.Sleep(time.Second)
		ended := [][]any{shown(t, r, done), shown(t, r, stopped)}
		r.Close()
		time.Sleep(time.Hour)

		r = restore(t, dir, slowly(4), queries.Options{})
		if diff := cmp.Diff(ended, [][]any{shown(t, r, done), shown(t, r, stopped)}); diff != "" {
			t.Errorf("after the restart: %s", diff)
		}
		if info, rows := look(t, r, under); info.Status != queries.Failed || rows != "the engine ended before the query did: start it again" {
			t.Errorf("what had not ended is %s with %q", info.Status, rows)
		}
		var listed []string
		for _, q := range r.List(owner) {
			listed = append(listed, q.ID)
		}
		// The first two were created at the same time.
		if len(listed) != 3 || listed[0] != under {
			t.Errorf("listed are %v, not %s first", listed, under)
		}
		for _, name := range files(t, dir) {
			if s, err := os.Stat(filepath.Join(dir, name)); err != nil || s.Mode() != 0o600 {
				t.Errorf("%s has mode %v, %v", name, s.Mode(), err)
			}
		}
		time.Sleep(7*24*time.Hour - time.Hour - 2*time.Second)
		if n := len(r.List(owner)); n != 1 { // the other two ended earlier
			t.Errorf("after 7 days, %d queries are listed", n)
		}
		if got := files(t, dir); len(got) != 1 {
			t.Errorf("after 7 days the folder has %v", got)
		}
	})
}

// TestRestartBounded keeps in the folder no more than in memory.
func TestRestartBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := restore(t, dir, &source{count: 10}, queries.Options{KeepBytes: 20_000})
		for range 20 {
			start(t, r, spec(t, `fields @message`, "a"))
			time.Sleep(time.Second)
		}
		n := len(r.List(owner))
		if n < 2 || n == 20 || len(files(t, dir)) != n {
			t.Errorf("%d queries are listed, the folder has %d", n, len(files(t, dir)))
		}
		last := r.List(owner)[0].ID
		r.Close()
		r = restore(t, dir, &source{}, queries.Options{KeepBytes: 5000})
		if list := r.List(owner); len(list) != 1 || list[0].ID != last || len(files(t, dir)) != 1 {
			t.Errorf("with less room %d queries are listed, the folder has %d", len(list), len(files(t, dir)))
		}
	})
}

// TestCrashHalfway starts on what crashes leave: a query that was running, a file
// that was being written, and files cut off anywhere, which no rename leaves but
// a damaged disk may.
func TestCrashHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := restore(t, dir, slowly(3), queries.Options{})
		id := start(t, r, spec(t, `fields @message`, "a"))
		name := id + ".json.gz"
		read := func() []byte {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		running := read()
		time.Sleep(time.Minute)
		want := shown(t, r, id)
		complete := read()

		var logs bytes.Buffer
		after := func(file string, content []byte) *queries.Runner {
			t.Helper()
			logs.Reset()
			dir = t.TempDir()
			for name, b := range map[string][]byte{file: content, "notes.txt": nil} {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return restore(t, dir, slowly(3), queries.Options{Log: slog.New(slog.NewTextHandler(&logs, nil))})
		}
		if diff := cmp.Diff(want, shown(t, after(name, complete), id)); diff != "" {
			t.Errorf("what had ended: %s", diff)
		}
		if info, rows := look(t, after(name, running), id); info.Status != queries.Failed || !strings.HasPrefix(rows, "the engine ended") {
			t.Errorf("what was running is %s with %q", info.Status, rows)
		}
		demandGone := func(what string, r *queries.Runner, inLog bool) {
			t.Helper()
			if n, left := len(r.List(owner)), strings.Join(files(t, dir), " "); n != 0 || left != "notes.txt" || strings.Contains(logs.String(), name) != inLog {
				t.Errorf("%s: %d queries, left is %q, and the log says %q", what, n, left, logs.String())
			}
		}
		demandGone("a temporary file", after(name+".new", running[:10]), false)
		for cut := range complete {
			demandGone("cut off", after(name, complete[:cut]), true)
		}
		for _, at := range []int{0, 30, len(complete) / 2, len(complete) - 6} {
			b := bytes.Clone(complete)
			b[at] ^= 0x10
			demandGone("changed", after(name, b), true)
		}
		demandGone("with more behind it", after(name, append(bytes.Clone(complete), 'x')), true)
		other := after("other.json.gz", complete)
		if n := len(other.List(owner)); n != 0 || !strings.Contains(logs.String(), "other.json.gz") {
			t.Errorf("a file of another name is taken for %d queries", n)
		}
	})
}

// TestCannotKeep refuses a query that a restart would lose without a word.
func TestCannotKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "queries")
	r := restore(t, dir, &source{count: 1}, queries.Options{})
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Start(spec(t, counts, "a")); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	if list := r.List(owner); len(list) != 0 {
		t.Errorf("it is listed: %+v", list)
	}
}
