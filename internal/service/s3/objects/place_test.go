package objects

import (
	"crypto/md5"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// An object that could not be given its name is not answered as stored, and the
// caller is to blame only if a folder has the name.
func TestNotNamed(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	path := filepath.Join(dir, "objects", "bucket", "k")
	for name, c := range map[string]struct {
		stage func(*os.File) error
		want  int
	}{
		"the disk fails":   {func(f *os.File) error { return os.Remove(f.Name()) }, http.StatusInternalServerError},
		"a folder is made": {func(*os.File) error { return os.Mkdir(path, 0o700) }, http.StatusConflict},
	} {
		s.backing.stage = c.stage
		code, body := do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Body: strings.NewReader("text"), Length: 4})
		if code != c.want || strings.Contains(body, "ExistingObjectIsDirectory") != (code == http.StatusConflict) {
			t.Errorf("%s: %d %s", name, code, body)
		}
		if code, _ := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); code != http.StatusNotFound {
			t.Errorf("%s: the object answers %d", name, code)
		}
		_ = os.Remove(path)
	}
}

// Who changes an object waits for who is at it. Without that a deletion beside an
// upload would set aside the old version and mark the new one.
func TestOneAtATime(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	versioned(t, s)
	put(t, s, "bucket", "other", "new")
	const many = "<Delete><Object><Key>k</Key></Object></Delete>"
	sum := md5.Sum([]byte(many))
	for name, r := range map[string]*Request{
		"put":         {Method: http.MethodPut, Body: strings.NewReader("new"), Length: 3},
		"copy":        {Method: http.MethodPut, Header: http.Header{"X-Amz-Copy-Source": {"/bucket/other"}}},
		"delete":      {Method: http.MethodDelete},
		"delete many": {Method: http.MethodPost, Query: url.Values{"delete": {""}}, Body: strings.NewReader(many), Length: int64(len(many)), Header: http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}},
	} {
		put(t, s, "bucket", "k", "old")
		free := s.backing.keys.take("bucket", "k")
		if r.Bucket = "bucket"; !r.Query.Has("delete") {
			r.Key = "k"
		}
		answer := make(chan int)
		go func() {
			code, _ := do(t, s, r)
			answer <- code
		}()
		for waiting := false; !waiting; {
			s.backing.keys.mu.Lock()
			waiting = s.backing.keys.taken["bucket/k"].users == 2
			s.backing.keys.mu.Unlock()
			select {
			case code := <-answer:
				t.Fatalf("%s did not wait: %d", name, code)
			default:
				runtime.Gosched()
			}
		}
		if code, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body != "old" {
			t.Errorf("while %s waits the object answers %d: %s", name, code, body)
		}
		free()
		if code := <-answer; code/100 != 2 {
			t.Errorf("%s answers %d", name, code)
		}
		if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body == "old" {
			t.Errorf("%s changed nothing", name)
		}
	}
	if n := len(s.backing.keys.taken); n != 0 {
		t.Errorf("%d keys are still taken", n)
	}
}

func versioned(t *testing.T, s *Store) {
	t.Helper()
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	text := `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`
	if code, body := do(t, s, &Request{
		Method: http.MethodPut, Bucket: "bucket", Query: url.Values{"versioning": {""}}, Body: strings.NewReader(text), Length: int64(len(text)),
	}); code != http.StatusOK {
		t.Fatal(code, body)
	}
}
