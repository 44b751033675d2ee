package cloudtrail

import (
	"context"
	"errors"
	"regexp"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/google/uuid"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/state"
	"cairn/internal/trail"
)

// maxTrails is the number of trails of a region; those of all regions count in
// each (spec 4.2).
const maxTrails = 5

var (
	// A log group's ARN ends in ":*" (spec 5.4).
	logGroup = regexp.MustCompile(`^log-group:[A-Za-z0-9_\-/.#]{1,512}:\*$`)
	roleName = regexp.MustCompile(`^role/[\x21-\x7e]+$`)
)

func (s *Service) addChanges(a *call.API) {
	create := write(a, "CreateTrail", func(in *sdk.CreateTrailInput) *string { return in.Name }, s.createTrail)
	create.Authorize = authorizeCreate
	update := write(a, "UpdateTrail", func(in *sdk.UpdateTrailInput) *string { return in.Name }, s.updateTrail)
	update.Authorize = func(_ context.Context, c *call.Call) ([]call.Check, error) {
		in := c.Input.(*sdk.UpdateTrailInput)
		return append([]call.Check{{Resource: resourceOf(c, in.Name)}}, passRole(in.CloudWatchLogsRoleArn)...), nil
	}
	write(a, "DeleteTrail", func(in *sdk.DeleteTrailInput) *string { return in.Name }, s.deleteTrail).NoOutput = true
	write(a, "StartLogging", func(in *sdk.StartLoggingInput) *string { return in.Name }, s.startLogging).NoOutput = true
	write(a, "StopLogging", func(in *sdk.StopLoggingInput) *string { return in.Name }, s.stopLogging).NoOutput = true
}

func authorizeCreate(_ context.Context, c *call.Call) ([]call.Check, error) {
	in := c.Input.(*sdk.CreateTrailInput)
	checks := []call.Check{{Resource: resourceOf(c, in.Name), Context: requestTags(in.TagsList)}}
	if len(in.TagsList) > 0 { // a trail that is made with tags is tagged
		checks = append(checks, call.Check{Action: "cloudtrail:AddTags", Resource: checks[0].Resource, Context: checks[0].Context})
	}
	return append(checks, passRole(in.CloudWatchLogsRoleArn)...), nil
}

func (s *Service) createTrail(ctx context.Context, g *call.Granted, in *sdk.CreateTrailInput) (*sdk.CreateTrailOutput, error) {
	t, err := s.newTrail(g, in)
	if err != nil {
		return nil, err
	}
	s.creating.Lock()
	defer s.creating.Unlock()
	if err := s.checkRoom(t, ""); err != nil {
		return nil, err
	}
	if err := s.checkDestinations(ctx, t, true, true); err != nil {
		return nil, err
	}
	// A crash before this leaves nothing; after it, a trail that does not log, of
	// which the caller has to ask.
	if err := s.Trails.Create(ctx, t, key(t)...); errors.Is(err, state.ErrExists) {
		return nil, alreadyExists(t)
	} else if err != nil {
		return nil, err
	}
	return createOutput(t), nil
}

// newTrail makes a trail of a request, with CloudTrail's defaults (spec 4.4).
func (s *Service) newTrail(g *call.Granted, in *sdk.CreateTrailInput) (*trail.Trail, error) {
	if err := trail.CheckName(value(in.Name)); err != nil {
		return nil, err
	}
	if err := checkUnsupported(in.KmsKeyId, in.SnsTopicName); err != nil {
		return nil, err
	}
	organization, err := s.organizationOf(g, in.IsOrganizationTrail)
	if err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.TagsList)
	if err != nil {
		return nil, err
	}
	t := &trail.Trail{
		ID: uuid.NewString(), Name: *in.Name, Account: g.Account(), HomeRegion: g.Region,
		Bucket: value(in.S3BucketName), Prefix: value(in.S3KeyPrefix), Validate: value(in.EnableLogFileValidation),
		Selection: trail.Selection{
			MultiRegion:  value(in.IsMultiRegionTrail),
			GlobalEvents: in.IncludeGlobalServiceEvents == nil || *in.IncludeGlobalServiceEvents,

			OrganizationID: organization,
			NoRecursion:    in.RecursiveLogging != nil && !*in.RecursiveLogging,
		},
		Tags: tags, Created: s.Now().UTC(),
	}
	t.Export(value(in.CloudWatchLogsLogGroupArn), value(in.CloudWatchLogsRoleArn), s.end())
	return t, checkConfiguration(t)
}

