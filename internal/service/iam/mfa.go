package iam

import (
	"context"
	"encoding/base32"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/iam/paging"
)

// maxDevices is how many MFA devices a user may have ("IAM and AWS STS quotas").
const maxDevices = 8

var codeForm = regexp.MustCompile(`^[0-9]{6}$`)

// addMFA adds virtual MFA devices of users. The root user can have none here: it
// has no password, and its keys are the engine's operator's.
func (s *Service) addMFA(a *call.API) {
	create := call.New("CreateVirtualMFADevice", s.createDevice)
	create.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		d, err := makeDevice(c, c.Input.(*iam.CreateVirtualMFADeviceInput))
		return []call.Check{{Resource: d.Serial()}}, err
	}
	a.Add(create)
	remove := call.New("DeleteVirtualMFADevice", s.deleteDevice)
	remove.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		serial := c.Input.(*iam.DeleteVirtualMFADeviceInput).SerialNumber
		return []call.Check{{Resource: aws.ToString(serial)}}, checkSerial(c, serial)
	}
	a.Add(remove)
	list := call.New("ListVirtualMFADevices", s.listVirtual)
	list.ReadOnly = true
	list.Authorize = listing("mfa")
	a.Add(list)
	a.Add(entityOp(s, "user", "EnableMFADevice", func(in *iam.EnableMFADeviceInput) *string { return in.UserName }, s.enableDevice))
	a.Add(callerOp(s, "DeactivateMFADevice", func(in *iam.DeactivateMFADeviceInput) *string { return in.UserName }, s.deactivateDevice))
	a.Add(callerOp(s, "ListMFADevices", func(in *iam.ListMFADevicesInput) *string { return in.UserName }, s.listDevices))
}

func makeDevice(c *call.Call, in *iam.CreateVirtualMFADeviceInput) (d identity.MFADevice, err error) {
	if err = checkName("virtualMFADeviceName", in.VirtualMFADeviceName, 226); err != nil {
		return d, err
	}
	if len(in.Tags) > 0 {
		return d, invalid("Tags of MFA devices are not supported by this engine. Leave them out.")
	}
	d.Account, d.Name = c.Account(), *in.VirtualMFADeviceName
	d.Path, err = checkPath(in.Path)
	return d, err
}

// checkSerial refuses what is not the serial number of a device of the caller's
// account.
func checkSerial(c *call.Call, serial *string) error {
	if err := required("serialNumber", serial); err != nil {
		return err
	}
	a, err := arn.Parse(*serial)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "mfa/") || a.Account != c.Account() {
		return noDevice(*serial)
	}
	return nil
}

func noDevice(serial string) *awserr.Error {
	return notFound("VirtualMFADevice with serial number %s does not exist.", serial)
}

