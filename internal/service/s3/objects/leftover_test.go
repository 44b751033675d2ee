package objects

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// upload begins an upload of k in bucket and sends its one part; what it returns
// completes it, as often as it is called.
func upload(t *testing.T, s *Store, text string) (id string, complete func(*Store) int) {
	t.Helper()
	id = begin(t, s)
	resp, err := s.Do(t.Context(), &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Query: url.Values{"uploadId": {id}, "partNumber": {"1"}}, Body: strings.NewReader(text), Length: int64(len(text))})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	doc := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + resp.Header.Get("ETag") + "</ETag></Part></CompleteMultipartUpload>"
	return id, func(s *Store) int {
		code, _ := do(t, s, &Request{Method: http.MethodPost, Bucket: "bucket", Key: "k", Query: url.Values{"uploadId": {id}}, Body: strings.NewReader(doc), Length: int64(len(doc))})
		return code
	}
}

// An upload whose completion was cut off by a kill, or could not be taken back, is
// completed by the next call: nobody is told that an object is stored which is not.
func TestCompletionCutOff(t *testing.T) {
	for _, restart := range []bool{false, true} {
		dir := t.TempDir()
		s := openStore(t, dir)
		id, complete := upload(t, s, "text")
		folder := filepath.Join(dir, "objects", "bucket", uploads("k"), id)
		if err := os.Rename(folder, folder+".0123-1"+completing); err != nil { // as the backend does first
			t.Fatal(err)
		}
		if restart {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openStore(t, dir)
			if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Query: url.Values{"uploads": {""}}}); !strings.Contains(body, id) {
				t.Errorf("the upload is not listed after the start: %s", body)
			}
		}
		if code := complete(s); code != http.StatusOK {
			t.Errorf("restart %v: completing it again answers %d", restart, code)
		}
		if code, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body != "text" {
			t.Errorf("restart %v: the object answers %d: %s", restart, code, body)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// One that was completed, but for the removal of its parts, is not opened again: a
// later object would be replaced by an older one.
func TestCompletedNotReopened(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	begin(t, s) // keeps the folder of the key
	id, complete := upload(t, s, "text")
	folder := filepath.Join(dir, "objects", "bucket", uploads("k"), id)
	if code := complete(s); code != http.StatusOK {
		t.Fatal(code)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Mkdir(folder+".0123-1"+completing, 0o700); err != nil { // as if the engine had been killed before it was gone
		t.Fatal(err)
	}
	s = openStore(t, dir)
	defer s.Close()
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Query: url.Values{"uploads": {""}}}); strings.Contains(body, id) {
		t.Errorf("the upload is open again: %s", body)
	}
	if code := complete(s); code != http.StatusOK { // as a client does whose answer was lost
		t.Errorf("completing it again answers %d", code)
	}
}

// An upload whose completion was cut off can be aborted.
func TestAbortCutOff(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	id, complete := upload(t, s, "text")
	folder := filepath.Join(dir, "objects", "bucket", uploads("k"), id)
	if err := os.Rename(folder, folder+".0123-1"+completing); err != nil {
		t.Fatal(err)
	}
	if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k", Query: url.Values{"uploadId": {id}}}); code != http.StatusNoContent {
		t.Error(code, body)
	}
	if code := complete(s); code != http.StatusNotFound {
		t.Errorf("completing it afterwards answers %d", code)
	}
}
