package index

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/internal/index/home"
)

func genuine(tb testing.TB) (records [][]byte) {
	tb.Helper()
	files, err := filepath.Glob("../../../shared/data/*.ndjson.gz")
	if err != nil {
		tb.Fatal(err)
	}
	if len(files) == 0 {
		tb.Skip("genuine records are not here")
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			tb.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			tb.Fatal(err)
		}
		s := bufio.NewScanner(z)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			records = append(records, bytes.Clone(s.Bytes()))
		}
		if err := s.Err(); err != nil {
			tb.Fatal(err)
		}
	}
	return records
}

func TestFind(t *testing.T) {
	s, cache := newSource(t), t.TempDir()
	s.fill(2, 5, time.Hour)
	env := func(name string) string {
		if name == "XDG_CACHE_HOME" {
			return cache
		}
		return ""
	}
	if _, err := Find(s.dir, env); !errors.Is(err, ErrNone) {
		t.Fatalf("error %v, want %v", err, ErrNone)
	}
	identity, err := home.Identity(s.dir, env)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := home.DefaultDir(identity, env)
	if err != nil || !strings.HasPrefix(dir, filepath.Join(cache, "cairn", "index")+string(filepath.Separator)) {
		t.Fatalf("%s, %v", dir, err)
	}
	if _, err := Build(t.Context(), s.open(), dir, Options{Source: identity}); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(s.dir))
	for _, name := range []string{s.dir, s.dir + "/", "./" + filepath.Base(s.dir)} {
		if x, err := Find(name, env); err != nil || x.Dir() != dir || x.Source() != identity {
			t.Errorf("%s: %v", name, err)
		}
	}
}
