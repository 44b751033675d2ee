package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func do(t testing.TB, s *Store, r *Request) (int, string) {
	t.Helper()
	resp, err := s.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func put(t testing.TB, s *Store, bucket, key, text string) {
	t.Helper()
	code, body := do(t, s, &Request{Method: http.MethodPut, Bucket: bucket, Key: key, Body: strings.NewReader(text), Length: int64(len(text))})
	if code != http.StatusOK {
		t.Fatalf("put %s: %d %s", key, code, body)
	}
}

// Both ways to keep metadata work, the choice is remembered, and folders can be
// moved.
func TestMetadataChoice(t *testing.T) {
	for _, choice := range []string{"xattr", "sidecar"} {
		t.Run(choice, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 12), "store")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "metadata"), []byte(choice+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := openStore(t, dir)
			if (choice == "sidecar") != s.backing.sidecar {
				t.Fatalf("sidecar is %v", s.backing.sidecar)
			}
			do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
			enable := `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`
			if code, body := do(t, s, &Request{
				Method: http.MethodPut, Bucket: "bucket", Query: url.Values{"versioning": {""}}, Body: strings.NewReader(enable), Length: int64(len(enable)),
			}); code != http.StatusOK {
				t.Fatal(code, body)
			}
			put(t, s, "bucket", "a/k", "one")
			put(t, s, "bucket", "a/k", "two")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			moved := dir + "-moved"
			if err := os.Rename(dir, moved); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, moved)
			defer s.Close()
			if code, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "a/k"}); code != http.StatusOK || body != "two" {
				t.Errorf("after the move: %d %s", code, body)
			}
			if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Query: url.Values{"versions": {""}}}); strings.Count(body, "<Version>") != 2 {
				t.Errorf("after the move: %s", body)
			}
		})
	}
}

func TestBadMetadataChoice(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "metadata"), []byte("something"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "want xattr or sidecar") {
		t.Errorf("opened with an unknown choice: %v", err)
	}
}

// Nobody but the user who runs the engine can reach the socket or the files,
// and nobody without the secret can use the socket.
func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := openStore(t, dir)
	defer s.Close()
	for name, want := range map[string]os.FileMode{".": 0o700, "objects": 0o700, "versions": 0o700, "s3.sock": 0o600, "metadata": 0o600} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil || fi.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, fi.Mode(), err, want)
		}
	}
	resp, err := s.client.Get("http://objects.internal/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned request answers %d", resp.StatusCode)
	}
}

// The current folder of the process stays what it was.
func TestFolderStays(t *testing.T) {
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	s := openStore(t, t.TempDir())
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() { put(t, s, "bucket", strings.Repeat("k", i+1), "text") })
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Getwd(); after != before {
		t.Errorf("the process stands in %s, before in %s", after, before)
	}
}

func TestThreads(t *testing.T) {
	dir := t.TempDir()
	th, err := newThreads(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer th.close()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			err := th.do(func() error {
				if wd, err := os.Getwd(); err != nil || wd != dir {
					t.Errorf("a call stands in %s: %v", wd, err)
				}
				return io.ErrUnexpectedEOF
			})
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("do returned %v", err)
			}
		})
	}
	wg.Wait()
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic is lost")
			}
		}()
		_ = th.do(func() error { panic("boom") })
	}()
	if _, err := newThreads(filepath.Join(dir, "absent")); err == nil {
		t.Error("threads stand in a folder that is not there")
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a/b c+%ü")
	f.Fuzz(func(t *testing.T, key string) {
		back, err := url.PathUnescape(Escape(key))
		if err != nil || back != key {
			t.Fatalf("%q becomes %q: %v", key, back, err)
		}
	})
}

// BenchmarkPut shows what durable writes cost: a 20 KB log file under a new key.
func BenchmarkPut(b *testing.B) {
	s := openStore(b, b.TempDir())
	defer s.Close()
	do(b, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	data := bytes.Repeat([]byte("x"), 20<<10)
	for i := 0; b.Loop(); i++ {
		put(b, s, "bucket", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/"+strings.Repeat("f", i%200+1)+"-"+string(rune('a'+i%26)), string(data))
	}
}
