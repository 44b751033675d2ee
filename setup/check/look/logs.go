package look

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"cairn/internal/arn"
	"cairn/setup/check"
)

// group asks for a log group and its metric filters. A group of another
// account cannot be read by anybody here.
func (l *looking) group(text string) *check.LogGroup {
	a, err := arn.Parse(strings.TrimSuffix(text, ":*"))
	g := &check.LogGroup{Name: strings.TrimPrefix(a.Resource, "log-group:"), Region: a.Region}
	if err != nil || a.Account != l.r.client.ID {
		not := &check.Unseen{Permission: "logs:DescribeLogGroups", Why: fmt.Sprintf("%s is not a log group of account %s", text, l.r.client.ID)}
		g.Exists.Not, g.Filters.Not = not, not
		return g
	}
	c := cloudwatchlogs.NewFromConfig(l.r.client.Config(), func(o *cloudwatchlogs.Options) { o.Region = g.Region })
	ask(l, "logs:DescribeLogGroups", &g.Exists, func(ctx context.Context) (bool, error) { return describeGroup(ctx, c, g) })
	ask(l, "logs:DescribeMetricFilters", &g.Filters, func(ctx context.Context) ([]check.MetricFilter, error) {
		filters, err := describeFilters(ctx, c, g.Name)
		if isCode(err, "ResourceNotFoundException") {
			return nil, nil // a check of its own says that the group is missing
		}
		return filters, err
	})
	return g
}

// describeGroup fills in a group's settings. The filter is a prefix; the group
// asked for sorts before all others that have it, so it is on the first page.
func describeGroup(ctx context.Context, c *cloudwatchlogs.Client, g *check.LogGroup) (bool, error) {
	out, err := c.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &g.Name})
	if err != nil {
		return false, err
	}
	for _, found := range out.LogGroups {
		if aws.ToString(found.LogGroupName) == g.Name {
			g.RetentionDays, g.KMSKey = aws.ToInt32(found.RetentionInDays), aws.ToString(found.KmsKeyId)
			return true, nil
		}
	}
	return false, nil
}

func describeFilters(ctx context.Context, c *cloudwatchlogs.Client, group string) ([]check.MetricFilter, error) {
	var list []check.MetricFilter
	pages := cloudwatchlogs.NewDescribeMetricFiltersPaginator(c, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.MetricFilters {
			filter := check.MetricFilter{Name: aws.ToString(f.FilterName), Pattern: aws.ToString(f.FilterPattern)}
			for _, m := range f.MetricTransformations {
				filter.Metrics = append(filter.Metrics, check.Metric{Namespace: aws.ToString(m.MetricNamespace), Name: aws.ToString(m.MetricName)})
			}
			list = append(list, filter)
		}
	}
	return list, nil
}
