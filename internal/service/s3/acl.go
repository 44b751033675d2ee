package s3

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// Access control lists are kept in one form: everything is the bucket owner's.
// What grants others something is refused, with S3's errors where S3 would
// refuse it too, and NotImplemented where it would not. The one exception is
// the canned ACL for log delivery, which is stored and returned.

const (
	ownerFullControl = config.OwnerFullControl
	logDelivery      = config.LogDelivery
	private          = "private"
)

func noACLs() error {
	return awserr.New(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

// grants reports whether the request has grant headers.
func grants(in *Input) bool {
	for name := range in.Header {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "X-Amz-Grant-") {
			return true
		}
	}
	return false
}

func isPublic(acl string) bool {
	return acl == "public-read" || acl == "public-read-write" || acl == "authenticated-read"
}

// checkACL decides about a canned ACL on a bucket or object that may have ACLs.
func checkACL(b *config.Bucket, acl string, allowed ...string) error {
	if slices.Contains(allowed, acl) {
		return nil
	}
	switch {
	case isPublic(acl) && b.Block.BlockPublicAcls:
		return awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied: public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access.")
	case isPublic(acl), acl == "bucket-owner-read", acl == "aws-exec-read", acl == logDelivery, acl == "":
		return notImplemented("access control lists that grant something to others than the bucket owner")
	}
	return invalidArgument("x-amz-acl", acl, "Unknown canned ACL")
}

// checkObjectACL decides about the ACL headers of a write.
func checkObjectACL(in *Input) error {
	acl := in.Header.Get("X-Amz-Acl")
	if acl == "" && !grants(in) || acl == ownerFullControl {
		return nil
	}
	if in.bucket.Ownership == config.BucketOwnerEnforced {
		return noACLs()
	}
	return checkACL(in.bucket, acl, private)
}

// checkNewACL decides about the ACL headers of CreateBucket.
func checkNewACL(b *config.Bucket, in *Input) error {
	acl := in.Header.Get("X-Amz-Acl")
	if acl == "" && !grants(in) || acl == private {
		return nil
	}
	if b.Ownership == config.BucketOwnerEnforced {
		return awserr.New(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	if isPublic(acl) {
		return awserr.New(http.StatusBadRequest, "InvalidBucketAclWithBlockPublicAccessError", "Bucket cannot have public ACLs set with BlockPublicAccess enabled")
	}
	if err := checkACL(b, acl, logDelivery); err != nil {
		return err
	}
	b.ACL = acl
	return nil
}

// getACL answers for buckets and objects.
func getACL(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	if in.Key != "" {
		if err := s.exists(ctx, g, in); err != nil {
			return nil, err
		}
	}
	return document(config.ACLDocument(in.bucket.Account, in.Key == "" && in.bucket.ACL == logDelivery)), nil
}

// exists answers with the object store's error if there is no such object.
func (s *Service) exists(ctx context.Context, g *call.Granted, in *Input) error {
	_, err := s.ask(ctx, &objects.Request{Method: http.MethodHead, Bucket: in.Bucket, Key: in.Key, Query: in.params("versionId")}, in)
	return s.hideAbsent(ctx, g, in, err)
}

func putBucketACL(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	acl, err := requestedACL(g, in)
	if err != nil {
		return nil, err
	}
	switch {
	case acl == ownerFullControl:
		acl = private
	case in.bucket.Ownership == config.BucketOwnerEnforced:
		return nil, noACLs()
	default:
		if err := checkACL(in.bucket, acl, private, logDelivery); err != nil {
			return nil, err
		}
	}
	return &Output{}, s.update(ctx, in.Bucket, func(b *config.Bucket) {
		if b.ACL = acl; acl == private {
			b.ACL = ""
		}
	})
}

func putObjectACL(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	acl, err := requestedACL(g, in)
	if err != nil {
		return nil, err
	}
	if acl != ownerFullControl {
		if in.bucket.Ownership == config.BucketOwnerEnforced {
			return nil, noACLs()
		}
		if err := checkACL(in.bucket, acl, private); err != nil {
			return nil, err
		}
	}
	return &Output{}, s.exists(ctx, g, in)
}

// requestedACL returns the canned ACL a request asks for. A document that gives
// everything to the bucket owner alone, or no one else something, is
// bucket-owner-full-control; any other, and grant headers, are "".
func requestedACL(g *call.Granted, in *Input) (string, error) {
	acl := in.Header.Get("X-Amz-Acl")
	data, err := in.readAll(g.Call, config.MaxDocument)
	if err != nil {
		return "", err
	}
	if len(data) == 0 || acl != "" {
		if acl == "" && !grants(in) {
			return "", awserr.New(http.StatusBadRequest, "MissingSecurityHeader", "Your request was missing a required header: x-amz-acl")
		}
		return acl, nil
	}
	if in.doc, err = config.Read("AccessControlPolicy", data); err != nil {
		return "", err
	}
	return config.CannedACL(in.doc, in.bucket.Account), nil
}
