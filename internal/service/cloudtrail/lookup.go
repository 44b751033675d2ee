package cloudtrail

import (
	"context"
	"time"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/internal/call"
	"cairn/internal/history"
)

// History is the event history; *history.Store is one.
type History interface {
	// Lookup returns a page of the records of an account and region.
	Lookup(ctx context.Context, q *history.Query) (*history.Page, error)
}

// Limits of LookupEvents (spec 4.9).
const (
	maxLookupResults = 50
	maxLookupValue   = 2000
)

func (s *Service) addLookup(a *call.API) {
	op := call.New("LookupEvents", s.lookupEvents)
	op.ReadOnly = true
	a.Add(op)
}

// lookupEvents answers from the event history of the caller's account and the
// region called, newest first. AWS's texts of the errors are not known; these are
// ours.
func (s *Service) lookupEvents(ctx context.Context, g *call.Granted, in *sdk.LookupEventsInput) (*sdk.LookupEventsOutput, error) {
	if err := s.lookups.wait(ctx, g.Account()+"/"+g.Region, s.Now); err != nil {
		return nil, err
	}
	q, err := lookupQuery(g, in)
	if err != nil {
		return nil, err
	}
	tokens := lookupTokens{key: s.TokenKey, bound: lookupBinding(g, in)}
	if in.NextToken != nil {
		if q.After, err = tokens.parse(*in.NextToken, s.Now()); err != nil {
			return nil, err
		}
	}
	page, err := s.History.Lookup(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &sdk.LookupEventsOutput{Events: make([]types.Event, 0, len(page.Events))}
	for i := range page.Events {
		out.Events = append(out.Events, lookedUp(&page.Events[i]))
	}
	if page.More {
		out.NextToken = set(tokens.make(page.Next, s.Now()))
	}
	return out, nil
}

// lookupQuery checks a request and returns what it asks for.
func lookupQuery(g *call.Granted, in *sdk.LookupEventsInput) (*history.Query, error) {
	q := &history.Query{Account: g.Account(), Region: g.Region, From: value(in.StartTime), To: value(in.EndTime), Limit: maxLookupResults}
	if in.MaxResults != nil {
		if q.Limit = int(*in.MaxResults); q.Limit < 1 || q.Limit > maxLookupResults {
			return nil, refuse("InvalidMaxResultsException", "MaxResults is %d: it must be from 1 to %d.", q.Limit, maxLookupResults)
		}
	}
	q.Insight = in.EventCategory == types.EventCategoryInsight // the only value there is
	if err := checkTimes(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	return q, lookupAttribute(q, in.LookupAttributes)
}

// checkTimes refuses a range that ends before it starts, or times before 1970. A
// range older than the event history is neither: it is empty.
func checkTimes(from, to *time.Time) error {
	for _, t := range []*time.Time{from, to} {
		if t != nil && t.Unix() < 0 {
			return refuse("InvalidTimeRangeException", "The time %s is outside the range of possible values.", t.UTC().Format(time.RFC3339))
		}
	}
	if from != nil && to != nil && to.Before(*from) {
		return refuse("InvalidTimeRangeException", "StartTime %s is after EndTime %s.", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	return nil
}

// lookupAttribute adds the attribute of a request to a query.
func lookupAttribute(q *history.Query, list []types.LookupAttribute) error {
	bad := func(format string, args ...any) error {
		return refuse("InvalidLookupAttributesException", format, args...)
	}
	if len(list) == 0 {
		return nil
	}
	if len(list) > 1 {
		return bad("LookupAttributes has %d items: only one lookup attribute can be given.", len(list))
	}
	key, v := list[0].AttributeKey, value(list[0].AttributeValue)
	switch n := utf8.RuneCountInString(v); {
	case key == "":
		return bad("A lookup attribute needs an AttributeKey.")
	case n < 1 || n > maxLookupValue:
		return bad("The value of %s has %d characters: it must have 1 to %d.", key, n, maxLookupValue)
	case key == types.LookupAttributeKeyReadOnly && v != "true" && v != "false":
		return bad("Value %s for ReadOnly is invalid. It must be true or false.", v)
	case q.Insight && !ofInsights(key):
		return bad("Insights events have no %s. They can be looked up by EventId, EventName and EventSource.", key)
	}
	q.Attribute, q.Value = history.Attribute(key), v
	return nil
}

// ofInsights reports whether Insights events have an attribute.
func ofInsights(key types.LookupAttributeKey) bool {
	return key == types.LookupAttributeKeyEventId || key == types.LookupAttributeKeyEventName || key == types.LookupAttributeKeyEventSource
}

// lookedUp is a record as LookupEvents answers it: texts that are not there are
// absent, and ReadOnly is a text (spec 4.9).
func lookedUp(e *history.Event) types.Event {
	record := string(e.Record)
	out := types.Event{
		EventId: set(e.ID), EventName: set(e.Name), EventSource: set(e.Source), EventTime: &e.Time, ReadOnly: set(e.ReadOnly),
		AccessKeyId: set(e.AccessKeyID), Username: set(e.Username), CloudTrailEvent: &record, Resources: []types.Resource{},
	}
	for i := range e.Resources {
		out.Resources = append(out.Resources, types.Resource{ResourceType: &e.Resources[i].Type, ResourceName: &e.Resources[i].Name})
	}
	return out
}
