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
func (s *Service) ask(ctx context.Context, req *objects.Request, in *Input) (*objects.Answer, error) {
	resp, err := s.objects.Ask(ctx, req)
	if err == nil {
		return resp, nil
	}
	if resp != nil && in != nil {
		in.failed = http.Header{}
		for _, name := range []string{"X-Amz-Delete-Marker", "X-Amz-Version-Id", "Last-Modified", "Allow"} {
			if v := resp.Header.Get(name); v != "" {
				in.failed.Set(name, v)
			}
		}
	}
	return nil, err
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
		return nil, s.hideAbsent(ctx, g, in, err)
	}
	out := s.answer(resp, in)
	if at, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil && in.Key != "" && in.sub == "" {
		s.tellExpiry(in, out, at, resp.Length)
	}
	return out, nil
}

// hideAbsent turns the absence of an object into AccessDenied for callers who
// may not list the bucket: otherwise they could find out which keys exist.
func (s *Service) hideAbsent(ctx context.Context, g *call.Granted, in *Input, err error) error {
	if !awserr.Is(err, "NoSuchKey") && !awserr.Is(err, "NoSuchVersion") {
		return err
	}
	k, cerr := s.check(ctx, g.Call, &Input{Header: in.Header, Query: url.Values{}}, in.bucket, "s3:ListBucket", "")
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
func (s *Service) answer(resp *objects.Answer, in *Input) *Output {
	out := &Output{Status: resp.Status, Header: objects.Returned(resp.Header), Body: resp.Body, Length: resp.Length}
	if resp.Status == http.StatusNotModified || resp.Status == http.StatusNoContent {
		return out // no object in it
	}
	if in.Key != "" && in.sub == "" {
		out.Header.Set("X-Amz-Server-Side-Encryption", "AES256")
	}
	return out
}

// list passes a listing on and names the bucket's owner in it.
func list(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	encoding := in.Query.Get("encoding-type")
	if encoding != "" && encoding != "url" {
		return nil, invalidArgument("encoding-type", encoding, "Invalid Encoding Method specified in Request")
	}
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
	if encoding != "" {
		b = config.EncodeListing(b)
	}
	out.Body, out.Length = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return out, nil
}

// write holds off the bucket's removal, and the expiry of the keys, while f
// writes to them.
func (s *Service) write(in *Input, keys []string, f func() (*Output, error)) (*Output, error) {
	done, err := s.buckets.Share(in.Bucket)
	if err != nil {
		return nil, err
	}
	defer done()
	defer s.keys.Share(in.Bucket, keys)()
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

// changeAsked passes on an operation that checkBody checked. A body that it did not
// understand goes as it came: the object store says what is wrong with it.
func changeAsked(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	switch {
	case in.unread != nil:
		return nil, in.unread
	case in.understood == nil:
		return s.change(ctx, g, in, in.data)
	}
	return s.rewritten(ctx, g, in, in.understood)
}

func (s *Service) change(ctx context.Context, g *call.Granted, in *Input, data []byte) (*Output, error) {
	return s.write(in, []string{in.Key}, func() (*Output, error) {
		req := in.request(s.methods[g.Op.Name])
		s.retain(in, req.Header)
		req.Body, req.Length = bytes.NewReader(data), int64(len(data))
		resp, err := s.ask(ctx, req, in)
		if err != nil {
			return nil, s.hideAbsent(ctx, g, in, err)
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
	return s.write(in, []string{in.Key}, func() (*Output, error) {
		b := in.open(g.Call)
		if b.length < 0 {
			return nil, awserr.New(http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.")
		}
		req := in.request(put)
		s.retain(in, req.Header)
		req.Body, req.Length = b, b.length
		if b.trailer != nil {
			req.Body, req.Length = b.frame(in, req.Header), -1
			req.PayloadHash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		}
		resp, err := s.ask(ctx, req, in)
		if err != nil {
			if in.source != nil {
				err = s.hideAbsentSource(ctx, g, in, err)
			}
			return nil, err
		}
		out := s.answer(resp, in)
		out.Header.Set("X-Amz-Server-Side-Encryption", "AES256")
		if in.sub == "" && in.source == nil {
			s.tellExpiry(in, out, s.now(), b.length)
		}
		return out, nil
	})
}

// hideAbsentSource is hideAbsent for the source of a copy.
func (s *Service) hideAbsentSource(ctx context.Context, g *call.Granted, in *Input, err error) error {
	b, berr := s.buckets.Get(in.source.Bucket)
	if berr != nil {
		return berr
	}
	return s.hideAbsent(ctx, g, &Input{Header: in.Header, bucket: b}, err)
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
	if bypasses(in) {
		own.Header.Set("X-Amz-Bypass-Governance-Retention", "true")
	}
	out, err := s.change(ctx, g, &own, data)
	in.failed = own.failed
	return out, err
}
