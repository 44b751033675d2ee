package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5 is S3's
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// ask sends a request to the object store. A failure becomes the *awserr.Error
// the store answered with; headers of that answer which belong to the caller's
// are kept in in, which may be nil.
func (s *Service) ask(ctx context.Context, req *objects.Request, in *Input) (*http.Response, error) {
	resp, err := s.objects.Do(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < http.StatusBadRequest {
		switch req.Method {
		case get:
			return resp, nil
		case http.MethodHead:
			return resp, resp.Body.Close() // empty; the length is the object's
		}
		return resp, drained(resp)
	}
	defer resp.Body.Close()
	if in != nil {
		in.failed = http.Header{}
		for _, name := range []string{"X-Amz-Delete-Marker", "X-Amz-Version-Id", "Last-Modified", "Allow"} {
			if v := resp.Header.Get(name); v != "" {
				in.failed.Set(name, v)
			}
		}
	}
	return nil, storeError(req, resp)
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

// storeError is the object store's error reply as the caller's.
func storeError(req *objects.Request, resp *http.Response) error {
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
func statusError(req *objects.Request, resp *http.Response) error {
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

// params returns some of the request's query parameters.
func (in *Input) params(names ...string) url.Values {
	q := url.Values{}
	for _, name := range names {
		if v, ok := in.Query[name]; ok {
			q[name] = v
		}
	}
	return q
}

// request returns the request for the object store, without its body.
func (in *Input) request(method string) *objects.Request {
	return &objects.Request{Method: method, Bucket: in.Bucket, Key: in.Key, Query: in.Query, Header: forwarded(in)}
}

// forward passes a reading operation on. The answer is streamed by reply.
func forward(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	resp, err := s.ask(ctx, in.request(s.methods[g.Op.Name]), in)
	if err != nil {
		return nil, s.hideAbsent(g, in, err)
	}
	return s.answer(resp, in), nil
}

// hideAbsent turns the absence of an object into AccessDenied for callers who
// may not list the bucket: otherwise they could find out which keys exist.
func (s *Service) hideAbsent(g *call.Granted, in *Input, err error) error {
	if !awserr.Is(err, "NoSuchKey") && !awserr.Is(err, "NoSuchVersion") {
		return err
	}
	k, cerr := s.check(g.Call, &Input{Header: in.Header, Query: url.Values{}}, in.bucket, "s3:ListBucket", "")
	if cerr != nil {
		return cerr
	}
	if denied := g.Allows(k); denied != nil {
		in.failed = nil
		return denied
	}
	return err
}

// answer is the object store's answer as the caller's.
func (s *Service) answer(resp *http.Response, in *Input) *Output {
	out := &Output{Status: resp.StatusCode, Header: returned(resp.Header), Body: resp.Body, Length: resp.ContentLength}
	if resp.StatusCode == http.StatusNotModified {
		return out
	}
	if in.Key != "" && in.sub == "" {
		out.Header.Set("X-Amz-Server-Side-Encryption", "AES256")
	}
	return out
}

// list passes a listing on and names the bucket's owner in it.
func list(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	out, err := forward(ctx, s, g, in)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		return nil, fmt.Errorf("read listing of bucket %s: %w", in.Bucket, err)
	}
	id := []byte(config.CanonicalID(in.bucket.Account))
	b = bytes.ReplaceAll(b, []byte(s.objects.Owner()), id)
	out.Body, out.Length = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return out, nil
}

// write holds off the bucket's removal while f writes to it.
func (s *Service) write(in *Input, f func() (*Output, error)) (*Output, error) {
	mu := s.lock(in.Bucket)
	if !mu.TryRLock() {
		return nil, aborted(in.Bucket)
	}
	defer mu.RUnlock()
	if _, err := s.bucket(in.Bucket); err != nil {
		return nil, err // removed since it was looked up
	}
	return f()
}

// change passes on a writing operation whose body, if any, is a document.
func change(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	data, err := in.readAll(g.Call, config.MaxDocument)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, g, in, data)
}

func (s *Service) change(ctx context.Context, g *call.Granted, in *Input, data []byte) (*Output, error) {
	return s.write(in, func() (*Output, error) {
		req := in.request(s.methods[g.Op.Name])
		req.Body, req.Length = bytes.NewReader(data), int64(len(data))
		resp, err := s.ask(ctx, req, in)
		if err != nil {
			return nil, s.hideAbsent(g, in, err)
		}
		out := s.answer(resp, in)
		if g.Op.Name == "CreateMultipartUpload" || g.Op.Name == "CompleteMultipartUpload" {
			out.Header.Set("X-Amz-Server-Side-Encryption", "AES256")
		}
		return out, nil
	})
}

// putObject stores an object. A call made inside the engine that finds the
// very object there already changes nothing, so repeating it makes no second
// version.
func putObject(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	if g.HTTP == nil {
		if out := s.already(ctx, in); out != nil {
			return out, nil
		}
	}
	return upload(ctx, s, g, in)
}

// upload streams a body to the object store.
func upload(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	return s.write(in, func() (*Output, error) {
		b := in.open(g.Call)
		if b.length < 0 {
			return nil, awserr.New(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
		}
		req := in.request(put)
		req.Body, req.Length = b, b.length
		if b.trailer != nil {
			req.Body, req.Length = b.frame(in, req.Header), -1
			req.PayloadHash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		}
		resp, err := s.ask(ctx, req, in)
		if err != nil {
			if in.source != nil {
				err = s.hideAbsentSource(g, in, err)
			}
			return nil, err
		}
		out := s.answer(resp, in)
		out.Header.Set("X-Amz-Server-Side-Encryption", "AES256")
		return out, nil
	})
}

// hideAbsentSource is hideAbsent for the source of a copy.
func (s *Service) hideAbsentSource(g *call.Granted, in *Input, err error) error {
	b, berr := s.bucket(in.source.Bucket)
	if berr != nil {
		return berr
	}
	return s.hideAbsent(g, &Input{Header: in.Header, bucket: b}, err)
}

// putVersioning checks the document and passes it on; the object store keeps
// the state, because its objects depend on it.
func putVersioning(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	doc, err := in.readDocument(g.Call, "VersioningConfiguration")
	if err != nil {
		return nil, err
	}
	if doc.At("MfaDelete") == "Enabled" {
		return nil, notImplemented("MFA delete")
	}
	doc.Kids = doc.All("Status")
	if len(doc.Kids) == 0 {
		return nil, awserr.New(http.StatusBadRequest, "IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	return s.rewritten(ctx, g, in, doc)
}

// rewritten passes on a document in our own spelling, for which the checksums
// that were sent do not hold.
func (s *Service) rewritten(ctx context.Context, g *call.Granted, in *Input, doc *config.Node) (*Output, error) {
	data := doc.XML()
	sum := md5.Sum(data) //nolint:gosec // Content-MD5 is S3's
	own := *in           // the headers differ, the rest is the request's
	own.Header = http.Header{"Content-Md5": {base64.StdEncoding.EncodeToString(sum[:])}}
	return s.change(ctx, g, &own, data)
}

func putObjectLock(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	doc, err := in.readDocument(g.Call, "ObjectLockConfiguration")
	if err != nil {
		return nil, err
	}
	return s.rewritten(ctx, g, in, doc)
}
