package s3

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/s3/members"
)

// record completes the record of a call (spec 2.6, 2.9a). out is nil if the
// call failed.
func (s *Service) record(c *call.Call, o *operation, out *Output, r *event.Record) {
	in, _ := c.Input.(*Input)
	if in == nil {
		return
	}
	if c.Principal.Kind != identity.AWSService {
		r.UserAgent = "[" + c.UserAgent + "]"
	}
	r.RequestParameters = requestParameters(c, in)
	r.AdditionalEventData = additional(c, o, in, out, r)
	if out != nil && o.data && !o.read {
		r.ResponseElements = responseElements(out)
	}
}

// requestParameters are what genuine records have (spec 2.6): query parameters,
// bucket, key and host, the x-amz- headers and the body, by name.
func requestParameters(c *call.Call, in *Input) []byte {
	var p members.Parameters
	for _, name := range sorted(in.Query) {
		p.String(name, in.Query.Get(name))
	}
	if c.Presigned {
		query := c.HTTP.URL.Query()
		for _, name := range signedParameters {
			p.String(name, query.Get(name))
		}
	}
	if in.Bucket != "" {
		p.String("bucketName", in.Bucket)
	}
	if in.Key != "" {
		p.String("key", in.Key)
	}
	p.String("Host", host(c, in))
	for _, name := range sorted(in.Header) {
		if lower := strings.ToLower(name); recorded(lower) {
			p.String(lower, strings.Join(in.Header[name], ","))
		}
	}
	if in.policy != nil {
		var compact bytes.Buffer
		if json.Compact(&compact, in.policy) == nil {
			p.Set("bucketPolicy", compact.Bytes())
		}
	}
	if in.doc != nil {
		p.Set(in.doc.Name, in.doc.AppendJSON(nil))
	}
	return p.JSON()
}

// signedParameters are the parameters of a presigned URL that records hold;
// the signature, the key and the session token are not among them.
var signedParameters = []string{"X-Amz-Algorithm", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"}

// host is the Host header of the call; one made inside the engine has none and
// is recorded with the name its bucket has in AWS, as AWS's own services are.
func host(c *call.Call, in *Input) string {
	if c.Host != "" || in.Bucket == "" {
		return c.Host
	}
	return in.Bucket + ".s3." + c.Region + ".amazonaws.com"
}

// unrecorded are x-amz- headers that are about the transport. Those of
// customers' keys are refused before, and never recorded.
var unrecorded = []string{
	"x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-security-token", "x-amz-te", "x-amz-trailer", "x-amz-user-agent",
}

func recorded(header string) bool {
	return strings.HasPrefix(header, "x-amz-") && !strings.HasPrefix(header, "x-amz-meta-") &&
		!strings.HasPrefix(header, "x-amz-checksum-") && !strings.HasPrefix(header, "x-amz-sdk-") &&
		!strings.Contains(header, "customer-key") && !slices.Contains(unrecorded, header)
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// additional is additionalEventData. bytesTransferredOut is the announced
// length of the answer: the record is kept before the first byte is sent.
func additional(c *call.Call, op *operation, in *Input, out *Output, r *event.Record) []byte {
	var o members.Object
	if c.Principal.Kind != identity.Anonymous {
		o.String("SignatureVersion", "SigV4")
	}
	if c.CipherSuite != "" {
		o.String("CipherSuite", c.CipherSuite)
	}
	received := int64(0)
	if in.read != nil {
		received = in.read.n.Load()
	}
	o.Int("bytesTransferredIn", received)
	if out != nil && op.data && out.Header.Get("X-Amz-Server-Side-Encryption") != "" {
		applied := "Default_SSE_S3"
		if in.Header.Get("X-Amz-Server-Side-Encryption") != "" {
			applied = "SSE_S3"
		}
		o.String("SSEApplied", applied)
	}
	if c.Principal.Kind != identity.Anonymous {
		method := "AuthHeader"
		if c.Presigned {
			method = "QueryString"
		}
		o.String("AuthenticationMethod", method)
	}
	o.String("x-amz-id-2", extendedID(c.RequestID))
	o.Int("bytesTransferredOut", sent(c, in, out, r))
	return o.JSON()
}

func sent(c *call.Call, in *Input, out *Output, r *event.Record) int64 {
	switch {
	case c.HTTP != nil && c.HTTP.Method == http.MethodHead:
		return 0
	case out != nil:
		return max(0, out.Length)
	}
	e := &awserr.Error{Code: r.ErrorCode, Message: r.ErrorMessage, Detail: in.detail}
	return int64(len(errorDocument(c, e)))
}

// responseElements are the x-amz- headers of the answer.
func responseElements(out *Output) []byte {
	var o members.Object
	for _, name := range sorted(out.Header) {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !strings.HasPrefix(lower, "x-amz-checksum-") && lower != "x-amz-object-size" {
			o.String(lower, out.Header.Get(name))
		}
	}
	return o.JSON()
}
