package account

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/setup/internal/resource"
)

// Put makes the resource what wanted says. found is what the account has, nil
// for a resource to create. A crash between two calls leaves a resource half
// made; since each is created with its owner tag in one call, the next plan
// finds it as its own and completes it. say is told of long waits.
func (c *Client) Put(ctx context.Context, wanted, found resource.Spec, say func(string)) error {
	err := c.put(ctx, wanted, found, say)
	if found != nil || !taken(err) {
		return err
	}
	// It was not there when the plan was made. Either the reply to our own call
	// was lost and the SDK repeated it, or somebody else was quicker.
	found, findErr := c.Find(ctx, wanted)
	if findErr != nil || found == nil || !resource.Owned(wanted, found) {
		return fmt.Errorf("%w; it was made by somebody else while this ran: plan again to see what it is", Plain(err))
	}
	return c.put(ctx, wanted, found, say)
}

// taken is AWS saying that there is one of this name already.
func taken(err error) bool {
	return is(err, "BucketAlreadyOwnedByYou", "ResourceAlreadyExistsException", "EntityAlreadyExists", "TrailAlreadyExistsException")
}

func (c *Client) put(ctx context.Context, wanted, found resource.Spec, say func(string)) error {
	switch w := wanted.(type) {
	case *resource.Bucket:
		return c.putBucket(ctx, w, found, say)
	case *resource.LogGroup:
		return c.putLogGroup(ctx, w, found, say)
	case *resource.Role:
		return c.putRole(ctx, w, found)
	case *resource.RolePolicy:
		return settle(ctx, say, fresh, func() error {
			_, err := c.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &w.Role, PolicyName: &w.Name, PolicyDocument: aws.String(string(w.Policy))})
			return err
		})
	case *resource.Trail:
		return c.putTrail(ctx, w, found, say)
	}
	return settle(ctx, say, busy, func() error { return c.putSetting(ctx, wanted) })
}

// Remove deletes what found describes. Settings of a bucket or a role go with
// it and are not deleted on their own: should the bucket stay after all, it
// keeps its policy and its protection.
func (c *Client) Remove(ctx context.Context, found resource.Spec, say func(string)) error {
	switch f := found.(type) {
	case *resource.Bucket:
		return c.removeBucket(ctx, f, say)
	case *resource.LogGroup:
		_, err := c.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &f.Name})
		return missing(err, "ResourceNotFoundException")
	case *resource.Role:
		_, err := c.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &f.Name})
		if is(err, "DeleteConflict") {
			return fmt.Errorf("%w; the role has policies that the files do not describe: remove them first", Plain(err))
		}
		return missing(err, "NoSuchEntity")
	case *resource.RolePolicy:
		_, err := c.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &f.Role, PolicyName: &f.Name})
		return missing(err, "NoSuchEntity")
	case *resource.Trail:
		return c.removeTrail(ctx, f)
	}
	return nil
}

func (c *Client) putLogGroup(ctx context.Context, w *resource.LogGroup, found resource.Spec, say func(string)) error {
	f, _ := found.(*resource.LogGroup)
	if f == nil {
		in := &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &w.Name, Tags: w.Tags, KmsKeyId: optional(w.KMSKey)}
		if _, err := c.logs.CreateLogGroup(ctx, in); err != nil {
			return err
		}
		f = &resource.LogGroup{Name: w.Name, KMSKey: w.KMSKey, Tags: w.Tags}
	}
	if w.RetentionDays != f.RetentionDays {
		if err := settle(ctx, say, fresh, func() error { return c.putRetention(ctx, w) }); err != nil {
			return fmt.Errorf("set its retention: %w", err)
		}
	}
	if w.KMSKey != f.KMSKey {
		if err := c.putGroupKey(ctx, w); err != nil {
			return fmt.Errorf("set its key: %w", err)
		}
	}
	return putTags(f.Tags, w.Tags, func(gone []string) error {
		_, err := c.logs.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: &f.ARN, TagKeys: gone})
		return err
	}, func(set map[string]string) error {
		_, err := c.logs.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: &f.ARN, Tags: set})
		return err
	})
}

func (c *Client) putRetention(ctx context.Context, w *resource.LogGroup) error {
	if w.RetentionDays == 0 {
		_, err := c.logs.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: &w.Name})
		return err
	}
	_, err := c.logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &w.Name, RetentionInDays: &w.RetentionDays})
	return err
}

func (c *Client) putGroupKey(ctx context.Context, w *resource.LogGroup) error {
	if w.KMSKey == "" {
		_, err := c.logs.DisassociateKmsKey(ctx, &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: &w.Name})
		return err
	}
	_, err := c.logs.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: &w.Name, KmsKeyId: &w.KMSKey})
	return err
}

func (c *Client) putRole(ctx context.Context, w *resource.Role, found resource.Spec) error {
	f, _ := found.(*resource.Role)
	if f == nil {
		_, err := c.iam.CreateRole(ctx, &iam.CreateRoleInput{
			RoleName: &w.Name, AssumeRolePolicyDocument: aws.String(string(w.Trust)), PermissionsBoundary: optional(w.Boundary), Tags: iamTags(w.Tags),
		})
		return err
	}
	if !w.Trust.Same(f.Trust) {
		in := &iam.UpdateAssumeRolePolicyInput{RoleName: &w.Name, PolicyDocument: aws.String(string(w.Trust))}
		if _, err := c.iam.UpdateAssumeRolePolicy(ctx, in); err != nil {
			return fmt.Errorf("set its trust policy: %w", err)
		}
	}
	if w.Boundary != f.Boundary {
		if err := c.putBoundary(ctx, w); err != nil {
			return fmt.Errorf("set its permissions boundary: %w", err)
		}
	}
	return putTags(f.Tags, w.Tags, func(gone []string) error {
		_, err := c.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &w.Name, TagKeys: gone})
		return err
	}, func(set map[string]string) error {
		_, err := c.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &w.Name, Tags: iamTags(set)})
		return err
	})
}

func (c *Client) putBoundary(ctx context.Context, w *resource.Role) error {
	if w.Boundary == "" {
		_, err := c.iam.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: &w.Name})
		return err
	}
	_, err := c.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: &w.Name, PermissionsBoundary: &w.Boundary})
	return err
}

// putTags gives a resource the wanted tags: remove takes away those that are
// no longer wanted, set adds and changes others. Neither is called for nothing.
func putTags(have, want map[string]string, remove func(keys []string) error, set func(tags map[string]string) error) error {
	changed, gone := tagChanges(have, want)
	if len(gone) > 0 {
		if err := remove(gone); err != nil {
			return fmt.Errorf("remove its tags: %w", err)
		}
	}
	if len(changed) > 0 {
		if err := set(changed); err != nil {
			return fmt.Errorf("tag it: %w", err)
		}
	}
	return nil
}

// tagChanges returns the tags to set and the keys to remove.
func tagChanges(have, want map[string]string) (set map[string]string, gone []string) {
	set = map[string]string{}
	for k, v := range want {
		if old, ok := have[k]; !ok || old != v {
			set[k] = v
		}
	}
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[k]; !ok {
			gone = append(gone, k)
		}
	}
	return set, gone
}

func iamTags(tags map[string]string) []iamtypes.Tag {
	var out []iamtypes.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, iamtypes.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}

// optional is nil for the empty string.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
