package s3

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
)

// Output is what every operation answers. Whoever does not hand it to the
// API's Reply must close it.
type Output struct {
	// Status is the HTTP status; 0 means 200.
	Status int
	Header http.Header
	// Body is the answer's body, nil if there is none; Length its length in
	// bytes, -1 if unknown.
	Body   io.ReadCloser
	Length int64
}

// Close drops the body.
func (o *Output) Close() error {
	if o.Body == nil {
		return nil
	}
	return o.Body.Close()
}

// document makes an answer of an XML document.
func document(n *config.Node) *Output {
	b := n.XML()
	return &Output{Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(bytes.NewReader(b)), Length: int64(len(b))}
}

// extendedID is the x-amz-id-2 of a call, derived from its request id so that
// reply and record say the same.
func extendedID(requestID string) string {
	sum := sha512.Sum384([]byte(requestID))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// reply writes the answer.
func (s *Service) reply(w http.ResponseWriter, c *call.Call, out any, err error) {
	h := w.Header()
	h.Set("X-Amz-Request-Id", c.RequestID)
	h.Set("X-Amz-Id-2", extendedID(c.RequestID))
	head := c.HTTP != nil && c.HTTP.Method == http.MethodHead
	in, _ := c.Input.(*Input)
	if err != nil {
		s.replyError(w, c, in, awserr.From(err), head)
		return
	}
	o := out.(*Output)
	defer func() { _ = o.Close() }() // the client has what was read
	for name, values := range o.Header {
		// S3 sends the names of user metadata in lower case, and clients tell
		// "signature" from "Signature": the aws CLI finds no other signature of a
		// digest. A name written into the map is sent as it is.
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			name = strings.ToLower(name)
		}
		h[name] = values
	}
	if o.Length >= 0 && o.Status != http.StatusNoContent && o.Status != http.StatusNotModified {
		h.Set("Content-Length", strconv.FormatInt(o.Length, 10))
	}
	status := o.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if head || o.Body == nil {
		return
	}
	if _, err := io.Copy(w, o.Body); err != nil {
		// The status is sent; cutting the connection is the only way left to
		// tell the client that this is not the whole object.
		panic(http.ErrAbortHandler)
	}
}

func (s *Service) replyError(w http.ResponseWriter, c *call.Call, in *Input, e *awserr.Error, head bool) {
	h := w.Header()
	if in != nil {
		maps.Copy(h, in.failed)
		if in.bucket != nil && head {
			h.Set("X-Amz-Bucket-Region", in.bucket.Region)
		}
	}
	h.Set("Content-Type", "application/xml")
	if head {
		w.WriteHeader(e.Status)
		return
	}
	b := errorDocument(c, e)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(e.Status)
	_, _ = w.Write(b) // a client that went away is not our failure
}

// errorDocument is S3's error body. Unlike other documents it has no namespace.
func errorDocument(c *call.Call, e *awserr.Error) []byte {
	code, message := e.Code, e.Message
	if code == "InternalFailure" {
		code, message = "InternalError", "We encountered an internal error. Please try again."
	}
	doc := config.El("Error", config.Leaf("Code", code), config.Leaf("Message", message))
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		doc.Kids = append(doc.Kids, config.Leaf(name, e.Detail[name]))
	}
	if c.HTTP != nil {
		doc.Kids = append(doc.Kids, config.Leaf("Resource", c.HTTP.URL.Path))
	}
	doc.Kids = append(doc.Kids, config.Leaf("RequestId", c.RequestID), config.Leaf("HostId", extendedID(c.RequestID)))
	return doc.PlainXML()
}
