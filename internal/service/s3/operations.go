package s3

import (
	"context"
	"net/http"
	"slices"

	"cairn/event"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
)

// level is what an operation is about.
type level int

const (
	onService level = iota
	onBucket
	onObject
)

// operation is one row of the table of operations.
type operation struct {
	// name is the API's name; event and action are the eventName and the IAM
	// action (without "s3:") where they differ.
	name, event, action string
	// on, method and sub select the operation; sub is a sub-resource in the
	// query, or a word that Match derives from it.
	on     level
	method string
	sub    string
	// read and data are the record's readOnly and whether it is a data event.
	read, data bool
	// params are the query parameters the operation takes beside sub.
	params []string
	// checks says what must be allowed; nil asks for the action on the
	// resource.
	checks func(ctx context.Context, s *Service, c *call.Call, in *Input) ([]call.Check, error)
	run    func(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error)
}

// versioned names the action for one version of an object, where it differs.
var versioned = map[string]string{
	"GetObject": "GetObjectVersion", "GetObjectAttributes": "GetObjectVersionAttributes", "GetObjectAcl": "GetObjectVersionAcl",
	"PutObjectAcl": "PutObjectVersionAcl", "GetObjectTagging": "GetObjectVersionTagging", "PutObjectTagging": "PutObjectVersionTagging",
	"DeleteObjectTagging": "DeleteObjectVersionTagging", "DeleteObject": "DeleteObjectVersion",
}

var (
	get, put, post, del = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete

	listing   = []string{"prefix", "delimiter", "max-keys", "marker", "encoding-type"}
	listing2  = []string{"prefix", "delimiter", "max-keys", "encoding-type", "continuation-token", "start-after", "fetch-owner"}
	versions  = []string{"prefix", "delimiter", "max-keys", "encoding-type", "key-marker", "version-id-marker"}
	uploads   = []string{"prefix", "delimiter", "max-uploads", "encoding-type", "key-marker", "upload-id-marker"}
	version   = []string{"versionId"}
	overrides = []string{
		"versionId", "partNumber", "response-cache-control", "response-content-disposition", "response-content-encoding",
		"response-content-language", "response-content-type", "response-expires",
	}
)

