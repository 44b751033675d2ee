package logs

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/loggroup"
)

const maxDescribed = 50 // items on a page of the Describe operations

// retentions are the days PutRetentionPolicy takes (spec 5.4).
var retentions = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (s *Service) addGroups() {
	add(s, "CreateLogGroup", s.locateNewGroup, s.createGroup)
	add(s, "DeleteLogGroup", func(c *call.Call, in *cloudwatchlogs.DeleteLogGroupInput) (place, error) {
		return named(c, in.LogGroupName)
	}, s.deleteGroup)
	add(s, "DescribeLogGroups", func(c *call.Call, _ *cloudwatchlogs.DescribeLogGroupsInput) (place, error) {
		return place{Ref: loggroup.Ref{Account: c.Account(), Region: c.Region}}, nil
	}, s.describeGroups).ReadOnly = true
	add(s, "PutRetentionPolicy", func(c *call.Call, in *cloudwatchlogs.PutRetentionPolicyInput) (place, error) {
		return named(c, in.LogGroupName)
	}, s.putRetention)
	add(s, "DeleteRetentionPolicy", func(c *call.Call, in *cloudwatchlogs.DeleteRetentionPolicyInput) (place, error) {
		return named(c, in.LogGroupName)
	}, func(ctx context.Context, _ *call.Granted, _ *cloudwatchlogs.DeleteRetentionPolicyInput, at place) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
		return &cloudwatchlogs.DeleteRetentionPolicyOutput{}, s.groups.SetRetention(ctx, at.Ref, 0)
	})
	add(s, "PutLogGroupDeletionProtection", func(c *call.Call, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput) (place, error) {
		return identified(c, nil, in.LogGroupIdentifier)
	}, s.putProtection)
}

// locateNewGroup asks for permission to tag as well if there are tags.
func (s *Service) locateNewGroup(c *call.Call, in *cloudwatchlogs.CreateLogGroupInput) (place, error) {
	p, err := named(c, in.LogGroupName)
	if err != nil {
		return p, err
	}
	if len(in.Tags) > 0 {
		if err := checkTags(in.Tags); err != nil {
			return p, err
		}
		p.context = requestTags(in.Tags)
		p.more = []call.Check{{Action: "logs:TagResource", Resource: groupARN(p.Ref), Account: p.Account}}
	}
	return p, nil
}

func (s *Service) createGroup(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.CreateLogGroupInput, at place) (*cloudwatchlogs.CreateLogGroupOutput, error) {
	if in.KmsKeyId != nil {
		return nil, invalid("Encryption with a KMS key is not supported by this engine. Leave kmsKeyId out.")
	}
	if in.LogGroupClass != "" && in.LogGroupClass != types.LogGroupClassStandard {
		return nil, invalid("The log class %s is not supported by this engine. Use STANDARD.", in.LogGroupClass)
	}
	err := s.groups.CreateGroup(ctx, at.Ref, loggroup.Group{
		Class: string(types.LogGroupClassStandard), Tags: in.Tags, Protected: aws.ToBool(in.DeletionProtectionEnabled),
	})
	return &cloudwatchlogs.CreateLogGroupOutput{}, err
}

func (s *Service) deleteGroup(ctx context.Context, _ *call.Granted, _ *cloudwatchlogs.DeleteLogGroupInput, at place) (*cloudwatchlogs.DeleteLogGroupOutput, error) {
	if err := s.unprotected(at.Ref); err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteLogGroupOutput{}, s.groups.DeleteGroup(ctx, at.Ref)
}

// unprotected refuses to delete a protected group or its log streams.
func (s *Service) unprotected(ref loggroup.Ref) error {
	g, err := s.groups.Group(ref)
	if err != nil {
		return err
	}
	if g.Protected {
		return awserr.New(http.StatusBadRequest, "ValidationException",
			"The log group %s is protected from deletion. Disable deletion protection first.", ref.Name)
	}
	return nil
}

func (s *Service) putProtection(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput, at place) (*cloudwatchlogs.PutLogGroupDeletionProtectionOutput, error) {
	if in.DeletionProtectionEnabled == nil {
		return nil, s.api.Codec.Missing("deletionProtectionEnabled")
	}
	return &cloudwatchlogs.PutLogGroupDeletionProtectionOutput{}, s.groups.SetProtected(ctx, at.Ref, *in.DeletionProtectionEnabled)
}

