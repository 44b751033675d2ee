package logs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cairn/internal/logquery/querytest"
)

// filter returns the input of a good metric filter, changed.
func filter(group, name, pattern string, change func(*types.MetricTransformation)) *cwl.PutMetricFilterInput {
	t := types.MetricTransformation{MetricName: aws.String(name), MetricNamespace: aws.String("LogMetrics"), MetricValue: aws.String("1")}
	if change != nil {
		change(&t)
	}
	return &cwl.PutMetricFilterInput{LogGroupName: &group, FilterName: &name, FilterPattern: &pattern, MetricTransformations: []types.MetricTransformation{t}}
}

// TestMetricFilters puts every CIS filter, and finds what it put.
func TestMetricFilters(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g")
	e.make("h")
	var want []string
	for i, c := range querytest.CIS() {
		name := fmt.Sprintf("cis-%02d", i)
		want = append(want, name)
		must[*cwl.PutMetricFilterOutput](t)(e.PutMetricFilter(ctx, filter("g", name, c.Pattern, func(m *types.MetricTransformation) { m.DefaultValue = aws.Float64(0) })))
	}
	must[*cwl.PutMetricFilterOutput](t)(e.PutMetricFilter(ctx, filter("h", "x", "{ $.a = 1 }", func(m *types.MetricTransformation) {
		m.Dimensions, m.MetricValue, m.Unit = map[string]string{"d": "$.a"}, aws.String("$.a"), types.StandardUnitCount
	})))
	var got []string
	in := &cwl.DescribeMetricFiltersInput{LogGroupName: aws.String("g"), Limit: aws.Int32(7)}
	for p := cwl.NewDescribeMetricFiltersPaginator(e, in); p.HasMorePages(); {
		out := must[*cwl.DescribeMetricFiltersOutput](t)(p.NextPage(ctx))
		for _, f := range out.MetricFilters {
			got = append(got, *f.FilterName)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	g := must[*cwl.DescribeLogGroupsOutput](t)(e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{})).LogGroups[0]
	if int(*g.MetricFilterCount) != len(want) {
		t.Errorf("the group has %d metric filters", *g.MetricFilterCount)
	}
	// Put again, it keeps the day it was made.
	must[*cwl.PutMetricFilterOutput](t)(e.PutMetricFilter(ctx, filter("h", "x", "ERROR", nil)))
	all := must[*cwl.DescribeMetricFiltersOutput](t)(e.DescribeMetricFilters(ctx, &cwl.DescribeMetricFiltersInput{MetricName: aws.String("x"), MetricNamespace: aws.String("LogMetrics")}))
	wantX := []types.MetricFilter{{
		LogGroupName: aws.String("h"), FilterName: aws.String("x"), FilterPattern: aws.String("ERROR"), CreationTime: all.MetricFilters[0].CreationTime,
		MetricTransformations: filter("h", "x", "ERROR", nil).MetricTransformations,
	}}
	if d := cmp.Diff(wantX, all.MetricFilters, cmpopts.IgnoreUnexported(types.MetricFilter{}, types.MetricTransformation{})); d != "" || *all.MetricFilters[0].CreationTime < ago(60e9) {
		t.Error(d)
	}
	deleted := &cwl.DeleteMetricFilterInput{LogGroupName: aws.String("h"), FilterName: aws.String("x")}
	must[*cwl.DeleteMetricFilterOutput](t)(e.DeleteMetricFilter(ctx, deleted))
	_, err := e.DeleteMetricFilter(ctx, deleted)
	fails(t, "second delete", err, "ResourceNotFoundException", "metric filter")
	if out := must[*cwl.DescribeMetricFiltersOutput](t)(e.DescribeMetricFilters(ctx, &cwl.DescribeMetricFiltersInput{LogGroupName: aws.String("h")})); len(out.MetricFilters) != 0 {
		t.Errorf("after deletion: %+v", out.MetricFilters)
	}
	for i := range 100 {
		must[*cwl.PutMetricFilterOutput](t)(e.PutMetricFilter(ctx, filter("h", fmt.Sprint(i), "", nil)))
	}
	_, err = e.PutMetricFilter(ctx, filter("h", "one more", "", nil))
	fails(t, "filter 101", err, "LimitExceededException", "")
}

func TestMetricFilterRefused(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g")
	for what, in := range map[string]*cwl.PutMetricFilterInput{
		"name":       filter("g", "a:b", "x", nil),
		"pattern":    filter("g", "f", "{ $.a = }", nil),
		"length":     filter("g", "f", strings.Repeat("x", 1025), nil),
		"metric":     filter("g", "f", "x", func(m *types.MetricTransformation) { m.MetricName = aws.String("a$b") }),
		"namespace":  filter("g", "f", "x", func(m *types.MetricTransformation) { m.MetricNamespace = aws.String("") }),
		"value":      filter("g", "f", "x", func(m *types.MetricTransformation) { m.MetricValue = aws.String("one") }),
		"unit":       filter("g", "f", "x", func(m *types.MetricTransformation) { m.Unit = "Furlongs" }),
		"dimensions": filter("g", "f", "x", func(m *types.MetricTransformation) { m.Dimensions = map[string]string{"a": "$.b"} }),
		"default": filter("g", "f", "{ $.b = 1 }", func(m *types.MetricTransformation) {
			m.Dimensions, m.DefaultValue = map[string]string{"a": "$.b"}, aws.Float64(0)
		}),
		"none": {LogGroupName: aws.String("g"), FilterName: aws.String("f"), FilterPattern: aws.String("x"), MetricTransformations: []types.MetricTransformation{}},
		"transformed": func() *cwl.PutMetricFilterInput {
			in := filter("g", "f", "x", nil)
			in.ApplyOnTransformedLogs = true
			return in
		}(),
	} {
		_, err := e.PutMetricFilter(ctx, in)
		fails(t, what, err, "InvalidParameterException", "")
	}
	_, err := e.PutMetricFilter(ctx, filter("absent", "f", "x", nil))
	fails(t, "no group", err, "ResourceNotFoundException", "log group")
	for what, in := range map[string]*cwl.DescribeMetricFiltersInput{
		"prefix alone": {FilterNamePrefix: aws.String("x")},
		"metric alone": {MetricName: aws.String("x")},
		"token":        {NextToken: aws.String("x")},
	} {
		_, err := e.DescribeMetricFilters(ctx, in)
		fails(t, what, err, "InvalidParameterException", "")
	}
}
