package account

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/setup/internal/resource"
)

// settling is CloudTrail not yet seeing the bucket policy, the role or its
// policy that were just made (spec 4.4). Definite mistakes have other texts.
func settling(err error) bool {
	if is(err, "InvalidCloudWatchLogsRoleArnException", "InvalidCloudWatchLogsLogGroupArnException") {
		return strings.Contains(err.Error(), "Access denied.")
	}
	return is(err, "InsufficientS3BucketPolicyException", "S3BucketDoesNotExistException", "ConflictException")
}

// putTrail makes or changes a trail. A new trail does not log until it is
// started; a crash before that leaves a trail the next plan shows as
// enable_logging = false -> true.
func (c *Client) putTrail(ctx context.Context, w *resource.Trail, found resource.Spec, say func(string)) error {
	f, _ := found.(*resource.Trail)
	create := f == nil
	if create {
		if err := c.createTrail(ctx, w, say); err != nil {
			return err
		}
		f = &resource.Trail{Name: w.Name, ARN: w.ARN, Tags: w.Tags}
	} else if trailMembers(w) != trailMembers(f) {
		err := settle(ctx, say, func(err error) bool { return settling(err) && !is(err, "InsufficientS3BucketPolicyException") }, func() error {
			return c.updateTrail(ctx, w, f)
		})
		if err != nil {
			return c.explainTrail(ctx, w, err)
		}
	}
	if err := c.putSelectors(ctx, w, f); err != nil {
		return err
	}
	if err := c.putTrailTags(ctx, w, f); err != nil {
		return err
	}
	return c.putLogging(ctx, w, f)
}

// createTrail waits for a bucket policy only in a bucket whose policy we may
// have written a moment ago: one we can read and that allows the trail. In
// someone else's bucket it asks them instead of waiting.
func (c *Client) createTrail(ctx context.Context, w *resource.Trail, say func(string)) error {
	in := &cloudtrail.CreateTrailInput{
		Name: &w.Name, S3BucketName: &w.Bucket, S3KeyPrefix: optional(w.Prefix), SnsTopicName: optional(w.SNSTopic),
		IncludeGlobalServiceEvents: &w.GlobalEvents, IsMultiRegionTrail: &w.MultiRegion, EnableLogFileValidation: &w.Validation,
		CloudWatchLogsLogGroupArn: optional(w.LogGroupARN), CloudWatchLogsRoleArn: optional(w.LogRoleARN), KmsKeyId: optional(w.KMSKey),
		TagsList: trailTags(w.Tags),
	}
	if w.Organization {
		in.IsOrganizationTrail = &w.Organization
	}
	passing := func(err error) bool {
		if is(err, "InsufficientS3BucketPolicyException", "S3BucketDoesNotExistException") {
			return c.bucketAllows(ctx, w)
		}
		return settling(err)
	}
	err := settle(ctx, say, passing, func() error {
		_, err := c.trails.CreateTrail(ctx, in)
		return err
	})
	return c.explainTrail(ctx, w, err)
}

// trailMembers is the part of a trail UpdateTrail sets.
func trailMembers(t *resource.Trail) [10]string {
	return [10]string{
		t.Bucket, t.Prefix, t.SNSTopic, t.LogGroupARN, t.LogRoleARN, t.KMSKey,
		fmt.Sprint(t.GlobalEvents), fmt.Sprint(t.MultiRegion), fmt.Sprint(t.Validation), fmt.Sprint(t.Organization),
	}
}

func (c *Client) updateTrail(ctx context.Context, w, f *resource.Trail) error {
	in := &cloudtrail.UpdateTrailInput{
		Name: &w.Name, S3BucketName: &w.Bucket, IncludeGlobalServiceEvents: &w.GlobalEvents, IsMultiRegionTrail: &w.MultiRegion,
		EnableLogFileValidation: &w.Validation,
	}
	if w.Prefix != f.Prefix {
		in.S3KeyPrefix = &w.Prefix
	}
	if w.SNSTopic != f.SNSTopic {
		in.SnsTopicName = &w.SNSTopic
	}
	if w.KMSKey != f.KMSKey {
		in.KmsKeyId = &w.KMSKey
	}
	if w.Organization != f.Organization {
		in.IsOrganizationTrail = &w.Organization
	}
	// Role and group go together always; two empty ones turn the export off.
	if w.LogGroupARN != f.LogGroupARN || w.LogRoleARN != f.LogRoleARN {
		in.CloudWatchLogsLogGroupArn, in.CloudWatchLogsRoleArn = &w.LogGroupARN, &w.LogRoleARN
	}
	_, err := c.trails.UpdateTrail(ctx, in)
	return err
}

