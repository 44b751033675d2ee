package logs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/call"
	"cairn/internal/loggroup"
	"cairn/internal/logquery"
)

const (
	maxFilterStreams = 100
	maxTestMessages  = 50
)

// backwardSince is the earliest startTime that can be read from its end.
var backwardSince = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

func (s *Service) locateFilter(c *call.Call, in *cloudwatchlogs.FilterLogEventsInput) (place, error) {
	p, err := identified(c, in.LogGroupName, in.LogGroupIdentifier)
	if err == nil && in.Unmask {
		p.more = unmask(p)
	}
	return p, err
}

// filterEvents answers FilterLogEvents: events of several log streams, merged
// by timestamp.
func (s *Service) filterEvents(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.FilterLogEventsInput, at place) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	q, err := filterQuery(in, at)
	if err != nil {
		return nil, err
	}
	group, err := s.groups.Group(at.Ref)
	if err != nil {
		return nil, err
	}
	hash := queryHash("filter", group.ID, in.LogStreamNames, in.LogStreamNamePrefix, in.FilterPattern, q.Start, q.End)
	if in.NextToken != nil {
		backward, pos, err := parseEventToken(*in.NextToken, hash)
		if err != nil {
			return nil, err
		}
		q.Backward, q.From = backward, &pos
	}
	page, err := s.groups.Read(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{
		Events:             make([]types.FilteredLogEvent, 0, len(page.Events)),
		SearchedLogStreams: []types.SearchedLogStream{},
	}
	for i := range page.Events {
		e := &page.Events[i]
		out.Events = append(out.Events, types.FilteredLogEvent{
			EventId: aws.String(e.Pos.EventID()), LogStreamName: aws.String(e.Stream), Message: aws.String(e.Message),
			Timestamp: aws.Int64(e.Pos.Timestamp), IngestionTime: aws.Int64(e.Ingestion),
		})
	}
	if page.More {
		out.NextToken = aws.String(eventToken(hash, q.Backward, page.Next))
	}
	return out, nil
}

// filterQuery turns the input into a query.
func filterQuery(in *cloudwatchlogs.FilterLogEventsInput, at place) (*loggroup.Query, error) {
	most, err := limit(in.Limit, maxEvents)
	if err != nil {
		return nil, err
	}
	start, end, err := timeRange(in.StartTime, in.EndTime)
	if err != nil {
		return nil, err
	}
	backward := in.StartFromHead != nil && !*in.StartFromHead
	switch {
	case len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil:
		return nil, invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	case in.LogStreamNames != nil && (len(in.LogStreamNames) == 0 || len(in.LogStreamNames) > maxFilterStreams):
		return nil, constraint(len(in.LogStreamNames), "logStreamNames", "Member must have length between 1 and 100")
	case backward && start < backwardSince:
		return nil, invalid("startFromHead can be false only with a startTime of 2024-01-01 or later.")
	}
	for i := range in.LogStreamNames {
		if err := checkStream(&in.LogStreamNames[i], "logStreamNames"); err != nil {
			return nil, err
		}
	}
	q := &loggroup.Query{
		Group: at.Ref, Streams: in.LogStreamNames, Prefix: aws.ToString(in.LogStreamNamePrefix),
		Start: start, End: end, Backward: backward, Limit: most, MaxBytes: maxPage,
	}
	if in.FilterPattern != nil {
		p, err := logquery.Parse(*in.FilterPattern)
		if err != nil {
			return nil, invalid("%s", err)
		}
		q.Where = logquery.Compile(p.Expr())
	}
	return q, nil
}

// testMetricFilter tells which messages a pattern matches.
func testMetricFilter(_ context.Context, _ *call.Granted, in *cloudwatchlogs.TestMetricFilterInput, _ place) (*cloudwatchlogs.TestMetricFilterOutput, error) {
	if in.FilterPattern == nil {
		return nil, invalid("1 validation error detected: Value null at 'filterPattern' failed to satisfy constraint: Member must not be null")
	}
	if n := len(in.LogEventMessages); n == 0 || n > maxTestMessages {
		return nil, constraint(n, "logEventMessages", "Member must have length between 1 and 50")
	}
	p, err := logquery.Parse(*in.FilterPattern)
	if err != nil {
		return nil, invalid("%s", err)
	}
	out := &cloudwatchlogs.TestMetricFilterOutput{Matches: []types.MetricFilterMatchRecord{}}
	for i, m := range in.LogEventMessages {
		if !p.Match([]byte(m)) {
			continue
		}
		values := p.Extract([]byte(m))
		if values == nil {
			values = map[string]string{}
		}
		out.Matches = append(out.Matches, types.MetricFilterMatchRecord{
			EventNumber: int64(i + 1), EventMessage: aws.String(m), ExtractedValues: values,
		})
	}
	return out, nil
}
