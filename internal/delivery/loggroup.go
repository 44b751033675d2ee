package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"cairn/internal/trail"
)

// Limits of PutLogEvents, and the size above which CloudTrail sends no event
// (spec 5.4). Every event counts 26 bytes more than it has.
const (
	maxCallBytes  = 1_048_576
	maxCallEvents = 10_000
	eventOverhead = 26
	maxEventBytes = 256 << 10
	// maxAge keeps clear of the 14 days after which events are refused.
	maxAge = 13 * 24 * time.Hour
)

// logGroupSink exports records to the trail's log group: to one stream, which
// the trail's role policy names by account and home region.
type logGroupSink struct {
	dest Destinations
	log  *slog.Logger
	now  func() time.Time
}

func (s logGroupSink) write(ctx context.Context, t *trail.Trail, p *Plan, b *batch) (result, error) {
	var r result
	// The timestamp is the time of delivery. A plan that was stuck for so long
	// that its own would be refused gets the present one: a repeated call is told
	// by its token.
	at := p.Time
	if now := s.now(); now.Sub(at) > maxAge {
		at = now
	}
	for _, g := range b.groups {
		account := t.Account
		if b.organization != "" {
			account = g.account
		}
		stream := trail.OrganizationLogStream(b.organization, account, t.HomeRegion)
		token := trail.Unique(t.ARN(), t.ID, account, "log group", mark(p.From), mark(p.To), p.Time)
		for next, call := 0, 0; next < len(g.records); call++ {
			events, n, oversized := g.events(next, at)
			next += n
			r.oversized += oversized
			if len(events) == 0 {
				continue
			}
			// A crash here leaves the calls before this one made. The plan is then
			// carried out again, and their tokens make them change nothing.
			if err := s.dest.PutLogEvents(ctx, t, stream, events, token+"-"+strconv.Itoa(call)); err != nil {
				return r, fmt.Errorf("export %d records to log group %s: %w", len(events), t.LogGroupARN, err)
			}
			r.writes++
			r.records += len(events)
		}
	}
	if r.oversized > 0 {
		s.log.WarnContext(ctx, "records are too large for a log group; they are in the bucket only",
			"trail", t.ARN(), "records", r.oversized, "limit", maxEventBytes)
	}
	return r, nil
}

// events returns the events of one call, from a record on: how many records it
// covers, and how many of those are left out as too large.
func (g *group) events(from int, at time.Time) (events []LogEvent, covered, oversized int) {
	size := 0
	for _, m := range g.records[from:] {
		if len(m) > maxEventBytes {
			oversized++
			covered++
			continue
		}
		size += len(m) + eventOverhead
		if size > maxCallBytes || len(events) == maxCallEvents {
			break
		}
		events = append(events, LogEvent{Timestamp: at.UnixMilli(), Message: m})
		covered++
	}
	return events, covered, oversized
}
