package cloudtrail

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/internal/call"
	"cairn/internal/trail"
)

func (s *Service) addSelectors(a *call.API) {
	read(a, "GetEventSelectors", func(in *sdk.GetEventSelectorsInput) *string { return in.TrailName }, s.getEventSelectors)
	write(a, "PutEventSelectors", func(in *sdk.PutEventSelectorsInput) *string { return in.TrailName }, s.putEventSelectors)
}

func (s *Service) getEventSelectors(_ context.Context, g *call.Granted, in *sdk.GetEventSelectorsInput) (*sdk.GetEventSelectorsOutput, error) {
	t, err := s.find(g, in.TrailName)
	if err != nil {
		return nil, err
	}
	return &sdk.GetEventSelectorsOutput{
		TrailARN: set(t.ARN()), EventSelectors: basicOut(t.Selectors()), AdvancedEventSelectors: advancedOut(t.Advanced),
	}, nil
}

// putEventSelectors replaces the trail's selectors, from here in the journal on.
func (s *Service) putEventSelectors(ctx context.Context, g *call.Granted, in *sdk.PutEventSelectorsInput) (*sdk.PutEventSelectorsOutput, error) {
	if _, err := s.home(g, in.TrailName); err != nil {
		return nil, err
	}
	basic, advanced := basicIn(in.EventSelectors), advancedIn(in.AdvancedEventSelectors)
	if err := trail.CheckSelectors(basic, advanced); err != nil {
		return nil, err
	}
	t, err := s.change(ctx, g, in.TrailName, func(t *trail.Trail) error {
		sel := t.Selection
		sel.Basic, sel.Advanced = basic, advanced
		t.Select(sel, s.end())
		t.CustomSelectors = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.PutEventSelectorsOutput{
		TrailARN: set(t.ARN()), EventSelectors: basicOut(t.Basic), AdvancedEventSelectors: advancedOut(t.Advanced),
	}, nil
}

// basicIn reads basic selectors. What is left out is All, true and nothing.
func basicIn(list []types.EventSelector) []trail.Selector {
	var out []trail.Selector
	for _, e := range list {
		s := trail.Selector{
			ReadWrite: string(e.ReadWriteType), Management: e.IncludeManagementEvents == nil || *e.IncludeManagementEvents,
			ExcludeSources: append([]string{}, e.ExcludeManagementEventSources...), Data: []trail.DataResource{},
		}
		if s.ReadWrite == "" {
			s.ReadWrite = string(types.ReadWriteTypeAll)
		}
		for _, d := range e.DataResources {
			s.Data = append(s.Data, trail.DataResource{Type: value(d.Type), Values: append([]string{}, d.Values...)})
		}
		out = append(out, s)
	}
	return out
}

func basicOut(list []trail.Selector) []types.EventSelector {
	var out []types.EventSelector
	for i := range list {
		s := &list[i]
		e := types.EventSelector{
			ReadWriteType: types.ReadWriteType(s.ReadWrite), IncludeManagementEvents: &s.Management,
			ExcludeManagementEventSources: s.ExcludeSources, DataResources: []types.DataResource{},
		}
		for j := range s.Data {
			e.DataResources = append(e.DataResources, types.DataResource{Type: &s.Data[j].Type, Values: s.Data[j].Values})
		}
		out = append(out, e)
	}
	return out
}

func advancedIn(list []types.AdvancedEventSelector) []trail.Advanced {
	var out []trail.Advanced
	for _, a := range list {
		s := trail.Advanced{Name: value(a.Name)}
		for _, f := range a.FieldSelectors {
			s.Fields = append(s.Fields, trail.Field{
				Field: value(f.Field), Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith,
			})
		}
		out = append(out, s)
	}
	return out
}

func advancedOut(list []trail.Advanced) []types.AdvancedEventSelector {
	var out []types.AdvancedEventSelector
	for i := range list {
		a := types.AdvancedEventSelector{Name: set(list[i].Name)}
		for j := range list[i].Fields {
			f := &list[i].Fields[j]
			a.FieldSelectors = append(a.FieldSelectors, types.AdvancedFieldSelector{
				Field: &f.Field, Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith,
			})
		}
		out = append(out, a)
	}
	return out
}
