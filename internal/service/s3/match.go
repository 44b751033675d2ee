package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/policy"
	"cairn/internal/service/s3/config"
)

// route selects an operation.
type route struct {
	on     level
	method string
	sub    string
}

// Input is the decoded input of every operation: what the request names and
// says. It belongs to one call.
type Input struct {
	// Bucket and Key name the resource; empty where there is none.
	Bucket string
	Key    string
	// Query holds the operation's parameters, without those of a presigned
	// signature.
	Query url.Values
	// Header is the request's header.
	Header http.Header
	// Body is the body of a call made inside the engine; nil for HTTP calls.
	Body []byte

	sub    string             // the sub-resource, as the query spells it
	bucket *config.Bucket     // set by authorize
	source *config.CopySource // of a copy, set by authorize
	doc    *config.Node       // the XML document that was sent, for the record
	policy []byte             // the policy that was sent, for the record
	read   *counter           // counts the body's bytes
	failed http.Header        // headers of the object store's error reply
	detail map[string]string  // further members of the error reply, for the record

	// Of an operation whose body policies may ask about: the body, the condition
	// keys it gives, and its document if it was understood.
	data       []byte
	unread     error // why the body could not be read
	asked      policy.Context
	understood *config.Node
}

// subresources are the words that select an operation in a query, those that
// no operation here answers for included: without them, PUT of an unknown
// configuration would be taken for CreateBucket.
var subresources = []string{
	"abac", "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "list-type", "location", "logging", "metadataConfiguration", "metadataTable", "metrics",
	"notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "renameObject",
	"replication", "requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads",
	"versioning", "versions", "website",
}

// match finds the operation of a request. Parameters nobody knows are refused:
// they may change what the request means.
func (s *Service) match(r *http.Request) (*call.Operation, any, error) {
	bucket, key, err := s.resource(r)
	if err != nil {
		return nil, nil, err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, awserr.New(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
	}
	in := &Input{Bucket: bucket, Key: key, Query: query, Header: r.Header.Clone()}
	for name, values := range query {
		if name == "x-id" || in.hoisted(name, values[0]) {
			delete(query, name)
			continue
		}
		if len(values) != 1 {
			return nil, nil, invalidArgument(name, "", "The parameter "+name+" is given more than once.")
		}
		if slices.Contains(subresources, name) {
			if in.sub != "" {
				return nil, nil, notImplemented("the sub-resources " + in.sub + " and " + name + " together")
			}
			in.sub = name
		}
	}
	o, err := s.find(r, in)
	if err != nil {
		return nil, nil, err
	}
	op := s.api.Operations[o.name]
	for name := range query {
		if name != in.sub && !slices.Contains(o.params, name) {
			return nil, nil, notImplemented("the parameter " + name + " of " + o.name)
		}
	}
	if err := checkKey(key); err != nil {
		return nil, nil, err
	}
	return op, in, nil
}

// checkKey refuses keys that cannot be kept; none is given by "".
func checkKey(key string) error {
	if key != "" {
		if err := config.ValidKey(key); err != nil {
			return invalidArgument("Key", key, "The key cannot be used: "+err.Error())
		}
	}
	return nil
}

// hoisted takes a query parameter that stands for a header, as presigned
// requests have them; those of the signature itself are dropped.
func (in *Input) hoisted(name, value string) bool {
	name = http.CanonicalHeaderKey(name)
	if !strings.HasPrefix(name, "X-Amz-") {
		return false
	}
	switch name {
	case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-Signedheaders":
	default:
		if in.Header.Get(name) == "" {
			in.Header.Set(name, value)
		}
	}
	return true
}

func (s *Service) find(r *http.Request, in *Input) (*operation, error) {
	want := route{onService, r.Method, in.sub}
	switch {
	case in.Key != "":
		want.on = onObject
		if r.Method == http.MethodPut && in.Header.Get("X-Amz-Copy-Source") != "" {
			want.sub = strings.TrimSpace(in.sub + " copy")
		}
	case in.Bucket != "":
		want.on = onBucket
	}
	if in.sub == "list-type" && in.Query.Get("list-type") != "2" {
		return nil, invalidArgument("list-type", in.Query.Get("list-type"), "The list-type must be 2.")
	}
	if o, ok := s.routes[want]; ok {
		return o, nil
	}
	for route := range s.routes {
		if route.on == want.on && route.sub == want.sub {
			return nil, awserr.New(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		}
	}
	if in.sub == "" {
		return nil, notImplemented("the method " + r.Method + " without a sub-resource")
	}
	return nil, notImplemented("the sub-resource " + in.sub + " with the method " + r.Method)
}

// resource finds the bucket and key a request names, in its path or its host.
func (s *Service) resource(r *http.Request) (bucket, key string, err error) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket = config.HostBucket(r.Host, s.domains); bucket != "" {
		key = path
	} else {
		bucket, key, _ = strings.Cut(path, "/")
	}
	if bucket == "" && key != "" {
		return "", "", invalidBucketName(bucket, nil)
	}
	return bucket, key, nil
}

func invalidArgument(name, value, text string) error {
	e := awserr.New(http.StatusBadRequest, "InvalidArgument", "%s", text)
	e.Detail = map[string]string{"ArgumentName": name, "ArgumentValue": value}
	return e
}

func notImplemented(what string) error {
	return awserr.New(http.StatusNotImplemented, "NotImplemented",
		"A header or parameter you provided implies functionality that is not implemented: %s.", what)
}

func invalidBucketName(name string, why error) error {
	e := awserr.Wrap(why, http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	e.Detail = map[string]string{"BucketName": name}
	return e
}