func (s *Service) putRetention(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.PutRetentionPolicyInput, at place) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	switch {
	case in.RetentionInDays == nil:
		return nil, s.api.Codec.Missing("retentionInDays")
	case !slices.Contains(retentions, *in.RetentionInDays):
		return nil, constraint(*in.RetentionInDays, "retentionInDays", "Member must satisfy enum value set: "+retentionSet())
	}
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, s.groups.SetRetention(ctx, at.Ref, int(*in.RetentionInDays))
}

func (s *Service) describeGroups(ctx context.Context, _ *call.Granted, in *cloudwatchlogs.DescribeLogGroupsInput, at place) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	most, err := limit(in.Limit, maxDescribed)
	if err != nil {
		return nil, err
	}
	wanted, err := groupFilter(in)
	if err != nil {
		return nil, err
	}
	hash := queryHash("groups", at.Account, at.Region, in.LogGroupNamePrefix, in.LogGroupNamePattern, in.LogGroupClass, in.LogGroupIdentifiers)
	after, err := parseListToken(in.NextToken, hash)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.DescribeLogGroupsOutput{LogGroups: []types.LogGroup{}}
	for _, g := range s.groups.Groups(at.Account, at.Region) {
		if g.Name <= after && after != "" || !wanted(g) {
			continue
		}
		if len(out.LogGroups) == most {
			out.NextToken = listToken(hash, *out.LogGroups[most-1].LogGroupName)
			break
		}
		ref := loggroup.Ref{Account: at.Account, Region: at.Region, Name: g.Name}
		d, err := s.describe(ctx, ref, g.Group, in.LogGroupNamePattern != nil)
		if err != nil {
			return nil, err
		}
		out.LogGroups = append(out.LogGroups, d)
	}
	return out, nil
}

// groupFilter returns what selects the groups a caller wants to see.
func groupFilter(in *cloudwatchlogs.DescribeLogGroupsInput) (func(g loggroup.Named) bool, error) {
	prefix, pattern := aws.ToString(in.LogGroupNamePrefix), aws.ToString(in.LogGroupNamePattern)
	switch {
	case aws.ToBool(in.IncludeLinkedAccounts) || len(in.AccountIdentifiers) > 0:
		return nil, invalid("Linked accounts are not supported by this engine. Leave includeLinkedAccounts and accountIdentifiers out.")
	case in.LogGroupNamePrefix != nil && in.LogGroupNamePattern != nil:
		return nil, invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	case len(in.LogGroupIdentifiers) > 0 && (prefix != "" || pattern != "" || in.LogGroupClass != ""):
		return nil, invalid("logGroupIdentifiers cannot be combined with another filter.")
	case len(in.LogGroupIdentifiers) > maxDescribed:
		return nil, constraint(len(in.LogGroupIdentifiers), "logGroupIdentifiers", "Member must have length less than or equal to 50")
	}
	for _, id := range in.LogGroupIdentifiers {
		if !groupPattern.MatchString(id) {
			return nil, constraint(id, "logGroupIdentifiers", "Member must be the name of a log group of this account")
		}
	}
	return func(g loggroup.Named) bool {
		return strings.HasPrefix(g.Name, prefix) && strings.Contains(g.Name, pattern) &&
			(in.LogGroupClass == "" || string(in.LogGroupClass) == g.Class) &&
			(len(in.LogGroupIdentifiers) == 0 || slices.Contains(in.LogGroupIdentifiers, g.Name))
	}, nil
}

// describe returns a group as DescribeLogGroups does; brief is the form that
// goes with a name pattern.
func (s *Service) describe(ctx context.Context, ref loggroup.Ref, g *loggroup.Group, brief bool) (types.LogGroup, error) {
	d := types.LogGroup{LogGroupName: aws.String(ref.Name), Arn: aws.String(groupARN(ref) + ":*"), CreationTime: aws.Int64(g.Created)}
	if brief {
		return d, nil
	}
	stored, err := s.groups.StoredBytes(ctx, ref)
	if err != nil {
		return d, err
	}
	d.LogGroupArn, d.LogGroupClass = aws.String(groupARN(ref)), types.LogGroupClass(g.Class)
	d.MetricFilterCount, d.StoredBytes = aws.Int32(int32(len(g.Filters))), aws.Int64(stored)
	d.DeletionProtectionEnabled = aws.Bool(g.Protected)
	if g.RetentionDays != 0 {
		d.RetentionInDays = aws.Int32(int32(g.RetentionDays))
	}
	return d, nil
}
