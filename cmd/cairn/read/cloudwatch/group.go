// Package cloudwatch reads log groups, Amazon's or an engine's, by the API of
// CloudWatch Logs.
package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// API is what is asked of CloudWatch Logs.
type API interface {
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
}

// Group is a log group.
type Group struct {
	api     API
	Name    string
	Created time.Time
}

// Event is a log event.
type Event struct {
	// ID tells it from every other of its group.
	ID string
	// Time is its timestamp: for a trail's events the time of delivery, some
	// minutes after the event.
	Time    time.Time
	Message []byte
}

// Open finds a log group of the account that the AWS configuration names.
func Open(ctx context.Context, name string) (*Group, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	// CloudWatch Logs allows few requests a second: be patient.
	cfg.RetryMaxAttempts = 10
	return New(ctx, cloudwatchlogs.NewFromConfig(cfg), name)
}

// New finds a log group.
func New(ctx context.Context, api API, name string) (*Group, error) {
	if name == "" {
		return nil, errors.New("open log group: it has no name: write log-group:NAME")
	}
	out, err := api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	if err != nil {
		return nil, fmt.Errorf("open log group %s: %w", name, err)
	}
	var others []string
	for _, g := range out.LogGroups {
		if aws.ToString(g.LogGroupName) == name {
			return &Group{api: api, Name: name, Created: time.UnixMilli(aws.ToInt64(g.CreationTime))}, nil
		}
		others = append(others, aws.ToString(g.LogGroupName))
	}
	if len(others) > 0 {
		const most = 3
		return nil, fmt.Errorf("open log group %s: there is none; some that begin so are %s", name, strings.Join(others[:min(most, len(others))], ", "))
	}
	return nil, fmt.Errorf("open log group %s: there is none in this account and region", name)
}

// Events calls each for the events with a timestamp from a time on and before
// another (zero: no bound) that match a filter pattern (empty: all), by rising
// time. It returns the first error of each as it is.
func (g *Group) Events(ctx context.Context, from, to time.Time, pattern string, each func(Event) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &g.Name}
	if pattern != "" {
		in.FilterPattern = &pattern
	}
	if !from.IsZero() {
		in.StartTime = aws.Int64(max(0, from.UnixMilli()))
	}
	if !to.IsZero() {
		in.EndTime = aws.Int64(to.UnixMilli() - 1) // it is included
	}
	for {
		out, err := g.api.FilterLogEvents(ctx, in)
		if err != nil {
			return fmt.Errorf("read log group %s: %w", g.Name, err)
		}
		for _, e := range out.Events {
			if err := each(event(&e)); err != nil {
				return err
			}
		}
		// A page may be empty and not the last.
		if aws.ToString(out.NextToken) == "" {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

func event(e *types.FilteredLogEvent) Event {
	return Event{ID: aws.ToString(e.EventId), Time: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC(), Message: []byte(aws.ToString(e.Message))}
}

// IsRecord reports whether a message can be a record: groups hold other lines,
// too.
func IsRecord(message []byte) bool {
	return len(message) > 0 && message[0] == '{' && json.Valid(message)
}
