// Package wire speaks the AWS protocols: HTTP request to SDK input, SDK output
// to HTTP reply, and both to the JSON that records hold.
//
// The shapes are the AWS SDK's own Input and Output structs, walked by
// reflection, so member names and enum values cannot drift from the API. What
// the Go types do not carry (ec2Query element names, the few members whose
// spelling breaks the rule) stands in small tables beside the codec. Unknown
// input is refused, never dropped.
package wire

import (
	"net/http"
	"reflect"
	"sync"

	"cairn/internal/awserr"
)

// Protocol is one of the AWS wire protocols.
type Protocol int

// The protocols the engine answers in.
const (
	JSON10  Protocol = iota // awsJson1.0
	JSON11                  // awsJson1.1
	Query                   // awsQuery: form in, XML out (IAM, STS)
	EC2                     // ec2Query
	RESTXML                 // S3; the gateway reads and writes it, only records come from here
)

// Limits on what Decode takes. maxBody is above the largest body an AWS JSON or
// query API accepts (PutLogEvents: 1 MiB before escaping, 10,000 events).
const (
	maxBody     = 8 << 20
	maxDepth    = 64      // levels of nesting
	maxList     = 10_000  // the highest index in a form
	maxElements = 100_000 // list elements and map entries of a JSON body, parameters of a form
)

// Codec says how one service spells its messages. It is immutable after
// construction, safe for concurrent use, and must not be copied.
type Codec struct {
	Protocol Protocol
	// Namespace is the XML namespace of replies.
	Namespace string
	// LowerCamel spells JSON members with a lower-case first letter, and the
	// text of errors "message" rather than "Message" (CloudWatch Logs).
	LowerCamel bool
	// Names holds the members whose wire name differs from the rule, by
	// "Type.Field" of the SDK. In EC2 a name is spelled as in replies; requests
	// use it with an upper-case first letter.
	Names map[string]string
	// Invalid is the error code for a value that breaks a constraint; empty
	// means the protocol's usual one (ValidationException, ValidationError,
	// InvalidParameterValue).
	Invalid string
	// Records says how records spell the same values.
	Records Spelling

	mu      sync.Mutex // held while layouts are made, so that each is made once
	layouts sync.Map   // reflect.Type of a struct -> *layout, complete and immutable
}

// Reply is an HTTP answer.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Decode reads a request body into in, a pointer to an SDK input: JSON for the
// JSON protocols, a form (or the raw query of a GET) for the query protocols.
// Anything it does not know or cannot read is refused with an *awserr.Error.
// Whether required members are present is for the service to check.
func (c *Codec) Decode(body []byte, in any) error {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return awserr.From(errNotStruct(in))
	}
	if len(body) > maxBody {
		return awserr.New(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException",
			"The request body is %d bytes; the limit is %d.", len(body), maxBody)
	}
	l := c.layout(v.Type().Elem())
	var err error
	switch c.Protocol {
	case JSON10, JSON11:
		err = decodeJSON(body, l, v.Elem())
	case Query, EC2:
		err = c.decodeForm(string(body), l, v.Elem())
	case RESTXML:
		return awserr.From(errNoBody)
	}
	return c.refusal(err)
}

// Encode makes the reply to a call that succeeded. op is the operation's name;
// out is a pointer to an SDK output, or nil if the operation answers nothing.
func (c *Codec) Encode(op, requestID string, out any) (Reply, error) {
	l, v, err := c.root(out)
	if err != nil {
		return Reply{}, err
	}
	var b []byte
	switch c.Protocol {
	case JSON10, JSON11:
		if b, err = appendJSON(make([]byte, 0, 512), l, v); err != nil {
			return Reply{}, err
		}
	case Query:
		b, err = c.queryReply(op, requestID, l, v)
	case EC2:
		b, err = c.ec2Reply(op, requestID, l, v)
	case RESTXML:
		return Reply{}, errNoBody
	}
	if err != nil {
		return Reply{}, err
	}
	return c.reply(http.StatusOK, requestID, b), nil
}

// reply wraps a body in the headers every answer of the protocol has.
func (c *Codec) reply(status int, requestID string, body []byte) Reply {
	contentType := "text/xml;charset=UTF-8"
	switch c.Protocol {
	case JSON10:
		contentType = "application/x-amz-json-1.0"
	case JSON11:
		contentType = "application/x-amz-json-1.1"
	case Query, EC2, RESTXML:
	}
	h := make(http.Header, 3)
	h["Content-Type"] = []string{contentType}
	h["X-Amzn-Requestid"] = []string{requestID}
	return Reply{Status: status, Header: h, Body: body}
}

// root returns the layout and the value behind a pointer to a struct; both are
// zero for nil, which stands for an output without members.
func (c *Codec) root(p any) (*layout, reflect.Value, error) {
	if p == nil {
		return &layout{kind: structure}, reflect.Value{}, nil
	}
	v := reflect.ValueOf(p)
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return &layout{kind: structure}, reflect.Value{}, nil
		}
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil, reflect.Value{}, errNotStruct(p)
	}
	return c.layout(v.Type()), v, nil
}
