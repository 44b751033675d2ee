package s3

import (
	"context"
	"time"

	"cairn/internal/service/s3/lifecycle"
)

var _ lifecycle.Buckets = &Service{}

// Expiring implements lifecycle.Buckets.
func (s *Service) Expiring(ctx context.Context) []lifecycle.Bucket {
	var list []lifecycle.Bucket
	for _, b := range s.buckets.All() {
		if b.Pending != "" {
			continue
		}
		rules, err := lifecycle.Of(b)
		if err != nil {
			s.log.ErrorContext(ctx, "a stored lifecycle configuration cannot be read; put it again", "bucket", b.Name, "error", err)
			continue
		}
		if len(rules) > 0 {
			list = append(list, lifecycle.Bucket{Name: b.Name, Rules: rules, Lock: b.ObjectLock})
		}
	}
	return list
}

// Alone implements lifecycle.Buckets.
func (s *Service) Alone(bucket, key string, f func() error) (ok bool, err error) {
	done, err := s.buckets.Share(bucket)
	if err != nil {
		return false, nil //nolint:nilerr // removed, or being removed
	}
	defer done()
	return s.keys.Alone(bucket, key, f)
}

// Expire applies the lifecycle rules of all buckets once, now.
func (s *Service) Expire(ctx context.Context) (lifecycle.Stats, error) { return s.lifecycle.Sweep(ctx) }

// tellExpiry adds the header that says when a current version will expire.
func (s *Service) tellExpiry(in *Input, out *Output, modified time.Time, size int64) {
	if in.Query.Get("versionId") != "" || in.Header.Get("Range") != "" {
		return
	}
	rules, err := lifecycle.Of(in.bucket)
	if err != nil {
		return // Expiring says so
	}
	if v := lifecycle.Header(rules, &lifecycle.Version{Key: in.Key, Latest: true, Modified: modified, Size: size}); v != "" {
		out.Header.Set("X-Amz-Expiration", v)
	}
}
