package logs

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/call"
	"cairn/internal/loggroup"
	"cairn/internal/logquery"
)

// Limits of PutMetricFilter (its API reference), in characters.
const (
	maxPattern     = 1024
	maxMetricName  = 255
	maxMetricValue = 100
	maxDimensions  = 3
)

// metricValue is a number, or a field of what the pattern selects.
var metricValue = regexp.MustCompile(`^(-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?|\$.+)$`)

// addMetricFilters adds the operations on metric filters. They are kept, checked
// and described; the engine has no metrics in which to count what they match,
// which TestMetricFilter tells.
func (s *Service) addMetricFilters() {
	add(s, "PutMetricFilter", func(c *call.Call, in *cloudwatchlogs.PutMetricFilterInput) (place, error) {
		return named(c, in.LogGroupName)
	}, s.putMetricFilter)
	add(s, "DeleteMetricFilter", func(c *call.Call, in *cloudwatchlogs.DeleteMetricFilterInput) (place, error) {
		return named(c, in.LogGroupName)
	}, func(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.DeleteMetricFilterInput, at place) (*cloudwatchlogs.DeleteMetricFilterOutput, error) {
		if err := checkStream(in.FilterName, "filterName"); err != nil {
			return nil, err
		}
		return &cloudwatchlogs.DeleteMetricFilterOutput{}, s.groups.DeleteFilter(ctx, at.Ref, *in.FilterName)
	})
	add(s, "DescribeMetricFilters", func(c *call.Call, in *cloudwatchlogs.DescribeMetricFiltersInput) (place, error) {
		if in.LogGroupName == nil {
			return place{Ref: loggroup.Ref{Account: c.Account(), Region: c.Region}}, nil
		}
		return named(c, in.LogGroupName)
	}, s.describeMetricFilters).ReadOnly = true
}

func (s *Service) putMetricFilter(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.PutMetricFilterInput, at place) (*cloudwatchlogs.PutMetricFilterOutput, error) {
	switch {
	case in.ApplyOnTransformedLogs || in.FieldSelectionCriteria != nil || len(in.EmitSystemFieldDimensions) > 0:
		return nil, invalid("Transformed logs and system fields are not supported by this engine. Leave applyOnTransformedLogs, fieldSelectionCriteria and emitSystemFieldDimensions out.")
	case in.FilterPattern == nil:
		return nil, s.api.Codec.Missing("filterPattern")
	case utf8.RuneCountInString(*in.FilterPattern) > maxPattern:
		return nil, constraint(*in.FilterPattern, "filterPattern", "Member must have length less than or equal to 1024")
	case len(in.MetricTransformations) != 1:
		return nil, constraint(len(in.MetricTransformations), "metricTransformations", "Member must have length between 1 and 1")
	}
	if err := checkStream(in.FilterName, "filterName"); err != nil {
		return nil, err
	}
	if _, err := logquery.Parse(*in.FilterPattern); err != nil {
		return nil, invalid("%s", err)
	}
	metric, err := checkMetric(*in.FilterPattern, &in.MetricTransformations[0])
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutMetricFilterOutput{}, s.groups.PutFilter(ctx, at.Ref, loggroup.MetricFilter{
		Name: *in.FilterName, Pattern: *in.FilterPattern, Metric: metric,
	})
}

