package cloudtrail

import (
	"context"
	"slices"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/history"
	"cairn/internal/trail"
)

func (s *Service) addInsights(a *call.API) {
	read(a, "GetInsightSelectors", func(in *sdk.GetInsightSelectorsInput) *string { return in.TrailName }, s.getInsightSelectors)
	write(a, "PutInsightSelectors", func(in *sdk.PutInsightSelectorsInput) *string { return in.TrailName }, s.putInsightSelectors)
	read(a, "ListInsightsData", func(in *sdk.ListInsightsDataInput) *string { return in.InsightSource }, s.listInsightsData)
}

// noEventDataStore refuses parameters for event data stores.
func noEventDataStore(params ...*string) error {
	for _, p := range params {
		if value(p) != "" {
			return refuse("UnsupportedOperationException", "This engine has no event data stores: name a trail in TrailName.")
		}
	}
	return nil
}

func (s *Service) getInsightSelectors(_ context.Context, g *call.Granted, in *sdk.GetInsightSelectorsInput) (*sdk.GetInsightSelectorsOutput, error) {
	if err := noEventDataStore(in.EventDataStore); err != nil {
		return nil, err
	}
	t, err := s.find(g, in.TrailName)
	if err != nil {
		return nil, err
	}
	if !hasInsights(t) {
		return nil, refuse("InsightNotEnabledException", "Trail %s does not have Insights enabled.", t.ARN())
	}
	return &sdk.GetInsightSelectorsOutput{TrailARN: set(t.ARN()), InsightSelectors: insightsOut(t)}, nil
}

func hasInsights(t *trail.Trail) bool { return len(t.Insights)+len(t.DataInsights) > 0 }