// operations is everything the service answers. Event names that differ from
// the API's are those of genuine records (spec 2.6).
var operations = []operation{
	{
		name: "ListBuckets", action: "ListAllMyBuckets", on: onService, method: get, read: true, run: listBuckets,
		params: []string{"max-buckets", "prefix", "continuation-token", "bucket-region"},
	},

	{name: "CreateBucket", on: onBucket, method: put, checks: checkCreateBucket, run: createBucket},
	{name: "DeleteBucket", on: onBucket, method: del, run: deleteBucket},
	{name: "HeadBucket", action: "ListBucket", on: onBucket, method: http.MethodHead, read: true, run: headBucket},
	{name: "GetBucketLocation", on: onBucket, method: get, sub: "location", read: true, run: getLocation},
	{name: "ListObjects", action: "ListBucket", on: onBucket, method: get, read: true, data: true, params: listing, run: list},
	{name: "ListObjectsV2", event: "ListObjects", action: "ListBucket", on: onBucket, method: get, sub: "list-type", read: true, data: true, params: listing2, run: list},
	{name: "ListObjectVersions", action: "ListBucketVersions", on: onBucket, method: get, sub: "versions", read: true, data: true, params: versions, run: list},
	{name: "ListMultipartUploads", action: "ListBucketMultipartUploads", on: onBucket, method: get, sub: "uploads", read: true, data: true, params: uploads, run: list},
	{name: "DeleteObjects", action: "DeleteObject", on: onBucket, method: post, sub: "delete", data: true, checks: checkNothing, run: deleteObjects},

	{name: "GetBucketPolicy", on: onBucket, method: get, sub: "policy", read: true, run: getPolicy},
	{name: "PutBucketPolicy", on: onBucket, method: put, sub: "policy", run: putPolicy},
	{name: "DeleteBucketPolicy", on: onBucket, method: del, sub: "policy", run: deletePolicy},
	{name: "GetBucketPolicyStatus", on: onBucket, method: get, sub: "policyStatus", read: true, run: getPolicyStatus},
	{name: "GetBucketAcl", on: onBucket, method: get, sub: "acl", read: true, run: getACL},
	{name: "PutBucketAcl", on: onBucket, method: put, sub: "acl", run: putBucketACL},
	{name: "GetBucketVersioning", on: onBucket, method: get, sub: "versioning", read: true, run: forward},
	{name: "PutBucketVersioning", on: onBucket, method: put, sub: "versioning", run: putVersioning},
	{name: "GetObjectLockConfiguration", event: "GetBucketObjectLockConfiguration", action: "GetBucketObjectLockConfiguration", on: onBucket, method: get, sub: "object-lock", read: true, run: getObjectLock},
	{name: "PutObjectLockConfiguration", event: "PutBucketObjectLockConfiguration", action: "PutBucketObjectLockConfiguration", on: onBucket, method: put, sub: "object-lock", run: putObjectLock},

	{name: "GetPublicAccessBlock", event: "GetBucketPublicAccessBlock", action: "GetBucketPublicAccessBlock", on: onBucket, method: get, sub: "publicAccessBlock", read: true, run: getDocument},
	{name: "PutPublicAccessBlock", event: "PutBucketPublicAccessBlock", action: "PutBucketPublicAccessBlock", on: onBucket, method: put, sub: "publicAccessBlock", run: putDocument},
	{name: "DeletePublicAccessBlock", event: "DeleteBucketPublicAccessBlock", action: "PutBucketPublicAccessBlock", on: onBucket, method: del, sub: "publicAccessBlock", run: deleteDocument},
	{name: "GetBucketEncryption", action: "GetEncryptionConfiguration", on: onBucket, method: get, sub: "encryption", read: true, run: getDocument},
	{name: "PutBucketEncryption", action: "PutEncryptionConfiguration", on: onBucket, method: put, sub: "encryption", run: putDocument},
	{name: "DeleteBucketEncryption", action: "PutEncryptionConfiguration", on: onBucket, method: del, sub: "encryption", run: deleteDocument},
	{name: "GetBucketLifecycleConfiguration", event: "GetBucketLifecycle", action: "GetLifecycleConfiguration", on: onBucket, method: get, sub: "lifecycle", read: true, run: getDocument},
	{name: "PutBucketLifecycleConfiguration", event: "PutBucketLifecycle", action: "PutLifecycleConfiguration", on: onBucket, method: put, sub: "lifecycle", run: putDocument},
	{name: "DeleteBucketLifecycle", action: "PutLifecycleConfiguration", on: onBucket, method: del, sub: "lifecycle", run: deleteDocument},
	{name: "GetBucketTagging", on: onBucket, method: get, sub: "tagging", read: true, run: getDocument},
	{name: "PutBucketTagging", on: onBucket, method: put, sub: "tagging", run: putDocument},
	{name: "DeleteBucketTagging", action: "PutBucketTagging", on: onBucket, method: del, sub: "tagging", run: deleteDocument},
	{name: "GetBucketOwnershipControls", on: onBucket, method: get, sub: "ownershipControls", read: true, run: getDocument},
	{name: "PutBucketOwnershipControls", on: onBucket, method: put, sub: "ownershipControls", run: putDocument},
	{name: "DeleteBucketOwnershipControls", action: "PutBucketOwnershipControls", on: onBucket, method: del, sub: "ownershipControls", run: deleteDocument},
	{name: "GetBucketCors", action: "GetBucketCORS", on: onBucket, method: get, sub: "cors", read: true, run: getDocument},
	{name: "PutBucketCors", action: "PutBucketCORS", on: onBucket, method: put, sub: "cors", run: putDocument},
	{name: "DeleteBucketCors", action: "PutBucketCORS", on: onBucket, method: del, sub: "cors", run: deleteDocument},
	{name: "GetBucketWebsite", on: onBucket, method: get, sub: "website", read: true, run: getDocument},
	{name: "PutBucketWebsite", on: onBucket, method: put, sub: "website", run: putDocument},
	{name: "DeleteBucketWebsite", on: onBucket, method: del, sub: "website", run: deleteDocument},
	{name: "GetBucketLogging", on: onBucket, method: get, sub: "logging", read: true, run: getDocument},
	{name: "PutBucketLogging", on: onBucket, method: put, sub: "logging", run: putDocument},
	{name: "GetBucketNotificationConfiguration", event: "GetBucketNotification", action: "GetBucketNotification", on: onBucket, method: get, sub: "notification", read: true, run: getDocument},
	{name: "PutBucketNotificationConfiguration", event: "PutBucketNotification", action: "PutBucketNotification", on: onBucket, method: put, sub: "notification", run: putDocument},
	{name: "GetBucketAccelerateConfiguration", event: "GetAccelerateConfiguration", action: "GetAccelerateConfiguration", on: onBucket, method: get, sub: "accelerate", read: true, run: getDocument},
	{name: "PutBucketAccelerateConfiguration", event: "PutAccelerateConfiguration", action: "PutAccelerateConfiguration", on: onBucket, method: put, sub: "accelerate", run: putDocument},
	{name: "GetBucketRequestPayment", on: onBucket, method: get, sub: "requestPayment", read: true, run: getDocument},
	{name: "PutBucketRequestPayment", on: onBucket, method: put, sub: "requestPayment", run: putDocument},
	{name: "GetBucketReplication", action: "GetReplicationConfiguration", on: onBucket, method: get, sub: "replication", read: true, run: getDocument},
	{name: "DeleteBucketReplication", action: "PutReplicationConfiguration", on: onBucket, method: del, sub: "replication", run: deleteDocument},

	{name: "GetObject", on: onObject, method: get, read: true, data: true, params: overrides, run: forward},
	{name: "HeadObject", action: "GetObject", on: onObject, method: http.MethodHead, read: true, data: true, params: overrides, run: forward},
	{name: "PutObject", on: onObject, method: put, data: true, checks: checkUpload, run: putObject},
	{name: "CopyObject", action: "PutObject", on: onObject, method: put, sub: "copy", data: true, checks: checkUpload, run: upload},
	{name: "DeleteObject", on: onObject, method: del, data: true, params: version, checks: checkDelete, run: deleteObject},
	{name: "GetObjectAttributes", on: onObject, method: get, sub: "attributes", read: true, data: true, params: version, checks: checkAttributes, run: forward},
	{name: "GetObjectAcl", on: onObject, method: get, sub: "acl", read: true, data: true, params: version, run: getACL},
	{name: "PutObjectAcl", on: onObject, method: put, sub: "acl", data: true, params: version, run: putObjectACL},
	{name: "GetObjectTagging", on: onObject, method: get, sub: "tagging", read: true, data: true, params: version, run: forward},
	{name: "PutObjectTagging", on: onObject, method: put, sub: "tagging", data: true, params: version, checks: checkBody, run: changeAsked},
	{name: "DeleteObjectTagging", on: onObject, method: del, sub: "tagging", data: true, params: version, run: change},
	{name: "GetObjectRetention", on: onObject, method: get, sub: "retention", read: true, data: true, params: version, run: forward},
	{name: "PutObjectRetention", on: onObject, method: put, sub: "retention", data: true, params: version, checks: checkBody, run: changeAsked},
	{name: "GetObjectLegalHold", on: onObject, method: get, sub: "legal-hold", read: true, data: true, params: version, run: forward},
	{name: "PutObjectLegalHold", on: onObject, method: put, sub: "legal-hold", data: true, params: version, checks: checkBody, run: changeAsked},
	{name: "CreateMultipartUpload", action: "PutObject", on: onObject, method: post, sub: "uploads", data: true, checks: checkUpload, run: change},
	{name: "UploadPart", action: "PutObject", on: onObject, method: put, sub: "uploadId", data: true, params: []string{"partNumber"}, checks: checkUpload, run: upload},
	{name: "UploadPartCopy", action: "PutObject", on: onObject, method: put, sub: "uploadId copy", data: true, params: []string{"partNumber", "uploadId"}, checks: checkUpload, run: upload},
	{name: "CompleteMultipartUpload", action: "PutObject", on: onObject, method: post, sub: "uploadId", data: true, checks: checkUpload, run: change},
	{name: "AbortMultipartUpload", on: onObject, method: del, sub: "uploadId", data: true, run: change},
	{name: "ListParts", action: "ListMultipartUploadParts", on: onObject, method: get, sub: "uploadId", read: true, data: true, params: []string{"max-parts", "part-number-marker", "encoding-type"}, run: list},
}

