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

// Ask sends a request to the store and tells success from failure. A refusal is
// the *awserr.Error the store answered with, and comes with that answer, whose
// body is closed, for its headers. Of a success only GET's body is left to be
// read, and closed, by the caller; others are in memory or empty.
func (s *Store) Ask(ctx context.Context, req *Request) (*http.Response, error) {
	resp, err := s.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < http.StatusBadRequest {
		switch req.Method {
		case http.MethodGet:
			return resp, nil
		case http.MethodHead:
			return resp, resp.Body.Close() // empty; the length is the object's
		}
		return resp, drained(resp)
	}
	defer resp.Body.Close()
	return resp, refusal(req, resp)
}

// drained reads a small answer into memory, so that the connection is free.
func drained(resp *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, config.MaxDocument))
	_ = resp.Body.Close() // read to its end
	resp.Body = io.NopCloser(bytes.NewReader(b))
	resp.ContentLength = int64(len(b))
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
