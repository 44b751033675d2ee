package logs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/call"
	"cairn/internal/loggroup"
)

// Limits of PutLogEvents (spec 5.4). An event and a batch have the same limit,
// so a batch's is the one that counts.
const (
	maxBatch  = 1 << 20 // bytes, with loggroup.EventOverhead for each event
	maxEvents = 10_000
	maxSpan   = 24 * time.Hour
	maxAge    = 14 * 24 * time.Hour
	maxAhead  = 2 * time.Hour
)

// addEvents adds the operations that put and find events. They are data events:
// AWS documents that trails do not record GetLogEvents, PutLogEvents and
// FilterLogEvents among management events, so a default trail must not either.
// It matters here: the export of a trail to a log group must not feed itself.
func (s *Service) addEvents() {
	put := add(s, "PutLogEvents", func(c *call.Call, in *cloudwatchlogs.PutLogEventsInput) (place, error) {
		p, err := named(c, in.LogGroupName)
		if err != nil {
			return p, err
		}
		return p.in(in.LogStreamName)
	}, s.putEvents)
	put.Data = true
	get := add(s, "GetLogEvents", s.locateGet, s.getEvents)
	get.Data, get.ReadOnly = true, true
	filter := add(s, "FilterLogEvents", s.locateFilter, s.filterEvents)
	filter.Data, filter.ReadOnly = true, true
	add(s, "TestMetricFilter", func(*call.Call, *cloudwatchlogs.TestMetricFilterInput) (place, error) {
		return place{anywhere: true}, nil
	}, testMetricFilter).ReadOnly = true
}

func (s *Service) putEvents(ctx context.Context, g *call.Granted, in *cloudwatchlogs.PutLogEventsInput, at place) (*cloudwatchlogs.PutLogEventsOutput, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	group, err := s.groups.Group(at.Ref)
	if err != nil {
		return nil, err
	}
	now := g.Start
	if now.IsZero() {
		now = time.Now()
	}
	from, to, rejected := window(in.LogEvents, now, group.RetentionDays)
	events := make([]loggroup.Event, 0, to-from)
	for _, e := range in.LogEvents[from:to] {
		events = append(events, loggroup.Event{Timestamp: *e.Timestamp, Message: *e.Message})
	}
	batches, err := s.groups.Append(ctx, at.Ref, at.stream, events, g.Token)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.PutLogEventsOutput{NextSequenceToken: sequenceToken(batches), RejectedLogEventsInfo: rejected}
	if in.Entity != nil {
		out.RejectedEntityInfo = &types.RejectedEntityInfo{ErrorType: types.EntityRejectionErrorTypeUnsupportedLogGroupType}
	}
	return out, nil
}

// checkBatch refuses a batch as a whole.
func checkBatch(events []types.InputLogEvent) error {
	if len(events) == 0 || len(events) > maxEvents {
		return constraint(len(events), "logEvents", "Member must have length between 1 and 10000")
	}
	size := 0
	for i := range events {
		e := &events[i]
		switch {
		case e.Timestamp == nil:
			return invalid("1 validation error detected: Value null at 'logEvents.%d.member.timestamp' failed to satisfy constraint: Member must not be null", i+1)
		case *e.Timestamp < 0:
			return invalid("1 validation error detected: Value '%d' at 'logEvents.%d.member.timestamp' failed to satisfy constraint: Member must have value greater than or equal to 0", *e.Timestamp, i+1)
		case e.Message == nil || *e.Message == "":
			return invalid("1 validation error detected: Value at 'logEvents.%d.member.message' failed to satisfy constraint: Member must have length greater than or equal to 1", i+1)
		case i > 0 && *e.Timestamp < *events[i-1].Timestamp:
			return invalid("Log events in a single PutLogEvents request must be in chronological order.")
		case len(*e.Message)+loggroup.EventOverhead > maxBatch:
			return invalid("Log event too large: %d bytes exceeds limit of %d", len(*e.Message)+loggroup.EventOverhead, maxBatch)
		}
		size += len(*e.Message) + loggroup.EventOverhead
	}
	if size > maxBatch {
		return invalid("Upload too large: %d bytes exceeds limit of %d", size, maxBatch)
	}
	if *events[len(events)-1].Timestamp-*events[0].Timestamp > maxSpan.Milliseconds() {
		return invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// window returns which events of a checked batch are neither too old, nor
// expired, nor too new, and what to tell about the others.
func window(events []types.InputLogEvent, now time.Time, retentionDays int) (from, to int, rejected *types.RejectedLogEventsInfo) {
	before := func(t time.Time) int {
		n := 0
		for n < len(events) && *events[n].Timestamp < t.UnixMilli() {
			n++
		}
		return n
	}
	r := types.RejectedLogEventsInfo{}
	if n := before(now.Add(-maxAge)); n > 0 {
		r.TooOldLogEventEndIndex = aws.Int32(int32(n))
		from = n
	}
	if retentionDays != 0 {
		if n := before(now.AddDate(0, 0, -retentionDays)); n > 0 {
			r.ExpiredLogEventEndIndex = aws.Int32(int32(n))
			from = max(from, n)
		}
	}
	to = before(now.Add(maxAhead + time.Millisecond))
	if to < len(events) {
		r.TooNewLogEventStartIndex = aws.Int32(int32(to))
	}
	if r != (types.RejectedLogEventsInfo{}) {
		rejected = &r
	}
	return from, max(from, to), rejected
}
