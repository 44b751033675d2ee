package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"cairn/internal/awserr"
	"cairn/internal/loggroup"
	"cairn/internal/service/cloudtrail"
	"cairn/internal/trail"
)

// CheckACL implements delivery.Destinations: it reads the bucket's ACL, which is
// recorded as a call of cloudtrail.amazonaws.com (spec 1.4).
func (d *destinations) CheckACL(ctx context.Context, t *trail.Trail) error {
	op, in := d.objects.GetBucketAcl(t.Bucket)
	return d.do(ctx, asService(t, d.objects.API(), op, in))
}

// CheckBucket implements cloudtrail.Destinations: it reads the bucket's ACL as
// CloudTrail does when a trail is made (spec 4.4), and asks whether a log file would
// be let in.
func (d *destinations) CheckBucket(ctx context.Context, t *trail.Trail) error {
	if err := d.CheckACL(ctx, t); err != nil {
		return bucketError(err)
	}
	now := time.Now()
	file := trail.File{
		Prefix: t.Prefix, OrganizationID: t.OrganizationID, Account: t.Account, Region: t.HomeRegion, Time: now,
		Unique: trail.Unique(t.ARN(), t.ID, t.Account, t.HomeRegion, trail.Mark{}, trail.Mark{}, now),
	}
	if err := d.dispatcher.Would(ctx, d.logFile(t, file.Key(), nil, nil)); err != nil {
		return bucketError(err)
	}
	return nil
}

func bucketError(err error) error {
	switch awserr.From(err).Code {
	case "NoSuchBucket":
		return fmt.Errorf("%w: %w", cloudtrail.ErrNoBucket, err)
	case "AccessDenied":
		return fmt.Errorf("%w: %w", cloudtrail.ErrBucketDenied, err)
	default:
		return err
	}
}

// CheckLogGroup implements cloudtrail.Destinations: it asks whether the trail's
// role could be assumed, and whether it could write to the trail's stream.
// Nothing is run, so nothing is recorded.
func (d *destinations) CheckLogGroup(ctx context.Context, t *trail.Trail) error {
	if err := d.dispatcher.Would(ctx, d.assumeRole(t)); err != nil {
		return fmt.Errorf("%w: %w", cloudtrail.ErrRoleTrust, err)
	}
	role, err := d.identities.ServiceSession(t.RoleARN, sessionName(t), cloudTrail, time.Now())
	if err != nil {
		return fmt.Errorf("%w: %w", cloudtrail.ErrRoleTrust, err)
	}
	group, err := groupName(t.LogGroupARN)
	if err != nil {
		return fmt.Errorf("%w: %w", cloudtrail.ErrNoGroup, err)
	}
	stream := trail.OrganizationLogStream(t.OrganizationID, t.Account, t.HomeRegion)
	for operation, in := range map[string]any{
		"CreateLogStream": &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream},
		"PutLogEvents":    &cloudwatchlogs.PutLogEventsInput{LogGroupName: &group, LogStreamName: &stream},
	} {
		err := d.dispatcher.Would(ctx, d.asRole(t, role, operation, in))
		switch {
		case err == nil:
		case awserr.Is(err, "ResourceNotFoundException"):
			return fmt.Errorf("%w: %w", cloudtrail.ErrNoGroup, err)
		default:
			return fmt.Errorf("%w: %w", cloudtrail.ErrGroupDenied, err)
		}
	}
	if _, err := d.groups.Group(loggroup.Ref{Account: t.Account, Region: t.HomeRegion, Name: group}); err != nil {
		return fmt.Errorf("%w: %w", cloudtrail.ErrNoGroup, err)
	}
	return nil
}
