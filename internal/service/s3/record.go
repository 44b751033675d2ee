package s3

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/s3/config"
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

// object writes a JSON object member by member.
type object struct{ b []byte }

func (o *object) key(name string) {
	if len(o.b) == 0 {
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
	o.b = append(event.AppendString(o.b, name), ':')
}

func (o *object) str(name, value string) {
	o.key(name)
	o.b = event.AppendString(o.b, value)
}

func (o *object) num(name string, value int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

// end returns the object; nil if it has no members.
func (o *object) end() []byte {
	if len(o.b) == 0 {
		return nil
	}
	return append(o.b, '}')
}

// parameters collects requestParameters before they are put in order.
type parameters struct {
	names  []string
	values map[string][]byte
}

func (p *parameters) set(name string, value []byte) {
	if _, ok := p.values[name]; !ok {
		p.names = append(p.names, name)
	}
	p.values[name] = value
}

func (p *parameters) str(name, value string) { p.set(name, event.AppendString(nil, value)) }

// requestParameters are what genuine records have (spec 2.6): query parameters,
// bucket, key and host, the x-amz- headers and the body, by name.
func requestParameters(c *call.Call, in *Input) []byte {
	p := parameters{values: map[string][]byte{}}
	for _, name := range sorted(in.Query) {
		p.str(name, in.Query.Get(name))
	}
	if presigned(c) {
		query := c.HTTP.URL.Query()
		for _, name := range signedParameters {
			p.str(name, query.Get(name))
		}
	}
	if in.Bucket != "" {
		p.str("bucketName", in.Bucket)
	}
	if in.Key != "" {
		p.str("key", in.Key)
	}
	p.str("Host", host(c, in))
	for _, name := range sorted(in.Header) {
		if lower := strings.ToLower(name); recorded(lower) {
			p.str(lower, strings.Join(in.Header[name], ","))
		}
	}
	if in.policy != nil {
		var compact bytes.Buffer
		if json.Compact(&compact, in.policy) == nil {
			p.set("bucketPolicy", compact.Bytes())
		}
	}
	if in.doc != nil {
		p.set(in.doc.Name, in.doc.AppendJSON(nil))
	}
	config.InRecordOrder(p.names, config.ParameterTable)
	var o object
	for _, name := range p.names {
		o.key(name)
		o.b = append(o.b, p.values[name]...)
	}
	return o.end()
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
	var o object
	if c.Principal.Kind != identity.Anonymous {
		o.str("SignatureVersion", "SigV4")
	}
	if c.CipherSuite != "" {
		o.str("CipherSuite", c.CipherSuite)
	}
	received := int64(0)
	if in.read != nil {
		received = in.read.n.Load()
	}
	o.num("bytesTransferredIn", received)
	if out != nil && op.data && out.Header.Get("X-Amz-Server-Side-Encryption") != "" {
		applied := "Default_SSE_S3"
		if in.Header.Get("X-Amz-Server-Side-Encryption") != "" {
			applied = "SSE_S3"
		}
		o.str("SSEApplied", applied)
	}
	if c.Principal.Kind != identity.Anonymous {
		method := "AuthHeader"
		if presigned(c) {
			method = "QueryString"
		}
		o.str("AuthenticationMethod", method)
	}
	o.str("x-amz-id-2", extendedID(c.RequestID))
	o.num("bytesTransferredOut", sent(c, in, out, r))
	return o.end()
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
	var o object
	for _, name := range sorted(out.Header) {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !strings.HasPrefix(lower, "x-amz-checksum-") && lower != "x-amz-object-size" {
			o.str(lower, out.Header.Get(name))
		}
	}
	return o.end()
}
