package call

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
)

// steps notes what happens to a call, in order.
type steps struct {
	list   []string
	refuse error // of Intend
}

func (s *steps) Intend(context.Context, *Call) error {
	s.list = append(s.list, "intent")
	return s.refuse
}

func (s *steps) Record(_ context.Context, _ *Call, _ any, err error) error {
	s.list = append(s.list, "record "+codeOf(err))
	return nil
}

// TestIntent shows that the intent of a change comes before it and after the
// decision, that what is not to be noted is not run, and that reading has none.
func TestIntent(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*Call)
		refuse error
		want   []string
	}{
		"a change":  {want: []string{"intent", "run", "record "}},
		"a refusal": {change: func(c *Call) { c.Principal.Policies = nil }, want: []string{"record AccessDenied"}},
		"a read":    {change: func(c *Call) { c.Op.ReadOnly = true }, want: []string{"run", "record "}},
		"not noted": {refuse: errors.New("disk full"), want: []string{"intent", "record ServiceUnavailable"}},
	} {
		s := &steps{refuse: row.refuse}
		c := testCall(t, func() (*out, error) { s.list = append(s.list, "run"); return &out{}, nil })
		if row.change != nil {
			row.change(c)
		}
		_, err := NewAudited(s, s, slog.New(slog.DiscardHandler)).Do(t.Context(), c)
		if !slices.Equal(s.list, row.want) || "record "+codeOf(err) != row.want[len(row.want)-1] {
			t.Errorf("%s: %v, answered %v; want %v", name, s.list, err, row.want)
		}
	}
}
