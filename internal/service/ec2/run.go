package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/policy"
	"cairn/internal/state"
)

// Limits of a launch.
const (
	maxInstances = 500   // live instances of an account in a region
	maxToken     = 64    // characters of a client token
	maxUserData  = 16384 // bytes before base64
	maxTags      = 50
)

// defaultType is what AWS starts if no type is given.
const defaultType = types.InstanceTypeM1Small

// clientToken remembers a launch by its client token.
type clientToken struct {
	// Hash is that of the parameters.
	Hash string `json:"hash"`
	// Made is the reservation, complete as it was made or was to be made.
	Made reservation `json:"made"`
}

// launch is a checked RunInstances request.
type launch struct {
	min, max int
	image    string
	kind     types.InstanceType
	zone     string
	tags     []tag
}

func (s *Service) authorizeRun(_ context.Context, c *call.Call) ([]call.Check, error) {
	in := c.Input.(*ec2.RunInstancesInput)
	l, err := checkRun(c, in)
	if err != nil {
		return nil, err
	}
	net := network{c.Account(), c.Region}
	prefix := "arn:aws:ec2:" + c.Region + ":"
	about := policy.Context{"ec2:instancetype": {string(l.kind)}, "ec2:region": {c.Region}}
	for _, t := range l.tags {
		about.AddRequestTag(t.Key, t.Value)
	}
	var checks []call.Check
	// Source: "Actions, resources, and condition keys for Amazon EC2": the
	// resources RunInstances needs.
	for _, resource := range []string{
		instanceARN(c, "*"), prefix + ":image/" + l.image, prefix + c.Account() + ":network-interface/*",
		prefix + c.Account() + ":security-group/" + net.group(), prefix + c.Account() + ":subnet/" + net.subnet(l.zone),
		prefix + c.Account() + ":volume/*",
	} {
		checks = append(checks, call.Check{Resource: resource, Context: about})
	}
	if len(l.tags) > 0 {
		create := policy.Context{"ec2:createaction": {"RunInstances"}}
		maps.Copy(create, about)
		checks = append(checks, call.Check{Action: "ec2:CreateTags", Resource: instanceARN(c, "*"), Context: create})
	}
	return checks, nil
}

// checkRun checks a request and refuses what it asks for that is not kept here.
func checkRun(c *call.Call, in *ec2.RunInstancesInput) (l launch, err error) {
	if err := checkCounts(in); err != nil {
		return l, err
	}
	l.min, l.max = int(*in.MinCount), int(*in.MaxCount)
	l.image, l.kind = aws.ToString(in.ImageId), in.InstanceType
	switch {
	case l.image == "":
		return l, refuse("MissingParameter", "The request must contain the parameter ImageId")
	case !imageID.MatchString(l.image):
		return l, refuse("InvalidAMIID.Malformed", "Invalid id: %q (expecting \"ami-...\")", l.image)
	case l.kind == "":
		l.kind = defaultType
	case !slices.Contains(l.kind.Values(), l.kind):
		return l, refuse("InvalidParameterValue", "Invalid value '%s' for InstanceType.", l.kind)
	}
	if len(aws.ToString(in.ClientToken)) > maxToken {
		return l, refuse("InvalidParameterValue", "The client token must not be longer than %d characters.", maxToken)
	}
	if err := checkMachine(in); err != nil {
		return l, err
	}
	if l.zone, err = checkNetwork(network{c.Account(), c.Region}, in); err != nil {
		return l, err
	}
	for _, spec := range in.TagSpecifications {
		if spec.ResourceType != types.ResourceTypeInstance {
			return l, unsupported("TagSpecification.ResourceType " + string(spec.ResourceType))
		}
		if l.tags != nil {
			return l, refuse("InvalidParameterValue", "Only one TagSpecification for the resource type 'instance' is allowed.")
		}
		if l.tags, err = checkTags(spec.Tags); err != nil {
			return l, err
		}
	}
	return l, checkRest(*in)
}

func checkCounts(in *ec2.RunInstancesInput) error {
	switch {
	case in.MinCount == nil:
		return refuse("MissingParameter", "The request must contain the parameter MinCount")
	case in.MaxCount == nil:
		return refuse("MissingParameter", "The request must contain the parameter MaxCount")
	case *in.MinCount < 1:
		return refuse("InvalidParameterValue", "Value (%d) for parameter minCount is invalid. It must be at least 1.", *in.MinCount)
	case *in.MaxCount < *in.MinCount:
		return refuse("InvalidParameterValue", "Value (%d) for parameter maxCount is invalid. It must not be less than minCount.", *in.MaxCount)
	}
	return nil
}

func unsupported(what string) *awserr.Error {
	return refuse("UnsupportedOperation", "%s is not supported by this engine, which keeps instances as a control plane only. Leave it out.", what)
}