// putInsightSelectors replaces the types of Insights events that the trail logs,
// from here in the journal on; none turns Insights off.
func (s *Service) putInsightSelectors(ctx context.Context, g *call.Granted, in *sdk.PutInsightSelectorsInput) (*sdk.PutInsightSelectorsOutput, error) {
	if err := noEventDataStore(in.EventDataStore, in.InsightsDestination); err != nil {
		return nil, err
	}
	if _, err := s.home(g, in.TrailName); err != nil {
		return nil, err
	}
	wanted, ofData, err := insightTypes(in.InsightSelectors)
	if err != nil {
		return nil, err
	}
	t, err := s.change(ctx, g, in.TrailName, func(t *trail.Trail) error {
		if err := t.CheckInsights(wanted, ofData); err != nil {
			return err
		}
		sel := t.Selection
		sel.Insights, sel.DataInsights = wanted, ofData
		if !hasInsights(t) {
			sel.InsightsSince = s.Now().UTC()
		}
		t.Select(sel, s.end())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.PutInsightSelectorsOutput{TrailARN: set(t.ARN()), InsightSelectors: insightsOut(t)}, nil
}

// insightTypes reads insight selectors: the types of management events, and of data
// events. Without EventCategories, they are of management events.
func insightTypes(list []types.InsightSelector) (management, data []string, err error) {
	for _, i := range list {
		name := string(i.InsightType)
		switch {
		case name == "":
			return nil, nil, refuse("InvalidInsightSelectorsException", "An insight selector needs an InsightType: %s or %s.", trail.CallRate, trail.ErrorRate)
		case slices.Contains(management, name) || slices.Contains(data, name):
			return nil, nil, refuse("InvalidInsightSelectorsException", "InsightType %s is given more than once.", name)
		}
		if len(i.EventCategories) == 0 || slices.Contains(i.EventCategories, types.SourceEventCategoryManagement) {
			management = append(management, name)
		}
		if slices.Contains(i.EventCategories, types.SourceEventCategoryData) {
			data = append(data, name)
		}
	}
	return management, data, nil
}

// insightsOut returns a trail's insight selectors. EventCategories are named where
// they are more than the default.
func insightsOut(t *trail.Trail) []types.InsightSelector {
	out := []types.InsightSelector{}
	for _, name := range t.Insights {
		i := types.InsightSelector{InsightType: types.InsightType(name)}
		if slices.Contains(t.DataInsights, name) {
			i.EventCategories = []types.SourceEventCategory{types.SourceEventCategoryManagement, types.SourceEventCategoryData}
		}
		out = append(out, i)
	}
	for _, name := range t.DataInsights {
		if !slices.Contains(t.Insights, name) {
			out = append(out, types.InsightSelector{InsightType: types.InsightType(name), EventCategories: []types.SourceEventCategory{types.SourceEventCategoryData}})
		}
	}
	return out
}

// listInsightsData answers the Insights events about the data events of a trail, of
// the caller's account and the region called, newest first. AWS's texts of the
// errors are not known; these are ours.
func (s *Service) listInsightsData(ctx context.Context, g *call.Granted, in *sdk.ListInsightsDataInput) (*sdk.ListInsightsDataOutput, error) {
	if err := s.insights.wait(ctx, g.Account()+"/"+g.Region, s.Now); err != nil {
		return nil, err
	}
	q, err := s.insightsQuery(g, in)
	if err != nil {
		return nil, err
	}
	parameters := *in
	parameters.NextToken = nil
	tokens := lookupTokens{key: s.TokenKey, bound: binding(g, "ListInsightsData", parameters)}
	if in.NextToken != nil {
		if q.After, err = tokens.parse(*in.NextToken, s.Now()); err != nil {
			return nil, invalid("%s", awserr.From(err).Message)
		}
	}
	page, err := s.History.Lookup(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &sdk.ListInsightsDataOutput{Events: make([]types.Event, 0, len(page.Events))}
	for i := range page.Events {
		out.Events = append(out.Events, lookedUp(&page.Events[i]))
	}
	if page.More {
		out.NextToken = set(tokens.make(page.Next, s.Now()))
	}
	return out, nil
}

// invalid refuses as those operations do that have no code for each mistake.
func invalid(format string, args ...any) error {
	return refuse("InvalidParameterException", format, args...)
}

// insightsQuery checks a request and returns what it asks for.
func (s *Service) insightsQuery(g *call.Granted, in *sdk.ListInsightsDataInput) (*history.Query, error) {
	q := &history.Query{Account: g.Account(), Region: g.Region, Insight: true, From: value(in.StartTime), To: value(in.EndTime), Limit: maxLookupResults}
	if in.DataType != types.ListInsightsDataTypeInsightsEvents {
		return nil, invalid("DataType is missing: give %s.", types.ListInsightsDataTypeInsightsEvents)
	}
	ref, err := trail.ParseRef(value(in.InsightSource), "", "")
	if err != nil || !ref.ByARN {
		return nil, invalid("InsightSource %s is not the ARN of a trail.", value(in.InsightSource))
	}
	t, err := s.find(g, in.InsightSource)
	if err != nil {
		return nil, invalid("%s", awserr.From(err).Message)
	}
	if t.Account != g.Account() {
		return nil, refuse("OperationNotPermittedException", "The trail %s is the organization's: only the management account %s can list Insights events of it.", t.ARN(), t.Account)
	}
	q.Trail = t.ARN()
	if in.MaxResults != nil {
		if q.Limit = int(*in.MaxResults); q.Limit < 1 || q.Limit > maxLookupResults {
			return nil, invalid("MaxResults is %d: it must be from 1 to %d.", q.Limit, maxLookupResults)
		}
	}
	if err := checkTimes(in.StartTime, in.EndTime); err != nil {
		return nil, invalid("%s", awserr.From(err).Message)
	}
	if len(in.Dimensions) > 1 {
		return nil, invalid("Dimensions has %d items: only one can be given.", len(in.Dimensions))
	}
	for key, v := range in.Dimensions {
		if !slices.Contains(types.ListInsightsDataDimensionKey("").Values(), types.ListInsightsDataDimensionKey(key)) {
			return nil, invalid("Insights events have no dimension %s. They have EventId, EventName and EventSource.", key)
		}
		if n := utf8.RuneCountInString(v); n < 1 || n > maxLookupValue {
			return nil, invalid("The value of %s has %d characters: it must have 1 to %d.", key, n, maxLookupValue)
		}
		q.Attribute, q.Value = history.Attribute(key), v
	}
	return q, nil
}