// checkUnsupported refuses what this engine does not do, rather than accept it
// and not do it.
func checkUnsupported(kmsKey, topic *string) error {
	switch {
	case value(kmsKey) != "":
		return refuse("InvalidKmsKeyIdException",
			"KmsKeyId %s cannot be used: this engine has no KMS yet. Leave KmsKeyId out; log files are written with SSE-S3.", *kmsKey)
	case value(topic) != "":
		return refuse("InvalidSnsTopicNameException",
			"SnsTopicName %s cannot be used: this engine has no SNS yet. Leave SnsTopicName out.", *topic)
	}
	return nil
}

// organizationOf returns the id of the organization whose trail is asked for, or ""
// if none is.
func (s *Service) organizationOf(g *call.Granted, wanted *bool) (string, error) {
	if !value(wanted) {
		return "", nil
	}
	if m := s.Organization.Management(); g.Account() != m {
		return "", refuse("NotOrganizationMasterAccountException",
			"Account %s is not the management account of organization %s: only that account, %s, can have the organization's trails.", g.Account(), s.Organization.ID(), m)
	}
	if err := g.Allows(call.Check{Action: "organizations:DescribeOrganization"}); err != nil {
		return "", refuse("InsufficientDependencyServiceAccessPermissionException",
			"An organization's trail needs permissions for AWS Organizations too. %s", awserr.From(err).Message)
	}
	return s.Organization.ID(), nil
}

// checkConfiguration checks what can be checked of a trail by itself.
func checkConfiguration(t *trail.Trail) error {
	if err := trail.CheckBucket(t.Bucket); err != nil {
		return err
	}
	if err := trail.CheckPrefix(t.Prefix); err != nil {
		return err
	}
	if t.MultiRegion && !t.GlobalEvents {
		return refuse("InvalidParameterCombinationException", "Multi-Region trail must include global service events.")
	}
	if t.LogGroupARN == "" && t.RoleARN == "" {
		return nil
	}
	return checkExport(t)
}

// checkExport checks log group and role. Terraform tries again for two minutes
// when a text contains "Access denied.", so these, which waiting does not mend,
// do not (spec 4.4).
func checkExport(t *trail.Trail) error {
	if t.LogGroupARN == "" || t.RoleARN == "" {
		return refuse("InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN as well as a log group.")
	}
	group, err := arn.Parse(t.LogGroupARN)
	if err != nil || group.Service != "logs" || !logGroup.MatchString(group.Resource) {
		return refuse("InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN.")
	}
	if group.Region != t.HomeRegion || group.Account != t.Account {
		return refuse("InvalidCloudWatchLogsLogGroupArnException", "Check the log group ARN: CloudTrail can't validate it.")
	}
	role, err := arn.Parse(t.RoleARN)
	if err != nil || role.Service != "iam" || role.Region != "" || !roleName.MatchString(role.Resource) {
		return refuse("InvalidCloudWatchLogsRoleArnException", "CloudTrail cannot validate the specified role ARN.")
	}
	if role.Account != t.Account {
		// The role would write to the log group of this name in its own account:
		// anyone could put records into the log groups of others.
		return refuse("InvalidCloudWatchLogsRoleArnException", "The role %s is not of the trail's account: a role cannot be passed across accounts.", t.RoleARN)
	}
	return nil
}

