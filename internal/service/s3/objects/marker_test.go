package objects

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/versity/versitygw/backend/meta"
)

// A delete marker that could not be made, as when the disk fails or the engine ends
// between two steps, leaves the object as it was: its version id, and its hold.
func TestMarkerAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Header: http.Header{"X-Amz-Bucket-Object-Lock-Enabled": {"true"}}})
	put(t, s, "bucket", "k", "text")
	hold := "<LegalHold><Status>ON</Status></LegalHold>"
	sum := md5.Sum([]byte(hold))
	proof := http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}
	if code, body := do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Query: url.Values{"legal-hold": {""}}, Header: proof, Body: strings.NewReader(hold), Length: int64(len(hold))}); code != http.StatusOK {
		t.Fatal(code, body)
	}
	before := head(t, s)
	kept := s.backing.meta
	for _, attribute := range []string{"delete-marker", "version-id"} {
		s.backing.meta = broken{kept, attribute}
		if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k"}); code < http.StatusInternalServerError {
			t.Errorf("%s: %d %s", attribute, code, body)
		}
		s.backing.meta = kept
		if after := head(t, s); after != before {
			t.Errorf("%s: the object was %v and is %v", attribute, before, after)
		}
	}
	if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k"}); code != http.StatusNoContent {
		t.Errorf("%d %s", code, body)
	}
	if left, err := os.ReadDir(dir + "/objects/bucket/.sgwtmp"); err != nil || len(left) != 0 {
		t.Errorf("temporary files: %v %v", left, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = openStore(t, dir)
	defer s.Close()
	if code, _ := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Key: "k"}); code != http.StatusNotFound {
		t.Errorf("behind its marker the object answers %d", code)
	}
	_, list := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Query: url.Values{"versions": {""}}})
	if strings.Count(list, "<Version>") != 1 || strings.Count(list, "<DeleteMarker>") != 1 || strings.Count(list, "<VersionId>"+before[0]+"<") != 1 {
		t.Errorf("versions: %s", list)
	}
}

// head is the version id and the hold of k.
func head(t *testing.T, s *Store) [2]string {
	t.Helper()
	resp, err := s.Do(t.Context(), &Request{Method: http.MethodHead, Bucket: "bucket", Key: "k"})
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	return [2]string{resp.Header.Get("X-Amz-Version-Id"), resp.Header.Get("X-Amz-Object-Lock-Legal-Hold")}
}

// broken stores all attributes but one.
type broken struct {
	meta.MetadataStorer
	attribute string
}

func (b broken) StoreAttribute(f *os.File, bucket, object, attribute string, value []byte) error {
	// The copy that is set aside keeps its own.
	if attribute == b.attribute && (f == nil || !strings.HasPrefix(bucket, "/")) {
		return errors.New("the disk fails")
	}
	return b.MetadataStorer.StoreAttribute(f, bucket, object, attribute, value)
}

// The marker of a bucket whose versioning is suspended has the id "null".
func TestMarkerSuspended(t *testing.T) {
	s := openStore(t, t.TempDir())
	defer s.Close()
	versioned(t, s)
	put(t, s, "bucket", "k", "text")
	text := `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Suspended</Status></VersioningConfiguration>`
	if code, body := do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Query: url.Values{"versioning": {""}}, Body: strings.NewReader(text), Length: int64(len(text))}); code != http.StatusOK {
		t.Fatal(code, body)
	}
	if code, body := do(t, s, &Request{Method: http.MethodDelete, Bucket: "bucket", Key: "k"}); code != http.StatusNoContent {
		t.Errorf("%d %s", code, body)
	}
	_, list := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Query: url.Values{"versions": {""}}})
	_, marker, _ := strings.Cut(list, "<DeleteMarker>")
	marker, _, _ = strings.Cut(marker, "</DeleteMarker>")
	if strings.Count(list, "<Version>") != 1 || !strings.Contains(marker, "<VersionId>null<") {
		t.Errorf("versions: %s", list)
	}
}
