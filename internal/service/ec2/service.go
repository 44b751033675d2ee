// Package ec2 answers the part of the EC2 API that starts, lists, tags and
// terminates instances. It is a control plane only: an instance is a row of
// state, and no machine runs behind it; its stateReason says so. It is there so
// that the best-known events of a trail (RunInstances, TerminateInstances) can
// be made, and so that programs that start instances can be rehearsed.
//
// What an instance here has and where it comes from:
//
//   - State: pending for five seconds, then running; shutting-down for five
//     seconds after TerminateInstances, then terminated for an hour, then gone.
//   - Network: every account has a default VPC (172.31.0.0/16) in every region,
//     with one subnet in each of the zones a, b and c and one security group,
//     "default". They cannot be changed; their ids follow from account and
//     region. An instance gets a free private address and no public one.
//   - Everything a machine would need and the engine does not keep (volumes,
//     network interfaces, key pairs, instance profiles, launch templates, spot
//     requests...) does not exist: a request that names one is refused.
//   - User data is checked for form and thrown away, because nothing runs it.
//
// Source: "Amazon EC2 API Reference" (2016-11-15).
package ec2

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/policy"
	"cairn/internal/state"
	"cairn/internal/wire"
)

// Version is the API version; Namespace is that of its replies.
const (
	Version   = "2016-11-15"
	Namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"
)

// Service answers EC2.
type Service struct {
	reservations *state.Table[reservation]
	tokens       *state.Table[clientToken]

	// run lets one RunInstances of this process at a time choose addresses and
	// count instances. Two engines on one cluster may choose the same address.
	run sync.Mutex
}

// New returns the service, which keeps its instances in st.
func New(st *state.Store) *Service {
	return &Service{
		reservations: state.NewTable[reservation](st, "ec2-reservations"),
		tokens:       state.NewTable[clientToken](st, "ec2-tokens"),
	}
}

// API returns the operations.
func (s *Service) API() *call.API {
	a := &call.API{
		Name: "ec2", Source: "ec2.amazonaws.com", Version: Version, EventVersion: "1.10",
		Codec: &wire.Codec{Protocol: wire.EC2, Namespace: Namespace, Names: wire.EC2Names, Records: wire.EC2Records},
		Denied: func(message string) *awserr.Error {
			return awserr.New(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. %s", message)
		},
		ErrorCode: recordedCode,
	}
	run := call.New("RunInstances", s.runInstances)
	run.Authorize = s.authorizeRun
	a.Add(run)
	describe := call.New("DescribeInstances", s.describeInstances)
	describe.ReadOnly = true
	a.Add(describe)
	terminate := call.New("TerminateInstances", s.terminateInstances)
	terminate.Authorize = s.authorizeTerminate
	a.Add(terminate)
	s.addTags(a)
	return a
}

// recordedCode spells an error code as records do (spec 2.5): what the caller
// did wrong is Client, what the engine did wrong is Server.
func recordedCode(code string) string {
	switch code {
	case "InternalFailure", "InternalError", "ServiceUnavailable", "Unavailable":
		return "Server." + code
	}
	return "Client." + code
}

func refuse(code, format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, code, format, args...)
}

// dryRun answers a call that was only to be tried, once it was allowed and its
// parameters were checked.
func dryRun(asked *bool) error {
	if asked != nil && *asked {
		return awserr.New(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

// at returns when a call arrived.
func at(c *call.Call) time.Time {
	if c.Start.IsZero() {
		return time.Now()
	}
	return c.Start
}

// find returns the live instances of the caller's account and region by id.
func (s *Service) find(c *call.Call) map[string]located {
	found := map[string]located{}
	for _, row := range s.reservations.List(c.Account(), c.Region) {
		for i := range row.Value.Instances {
			in := &row.Value.Instances[i]
			if !in.gone(at(c)) {
				found[in.ID] = located{row.Value, in}
			}
		}
	}
	return found
}

// located is an instance with its reservation. Both are shared: not to be
// modified.
type located struct {
	res *reservation
	in  *instance
}

// named returns the instances the ids name, in that order, without repetition.
func (s *Service) named(c *call.Call, ids []string) ([]located, error) {
	for _, id := range ids {
		if !instanceID.MatchString(id) {
			return nil, refuse("InvalidInstanceID.Malformed", "Invalid id: %q", id)
		}
	}
	all := s.find(c)
	var (
		found   []located
		missing []string
		seen    = map[string]bool{}
	)
	for _, id := range ids {
		l, ok := all[id]
		switch {
		case seen[id]:
		case ok:
			found = append(found, l)
		default:
			missing = append(missing, id)
		}
		seen[id] = true
	}
	switch len(missing) {
	case 0:
		return found, nil
	case 1:
		return nil, refuse("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", missing[0])
	}
	return nil, refuse("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(missing, ", "))
}

// instanceARN returns an instance's ARN; "*" stands for one that is to be.
func instanceARN(c *call.Call, id string) string {
	return "arn:aws:ec2:" + c.Region + ":" + c.Account() + ":instance/" + id
}

// onInstances asks for an operation on each instance. Ids that name nothing are
// asked about too, so that only who may see them learns that they do not exist.
func (s *Service) onInstances(c *call.Call, ids []string) []call.Check {
	all := s.find(c)
	checks := make([]call.Check, 0, len(ids))
	for _, id := range ids {
		k := call.Check{Resource: instanceARN(c, id), Context: policy.Context{}}
		if l, ok := all[id]; ok {
			k.Context = l.in.context()
		}
		checks = append(checks, k)
	}
	return checks
}

func (s *Service) authorizeTerminate(_ context.Context, c *call.Call) ([]call.Check, error) {
	return s.onInstances(c, terminateIDs(c.Input)), nil
}
