package loggroup

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// MetricFilter is a metric filter as the group's row keeps it: what was put,
// checked. Nothing counts its matches; there are no metrics to count in.
type MetricFilter struct {
	Name    string `json:"name"`
	Pattern string `json:"pattern"`
	// Created is when it was first put, in milliseconds since 1970.
	Created int64  `json:"created"`
	Metric  Metric `json:"metric"`
}

// Metric says what a metric filter would count.
type Metric struct {
	Name       string            `json:"name"`
	Namespace  string            `json:"namespace"`
	Value      string            `json:"value"`
	Default    *float64          `json:"default,omitempty"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
	Unit       string            `json:"unit,omitempty"`
}

// maxFilters is how many metric filters a group may have, as on AWS.
const maxFilters = 100

var (
	// ErrFilterNotFound says that the group has no metric filter of that name.
	ErrFilterNotFound = errors.New("metric filter does not exist")
	// ErrTooManyFilters says that the group has as many as it may have.
	ErrTooManyFilters = errors.New("log group has 100 metric filters, and can have no more")
)

// PutFilter adds a metric filter to a group, or replaces that of its name.
func (s *Store) PutFilter(ctx context.Context, ref Ref, f MetricFilter) error {
	full := false
	_, err := s.update(ctx, ref, func(g *Group) {
		at, found := slices.BinarySearchFunc(g.Filters, f.Name, filterName)
		if full = !found && len(g.Filters) >= maxFilters; full {
			return
		}
		f.Created = s.millis()
		if !found {
			g.Filters = slices.Insert(g.Filters, at, f)
			return
		}
		f.Created = g.Filters[at].Created
		g.Filters[at] = f
	})
	if err == nil && full {
		return ErrTooManyFilters
	}
	return err
}

// DeleteFilter deletes a metric filter of a group, or returns ErrFilterNotFound.
func (s *Store) DeleteFilter(ctx context.Context, ref Ref, name string) error {
	found := false
	_, err := s.update(ctx, ref, func(g *Group) {
		var at int
		if at, found = slices.BinarySearchFunc(g.Filters, name, filterName); found {
			g.Filters = slices.Delete(g.Filters, at, at+1)
		}
	})
	if err == nil && !found {
		return ErrFilterNotFound
	}
	return err
}

func filterName(f MetricFilter, name string) int { return strings.Compare(f.Name, name) }