// checkMachine checks what a machine would need: parts that do not exist here
// are not found.
func checkMachine(in *ec2.RunInstancesInput) error {
	if in.KeyName != nil {
		return refuse("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", *in.KeyName)
	}
	if p := in.IamInstanceProfile; p != nil && p.Name != nil {
		return refuse("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", *p.Name)
	} else if p != nil {
		return refuse("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", aws.ToString(p.Arn))
	}
	if in.UserData != nil {
		data, err := base64.StdEncoding.DecodeString(*in.UserData)
		if err != nil {
			return refuse("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data")
		}
		if len(data) > maxUserData {
			return refuse("InvalidParameterValue", "User data is limited to %d bytes", maxUserData)
		}
	}
	for name, on := range map[string]*bool{
		"DisableApiTermination": in.DisableApiTermination, "DisableApiStop": in.DisableApiStop, "EbsOptimized": in.EbsOptimized,
	} {
		if aws.ToBool(on) {
			return unsupported(name + " true")
		}
	}
	if in.Monitoring != nil && aws.ToBool(in.Monitoring.Enabled) {
		return unsupported("Monitoring.Enabled true")
	}
	return nil
}

// checkNetwork returns the zone the instances go to.
func checkNetwork(net network, in *ec2.RunInstancesInput) (string, error) {
	for _, id := range in.SecurityGroupIds {
		if id != net.group() {
			return "", refuse("InvalidGroup.NotFound", "The security group '%s' does not exist", id)
		}
	}
	for _, name := range in.SecurityGroups {
		if name != "default" {
			return "", refuse("InvalidGroup.NotFound", "The security group '%s' does not exist in default VPC '%s'", name, net.vpc())
		}
	}
	zone := zones[:1]
	if in.SubnetId != nil {
		z, ok := net.zoneOf(*in.SubnetId)
		if !ok {
			return "", refuse("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", *in.SubnetId)
		}
		zone = z
	}
	if p := in.Placement; p != nil {
		rest := *p
		rest.AvailabilityZone, rest.Tenancy = nil, ""
		if !reflect.ValueOf(rest).IsZero() || (p.Tenancy != "" && p.Tenancy != types.TenancyDefault) {
			return "", unsupported("Placement beyond AvailabilityZone")
		}
		if p.AvailabilityZone != nil {
			z, ok := strings.CutPrefix(*p.AvailabilityZone, net.region)
			if !ok || len(z) != 1 || !strings.Contains(zones, z) {
				return "", refuse("InvalidParameterValue", "Invalid availability zone: [%s]", *p.AvailabilityZone)
			}
			if in.SubnetId != nil && z != zone {
				return "", refuse("InvalidParameterValue", "The availability zone '%s' is not that of the subnet '%s'.", *p.AvailabilityZone, *in.SubnetId)
			}
			zone = z
		}
	}
	return zone, nil
}

// checkRest refuses every parameter that was not looked at: what is not kept
// must not seem to be. in is a copy.
func checkRest(in ec2.RunInstancesInput) error {
	known := ec2.RunInstancesInput{
		MinCount: in.MinCount, MaxCount: in.MaxCount, ImageId: in.ImageId, InstanceType: in.InstanceType, ClientToken: in.ClientToken,
		UserData: in.UserData, DisableApiTermination: in.DisableApiTermination, DisableApiStop: in.DisableApiStop,
		EbsOptimized: in.EbsOptimized, Monitoring: in.Monitoring, SecurityGroupIds: in.SecurityGroupIds,
		SecurityGroups: in.SecurityGroups, SubnetId: in.SubnetId, Placement: in.Placement, TagSpecifications: in.TagSpecifications,
		DryRun: in.DryRun,
		// Says what a shutdown from inside the machine does: nothing is inside.
		InstanceInitiatedShutdownBehavior: in.InstanceInitiatedShutdownBehavior,
	}
	got, want := reflect.ValueOf(in), reflect.ValueOf(known)
	for i := range got.NumField() {
		if f := got.Type().Field(i); f.IsExported() && !got.Field(i).IsZero() && want.Field(i).IsZero() {
			return unsupported(f.Name)
		}
	}
	return nil
}

