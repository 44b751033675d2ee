package objects

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// When the current version is deleted the one before it takes its place at once, with
// its metadata: no disk that fails meanwhile leaves a key without either.
func TestVersionBefore(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	versioned(t, s)
	put(t, s, "bucket", "k", "one")
	one := head(t, s)[0]
	put(t, s, "bucket", "k", "two")
	two := head(t, s)[0]
	// What a kill leaves that came before a third version had its name.
	folder := s.backing.versionFolder("bucket", "k")
	if err := os.WriteFile(filepath.Join(folder, two), []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := s.backing.meta
	s.backing.meta = broken{kept, "etag"}
	if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k", Query: url.Values{"versionId": {two}}}); code != http.StatusNoContent {
		t.Errorf("%d %s", code, body)
	}
	s.backing.meta = kept
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body != "one" || head(t, s)[0] != one {
		t.Errorf("the object is now %s, version %s, want one, %s", body, head(t, s)[0], one)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Error("the folder of older versions is still there")
	}
	if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k", Query: url.Values{"versionId": {one}}}); code != http.StatusNoContent {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); code != http.StatusNotFound {
		t.Errorf("after the last version was deleted the object answers %d", code)
	}
}
