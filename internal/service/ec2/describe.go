package ec2

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cairn/internal/arn"
	"cairn/internal/call"
)

// Page sizes of DescribeInstances and DescribeTags.
const (
	minResults = 5
	maxResults = 1000
)

// fields returns what filters compare, by the filter's name; nil for a name
// that is no filter. tag:KEY is handled apart.
func fields(r *reservation, in *instance, now time.Time) map[string][]string {
	st, net := in.state(now), network{r.Account, r.Region}
	f := map[string][]string{
		"instance-id":         {in.ID},
		"instance-state-name": {string(st.Name)},
		"instance-state-code": {strconv.Itoa(int(*st.Code))},
		"instance-type":       {in.Type},
		"image-id":            {in.Image},
		"reservation-id":      {r.ID},
		"owner-id":            {r.Account},
		"client-token":        {r.Token},
		"availability-zone":   {r.Region + in.Zone},
		"vpc-id":              {net.vpc()},
		"subnet-id":           {net.subnet(in.Zone)},
		"private-ip-address":  {in.Address},
		"tag-key":             {},
		"tag-value":           {},
	}
	for _, t := range in.Tags {
		f["tag-key"] = append(f["tag-key"], t.Key)
		f["tag-value"] = append(f["tag-value"], t.Value)
	}
	return f
}

// checkFilters refuses filters that this engine does not know: ignoring one
// would show more than was asked for.
func checkFilters(filters []types.Filter, known func(name string) bool) error {
	for _, f := range filters {
		name := aws.ToString(f.Name)
		if !known(name) {
			return refuse("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		if len(f.Values) == 0 {
			return refuse("InvalidParameterValue", "The filter '%s' has no values", name)
		}
	}
	return nil
}

// passes reports whether values satisfy a filter: one of them equals, or
// matches with * and ?, one of the filter's.
func passes(f types.Filter, values []string) bool {
	return slices.ContainsFunc(f.Values, func(pattern string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return arn.Match(pattern, v) })
	})
}

func instanceFilter(name string) bool {
	_, known := fields(&reservation{}, &instance{}, time.Time{})[name]
	return known || (strings.HasPrefix(name, "tag:") && len(name) > len("tag:"))
}

// selected reports whether an instance passes all filters.
func selected(filters []types.Filter, r *reservation, in *instance, now time.Time) bool {
	if len(filters) == 0 {
		return true
	}
	have := fields(r, in, now)
	for _, f := range filters {
		values := have[*f.Name]
		if key, ok := strings.CutPrefix(*f.Name, "tag:"); ok {
			for _, t := range in.Tags {
				if t.Key == key {
					values = append(values, t.Value)
				}
			}
		}
		if !passes(f, values) {
			return false
		}
	}
	return true
}

// describeInstances lists instances by reservation, oldest reservation id
// first. A page ends with the reservation that fills it, so that it may hold
// more instances than MaxResults.
func (s *Service) describeInstances(_ context.Context, g *call.Granted, in *ec2.DescribeInstancesInput) (*ec2.DescribeInstancesOutput, error) {
	if in.MaxResults != nil && len(in.InstanceIds) > 0 {
		return nil, refuse("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
	}
	size, after, err := pageOf(in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	if err := checkFilters(in.Filters, instanceFilter); err != nil {
		return nil, err
	}
	if _, err := s.named(g.Call, in.InstanceIds); err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	now := at(g.Call)
	out := &ec2.DescribeInstancesOutput{Reservations: []types.Reservation{}}
	shown, last := 0, ""
	for _, row := range s.reservations.List(g.Account(), g.Region) {
		if r := row.Value; r.ID > after {
			list := matching(r, in, now)
			if len(list) == 0 {
				continue
			}
			if shown >= size {
				out.NextToken = aws.String(base64.URLEncoding.EncodeToString([]byte(last)))
				break
			}
			shown, last = shown+len(list), r.ID
			out.Reservations = append(out.Reservations, types.Reservation{
				ReservationId: &r.ID, OwnerId: &r.Account, Groups: []types.GroupIdentifier{}, Instances: list,
			})
		}
	}
	return out, nil
}

// matching returns the instances of a reservation that were asked for.
func matching(r *reservation, in *ec2.DescribeInstancesInput, now time.Time) []types.Instance {
	var list []types.Instance
	for i := range r.Instances {
		n := &r.Instances[i]
		if n.gone(now) || (len(in.InstanceIds) > 0 && !slices.Contains(in.InstanceIds, n.ID)) {
			continue
		}
		if selected(in.Filters, r, n, now) {
			list = append(list, n.show(r, now))
		}
	}
	return list
}

// pageOf reads the paging parameters: how many, and after which key.
func pageOf(results *int32, token *string) (size int, after string, err error) {
	size = maxResults
	if results != nil {
		if *results < minResults || *results > maxResults {
			return 0, "", refuse("InvalidParameterValue", "Value ( %d ) for parameter maxResults is invalid. Expecting a value between %d and %d.", *results, minResults, maxResults)
		}
		size = int(*results)
	}
	if token != nil {
		b, err := base64.URLEncoding.DecodeString(*token)
		if err != nil || len(b) == 0 {
			return 0, "", refuse("InvalidParameterValue", "Unable to parse pagination token")
		}
		after = string(b)
	}
	return size, after, nil
}

func terminateIDs(in any) []string { return in.(*ec2.TerminateInstancesInput).InstanceIds }

// terminateInstances ends instances. Each reservation is changed on its own: a
// crash in between leaves some ended, and asking again ends the others.
func (s *Service) terminateInstances(ctx context.Context, g *call.Granted, in *ec2.TerminateInstancesInput) (*ec2.TerminateInstancesOutput, error) {
	if len(in.InstanceIds) == 0 {
		return nil, refuse("MissingParameter", "The request must contain the parameter InstanceId")
	}
	found, err := s.named(g.Call, in.InstanceIds)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	now := at(g.Call)
	out := &ec2.TerminateInstancesOutput{}
	for _, l := range found {
		was := l.in.state(now)
		after, err := s.change(ctx, l, func(n *instance) error {
			if n.Terminated.IsZero() {
				n.Terminated = now.UTC()
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("terminate %s: %w", l.in.ID, err)
		}
		is := after.state(now)
		out.TerminatingInstances = append(out.TerminatingInstances, types.InstanceStateChange{
			InstanceId: &l.in.ID, PreviousState: &was, CurrentState: &is,
		})
	}
	return out, nil
}

// change changes one instance by compare-and-set and returns it as stored.
func (s *Service) change(ctx context.Context, l located, change func(*instance) error) (*instance, error) {
	position := func(r *reservation) int {
		return slices.IndexFunc(r.Instances, func(n instance) bool { return n.ID == l.in.ID })
	}
	r, err := s.reservations.Update(ctx, func(r *reservation) error { return change(&r.Instances[position(r)]) },
		l.res.Account, l.res.Region, l.res.ID)
	if err != nil {
		return nil, err
	}
	return &r.Instances[position(r)], nil
}