func (c *Client) putSelectors(ctx context.Context, w, f *resource.Trail) error {
	equal := slices.EqualFunc(w.Selectors, f.Selectors, sameSelector) && slices.EqualFunc(w.Advanced, f.Advanced, sameAdvanced)
	if !equal {
		in := &cloudtrail.PutEventSelectorsInput{TrailName: &w.Name, AdvancedEventSelectors: advancedSelectors(w.Advanced)}
		if len(w.Advanced) == 0 {
			in.EventSelectors = eventSelectors(w.Selectors)
		}
		if _, err := c.trails.PutEventSelectors(ctx, in); err != nil {
			return fmt.Errorf("set its event selectors: %w", err)
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(w.InsightTypes)), slices.Sorted(slices.Values(f.InsightTypes))) {
		in := &cloudtrail.PutInsightSelectorsInput{TrailName: &w.Name, InsightSelectors: []types.InsightSelector{}}
		for _, t := range w.InsightTypes {
			in.InsightSelectors = append(in.InsightSelectors, types.InsightSelector{InsightType: types.InsightType(t)})
		}
		if _, err := c.trails.PutInsightSelectors(ctx, in); err != nil {
			return fmt.Errorf("set its insight types: %w", err)
		}
	}
	return nil
}

func sameSelector(a, b resource.EventSelector) bool {
	return a.ReadWrite == b.ReadWrite && a.Management == b.Management && slices.Equal(a.ExcludeSources, b.ExcludeSources) &&
		slices.EqualFunc(a.Data, b.Data, func(x, y resource.DataResource) bool { return x.Type == y.Type && slices.Equal(x.Values, y.Values) })
}

func sameAdvanced(a, b resource.AdvancedSelector) bool {
	return a.Name == b.Name && slices.EqualFunc(a.Fields, b.Fields, func(x, y resource.FieldSelector) bool {
		return x.Field == y.Field && slices.Equal(x.Equals, y.Equals) && slices.Equal(x.NotEquals, y.NotEquals) &&
			slices.Equal(x.StartsWith, y.StartsWith) && slices.Equal(x.NotStartsWith, y.NotStartsWith) &&
			slices.Equal(x.EndsWith, y.EndsWith) && slices.Equal(x.NotEndsWith, y.NotEndsWith)
	})
}

// eventSelectors are the basic selectors to put; none means the default one.
func eventSelectors(list []resource.EventSelector) []types.EventSelector {
	if len(list) == 0 {
		list = []resource.EventSelector{{ReadWrite: "All", Management: true}}
	}
	var out []types.EventSelector
	for _, s := range list {
		sel := types.EventSelector{
			ReadWriteType: types.ReadWriteType(s.ReadWrite), IncludeManagementEvents: &s.Management,
			ExcludeManagementEventSources: append([]string{}, s.ExcludeSources...), DataResources: []types.DataResource{},
		}
		for _, d := range s.Data {
			sel.DataResources = append(sel.DataResources, types.DataResource{Type: &d.Type, Values: d.Values})
		}
		out = append(out, sel)
	}
	return out
}

func advancedSelectors(list []resource.AdvancedSelector) []types.AdvancedEventSelector {
	var out []types.AdvancedEventSelector
	for _, s := range list {
		sel := types.AdvancedEventSelector{Name: optional(s.Name)}
		for _, f := range s.Fields {
			sel.FieldSelectors = append(sel.FieldSelectors, types.AdvancedFieldSelector{
				Field: &f.Field, Equals: f.Equals, NotEquals: f.NotEquals, StartsWith: f.StartsWith,
				NotStartsWith: f.NotStartsWith, EndsWith: f.EndsWith, NotEndsWith: f.NotEndsWith,
			})
		}
		out = append(out, sel)
	}
	return out
}

func (c *Client) putTrailTags(ctx context.Context, w, f *resource.Trail) error {
	return putTags(f.Tags, w.Tags, func(gone []string) error {
		var tags []types.Tag
		for _, k := range gone {
			tags = append(tags, types.Tag{Key: aws.String(k)})
		}
		_, err := c.trails.RemoveTags(ctx, &cloudtrail.RemoveTagsInput{ResourceId: &f.ARN, TagsList: tags})
		return err
	}, func(set map[string]string) error {
		_, err := c.trails.AddTags(ctx, &cloudtrail.AddTagsInput{ResourceId: &f.ARN, TagsList: trailTags(set)})
		return err
	})
}

func (c *Client) putLogging(ctx context.Context, w, f *resource.Trail) error {
	switch {
	case w.Logging && !f.Logging:
		if _, err := c.trails.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: &w.Name}); err != nil {
			return fmt.Errorf("start it: %w", err)
		}
	case !w.Logging && f.Logging:
		if _, err := c.trails.StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: &w.Name}); err != nil {
			return fmt.Errorf("stop it: %w", err)
		}
	}
	return nil
}

func (c *Client) removeTrail(ctx context.Context, f *resource.Trail) error {
	_, err := c.trails.DeleteTrail(ctx, &cloudtrail.DeleteTrailInput{Name: &f.Name})
	return missing(err, "TrailNotFoundException")
}

func trailTags(tags map[string]string) []types.Tag {
	var out []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	return out
}
