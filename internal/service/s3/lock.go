package s3

import (
	"context"
	"net/http"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
)

// Object lock: the object store keeps versions' retention and legal holds and
// refuses to delete what they protect. The bucket's default retention is kept
// here, and put on every new version, as S3 does: the store itself would
// measure it from the day of its configuration, for old and new objects alike.

const (
	lockMode  = "X-Amz-Object-Lock-Mode"
	lockUntil = "X-Amz-Object-Lock-Retain-Until-Date"
)

func getObjectLock(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	if doc, ok := in.bucket.Document(config.ObjectLock); ok {
		return document(doc), nil
	}
	return forward(ctx, s, g, in) // what the store says of locks, without a default retention
}

// putObjectLock switches object lock on in the store and keeps the document
// here. A crash in between leaves it switched on with the retention it had; the
// caller has no answer and asks again.
func putObjectLock(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	doc, err := in.readDocument(g.Call, "ObjectLockConfiguration")
	if err != nil {
		return nil, err
	}
	on := config.El(doc.Name, doc.All("ObjectLockEnabled")...)
	out, err := s.rewritten(ctx, g, in, on)
	if err != nil {
		return nil, err
	}
	return out, s.update(ctx, in.Bucket, func(b *config.Bucket) { b.Set(config.ObjectLock, doc) })
}

// retain puts the bucket's default retention on a new version that brings none.
func (s *Service) retain(in *Input, h http.Header) {
	creates := h != nil && in.Key != "" && (in.sub == "" || in.sub == "uploads")
	if !creates || in.bucket.Retention == nil || in.Header.Get(lockMode) != "" {
		return
	}
	h.Set(lockMode, in.bucket.Retention.Mode)
	h.Set(lockUntil, in.bucket.Retention.Until(s.now()).Format(time.RFC3339))
}

// deleteObject deletes an object, or one version of it for good.
func deleteObject(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	if err := s.notHeld(ctx, in.bucket, in.Key, in.Query.Get("versionId")); err != nil {
		return nil, err
	}
	return change(ctx, s, g, in)
}

// notHeld refuses the deletion of a version under legal hold.
func (s *Service) notHeld(ctx context.Context, b *config.Bucket, key, version string) error {
	if !b.ObjectLock || version == "" {
		return nil
	}
	held, err := objects.Held(ctx, s.objects, b.Name, key, version)
	if err == nil && held {
		err = awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock.")
	}
	return err
}
