package logs

import (
	"context"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/call"
	"cairn/internal/loggroup"
)

const maxPage = 1 << 20 // bytes of events on a page

func (s *Service) locateGet(c *call.Call, in *cloudwatchlogs.GetLogEventsInput) (place, error) {
	p, err := identified(c, in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return p, err
	}
	if p, err = p.in(in.LogStreamName); err == nil && in.Unmask {
		p.more = unmask(p)
	}
	return p, err
}

// unmask asks for the permission to see unmasked events. Nothing is ever masked
// here, but who may not ask for it on AWS may not ask for it here.
func unmask(p place) []call.Check {
	return []call.Check{{Action: "logs:Unmask", Resource: p.resource(), Account: p.Account}}
}

// getEvents answers GetLogEvents. Its tokens are boundaries: the forward token
// lies after the page's last event, the backward token before its first, and a
// page without events returns the boundary it was asked for, so that a reader
// who gets the same token twice knows the end.
func (s *Service) getEvents(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.GetLogEventsInput, at place) (*cloudwatchlogs.GetLogEventsOutput, error) {
	most, err := limit(in.Limit, maxEvents)
	if err != nil {
		return nil, err
	}
	start, end, err := timeRange(in.StartTime, in.EndTime)
	if err != nil {
		return nil, err
	}
	if in.EndTime != nil {
		if *in.EndTime == 0 {
			return &cloudwatchlogs.GetLogEventsOutput{Events: []types.OutputLogEvent{}}, nil
		}
		end-- // an event at the end time is not included here
	}
	group, err := s.groups.Group(at.Ref)
	if err != nil {
		return nil, err
	}
	hash := queryHash("get", group.ID, at.stream)
	q := loggroup.Query{
		Group: at.Ref, Streams: []string{at.stream}, Start: start, End: end,
		Limit: most, MaxBytes: maxPage, Backward: !aws.ToBool(in.StartFromHead),
	}
	if in.NextToken != nil {
		backward, pos, err := parseEventToken(*in.NextToken, hash)
		if err != nil {
			return nil, err
		}
		q.Backward, q.From = backward, &pos
	}
	page, err := s.groups.Read(ctx, &q)
	if err != nil {
		return nil, err
	}
	if q.Backward {
		slices.Reverse(page.Events)
	}
	first, last := ends(page, &q)
	out := &cloudwatchlogs.GetLogEventsOutput{
		Events:            make([]types.OutputLogEvent, 0, len(page.Events)),
		NextForwardToken:  aws.String(eventToken(hash, false, last)),
		NextBackwardToken: aws.String(eventToken(hash, true, first)),
	}
	for i := range page.Events {
		e := &page.Events[i]
		out.Events = append(out.Events, types.OutputLogEvent{
			Timestamp: aws.Int64(e.Pos.Timestamp), IngestionTime: aws.Int64(e.Ingestion), Message: aws.String(e.Message),
		})
	}
	return out, nil
}

// ends returns the boundaries before and after a page in order of time.
func ends(page *loggroup.Page, q *loggroup.Query) (first, last loggroup.Position) {
	if n := len(page.Events); n > 0 {
		return page.Events[0].Pos, page.Events[n-1].Pos.After()
	}
	if page.More {
		return page.Next, page.Next // it took too long; there is nothing up to here
	}
	if q.From != nil {
		return *q.From, *q.From
	}
	// Nothing in the whole range yet: what comes will come after its start.
	at := loggroup.Position{Timestamp: q.Start}
	return at, at
}

// timeRange returns the bounds of a query, both included. Times are in
// milliseconds; without them the range is open.
func timeRange(start, end *int64) (from, to int64, err error) {
	from, to = 0, math.MaxInt64-1
	if start != nil {
		from = *start
	}
	if end != nil {
		to = *end
	}
	switch {
	case from < 0:
		return 0, 0, constraint(from, "startTime", "Member must have value greater than or equal to 0")
	case to < 0:
		return 0, 0, constraint(to, "endTime", "Member must have value greater than or equal to 0")
	}
	return from, min(to, math.MaxInt64-1), nil
}