// checkDestinations asks whether the trail can deliver, in AWS's words if not.
func (s *Service) checkDestinations(ctx context.Context, t *trail.Trail, bucket, group bool) error {
	if bucket {
		switch err := s.Dest.CheckBucket(ctx, t); {
		case errors.Is(err, ErrNoBucket):
			return refuse("S3BucketDoesNotExistException", "S3 bucket %s does not exist!", t.Bucket)
		case errors.Is(err, ErrBucketDenied):
			return refuse("InsufficientS3BucketPolicyException", "Incorrect S3 bucket policy is detected for bucket: %s", t.Bucket)
		case err != nil:
			return err
		}
	}
	if !group || t.LogGroupARN == "" {
		return nil
	}
	switch err := s.Dest.CheckLogGroup(ctx, t); {
	case errors.Is(err, ErrRoleTrust):
		return refuse("InvalidCloudWatchLogsRoleArnException", "Access denied. Check the trust relationships for your role.")
	case errors.Is(err, ErrGroupDenied):
		return refuse("InvalidCloudWatchLogsLogGroupArnException", "Access denied. Check the permissions for your role.")
	case errors.Is(err, ErrNoGroup):
		return refuse("InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN.")
	default:
		return err
	}
}

// checkRoom checks that a trail's name is free and that there may be one more,
// in every region it appears in. except is the id of a trail not to count.
func (s *Service) checkRoom(t *trail.Trail, except string) error {
	count, everywhere := map[string]int{t.HomeRegion: 0}, 1
	for _, o := range s.trails(t.Account) {
		if o.ID == except {
			continue
		}
		if o.Name == t.Name && (o.HomeRegion == t.HomeRegion || o.MultiRegion || t.MultiRegion) {
			return alreadyExists(t)
		}
		if o.MultiRegion {
			everywhere++
		} else {
			count[o.HomeRegion]++
		}
	}
	for region, n := range count {
		if (region == t.HomeRegion || t.MultiRegion) && n+everywhere > maxTrails {
			return refuse("MaximumNumberOfTrailsExceededException", "User: %s already has %d trails in %s.", t.Account, maxTrails, region)
		}
	}
	return nil
}

func alreadyExists(t *trail.Trail) error {
	return refuse("TrailAlreadyExistsException", "Trail %s already exists for customer: %s", t.Name, t.Account)
}

func (s *Service) updateTrail(ctx context.Context, g *call.Granted, in *sdk.UpdateTrailInput) (*sdk.UpdateTrailOutput, error) {
	if err := checkUnsupported(in.KmsKeyId, in.SnsTopicName); err != nil {
		return nil, err
	}
	organization, err := s.organizationOf(g, in.IsOrganizationTrail)
	if err != nil {
		return nil, err
	}
	s.creating.Lock() // a trail of all regions counts, and takes its name, in each
	defer s.creating.Unlock()
	old, err := s.home(g, in.Name)
	if err != nil {
		return nil, err
	}
	// The checks may take calls of their own, so they are made on a copy before
	// the change, which is then applied to the trail as it is.
	wanted := *old
	wanted.Spans = nil
	s.apply(&wanted, in, organization)
	if err := checkConfiguration(&wanted); err != nil {
		return nil, err
	}
	if err := s.checkRoom(&wanted, old.ID); wanted.MultiRegion && !old.MultiRegion && err != nil {
		return nil, err
	}
	moved := wanted.OrganizationID != old.OrganizationID // other folders and log streams
	bucket := moved || in.S3BucketName != nil || in.S3KeyPrefix != nil
	group := moved || in.CloudWatchLogsLogGroupArn != nil || in.CloudWatchLogsRoleArn != nil
	if err := s.checkDestinations(ctx, &wanted, bucket, group); err != nil {
		return nil, err
	}
	t, err := s.change(ctx, g, in.Name, func(t *trail.Trail) error {
		s.apply(t, in, organization)
		return checkConfiguration(t)
	})
	if err != nil {
		return nil, err
	}
	out := sdk.UpdateTrailOutput(*createOutput(t))
	return &out, nil
}

