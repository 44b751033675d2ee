package s3

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"cairn/internal/call"
)

// TestMetadataNames checks that names of user metadata leave in lower case, and
// no others.
func TestMetadataNames(t *testing.T) {
	w := httptest.NewRecorder()
	(&Service{}).reply(w, &call.Call{RequestID: "R"}, &Output{Header: http.Header{
		"X-Amz-Meta-Signature-Algorithm": {"SHA256withRSA"}, "Etag": {`"e"`}, "X-Amz-Version-Id": {"v"},
	}}, nil)
	h := w.Header()
	const name = "x-amz-meta-signature-algorithm"
	if got := map[string][]string(h)[name]; len(got) != 1 || got[0] != "SHA256withRSA" || len(h["X-Amz-Meta-Signature-Algorithm"]) != 0 {
		t.Errorf("metadata is sent as %v", h)
	}
	if len(h["Etag"]) != 1 || len(h["X-Amz-Version-Id"]) != 1 {
		t.Errorf("other headers are sent as %v", h)
	}
}