// add makes the row an operation of the API.
func (s *Service) add(o *operation) {
	s.routes[route{o.on, o.method, o.sub}] = o
	s.methods[o.name] = o.method
	op := &call.Operation{
		Name: o.name, EventName: o.event, ReadOnly: o.read, Data: o.data,
		// responseElements are set by record: only object operations have any.
		NoOutput: true,
		Authorize: func(ctx context.Context, c *call.Call) ([]call.Check, error) {
			in := c.Input.(*Input)
			checks, err := s.authorize(ctx, c, o, in)
			err = hungUp(ctx, c, err)
			in.note(err)
			return checks, err
		},
		Run: func(ctx context.Context, g *call.Granted) (any, error) {
			in := g.Input.(*Input)
			if slices.Contains(rootAlways, g.Action()) && g.Account() != in.bucket.Account {
				return nil, config.OwnersOnly()
			}
			out, err := o.run(ctx, s, g, in)
			if err != nil {
				err = hungUp(ctx, g.Call, err)
				in.note(err)
				return nil, err
			}
			return out, nil
		},
		Record: func(c *call.Call, out any, r *event.Record) {
			output, _ := out.(*Output)
			s.record(c, o, output, r)
		},
	}
	if o.action != "" {
		op.Action = "s3:" + o.action
	}
	s.api.Add(op)
}

// hungUp tells what ended because the caller went away from what failed here:
// otherwise anybody could fill the engine's log with its failures. It is about
// reading; changes go on without their callers.
func hungUp(ctx context.Context, c *call.Call, err error) error {
	if err == nil || !c.Op.ReadOnly || ctx.Err() == nil || awserr.From(err).Status < http.StatusInternalServerError {
		return err
	}
	return timeout(err)
}

// note keeps what the error reply will say beside code and message.
func (in *Input) note(err error) {
	if err != nil {
		in.detail = awserr.From(err).Detail
	}
}
