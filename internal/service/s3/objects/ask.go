package objects

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"cairn/internal/awserr"
	"cairn/internal/service/s3/config"
)

// Answer is what the store answers.
type Answer struct {
	// Status is the HTTP status.
	Status int
	Header http.Header
	// Body is the answer's body and Length its length in bytes, -1 if unknown;
	// for HEAD it is the object's length, and the body is empty.
	Body   io.ReadCloser
	Length int64
}

// Ask sends a request to the store and tells success from failure. A refusal is
// the *awserr.Error the store answered with, and comes with the answer's status
// and headers. Of a success only GET's body has to be read and closed by the
// caller; others are in memory or empty.
func (s *Store) Ask(ctx context.Context, req *Request) (*Answer, error) {
	resp, err := s.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	a := &Answer{Status: resp.StatusCode, Header: resp.Header, Body: http.NoBody, Length: resp.ContentLength}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return a, refusal(req, resp)
	}
	switch req.Method {
	case http.MethodGet:
		a.Body = resp.Body
		return a, nil
	case http.MethodHead:
		return a, resp.Body.Close()
	}
	return a, a.drain(resp.Body)
}

// drain reads a small body into memory, so that the connection is free.
func (a *Answer) drain(body io.ReadCloser) error {
	b, err := io.ReadAll(io.LimitReader(body, config.MaxDocument))
	_ = body.Close() // read to its end
	a.Body, a.Length = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	if err != nil {
		return fmt.Errorf("read the object store's answer: %w", err)
	}
	return nil
}

// refusal is the store's error reply as the caller's.
func refusal(req *Request, resp *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil || len(b) == 0 {
		return statusError(req, resp)
	}
	doc, err := config.ParseXML(b)
	if err != nil || doc.At("Code") == "" {
		return awserr.From(fmt.Errorf("object store answered %s %s with %s and no error document", req.Method, req.Bucket, resp.Status))
	}
	if resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusNotImplemented {
		return awserr.Wrap(fmt.Errorf("object store failed %s of %s/%s: %s", req.Method, req.Bucket, req.Key, doc.At("Code")),
			http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
	}
	e := awserr.New(resp.StatusCode, doc.At("Code"), "%s", doc.At("Message"))
	e.Detail = map[string]string{}
	for _, k := range doc.Kids {
		switch k.Name {
		case "Code", "Message", "RequestId", "HostId", "Resource":
		default:
			if len(k.Kids) == 0 {
				e.Detail[k.Name] = k.Text
			}
		}
	}
	return e
}

// statusError is the error of a reply without a body, as HEAD's are.
func statusError(req *Request, resp *http.Response) error {
	code, text := "BadRequest", "Bad Request"
	switch resp.StatusCode {
	case http.StatusNotFound:
		code, text = "NoSuchKey", "The specified key does not exist."
	case http.StatusPreconditionFailed:
		code, text = "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"
	case http.StatusRequestedRangeNotSatisfiable:
		code, text = "InvalidRange", "The requested range is not satisfiable"
	case http.StatusMethodNotAllowed:
		code, text = "MethodNotAllowed", "The specified method is not allowed against this resource."
	case http.StatusBadRequest:
	default:
		return awserr.From(fmt.Errorf("object store answered %s %s with %s", req.Method, req.Bucket, resp.Status))
	}
	return awserr.New(resp.StatusCode, code, "%s", text)
}
