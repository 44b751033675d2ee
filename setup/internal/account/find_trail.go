package account

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/setup/internal/resource"
)

func (c *Client) findTrail(ctx context.Context, w *resource.Trail) (resource.Spec, error) {
	// Asked for by name, a multi-region trail of another region is not told.
	out, err := c.trails.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	if err != nil {
		return nil, err
	}
	for _, t := range out.TrailList {
		if aws.ToString(t.Name) != w.Name {
			continue
		}
		if home := aws.ToString(t.HomeRegion); home != "" && home != c.Region {
			return nil, fmt.Errorf("the trail exists with the home region %s, where alone it can be changed: set the provider's region to %s, or choose another trail_name", home, home)
		}
		return c.describeTrail(ctx, w, &t)
	}
	return nil, nil
}

func (c *Client) describeTrail(ctx context.Context, w *resource.Trail, t *types.Trail) (resource.Spec, error) {
	found := &resource.Trail{
		Name: w.Name, ARN: aws.ToString(t.TrailARN), HomeRegion: aws.ToString(t.HomeRegion),
		Bucket: aws.ToString(t.S3BucketName), Prefix: aws.ToString(t.S3KeyPrefix),
		LogGroupARN: aws.ToString(t.CloudWatchLogsLogGroupArn), LogRoleARN: aws.ToString(t.CloudWatchLogsRoleArn),
		MultiRegion: aws.ToBool(t.IsMultiRegionTrail), GlobalEvents: aws.ToBool(t.IncludeGlobalServiceEvents),
		Validation: aws.ToBool(t.LogFileValidationEnabled), Organization: aws.ToBool(t.IsOrganizationTrail),
		KMSKey: aws.ToString(t.KmsKeyId), SNSTopic: aws.ToString(t.SnsTopicName),
	}
	if w.SNSTopic != "" && w.SNSTopic == aws.ToString(t.SnsTopicARN) {
		found.SNSTopic = w.SNSTopic // the files may name the topic by its ARN
	}
	status, err := c.trails.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &w.Name})
	if err != nil {
		return nil, fmt.Errorf("logging state: %w", err)
	}
	found.Logging = aws.ToBool(status.IsLogging)
	// A trail that says it has none is not asked: two calls less.
	if aws.ToBool(t.HasCustomEventSelectors) || len(w.Selectors) > 0 || len(w.Advanced) > 0 {
		if err := c.findSelectors(ctx, found); err != nil {
			return nil, err
		}
	}
	if aws.ToBool(t.HasInsightSelectors) || len(w.InsightTypes) > 0 {
		if err := c.findInsights(ctx, found); err != nil {
			return nil, err
		}
	}
	tags, err := c.trails.ListTags(ctx, &cloudtrail.ListTagsInput{ResourceIdList: []string{found.ARN}})
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	found.Tags = map[string]string{}
	for _, r := range tags.ResourceTagList {
		for _, tag := range r.TagsList {
			found.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	found.Tags = userTags(found.Tags)
	return found, nil
}

func (c *Client) findSelectors(ctx context.Context, found *resource.Trail) error {
	out, err := c.trails.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &found.Name})
	if err != nil {
		return fmt.Errorf("event selectors: %w", err)
	}
	for _, s := range out.EventSelectors {
		sel := resource.EventSelector{
			ReadWrite: string(s.ReadWriteType), Management: aws.ToBool(s.IncludeManagementEvents), ExcludeSources: s.ExcludeManagementEventSources,
		}
		for _, d := range s.DataResources {
			sel.Data = append(sel.Data, resource.DataResource{Type: aws.ToString(d.Type), Values: d.Values})
		}
		found.Selectors = append(found.Selectors, sel)
	}
	if len(found.Selectors) == 1 && found.Selectors[0].IsDefault() {
		found.Selectors = nil
	}
	for _, s := range out.AdvancedEventSelectors {
		sel := resource.AdvancedSelector{Name: aws.ToString(s.Name)}
		for _, f := range s.FieldSelectors {
			sel.Fields = append(sel.Fields, resource.FieldSelector{
				Field: aws.ToString(f.Field), Equals: f.Equals, NotEquals: f.NotEquals, StartsWith: f.StartsWith,
				NotStartsWith: f.NotStartsWith, EndsWith: f.EndsWith, NotEndsWith: f.NotEndsWith,
			})
		}
		sel.SortFields()
		found.Advanced = append(found.Advanced, sel)
	}
	return nil
}

func (c *Client) findInsights(ctx context.Context, found *resource.Trail) error {
	out, err := c.trails.GetInsightSelectors(ctx, &cloudtrail.GetInsightSelectorsInput{TrailName: &found.Name})
	if err != nil {
		return missing(err, "InsightNotEnabledException")
	}
	for _, s := range out.InsightSelectors {
		found.InsightTypes = append(found.InsightTypes, string(s.InsightType))
	}
	slices.Sort(found.InsightTypes)
	return nil
}
