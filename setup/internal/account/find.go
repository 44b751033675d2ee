package account

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cairn/setup/internal/resource"
)

// Find reads the resource that wanted names. It returns nil if the account
// has none. It only reads.
func (c *Client) Find(ctx context.Context, wanted resource.Spec) (resource.Spec, error) {
	found, err := c.find(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", wanted.Kind(), resource.ID(wanted), Plain(err))
	}
	return found, nil
}

func (c *Client) find(ctx context.Context, wanted resource.Spec) (resource.Spec, error) {
	switch w := wanted.(type) {
	case *resource.Bucket:
		return c.findBucket(ctx, w)
	case *resource.BucketVersioning:
		return c.findVersioning(ctx, w.Bucket)
	case *resource.BucketEncryption:
		return c.findEncryption(ctx, w.Bucket)
	case *resource.PublicAccessBlock:
		return c.findPublicAccessBlock(ctx, w.Bucket)
	case *resource.BucketPolicy:
		return c.findBucketPolicy(ctx, w.Bucket)
	case *resource.BucketObjectLock:
		return c.findObjectLock(ctx, w.Bucket)
	case *resource.BucketLifecycle:
		return c.findLifecycle(ctx, w.Bucket)
	case *resource.BucketLogging:
		return c.findBucketLogging(ctx, w.Bucket)
	case *resource.LogGroup:
		return c.findLogGroup(ctx, w.Name)
	case *resource.Role:
		return c.findRole(ctx, w.Name)
	case *resource.RolePolicy:
		return c.findRolePolicy(ctx, w)
	case *resource.Trail:
		return c.findTrail(ctx, w)
	}
	return nil, fmt.Errorf("no way to read %s", wanted.Kind())
}

func (c *Client) findLogGroup(ctx context.Context, name string) (resource.Spec, error) {
	// The filter is a prefix; the group asked for sorts before all others
	// that have it, so it is on the first page.
	out, err := c.logs.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	if err != nil {
		return nil, err
	}
	for _, g := range out.LogGroups {
		if aws.ToString(g.LogGroupName) != name {
			continue
		}
		found := &resource.LogGroup{
			Name: name, ARN: strings.TrimSuffix(aws.ToString(g.Arn), ":*"),
			RetentionDays: aws.ToInt32(g.RetentionInDays), KMSKey: aws.ToString(g.KmsKeyId),
		}
		tags, err := c.logs.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: &found.ARN})
		if err != nil {
			return nil, err
		}
		found.Tags = userTags(tags.Tags)
		return found, nil
	}
	return nil, nil
}

func (c *Client) findRole(ctx context.Context, name string) (resource.Spec, error) {
	out, err := c.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return nil, missing(err, "NoSuchEntity")
	}
	trust, err := unescape(aws.ToString(out.Role.AssumeRolePolicyDocument))
	if err != nil {
		return nil, fmt.Errorf("read its trust policy: %w", err)
	}
	found := &resource.Role{Name: name, ARN: aws.ToString(out.Role.Arn), Trust: trust, Tags: map[string]string{}}
	if b := out.Role.PermissionsBoundary; b != nil {
		found.Boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	for _, t := range out.Role.Tags {
		found.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	found.Tags = userTags(found.Tags)
	return found, nil
}

func (c *Client) findRolePolicy(ctx context.Context, w *resource.RolePolicy) (resource.Spec, error) {
	out, err := c.iam.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &w.Role, PolicyName: &w.Name})
	if err != nil {
		return nil, missing(err, "NoSuchEntity")
	}
	text, err := unescape(aws.ToString(out.PolicyDocument))
	if err != nil {
		return nil, err
	}
	return &resource.RolePolicy{Name: w.Name, Role: w.Role, Policy: text}, nil
}

// userTags leaves out the tags AWS sets itself.
func userTags(tags map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range tags {
		if !strings.HasPrefix(k, "aws:") {
			out[k] = v
		}
	}
	return out
}
