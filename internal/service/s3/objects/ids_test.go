package objects

import (
	"net/http"
	"net/url"
	"testing"

	"cairn/internal/awserr"
)

// TestIDs is the second wall: whoever asks, ids do not lead out of the bucket.
func TestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a249ae29-c0c5-4910-b6e8-4db2017ed55b": true, "01JD0000000000000000000000": true, "null": true,
		"": false, ".": false, "..": false, "../../../../b": false, "a/b": false, "a\x00": false,
	} {
		if ValidID(id) != want {
			t.Errorf("ValidID(%q) is %v", id, !want)
		}
		if want {
			continue
		}
		resp, err := (&Store{}).Do(t.Context(), &Request{Method: http.MethodDelete, Bucket: "b", Key: "k", Query: url.Values{"uploadId": {id}}})
		if err == nil {
			resp.Body.Close()
		}
		if !awserr.Is(err, "InvalidArgument") {
			t.Errorf("the upload id %q: %v", id, err)
		}
	}
}
