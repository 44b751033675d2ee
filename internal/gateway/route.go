package gateway

import (
	"bytes"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/sigv4"
	"cairn/internal/wire"
)

// service finds the API a request is for: by the credential scope of its
// signature, or, unsigned, by what it looks like.
func (g *Gateway) service(r *http.Request, signed *sigv4.Request) (*call.API, error) {
	if signed == nil {
		return g.guess(r), nil
	}
	if !call.ValidRegion(signed.Region) {
		return nil, awserr.New(http.StatusBadRequest, "InvalidRegion",
			"The credential scope names the region %q, which is not the name of a region; sign for one such as eu-west-1.", signed.Region)
	}
	if api, ok := g.apis[signed.Service]; ok {
		return api, nil
	}
	return nil, awserr.New(http.StatusNotImplemented, "UnknownService",
		"This Cairn engine does not answer for the service %q; it answers for cloudtrail, ec2, iam, logs, organizations, s3 and sts.", signed.Service)
}

// guess finds the API of a request that did not say: its protocol is the one
// the error has to be written in.
func (g *Gateway) guess(r *http.Request) *call.API {
	if prefix, _, ok := cutTarget(r.Header.Get("X-Amz-Target")); ok {
		if api, ok := g.targets[prefix]; ok {
			return api
		}
	}
	// Anonymous callers of S3 may give an object any type, and some do this one.
	if r.Method == http.MethodPost && r.URL.Path == "/" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return g.apis["sts"]
	}
	return g.apis["s3"]
}

// cutTarget splits an X-Amz-Target into its service part and the operation.
// Some clients put a Java package before the service: boto3 sends
// com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail.
func cutTarget(target string) (service, op string, ok bool) {
	i := strings.LastIndexByte(target, '.')
	if i < 0 {
		return "", "", false
	}
	service, op = target[:i], target[i+1:]
	return service[strings.LastIndexByte(service, '.')+1:], op, true
}

// decode finds the operation and decodes its input.
func (g *Gateway) decode(r *http.Request, c *call.Call) (err error) {
	if c.API.Match != nil {
		c.Op, c.Input, err = c.API.Match(r)
		return err
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return awserr.New(http.StatusMethodNotAllowed, "MethodNotAllowed", "The method %s is not allowed; use POST.", r.Method)
	}
	body, err := sigv4.ReadPayload(r)
	if err != nil {
		return err
	}
	name, params, err := operation(r, c.API, body)
	if err != nil {
		return err
	}
	op, known := c.API.Operations[name]
	if c.Principal.Kind == identity.Anonymous && (!known || op.Identify == nil) {
		return sigv4.Missing(r)
	}
	if !known {
		return unknownOperation(c.API, name)
	}
	in := op.NewInput()
	err = c.API.Codec.Decode(params, in)
	// The operation is known from here on: a malformed input is recorded as a
	// failed call, with what could be decoded of it.
	c.Op, c.Input = op, in
	return err
}

// operation returns the name of the operation and the encoded input.
func operation(r *http.Request, api *call.API, body []byte) (name string, params []byte, err error) {
	switch api.Codec.Protocol {
	case wire.JSON10, wire.JSON11:
		prefix, name, ok := cutTarget(r.Header.Get("X-Amz-Target"))
		if !ok || prefix != api.Target {
			return "", nil, unknownOperation(api, r.Header.Get("X-Amz-Target"))
		}
		if t := r.Header.Get("Content-Type"); !isJSON(t) {
			return "", nil, awserr.New(http.StatusBadRequest, "UnknownOperationException",
				"The Content-Type %q is not that of a request to %s: send application/x-amz-json-1.1.", t, api.Name)
		}
		return name, body, nil
	case wire.Query, wire.EC2:
		if query := unsignedQuery(r.URL); query != "" {
			if len(bytes.TrimSpace(body)) > 0 {
				return "", nil, malformedQuery("Parameters are given in the query string and in the body; give them in one.")
			}
			body = []byte(query)
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", nil, malformedQuery("The query string contains a syntax error.")
		}
		if len(form["Action"]) > 1 || len(form["Version"]) > 1 {
			return "", nil, malformedQuery("Action or Version is given more than once.")
		}
		if v := form.Get("Version"); v != api.Version {
			return "", nil, awserr.New(http.StatusBadRequest, "InvalidAction",
				"Could not find operation %s for version %s", form.Get("Action"), v)
		}
		return form.Get("Action"), body, nil
	case wire.RESTXML:
	}
	return "", nil, unknownOperation(api, "")
}

// isJSON reports whether a Content-Type may be that of JSON: of any of AWS's
// versions, or none at all.
func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || t == "application/x-amz-json-1.0" || t == "application/x-amz-json-1.1")
}

func malformedQuery(text string) error {
	return awserr.New(http.StatusBadRequest, "MalformedQueryString", "%s", text)
}

// unsignedQuery returns the query of a GET request without the parameters of a
// presigned signature, which are not the operation's.
func unsignedQuery(u *url.URL) string {
	q := u.Query()
	for name := range q {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			q.Del(name)
		}
	}
	return q.Encode()
}

func unknownOperation(api *call.API, name string) error {
	switch api.Codec.Protocol {
	case wire.JSON10, wire.JSON11:
		return awserr.New(http.StatusBadRequest, "UnknownOperationException",
			"This Cairn engine does not know the operation %q of %s.", name, api.Name)
	case wire.Query, wire.EC2, wire.RESTXML:
	}
	return awserr.New(http.StatusBadRequest, "InvalidAction",
		"The action %s is not valid for this endpoint: this Cairn engine does not know it.", name)
}
