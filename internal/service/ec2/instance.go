package ec2

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cairn/internal/policy"
)

// How long an instance stays in the states between.
const (
	settle  = 5 * time.Second // pending, shutting-down
	lingers = time.Hour       // terminated, and still shown
)

// controlPlane is what stateReason says of an instance that "runs".
const controlPlane = "control plane only: no machine runs behind this instance"

var (
	instanceID = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)
	imageID    = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)
)

// reservation is what one RunInstances made: one row, so that it is made whole
// or not at all.
type reservation struct {
	ID        string     `json:"id"`
	Account   string     `json:"account"`
	Region    string     `json:"region"`
	Launched  time.Time  `json:"launched"`
	Token     string     `json:"token,omitempty"`
	Instances []instance `json:"instances"`
}

// instance is one instance. Its state follows from its times.
type instance struct {
	ID         string    `json:"id"`
	Index      int32     `json:"index"`
	Image      string    `json:"image"`
	Type       string    `json:"type"`
	Zone       string    `json:"zone"` // the last letter of the availability zone
	Address    string    `json:"address"`
	Launched   time.Time `json:"launched"`
	Terminated time.Time `json:"terminated,omitzero"`
	Tags       []tag     `json:"tags,omitempty"`
}

type tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// state returns an instance's state at a time.
func (in *instance) state(now time.Time) types.InstanceState {
	code, name := int32(16), types.InstanceStateNameRunning
	switch {
	case !in.Terminated.IsZero() && now.Before(in.Terminated.Add(settle)):
		code, name = 32, types.InstanceStateNameShuttingDown
	case !in.Terminated.IsZero():
		code, name = 48, types.InstanceStateNameTerminated
	case now.Before(in.Launched.Add(settle)):
		code, name = 0, types.InstanceStateNamePending
	}
	return types.InstanceState{Code: &code, Name: name}
}

// gone reports whether an instance is no longer shown.
func (in *instance) gone(now time.Time) bool {
	return !in.Terminated.IsZero() && !now.Before(in.Terminated.Add(lingers))
}

// reason is stateReason. AWS gives none while an instance runs; here it says
// what the state does not mean.
func (in *instance) reason(now time.Time) *types.StateReason {
	code, message := "Cairn.ControlPlaneOnly", controlPlane
	switch in.state(now).Name {
	case types.InstanceStateNamePending:
		code = "pending"
	case types.InstanceStateNameShuttingDown, types.InstanceStateNameTerminated:
		code, message = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	case types.InstanceStateNameRunning, types.InstanceStateNameStopping, types.InstanceStateNameStopped:
	}
	return &types.StateReason{Code: &code, Message: &message}
}

// context holds the condition keys that describe an instance.
func (in *instance) context() policy.Context {
	k := policy.Context{"ec2:instancetype": {in.Type}}
	for _, t := range in.Tags {
		k.AddTag("ec2:resourcetag/", t.Key, t.Value)
		k.AddTag("aws:resourcetag/", t.Key, t.Value)
	}
	return k
}

// show returns the instance as replies carry it.
func (in *instance) show(r *reservation, now time.Time) types.Instance {
	st, net := in.state(now), network{r.Account, r.Region}
	out := types.Instance{
		InstanceId: &in.ID, ImageId: &in.Image, InstanceType: types.InstanceType(in.Type), AmiLaunchIndex: &in.Index,
		State: &st, StateReason: in.reason(now), LaunchTime: &in.Launched, StateTransitionReason: aws.String(""),
		Placement:  &types.Placement{AvailabilityZone: aws.String(r.Region + in.Zone), GroupName: aws.String(""), Tenancy: types.TenancyDefault},
		Monitoring: &types.Monitoring{State: types.MonitoringStateDisabled}, Tags: tagsOut(in.Tags),
		EbsOptimized: aws.Bool(false),
		// What a real launch would answer too, and what follows from having no
		// machine: no volumes, no interfaces, no product codes.
		BlockDeviceMappings: []types.InstanceBlockDeviceMapping{}, NetworkInterfaces: []types.InstanceNetworkInterface{},
		ProductCodes: []types.ProductCode{},
	}
	if r.Token != "" {
		out.ClientToken = &r.Token
	}
	if !in.Terminated.IsZero() {
		out.StateTransitionReason = aws.String("User initiated (" + in.Terminated.UTC().Format("2006-01-02 15:04:05") + " GMT)")
		return out // a terminated instance has left its network
	}
	out.VpcId, out.SubnetId = aws.String(net.vpc()), aws.String(net.subnet(in.Zone))
	out.SecurityGroups = []types.GroupIdentifier{{GroupId: aws.String(net.group()), GroupName: aws.String("default")}}
	out.PrivateIpAddress = &in.Address
	out.PrivateDnsName = aws.String("ip-" + strings.ReplaceAll(in.Address, ".", "-") + "." + r.Region + ".compute.internal")
	return out
}

func tagsOut(tags []tag) []types.Tag {
	out := make([]types.Tag, len(tags))
	for i := range tags {
		out[i] = types.Tag{Key: &tags[i].Key, Value: &tags[i].Value}
	}
	return out
}

// newID makes a resource id: prefix, "-0" and 16 random hex digits.
func newID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return prefix + "-0" + hex.EncodeToString(b[:])
}

// network is the default VPC of an account in a region.
type network struct{ account, region string }

// zones are the availability zones of every region, by their last letter.
const zones = "abc"

func (n network) id(prefix, what string) string {
	sum := sha256.Sum256([]byte(n.account + "/" + n.region + "/" + what))
	return prefix + "-0" + hex.EncodeToString(sum[:8])
}

func (n network) vpc() string               { return n.id("vpc", "vpc") }
func (n network) group() string             { return n.id("sg", "default") }
func (n network) subnet(zone string) string { return n.id("subnet", zone) }

// zoneOf returns the zone of a subnet.
func (n network) zoneOf(subnet string) (string, bool) {
	for _, z := range zones {
		if n.subnet(string(z)) == subnet {
			return string(z), true
		}
	}
	return "", false
}

// Each zone's subnet is a /20 of 172.31.0.0/16, of which the first four
// addresses and the last are not given out, as in AWS.
const (
	subnetSize  = 1 << 12
	subnetFirst = 4
)

// addresses returns n free addresses of a zone's subnet, the lowest ones; fewer
// if the subnet is full.
func addresses(zone string, n int, used map[string]bool) []string {
	base := uint32(172)<<24 | 31<<16 | uint32(strings.Index(zones, zone))*subnetSize
	var free []string
	for i := uint32(subnetFirst); i < subnetSize-1 && len(free) < n; i++ {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], base+i)
		if a := netip.AddrFrom4(b).String(); !used[a] {
			free = append(free, a)
		}
	}
	return free
}
