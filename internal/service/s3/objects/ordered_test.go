package objects

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever way an object is made, its data is synced before it has a name: if that
// fails, nothing is there, and what was there stays.
func TestSyncedBeforeNamed(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	id, complete := upload(t, s, "text")
	versioned(t, s)
	put(t, s, "bucket", "old", "before")
	failed := 0
	s.backing.stage = func(f *os.File) error {
		if !strings.HasPrefix(f.Name(), filepath.Join(dir, "versions")) {
			failed++
			return errors.New("the disk fails")
		}
		return nil
	}
	refused := func(what string, code int) {
		t.Helper()
		if code < http.StatusInternalServerError || failed != 1 {
			t.Errorf("%s: %d, %d times asked to sync", what, code, failed)
		}
		failed = 0
	}
	part := url.Values{"uploadId": {id}, "partNumber": {"2"}}
	code, _ := do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Query: part, Body: strings.NewReader("part"), Length: 4})
	refused("a part", code)
	from := http.Header{"X-Amz-Copy-Source": {"/bucket/old"}}
	code, _ = do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Query: part, Header: from})
	refused("a copied part", code)
	refused("an upload", complete(s))
	code, _ = do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Header: from})
	refused("a copy", code)
	code, _ = do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Body: strings.NewReader("text"), Length: 4})
	refused("an object", code)
	if code, _ := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); code != http.StatusNotFound {
		t.Errorf("the object answers %d", code)
	}
	s.backing.stage = func(f *os.File) error {
		if strings.HasPrefix(f.Name(), filepath.Join(dir, "versions")) {
			failed++
			return errors.New("the disk fails")
		}
		return nil
	}
	code, _ = do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "old", Body: strings.NewReader("after"), Length: 5})
	refused("a new version", code)
	code, _ = do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "old"})
	refused("a delete marker", code)
	if code, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "old"}); body != "before" {
		t.Errorf("the object answers %d: %s", code, body)
	}
	synced := 0
	s.backing.stage = func(*os.File) error { synced++; return nil }
	if put(t, s, "bucket", "new", "text"); synced != 1 {
		t.Errorf("a new object is synced %d times", synced)
	}
}

// A copy whose name a folder took is not answered as stored.
func TestCopyNotNamed(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	put(t, s, "bucket", "from", "text")
	s.backing.stage = func(*os.File) error { return os.Mkdir(filepath.Join(dir, "objects", "bucket", "k"), 0o700) }
	code, body := do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Header: http.Header{"X-Amz-Copy-Source": {"/bucket/from"}}})
	if code != http.StatusConflict || !strings.Contains(body, "ExistingObjectIsDirectory") {
		t.Errorf("%d %s", code, body)
	}
}
