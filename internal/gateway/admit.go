package gateway

import (
	"net/http"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/sigv4"
	"cairn/internal/wire"
)

// Under overload calls wait, and then are refused in the words SDKs know to try
// again later. Nothing of them has run then, and nothing is recorded: a record
// for each refusal would make of a flood of calls one of fsyncs.
var (
	// callBounds bound the calls that run. More at once only wait in more places:
	// they share fsyncs, and batches are full long before.
	callBounds = bounds{all: 512, share: 256, queue: 1024, wait: 10 * time.Second}
	// bodyBounds bound the bytes of bodies in memory, those of up to smallBody
	// aside. Decoded they take several times as much.
	bodyBounds = bounds{all: 128 << 20, share: 64 << 20, queue: 1024, wait: 10 * time.Second}
)

// smallBody is the size up to which bodies do not wait for memory: the number of
// connections bounds them. Whose signature is not checked yet could make others
// wait; with most bodies he cannot.
const smallBody = 16 << 10

// maxHeaders bounds the header fields of a request; AWS's clients send about 20.
const maxHeaders = 256

// fields refuses requests with more header fields than any client sends. Their
// bytes are bounded by the server.
func fields(r *http.Request) error {
	n := 0
	for _, values := range r.Header {
		n += len(values)
	}
	if n > maxHeaders {
		return awserr.New(http.StatusRequestHeaderFieldsTooLarge, "RequestHeaderSectionTooLarge",
			"Your request has %d header fields; at most %d are accepted.", n, maxHeaders)
	}
	return nil
}

// room waits until the body of a call may be held in memory. It is given back
// after the answer. S3's bodies are not held.
func (g *Gateway) room(r *http.Request, api *call.API, account string) error {
	b, ok := r.Body.(*slowBody)
	if !ok || api.Match != nil || r.ContentLength > sigv4.MaxPayload {
		return nil // no body, or none that will be held
	}
	size := r.ContentLength
	if size < 0 {
		size = sigv4.MaxPayload
	}
	if size <= smallBody {
		return nil
	}
	free, err := g.bodies.take(r.Context(), account, size)
	if err != nil {
		return busy(err, api)
	}
	b.free = free
	return nil
}

// turn waits until a call may run.
func (g *Gateway) turn(r *http.Request, c *call.Call) (free func(), err error) {
	if free, err = g.calls.take(r.Context(), c.Principal.Account, 1); err != nil {
		return nil, busy(err, c.API)
	}
	return free, nil
}

// busy is how each service says that there are too many calls.
//
// Source: "Common Errors" in each service's API reference; "Best practices
// design patterns: optimizing Amazon S3 performance" for SlowDown.
func busy(cause error, api *call.API) error {
	status, code, text := http.StatusBadRequest, "ThrottlingException", "Rate exceeded"
	switch {
	case api.Match != nil:
		status, code, text = http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."
	case api.Name == "organizations":
		code, text = "TooManyRequestsException", "You have sent too many requests in too short a period of time."
	case api.Codec.Protocol == wire.EC2:
		status, code, text = http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."
	case api.Codec.Protocol == wire.Query:
		code = "Throttling"
	}
	return awserr.Wrap(cause, status, code, "%s", text)
}

// later tells clients of a refusal that is over soon when to try again.
func later(h http.Header, err error) {
	if e := awserr.From(err); e != nil && (e.Status == http.StatusServiceUnavailable || throttled(e)) {
		h.Set("Retry-After", "1") // seconds
	}
}

// throttled reports whether a call was refused by busy.
func throttled(e *awserr.Error) bool {
	switch e.Code {
	case "ThrottlingException", "Throttling", "SlowDown", "RequestLimitExceeded", "TooManyRequestsException":
		return true
	}
	return false
}