// createDevice answers the secret as text only: a program that shows it as a
// picture makes the picture itself.
func (s *Service) createDevice(ctx context.Context, g *call.Granted, in *iam.CreateVirtualMFADeviceInput) (*iam.CreateVirtualMFADeviceOutput, error) {
	d, err := makeDevice(g.Call, in)
	if err != nil {
		return nil, err
	}
	made, seed, err := s.store.CreateMFADevice(ctx, d, at(g))
	if err != nil {
		return nil, taken(err, exists("MFADevice entity at the same path and name already exists."))
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	return &iam.CreateVirtualMFADeviceOutput{VirtualMFADevice: &types.VirtualMFADevice{
		SerialNumber: aws.String(made.Serial()), Base32StringSeed: []byte(text),
	}}, nil
}

func (s *Service) deleteDevice(ctx context.Context, _ *call.Granted, in *iam.DeleteVirtualMFADeviceInput) (*iam.DeleteVirtualMFADeviceOutput, error) {
	err := s.store.DeleteMFADevice(ctx, *in.SerialNumber)
	if errors.Is(err, identity.ErrInUse) {
		err = conflict("MFA VirtualDevice in use. Must deactivate first.")
	}
	return done[iam.DeleteVirtualMFADeviceOutput](absent(err, noDevice(*in.SerialNumber)))
}

func (s *Service) enableDevice(ctx context.Context, g *call.Granted, h holder, in *iam.EnableMFADeviceInput) (*iam.EnableMFADeviceOutput, error) {
	if err := checkSerial(g.Call, in.SerialNumber); err != nil {
		return nil, err
	}
	for _, code := range []*string{in.AuthenticationCode1, in.AuthenticationCode2} {
		if !codeForm.MatchString(aws.ToString(code)) {
			return nil, validation("1 validation error detected: an authentication code failed to satisfy constraint: Member must have six digits")
		}
	}
	e, _, err := s.entity(h)
	if err != nil {
		return nil, err
	}
	if len(s.store.MFADevices(h.account, e.ID)) >= maxDevices {
		return nil, limit("Cannot exceed quota for MFADevicesPerUser: %d", maxDevices)
	}
	err = s.store.EnableMFADevice(ctx, *in.SerialNumber, e.ID, *in.AuthenticationCode1, *in.AuthenticationCode2, at(g))
	switch {
	case errors.Is(err, identity.ErrWrongCode):
		err = awserr.New(http.StatusForbidden, "InvalidAuthenticationCode", "Authentication code for device is not valid.")
	case errors.Is(err, identity.ErrInUse):
		err = exists("MFA Device is already in use.")
	}
	return done[iam.EnableMFADeviceOutput](absent(err, noDevice(*in.SerialNumber)))
}

func (s *Service) deactivateDevice(ctx context.Context, g *call.Granted, h holder, in *iam.DeactivateMFADeviceInput) (*iam.DeactivateMFADeviceOutput, error) {
	if err := checkSerial(g.Call, in.SerialNumber); err != nil {
		return nil, err
	}
	e, _, err := s.entity(h)
	if err != nil {
		return nil, err
	}
	err = s.store.DeactivateMFADevice(ctx, *in.SerialNumber, e.ID)
	return done[iam.DeactivateMFADeviceOutput](absent(err, noDevice(*in.SerialNumber)))
}

func (s *Service) listDevices(_ context.Context, _ *call.Granted, h holder, in *iam.ListMFADevicesInput) (*iam.ListMFADevicesOutput, error) {
	if h.root() {
		return &iam.ListMFADevicesOutput{MFADevices: []types.MFADevice{}}, nil
	}
	e, _, err := s.entity(h)
	if err != nil {
		return nil, err
	}
	part, more, next, err := paging.Page(s.store.MFADevices(h.account, e.ID), in.MaxItems, in.Marker, deviceKey)
	return &iam.ListMFADevicesOutput{MFADevices: each(part, func(d *identity.MFADevice) types.MFADevice {
		return types.MFADevice{UserName: &h.name, SerialNumber: aws.String(d.Serial()), EnableDate: &d.Enabled}
	}), IsTruncated: more, Marker: next}, err
}

func deviceKey(d *identity.MFADevice) string { return strings.ToLower(d.Name) }

func (s *Service) listVirtual(_ context.Context, g *call.Granted, in *iam.ListVirtualMFADevicesInput) (*iam.ListVirtualMFADevicesOutput, error) {
	owners := map[string]*identity.User{}
	for _, u := range s.store.Users(g.Account()) {
		owners[u.ID] = u
	}
	var all []*identity.MFADevice
	for _, d := range s.store.MFADevices(g.Account(), "") {
		assigned := d.User != ""
		if in.AssignmentStatus == types.AssignmentStatusTypeAssigned && !assigned || in.AssignmentStatus == types.AssignmentStatusTypeUnassigned && assigned {
			continue
		}
		all = append(all, d)
	}
	part, more, next, err := paging.Page(all, in.MaxItems, in.Marker, deviceKey)
	return &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: each(part, func(d *identity.MFADevice) types.VirtualMFADevice {
		v := types.VirtualMFADevice{SerialNumber: aws.String(d.Serial())}
		if u := owners[d.User]; u != nil {
			v.User, v.EnableDate = userBrief(u), &d.Enabled
		}
		return v
	}), IsTruncated: more, Marker: next}, err
}
