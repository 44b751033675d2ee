// Package logs is the API of CloudWatch Logs: log groups, log streams, putting
// log events and finding them again.
//
// Source: the CloudWatch Logs API reference (spec 5.4, 6.1-6.3), and genuine
// records and error texts where the reference is silent.
//
// What AWS does and this package does not (each is refused, never ignored):
// KMS keys, log classes other than STANDARD, linked accounts, subscription
// filters, Insights queries in SQL and PPL. Metric filters are kept, checked and
// described, but nothing counts what they match.
package logs

import (
	"context"
	"maps"

	"cairn/internal/arn"
	"cairn/internal/call"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights/queries"
	"cairn/internal/policy"
	"cairn/internal/wire"
)

// Service answers the calls of CloudWatch Logs.
type Service struct {
	groups  *loggroup.Store
	queries *queries.Runner
	api     *call.API
}

// New returns the service on a store of log groups, with what runs Insights
// queries over it. The caller closes both.
func New(groups *loggroup.Store, insights *queries.Runner) *Service {
	s := &Service{groups: groups, queries: insights}
	s.api = &call.API{
		Name: "logs", Source: "logs.amazonaws.com", Target: "Logs_20140328",
		EventVersion: "1.11", RecordedVersion: "20140328",
		Codec: &wire.Codec{
			Protocol: wire.JSON11, LowerCamel: true, Names: wire.LogsNames, Records: wire.LogsRecords,
			Invalid: "InvalidParameterException",
		},
		Denied: call.DeniedJSON, ErrorCode: call.RecordedJSON,
	}
	s.addGroups()
	s.addStreams()
	s.addEvents()
	s.addTags()
	s.addMetricFilters()
	s.addInsights()
	return s
}

// API returns the interface the gateway routes to.
func (s *Service) API() *call.API { return s.api }

// place is what a call is about: a log group, one of its log streams, or, with
// an empty group name, the account's log groups.
type place struct {
	loggroup.Ref
	stream string
	// bare asks for permission on the group's ARN without anything after its
	// name, as the tagging operations do.
	bare bool
	// anywhere asks for permission on "*".
	anywhere bool
	// context holds condition keys of the request.
	context policy.Context
	// more are further things that have to be allowed.
	more []call.Check
}

// group returns the ARN of a group, without anything after its name.
func groupARN(ref loggroup.Ref) string {
	return arn.New("logs", ref.Region, ref.Account, "log-group:"+ref.Name).String()
}

func streamARN(ref loggroup.Ref, stream string) string {
	return groupARN(ref) + ":log-stream:" + stream
}

// resource returns the ARN that has to be allowed. AWS names the log stream in
// every check, an empty one where the call is about a whole group: policies on
// "log-group:NAME:*" match, and genuine refusals say "log-group:NAME:log-stream:".
func (p *place) resource() string {
	if p.bare {
		return groupARN(p.Ref)
	}
	return streamARN(p.Ref, p.stream)
}

// add adds an operation to the API. locate checks what the input names and
// returns it; run does the work there.
func add[In, Out any](
	s *Service, name string, locate func(c *call.Call, in *In) (place, error),
	run func(ctx context.Context, g *call.Granted, in *In, at place) (*Out, error),
) *call.Operation {
	op := call.New(name, func(ctx context.Context, g *call.Granted, in *In) (*Out, error) {
		at, err := locate(g.Call, in)
		if err != nil {
			return nil, err
		}
		out, err := run(ctx, g, in, at)
		if err != nil {
			return nil, wireError(err)
		}
		return out, nil
	})
	op.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		at, err := locate(c, c.Input.(*In))
		if err != nil {
			return nil, err
		}
		if at.anywhere {
			return []call.Check{{}}, nil
		}
		check := s.check(&at)
		maps.Copy(check.Context, at.context)
		for i := range at.more {
			if at.more[i].Context == nil { // it is about the same log group
				at.more[i].Context = check.Context
			}
		}
		return append([]call.Check{check}, at.more...), nil
	}
	s.api.Add(op)
	return op
}

// check asks for the operation at a place, with the tags of its log group.
func (s *Service) check(at *place) call.Check {
	c := call.Check{Resource: at.resource(), Account: at.Account, Context: policy.Context{}}
	if g, err := s.groups.Group(at.Ref); err == nil {
		for name, value := range g.Tags {
			c.Context.AddTag("aws:resourcetag/", name, value)
		}
	}
	return c
}
