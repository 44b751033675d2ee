package objects

import (
	"net/http"
	"strings"
)

// passed are the headers that go to the object store as they came; a name that
// ends with - or _ stands for all that begin so.
var passed = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Md5", "Content-Type", "Expires",
	"If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "Range",
	"X-Amz-Bypass-Governance-Retention", "X-Amz-Checksum-", "X-Amz-Copy-Source-If-", "X-Amz-Copy-Source-Range",
	"X-Amz-If-Match-", "X-Amz-Max-Parts", "X-Amz-Meta-", "X-Amz-Metadata-Directive", "X-Amz-Mp-Object-Size",
	"X-Amz-Object-Attributes", "X-Amz-Object-Lock-", "X-Amz-Part-Number-Marker", "X-Amz-Sdk-Checksum-Algorithm",
	"X-Amz-Storage-Class", "X-Amz-Tagging", "X-Amz-Tagging-Directive", "X-Amz-Website-Redirect-Location",
}

// Passes reports whether the store takes a request header of this canonical
// name.
func Passes(name string) bool { return Among(name, passed) }

// Among reports whether a header's canonical name is in a list, in which a name
// that ends with - stands for all that begin so.
func Among(name string, list []string) bool {
	for _, n := range list {
		if name == n || strings.HasSuffix(n, "-") && strings.HasPrefix(name, n) {
			return true
		}
	}
	return false
}

// Passed returns those of a request's headers that the store takes. The
// aws-chunked framing is gone by then, and no longer named.
func Passed(header http.Header) http.Header {
	h := http.Header{}
	for name, values := range header {
		if name = http.CanonicalHeaderKey(name); Passes(name) {
			h[name] = values
		}
	}
	if v := h.Get("Content-Encoding"); strings.Contains(v, "aws-chunked") {
		h.Del("Content-Encoding")
		var rest []string
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "aws-chunked" && part != "" {
				rest = append(rest, part)
			}
		}
		if len(rest) > 0 {
			h.Set("Content-Encoding", strings.Join(rest, ","))
		}
	}
	return h
}

// notReturned are headers of the object store's replies that are its own.
var notReturned = []string{
	"Access-Control-", "Connection", "Content-Length", "Date", "Keep-Alive", "Server", "Transfer-Encoding", "Vary",
	"X-Amz-Bucket-Region", "X-Amz-Id-2", "X-Amz-Request-Id",
}

// Returned returns those headers of a reply of the store that are about the
// object or bucket.
func Returned(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		if !Among(name, notReturned) {
			out[name] = values
		}
	}
	return out
}
