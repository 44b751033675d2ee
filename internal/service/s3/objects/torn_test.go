package objects

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A body that ends too soon, because its client hung up, leaves the object as it
// was: never a part of the body.
func TestHalfABody(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	put(t, s, "bucket", "old", "before")
	gone := errors.New("the client hung up")
	for _, size := range []int{1, 1 << 10, 100 << 10, 3 << 20} {
		for _, key := range []string{"old", fmt.Sprint("new", size)} {
			half := io.MultiReader(strings.NewReader(strings.Repeat("x", size)), failing{gone})
			_, err := s.Ask(t.Context(), &Request{Method: http.MethodPut, Bucket: "bucket", Key: key, Body: half, Length: int64(2 * size)})
			if !errors.Is(err, gone) {
				t.Errorf("%d bytes of %d into %s: %v", size, 2*size, key, err)
			}
		}
	}
	if err := s.Close(); err != nil { // waits for what goes on in the store
		t.Error(err)
	}
	s = openStore(t, dir)
	defer s.Close()
	if code, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "old"}); code != http.StatusOK || body != "before" {
		t.Errorf("the object is now %d bytes %.20q, status %d", len(body), body, code)
	}
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket"}); strings.Contains(body, "new") {
		t.Errorf("half a body made an object: %s", body)
	}
}

// So is a part of an upload: the part is not there.
func TestHalfAPart(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	upload := begin(t, s)
	gone := errors.New("the client hung up")
	half := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{gone})
	of := url.Values{"uploadId": {upload}, "partNumber": {"1"}}
	if _, err := s.Ask(t.Context(), &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Query: of, Body: half, Length: 2 << 20}); !errors.Is(err, gone) {
		t.Errorf("half a part: %v", err)
	}
	for range 20 { // the store may not have met the end of it yet
		if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k", Query: url.Values{"uploadId": {upload}}}); strings.Contains(body, "<PartNumber>") {
			t.Fatalf("half a body made a part: %s", body)
		}
	}
}

// A part that cannot be copied into the object, as on a full disk, fails the call
// that completes the upload, and can be completed later.
func TestPartNotCopied(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	upload := begin(t, s)
	put(t, s, "bucket", "k", "before")
	part, number := strings.Repeat("x", 6<<20), "1"
	resp, err := s.Do(t.Context(), &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Query: url.Values{"uploadId": {upload}, "partNumber": {number}}, Body: strings.NewReader(part), Length: int64(len(part))})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	complete := func() int {
		text := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + resp.Header.Get("ETag") + "</ETag></Part></CompleteMultipartUpload>"
		code, _ := do(t, s, &Request{Method: http.MethodPost, Bucket: "bucket", Key: "k", Query: url.Values{"uploadId": {upload}}, Body: strings.NewReader(text), Length: int64(len(text))})
		return code
	}
	s.backing.appendPart = func(to, from *os.File) error {
		_, err := io.CopyN(to, from, 1<<20)
		_, skipped := io.CopyN(io.Discard, from, 1<<20) // read, and not written
		return errors.Join(err, skipped, syscall.ENOSPC)
	}
	if code := complete(); code < http.StatusInternalServerError {
		t.Errorf("an upload whose part was not copied is answered with status %d", code)
	}
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body != "before" {
		t.Errorf("the object is now %d bytes", len(body))
	}
	s.backing.appendPart = appendPart
	if code := complete(); code != http.StatusOK {
		t.Errorf("completed again: status %d", code)
	}
	if code := complete(); code != http.StatusOK { // as a client does whose answer was lost
		t.Errorf("completed twice: status %d", code)
	}
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); body != part {
		t.Errorf("completed again, the object is %d bytes, want %d", len(body), len(part))
	}
}

// An upload that was aborted cannot be completed, and nobody is told that it was.
func TestCompleteAborted(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	upload := begin(t, s)
	put(t, s, "bucket", "k", "before")
	of := url.Values{"uploadId": {upload}}
	if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k", Query: of}); code != http.StatusNoContent {
		t.Fatal(code, body)
	}
	text := `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"f5c4f25dcc4f74057a674939fa8dcbd4"</ETag></Part></CompleteMultipartUpload>`
	code, body := do(t, s, &Request{Method: http.MethodPost, Bucket: "bucket", Key: "k", Query: of, Body: strings.NewReader(text), Length: int64(len(text))})
	if code != http.StatusNotFound || !strings.Contains(body, "<Code>NoSuchUpload</Code>") {
		t.Errorf("status %d: %s", code, body)
	}
}

// begin makes a bucket, begins an upload of k in it and returns its id.
func begin(t *testing.T, s *Store) string {
	t.Helper()
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	_, body := do(t, s, &Request{Method: http.MethodPost, Bucket: "bucket", Key: "k", Query: url.Values{"uploads": {""}}})
	_, rest, _ := strings.Cut(body, "<UploadId>")
	id, _, ok := strings.Cut(rest, "</UploadId>")
	if !ok {
		t.Fatalf("no upload began: %s", body)
	}
	return id
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