func (s *Service) runInstances(ctx context.Context, g *call.Granted, in *ec2.RunInstancesInput) (*ec2.RunInstancesOutput, error) {
	l, err := checkRun(g.Call, in)
	if err != nil {
		return nil, err
	}
	if err := dryRun(in.DryRun); err != nil {
		return nil, err
	}
	s.run.Lock()
	defer s.run.Unlock()
	now := at(g.Call)
	token := aws.ToString(in.ClientToken)
	if token == "" {
		r, err := s.plan(g.Call, l, "", now)
		if err != nil {
			return nil, err
		}
		return s.start(ctx, r, now)
	}
	hash, err := hashOf(in)
	if err != nil {
		return nil, err
	}
	if t, ok := s.tokens.Get(g.Account(), g.Region, token); ok {
		return s.again(ctx, t, hash, now)
	}
	r, err := s.plan(g.Call, l, token, now)
	if err != nil {
		return nil, err
	}
	// The token goes first, with all that is to be made. A crash here leaves a
	// token without instances; the caller's next try makes them.
	t := clientToken{Hash: hash, Made: *r}
	err = s.tokens.Create(ctx, &t, g.Account(), g.Region, token)
	if errors.Is(err, state.ErrExists) { // another engine was faster
		if old, ok := s.tokens.Get(g.Account(), g.Region, token); ok {
			return s.again(ctx, old, hash, now)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keep client token of a launch: %w", err)
	}
	return s.start(ctx, r, now)
}

// again answers a launch that was asked for before.
func (s *Service) again(ctx context.Context, t *clientToken, hash string, now time.Time) (*ec2.RunInstancesOutput, error) {
	if t.Hash != hash {
		return nil, refuse("IdempotentParameterMismatch", "The client token you have provided is associated with a resource that has different parameters than the current request.")
	}
	if r, ok := s.reservations.Get(t.Made.Account, t.Made.Region, t.Made.ID); ok {
		return show(r, now), nil
	}
	return s.start(ctx, &t.Made, now)
}

// hashOf identifies a request's parameters, whichever token it has.
func hashOf(in *ec2.RunInstancesInput) (string, error) {
	params := *in
	params.ClientToken = nil
	b, err := json.Marshal(&params) //nolint:gosec // the client token is no secret, and is not in it
	if err != nil {
		return "", fmt.Errorf("hash the parameters of a launch: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// plan makes the reservation that a launch is to result in, as many instances
// as there is room for up to the maximum. The caller holds s.run.
func (s *Service) plan(c *call.Call, l launch, token string, now time.Time) (*reservation, error) {
	used, live := map[string]bool{}, 0
	for _, at := range s.find(c) {
		if at.in.Terminated.IsZero() {
			used[at.in.Address] = true
			live++
		}
	}
	if live+l.min > maxInstances {
		return nil, refuse("InstanceLimitExceeded", "You have requested more instances (%d) than your current instance limit of %d allows for the region; %d are running.", l.min, maxInstances, live)
	}
	free := addresses(l.zone, min(l.max, maxInstances-live), used)
	launched := now.UTC().Truncate(time.Second)
	r := &reservation{ID: newID("r"), Account: c.Account(), Region: c.Region, Launched: launched, Token: token}
	for i, address := range free {
		r.Instances = append(r.Instances, instance{
			ID: newID("i"), Index: int32(i), Image: l.image, Type: string(l.kind), Zone: l.zone,
			Address: address, Launched: launched, Tags: l.tags,
		})
	}
	return r, nil
}

// start keeps a reservation and answers it. Before, it forgets what is long
// gone: launches are what makes the tables grow.
func (s *Service) start(ctx context.Context, r *reservation, now time.Time) (*ec2.RunInstancesOutput, error) {
	if err := s.forget(ctx, r, now); err != nil {
		return nil, err
	}
	if err := s.reservations.Put(ctx, r, r.Account, r.Region, r.ID); err != nil {
		return nil, fmt.Errorf("start %d instances: %w", len(r.Instances), err)
	}
	return show(r, now), nil
}

// forget deletes the reservations whose instances are all gone, beside the one
// being made. Tokens go first: a crash in between leaves a reservation that
// nothing shows, for the next launch to delete; the other order would leave a
// token that seems to wait for its instances. A token that has waited for an
// hour is forgotten too.
func (s *Service) forget(ctx context.Context, made *reservation, now time.Time) error {
	for _, row := range s.tokens.List(made.Account, made.Region) {
		m := &row.Value.Made
		r, ok := s.reservations.Get(m.Account, m.Region, m.ID)
		waiting := !ok && m.ID != made.ID && now.Sub(m.Launched) > lingers
		if waiting || (ok && r.gone(now)) {
			if err := s.tokens.Delete(ctx, row.Key...); err != nil && !errors.Is(err, state.ErrNotFound) {
				return fmt.Errorf("forget the client token of reservation %s: %w", m.ID, err)
			}
		}
	}
	for _, row := range s.reservations.List(made.Account, made.Region) {
		if !row.Value.gone(now) {
			continue
		}
		if err := s.reservations.Delete(ctx, row.Key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return fmt.Errorf("forget reservation %s: %w", row.Value.ID, err)
		}
	}
	return nil
}

// gone reports whether no instance of the reservation is shown any more.
func (r *reservation) gone(now time.Time) bool {
	return !slices.ContainsFunc(r.Instances, func(in instance) bool { return !in.gone(now) })
}

func show(r *reservation, now time.Time) *ec2.RunInstancesOutput {
	out := &ec2.RunInstancesOutput{ReservationId: &r.ID, OwnerId: &r.Account, Groups: []types.GroupIdentifier{}, Instances: []types.Instance{}}
	for i := range r.Instances {
		out.Instances = append(out.Instances, r.Instances[i].show(r, now))
	}
	return out
}
