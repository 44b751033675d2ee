package s3

import (
	"net/http"
	"strings"

	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// handled are the x-amz- headers that are dealt with here, or say nothing the
// engine has to act on.
var handled = []string{
	"X-Amz-Acl", "X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Confirm-Remove-Self-Bucket-Access", "X-Amz-Content-Sha256",
	"X-Amz-Copy-Source", "X-Amz-Date", "X-Amz-Decoded-Content-Length", "X-Amz-Expected-Bucket-Owner", "X-Amz-Grant-",
	"X-Amz-Object-Ownership", "X-Amz-Optional-Object-Attributes", "X-Amz-Request-Payer", "X-Amz-Security-Token",
	"X-Amz-Server-Side-Encryption", "X-Amz-Source-Expected-Bucket-Owner", "X-Amz-Te", "X-Amz-Trailer",
	"X-Amz-Transition-Default-Minimum-Object-Size", "X-Amz-User-Agent",
}

// checkHeaders refuses what the engine cannot do, rather than ignore it.
func checkHeaders(o *operation, in *Input) error {
	for name := range in.Header {
		name = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(name, "X-Amz-") && !objects.Passes(name) && !objects.Among(name, handled) {
			return notImplemented("the header " + strings.ToLower(name) + " of " + o.name)
		}
	}
	if o.on != onObject {
		return nil
	}
	switch sse := in.Header.Get("X-Amz-Server-Side-Encryption"); {
	case sse == "" || sse == "AES256":
	case strings.HasPrefix(sse, "aws:kms"):
		return config.NoKMS()
	default:
		return invalidArgument("x-amz-server-side-encryption", sse, "The encryption method specified is not supported")
	}
	return nil
}

// forwarded returns the headers for the object store.
func forwarded(in *Input) http.Header {
	h := objects.Passed(in.Header)
	if in.source != nil {
		h.Set("X-Amz-Copy-Source", in.source.Header())
	}
	return h
}
