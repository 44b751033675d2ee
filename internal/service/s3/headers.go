package s3

import (
	"net/http"
	"strings"

	"cairn/internal/awserr"
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

// handled are the x-amz- headers that are dealt with here, or say nothing the
// engine has to act on.
var handled = []string{
	"X-Amz-Acl", "X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Confirm-Remove-Self-Bucket-Access", "X-Amz-Content-Sha256",
	"X-Amz-Copy-Source", "X-Amz-Date", "X-Amz-Decoded-Content-Length", "X-Amz-Expected-Bucket-Owner", "X-Amz-Grant-",
	"X-Amz-Object-Ownership", "X-Amz-Optional-Object-Attributes", "X-Amz-Request-Payer", "X-Amz-Security-Token",
	"X-Amz-Server-Side-Encryption", "X-Amz-Source-Expected-Bucket-Owner", "X-Amz-Te", "X-Amz-Trailer",
	"X-Amz-Transition-Default-Minimum-Object-Size", "X-Amz-User-Agent",
}

func among(name string, list []string) bool {
	for _, n := range list {
		if name == n || strings.HasSuffix(n, "-") && strings.HasPrefix(name, n) {
			return true
		}
	}
	return false
}

// checkHeaders refuses what the engine cannot do, rather than ignore it.
func checkHeaders(o *operation, in *Input) error {
	for name := range in.Header {
		name = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(name, "X-Amz-") && !among(name, passed) && !among(name, handled) {
			return notImplemented("the header " + strings.ToLower(name) + " of " + o.name)
		}
	}
	if o.on != onObject {
		return nil
	}
	switch sse := in.Header.Get("X-Amz-Server-Side-Encryption"); {
	case sse == "" || sse == "AES256":
	case strings.HasPrefix(sse, "aws:kms"):
		return noKMS()
	default:
		return invalidArgument("x-amz-server-side-encryption", sse, "The encryption method specified is not supported")
	}
	return nil
}

func noKMS() error {
	return awserr.New(http.StatusNotImplemented, "NotImplemented",
		"This engine has no KMS: objects are kept with SSE-S3 only. Use the algorithm AES256.")
}

// forwarded returns the headers for the object store.
func forwarded(in *Input) http.Header {
	h := http.Header{}
	for name, values := range in.Header {
		if name = http.CanonicalHeaderKey(name); among(name, passed) {
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
	if in.source != nil {
		h.Set("X-Amz-Copy-Source", in.source.Header())
	}
	return h
}

// notReturned are headers of the object store's replies that are its own.
var notReturned = []string{
	"Access-Control-", "Connection", "Content-Length", "Date", "Keep-Alive", "Server", "Transfer-Encoding", "Vary",
	"X-Amz-Bucket-Region", "X-Amz-Id-2", "X-Amz-Request-Id",
}

func returned(h http.Header) http.Header {
	out := http.Header{}
	for name, values := range h {
		if !among(name, notReturned) {
			out[name] = values
		}
	}
	return out
}
