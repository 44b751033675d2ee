package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// authorize notes what the call touches and returns what must be allowed.
func (s *Service) authorize(c *call.Call, o *operation, in *Input) ([]call.Check, error) {
	if o.on == onService {
		return []call.Check{{}}, nil
	}
	if o.name == "CreateBucket" {
		return o.checks(s, c, in)
	}
	b, err := s.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	in.bucket = b
	c.Region = b.Region // the engine serves every region; the call is the bucket's region's
	touch(c, o, in)
	if b.Account != c.Account() || c.Principal.Kind == identity.AWSService {
		c.Owners = append(c.Owners, b.Account)
	}
	if err := config.ExpectOwner(in.Header.Get("X-Amz-Expected-Bucket-Owner"), b); err != nil {
		return nil, err
	}
	if err := checkKey(in.Key); err != nil { // for calls made inside the engine; match checked those of clients
		return nil, err
	}
	if err := checkHeaders(o, in); err != nil {
		return nil, err
	}
	if err := checkUploadID(in); err != nil {
		return nil, err
	}
	if o.checks != nil {
		return o.checks(s, c, in)
	}
	k, err := s.check(c, in, b, actionFor(c.Action(), in), in.Key)
	return []call.Check{k}, err
}

// checkUploadID refuses upload ids that this engine cannot have given out. The
// object store makes them part of a path and does not look at them itself: with
// "../" one would reach, and AbortMultipartUpload remove, other buckets.
func checkUploadID(in *Input) error {
	if id, ok := in.Query["uploadId"]; ok && !objects.ValidID(id[0]) {
		return awserr.New(http.StatusNotFound, "NoSuchUpload",
			"The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	}
	return nil
}

// touch notes the record's resources (spec 2.6).
func touch(c *call.Call, o *operation, in *Input) {
	arn := config.ARN(in.Bucket, "")
	switch {
	case o.on == onObject:
		c.Resources = append(c.Resources, event.Resource{Type: "AWS::S3::Object", ARN: config.ARN(in.Bucket, in.Key)})
	case o.data:
		c.Resources = append(c.Resources, event.Resource{Type: "AWS::S3::Object", ARNPrefix: arn + "/"})
	}
	c.Resources = append(c.Resources, event.Resource{AccountID: in.bucket.Account, Type: "AWS::S3::Bucket", ARN: arn})
}

// actionFor returns the action on the version a request names.
func actionFor(action string, in *Input) string {
	if in.Query.Get("versionId") != "" {
		if v, ok := versioned[strings.TrimPrefix(action, "s3:")]; ok {
			return "s3:" + v
		}
	}
	return action
}

// check asks for an action on the bucket, or on an object of it.
func (s *Service) check(c *call.Call, in *Input, b *config.Bucket, action, key string) (call.Check, error) {
	k := call.Check{Action: action, Resource: config.ARN(b.Name, key), Account: b.Account, Context: conditions(c, in, b)}
	p, err := s.policy(b)
	if err != nil {
		return k, err
	}
	own := c.Principal.Kind != identity.Anonymous && c.Principal.Account == b.Account
	switch {
	case own && c.Principal.Kind == identity.Root && slices.Contains(rootAlways, action):
		// The owner's root user cannot be locked out of the bucket policy.
	case b.Block.RestrictPublicBuckets && p.Public && !own && c.Principal.Kind != identity.AWSService:
		// A public policy counts only for the owner's account and services.
	default:
		k.Policy = p.Document
	}
	return k, nil
}

var rootAlways = []string{"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}

// conditions returns the condition keys of a check.
func conditions(c *call.Call, in *Input, b *config.Bucket) policy.Context {
	k := policy.Context{
		"s3:resourceaccount": {b.Account}, "aws:resourceaccount": {b.Account},
		"s3:authtype": {"REST-HEADER"}, "s3:signatureversion": {"AWS4-HMAC-SHA256"},
	}
	if c.Presigned {
		k["s3:authtype"] = []string{"REST-QUERY-STRING"}
	}
	if !c.Signed.IsZero() {
		k["s3:signatureage"] = []string{strconv.FormatInt(max(0, c.Start.Sub(c.Signed).Milliseconds()), 10)}
	}
	if c.Principal.Kind == identity.Anonymous {
		delete(k, "s3:authtype")
		delete(k, "s3:signatureversion")
	}
	if v, ok := strings.CutPrefix(c.TLSVersion, "TLSv"); ok {
		k["s3:tlsversion"] = []string{v}
	}
	for _, name := range []string{"prefix", "delimiter", "max-keys", "versionid"} {
		for param, values := range in.Query {
			if strings.EqualFold(param, name) {
				k["s3:"+name] = values
			}
		}
	}
	config.HeaderConditions(k, in.Header)
	return k
}

// checkNothing is for operations that ask item by item.
func checkNothing(*Service, *call.Call, *Input) ([]call.Check, error) { return nil, nil }

// checkAll asks for several actions on the request's object.
func (s *Service) checkAll(c *call.Call, in *Input, actions ...string) ([]call.Check, error) {
	var checks []call.Check
	for _, a := range actions {
		k, err := s.check(c, in, in.bucket, actionFor("s3:"+a, in), in.Key)
		if err != nil {
			return nil, err
		}
		checks = append(checks, k)
	}
	return checks, nil
}

func checkAttributes(s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	return s.checkAll(c, in, "GetObject", "GetObjectAttributes")
}

// checkDelete asks for the operation's own action, and for leave to go around
// governance mode if the request wants that.
func checkDelete(s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	actions := []string{strings.TrimPrefix(c.Action(), "s3:")}
	if bypasses(in) {
		actions = append(actions, "BypassGovernanceRetention")
	}
	return s.checkAll(c, in, actions...)
}

func bypasses(in *Input) bool {
	return strings.EqualFold(in.Header.Get("X-Amz-Bypass-Governance-Retention"), "true")
}

// checkUpload asks for all that a write and its headers need, and for reading
// the source of a copy.
func checkUpload(s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	if err := checkObjectACL(in); err != nil {
		return nil, err
	}
	actions := []string{"PutObject"}
	for header, action := range map[string]string{
		"X-Amz-Tagging": "PutObjectTagging", "X-Amz-Object-Lock-Mode": "PutObjectRetention", "X-Amz-Object-Lock-Legal-Hold": "PutObjectLegalHold",
	} {
		if in.Header.Get(header) != "" {
			actions = append(actions, action)
		}
	}
	slices.Sort(actions[1:])
	checks, err := s.checkAll(c, in, actions...)
	if err != nil || in.Header.Get("X-Amz-Copy-Source") == "" {
		return checks, err
	}
	if in.source, err = config.ParseCopySource(in.Header.Get("X-Amz-Copy-Source")); err != nil {
		return nil, err
	}
	b, err := s.bucket(in.source.Bucket)
	if err != nil {
		return nil, err
	}
	if err := config.ExpectOwner(in.Header.Get("X-Amz-Source-Expected-Bucket-Owner"), b); err != nil {
		return nil, err
	}
	// Whose object is read is told, as of any other reading, and a trail that selects
	// the objects read has the copy too. AWS's records of copies are not known; these
	// resources are ours.
	if b.Account != in.bucket.Account && b.Account != c.Account() {
		c.Owners = append(c.Owners, b.Account)
	}
	c.Resources = append(c.Resources, event.Resource{Type: "AWS::S3::Object", ARN: config.ARN(b.Name, in.source.Key)},
		event.Resource{AccountID: b.Account, Type: "AWS::S3::Bucket", ARN: config.ARN(b.Name, "")})
	action := "s3:GetObject"
	from := &Input{Header: in.Header, Query: url.Values{}}
	if in.source.Version != "" {
		action = "s3:GetObjectVersion"
		from.Query.Set("versionId", in.source.Version)
	}
	k, err := s.check(c, from, b, action, in.source.Key)
	return append(checks, k), err
}
