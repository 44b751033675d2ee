package delivery

import (
	"context"
	"log/slog"
	"time"

	"cairn/internal/trail"
)

// checked is a sink that has CloudTrail read the ACL of the trail's bucket before
// it writes, if the last time was long enough ago: nothing is checked for a trail
// that has nothing to deliver, or the record of the check would be the reason for
// the next. One goroutine owns it.
type checked struct {
	sink
	dest  Destinations
	every time.Duration
	now   func() time.Time
	log   *slog.Logger

	// bucket is the one that was checked last, at a time.
	bucket string
	at     time.Time
}

// write implements sink. A bucket that refuses the check may take log files all the
// same: what AWS does then is not documented, and to keep records back would help
// nobody.
func (c *checked) write(ctx context.Context, t *trail.Trail, p *Plan, b *batch) (result, error) {
	if now := c.now(); c.bucket != t.Bucket || now.Sub(c.at) >= c.every {
		c.bucket, c.at = t.Bucket, now
		if err := c.dest.CheckACL(ctx, t); err != nil {
			c.log.WarnContext(ctx, "CloudTrail may not read the ACL of the bucket it delivers to; allow cloudtrail.amazonaws.com s3:GetBucketAcl on it", "bucket", t.Bucket, "error", err)
		}
	}
	return c.sink.write(ctx, t, p, b)
}