// apply changes what a request gives and leaves the rest; empty strings clear
// (spec 4.4).
func (s *Service) apply(t *trail.Trail, in *sdk.UpdateTrailInput, organization string) {
	give(&t.Bucket, in.S3BucketName)
	give(&t.Prefix, in.S3KeyPrefix)
	give(&t.Validate, in.EnableLogFileValidation)
	group, role := t.LogGroupARN, t.RoleARN
	give(&group, in.CloudWatchLogsLogGroupArn)
	give(&role, in.CloudWatchLogsRoleArn)
	t.Export(group, role, s.end())

	sel := t.Selection
	give(&sel.MultiRegion, in.IsMultiRegionTrail)
	if sel.MultiRegion != t.MultiRegion {
		sel.GlobalEvents = sel.MultiRegion // spec 4.6, unless the request says more
	}
	give(&sel.GlobalEvents, in.IncludeGlobalServiceEvents)
	if in.IsOrganizationTrail != nil {
		sel.OrganizationID = organization
	}
	if in.RecursiveLogging != nil {
		sel.NoRecursion = !*in.RecursiveLogging
	}
	if sel.MultiRegion != t.MultiRegion || sel.GlobalEvents != t.GlobalEvents || sel.OrganizationID != t.OrganizationID || sel.NoRecursion != t.NoRecursion {
		t.Select(sel, s.end())
	}
}

func give[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}

// deleteTrail ends logging with what was recorded before this call, and waits a
// little for that to be delivered, with the final digests: buckets are often
// deleted right after their trails.
func (s *Service) deleteTrail(ctx context.Context, g *call.Granted, in *sdk.DeleteTrailInput) (*sdk.DeleteTrailOutput, error) {
	// A crash before this leaves the trail as it was; after it, a trail marked as
	// deleted, which nobody can name any more and delivery removes when it starts.
	t, err := s.change(ctx, g, in.Name, func(t *trail.Trail) error {
		t.End(s.end(), s.Now().UTC())
		return nil
	})
	if err != nil {
		return nil, err
	}
	if t.NextSpan == 0 { // has never logged: nothing is to be delivered
		if err := s.Trails.Delete(ctx, key(t)...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return nil, err
		}
		return &sdk.DeleteTrailOutput{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.DeleteWait)
	defer cancel()
	for {
		removed, drained := s.Trails.Changed(), s.Deleted.Changed()
		if s.Gone(t) {
			return &sdk.DeleteTrailOutput{}, nil
		}
		select {
		case <-removed:
		case <-drained:
		case <-ctx.Done():
			return &sdk.DeleteTrailOutput{}, nil
		}
	}
}

// startLogging opens a span at the journal's end. The record of this very call
// is written after that and so is the first of the span.
func (s *Service) startLogging(ctx context.Context, g *call.Granted, in *sdk.StartLoggingInput) (*sdk.StartLoggingOutput, error) {
	_, err := s.change(ctx, g, in.Name, func(t *trail.Trail) error {
		t.Start(s.end(), s.Now().UTC())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.StartLoggingOutput{}, nil
}

// stopLogging ends the span with the record of this very call, which is written
// when it returns: the span keeps the request id by which delivery knows it. A
// crash before the record is written leaves a span that ends with the first
// record a minute after now (trail.StopGrace): a few records too many rather
// than one too few.
func (s *Service) stopLogging(ctx context.Context, g *call.Granted, in *sdk.StopLoggingInput) (*sdk.StopLoggingOutput, error) {
	_, err := s.change(ctx, g, in.Name, func(t *trail.Trail) error {
		t.Stop(g.RequestID, s.end(), s.Now().UTC())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sdk.StopLoggingOutput{}, nil
}

// createOutput is what CreateTrail and UpdateTrail answer (spec 4.4).
func createOutput(t *trail.Trail) *sdk.CreateTrailOutput {
	organization, recursive := t.OrganizationID != "", !t.NoRecursion
	return &sdk.CreateTrailOutput{
		Name: &t.Name, S3BucketName: &t.Bucket, S3KeyPrefix: set(t.Prefix), TrailARN: set(t.ARN()),
		IncludeGlobalServiceEvents: &t.GlobalEvents, IsMultiRegionTrail: &t.MultiRegion, LogFileValidationEnabled: &t.Validate,
		CloudWatchLogsLogGroupArn: set(t.LogGroupARN), CloudWatchLogsRoleArn: set(t.RoleARN), IsOrganizationTrail: &organization,
		RecursiveLogging: &recursive,
	}
}