// checkMetric refuses what is no metric for a pattern.
func checkMetric(pattern string, t *types.MetricTransformation) (loggroup.Metric, error) {
	const member = "metricTransformations.1.member."
	m := loggroup.Metric{
		Name: aws.ToString(t.MetricName), Namespace: aws.ToString(t.MetricNamespace), Value: aws.ToString(t.MetricValue),
		Default: t.DefaultValue, Dimensions: t.Dimensions, Unit: string(t.Unit),
	}
	for name, value := range map[string]string{"metricName": m.Name, "metricNamespace": m.Namespace} {
		if value == "" || utf8.RuneCountInString(value) > maxMetricName || strings.ContainsAny(value, ":*$") {
			return m, constraint(value, member+name, "Member must have length between 1 and 255, and satisfy regular expression pattern: [^:*$]*")
		}
	}
	fields := strings.HasPrefix(strings.TrimSpace(pattern), "{") || strings.HasPrefix(strings.TrimSpace(pattern), "[")
	switch {
	case utf8.RuneCountInString(m.Value) > maxMetricValue || !metricValue.MatchString(m.Value):
		return m, constraint(m.Value, member+"metricValue", "Member must be a number or a field of the pattern, of at most 100 characters")
	case len(m.Dimensions) > maxDimensions:
		return m, constraint(len(m.Dimensions), member+"dimensions", "Member must have at most 3 entries")
	case len(m.Dimensions) > 0 && m.Default != nil:
		return m, invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	case len(m.Dimensions) > 0 && !fields:
		return m, invalid("Invalid metric transformation: dimensions need a filter pattern for JSON or space-delimited events.")
	case m.Unit != "" && !slices.Contains(t.Unit.Values(), t.Unit):
		return m, constraint(m.Unit, member+"unit", "Member must satisfy enum value set")
	}
	return m, nil
}

// describeMetricFilters lists the filters of a group, or of all, in order of
// group and name.
func (s *Service) describeMetricFilters(_ context.Context, _ *call.Granted, in *cloudwatchlogs.DescribeMetricFiltersInput, at place) (*cloudwatchlogs.DescribeMetricFiltersOutput, error) {
	most, err := limit(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	prefix := aws.ToString(in.FilterNamePrefix)
	switch {
	case prefix != "" && in.LogGroupName == nil:
		return nil, invalid("filterNamePrefix needs logGroupName.")
	case (in.MetricName == nil) != (in.MetricNamespace == nil):
		return nil, invalid("metricName and metricNamespace have to be given together.")
	}
	hash := queryHash("metric filters", at.Account, at.Region, at.Name, prefix, in.MetricName, in.MetricNamespace)
	after, err := parseListToken(in.NextToken, hash)
	if err != nil {
		return nil, err
	}
	var groups []loggroup.Named
	if in.LogGroupName == nil {
		groups = s.groups.Groups(at.Account, at.Region)
	} else {
		g, err := s.groups.Group(at.Ref)
		if err != nil {
			return nil, err
		}
		groups = []loggroup.Named{{Name: at.Name, Group: g}}
	}
	out := &cloudwatchlogs.DescribeMetricFiltersOutput{MetricFilters: []types.MetricFilter{}}
	last := ""
	for _, g := range groups {
		for i := range g.Filters {
			f := &g.Filters[i]
			key := g.Name + "\x00" + f.Name
			if key <= after && after != "" || !strings.HasPrefix(f.Name, prefix) ||
				in.MetricName != nil && (f.Metric.Name != *in.MetricName || f.Metric.Namespace != *in.MetricNamespace) {
				continue
			}
			if len(out.MetricFilters) == most {
				out.NextToken = listToken(hash, last)
				return out, nil
			}
			out.MetricFilters, last = append(out.MetricFilters, describeFilter(g.Name, f)), key
		}
	}
	return out, nil
}

func describeFilter(group string, f *loggroup.MetricFilter) types.MetricFilter {
	return types.MetricFilter{
		LogGroupName: aws.String(group), FilterName: aws.String(f.Name), FilterPattern: aws.String(f.Pattern), CreationTime: aws.Int64(f.Created),
		MetricTransformations: []types.MetricTransformation{{
			MetricName: aws.String(f.Metric.Name), MetricNamespace: aws.String(f.Metric.Namespace), MetricValue: aws.String(f.Metric.Value),
			DefaultValue: f.Metric.Default, Dimensions: f.Metric.Dimensions, Unit: types.StandardUnit(f.Metric.Unit),
		}},
	}
}
