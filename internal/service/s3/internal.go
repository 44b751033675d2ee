package s3

import (
	"context"
	"crypto/md5" //nolint:gosec // ETags are MD5
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"cairn/internal/call"
	"cairn/internal/service/s3/objects"
)

// PutObject returns the operation and the input of storing body under key, for
// a call made inside the engine (delivery, as cloudtrail.amazonaws.com). header
// holds what a client would send: x-amz-acl, x-amz-server-side-encryption,
// x-amz-meta-..., Content-Type.
//
// The object appears whole or not at all, and is on disk, synced, when the call
// is answered (package objects adds that to the backend, which does not sync
// by itself). Repeating the call with the same key, bytes and metadata changes
// nothing and makes no second version.
func (s *Service) PutObject(bucket, key string, header http.Header, body []byte) (*call.Operation, any) {
	h := http.Header{}
	for name, values := range header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if body == nil {
		body = []byte{}
	}
	return s.api.Operations["PutObject"], &Input{Bucket: bucket, Key: key, Query: url.Values{}, Header: h, Body: body}
}

// GetBucketAcl returns the operation and the input of asking for a bucket's
// ACL, for a call made inside the engine: what CloudTrail does to see whether
// it may deliver.
func (s *Service) GetBucketAcl(bucket string) (*call.Operation, any) { //nolint:staticcheck // the API's name
	in := &Input{Bucket: bucket, Query: url.Values{"acl": {""}}, Header: http.Header{}, sub: "acl"}
	return s.api.Operations["GetBucketAcl"], in
}

// already returns the answer of storing an object that is there already, with
// the same bytes and metadata; nil if it is not.
func (s *Service) already(ctx context.Context, in *Input) *Output {
	resp, err := s.ask(ctx, &objects.Request{Method: http.MethodHead, Bucket: in.Bucket, Key: in.Key}, nil)
	if err != nil {
		return nil
	}
	sum := md5.Sum(in.Body) //nolint:gosec // ETags are MD5
	etag := hex.EncodeToString(sum[:])
	if strings.Trim(resp.Header.Get("Etag"), `"`) != etag || !maps.Equal(metadata(resp.Header), metadata(in.Header)) {
		return nil
	}
	if in.bucket.Retention != nil && resp.Header.Get(lockMode) == "" {
		return nil // a crash came between object and lock; the next version has both
	}
	out := &Output{Header: http.Header{"Etag": {`"` + etag + `"`}, "X-Amz-Server-Side-Encryption": {"AES256"}}}
	if v := resp.Header.Get("X-Amz-Version-Id"); v != "" {
		out.Header.Set("X-Amz-Version-Id", v)
	}
	return out
}

// metadata returns the user's metadata, and the content type and encoding.
func metadata(h http.Header) map[string]string {
	m := map[string]string{}
	for name := range h {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-meta-") || lower == "content-encoding" {
			m[lower] = h.Get(name)
		}
	}
	return m
}
