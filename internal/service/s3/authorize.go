package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/s3/conditions"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// authorize notes what the call touches and returns what must be allowed.
func (s *Service) authorize(ctx context.Context, c *call.Call, o *operation, in *Input) ([]call.Check, error) {
	if o.on == onService {
		return []call.Check{{}}, nil
	}
	if o.name == "CreateBucket" {
		return o.checks(ctx, s, c, in)
	}
	b, err := s.buckets.Get(in.Bucket)
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
		return o.checks(ctx, s, c, in)
	}
	k, err := s.check(ctx, c, in, b, actionFor(c.Action(), in), in.Key)
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
func (s *Service) check(ctx context.Context, c *call.Call, in *Input, b *config.Bucket, action, key string) (call.Check, error) {
	k := call.Check{Action: action, Resource: config.ARN(b.Name, key), Account: b.Account, Context: conditions.Of(c, in.Header, in.Query, b)}
	maps.Copy(k.Context, in.asked)
	p, err := s.buckets.Policy(b)
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
	if conditions.WantTags(c, &k) {
		err = s.addTags(ctx, k.Context, in, b, key)
	}
	return k, err
}

var rootAlways = []string{"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}

// addTags adds the tags an object has to the keys of a check. If there is no such
// object they are unknown: it could be there, with any, before it is asked for.
func (s *Service) addTags(ctx context.Context, k policy.Context, in *Input, b *config.Bucket, key string) error {
	req := &objects.Request{Method: get, Bucket: b.Name, Key: key, Query: in.params("versionId")}
	req.Query.Set("tagging", "")
	doc, err := s.readXML(ctx, req)
	if err != nil && awserr.From(err).Status >= http.StatusInternalServerError {
		return fmt.Errorf("read the tags of s3://%s/%s, which a policy asks about: %w", b.Name, key, err)
	}
	conditions.Tags(k, doc)
	return nil
}

// readXML asks the object store for a document; nil if there is an error.
func (s *Service) readXML(ctx context.Context, req *objects.Request) (*config.Node, error) {
	resp, err := s.ask(ctx, req, nil)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, config.MaxDocument))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	return config.ParseXML(b)
}

// checkBody is for operations whose body policies may ask about. The document is
// passed on as it was understood here.
func checkBody(ctx context.Context, s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	in.readAsked(c)
	if c.Op.Name == "PutObjectRetention" {
		return checkDelete(ctx, s, c, in)
	}
	return s.checkAll(ctx, c, in, strings.TrimPrefix(c.Action(), "s3:"))
}

// readAsked reads the body for what policies may ask about it. What is wrong with it
// is told to those only who may do what they ask for.
func (in *Input) readAsked(c *call.Call) {
	in.data, in.unread = in.readAll(c, config.MaxDocument)
	if in.unread != nil {
		in.asked = conditions.Untold()
		return
	}
	in.asked, in.understood = conditions.Body(c.Op.Name, in.data, c.Start)
}

// checkNothing is for operations that ask item by item.
func checkNothing(context.Context, *Service, *call.Call, *Input) ([]call.Check, error) {
	return nil, nil
}

// checkAll asks for several actions on the request's object.
func (s *Service) checkAll(ctx context.Context, c *call.Call, in *Input, actions ...string) ([]call.Check, error) {
	var checks []call.Check
	for _, a := range actions {
		k, err := s.check(ctx, c, in, in.bucket, actionFor("s3:"+a, in), in.Key)
		if err != nil {
			return nil, err
		}
		checks = append(checks, k)
	}
	return checks, nil
}

func checkAttributes(ctx context.Context, s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	return s.checkAll(ctx, c, in, "GetObject", "GetObjectAttributes")
}

// checkDelete asks for the operation's own action, and for leave to go around
// governance mode if the request wants that.
func checkDelete(ctx context.Context, s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	actions := []string{strings.TrimPrefix(c.Action(), "s3:")}
	if bypasses(in) {
		actions = append(actions, "BypassGovernanceRetention")
	}
	return s.checkAll(ctx, c, in, actions...)
}

func bypasses(in *Input) bool {
	return strings.EqualFold(in.Header.Get("X-Amz-Bypass-Governance-Retention"), "true")
}

// checkUpload asks for all that a write and its headers need, and for reading
// the source of a copy.
func checkUpload(ctx context.Context, s *Service, c *call.Call, in *Input) ([]call.Check, error) {
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
	checks, err := s.checkAll(ctx, c, in, actions...)
	if err != nil || in.Header.Get("X-Amz-Copy-Source") == "" {
		return checks, err
	}
	if in.source, err = config.ParseCopySource(in.Header.Get("X-Amz-Copy-Source")); err != nil {
		return nil, err
	}
	b, err := s.buckets.Get(in.source.Bucket)
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
	k, err := s.check(ctx, c, from, b, action, in.source.Key)
	return append(checks, k), err
}
