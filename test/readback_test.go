//go:build e2e

package test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// look reads everything the modules make in an account, resource by resource:
// kind and name to what the AWS APIs say of it. What differs from account to
// account by its nature (ids, times, the account's number) is taken out.
func (s *side) look(t *testing.T) map[string]any {
	t.Helper()
	l := &looker{T: t, side: s, found: map[string]any{}, alike: []string{
		s.account, "ACCOUNT", bucketRoom(s.who), "ROOM-",
	}}
	l.buckets(s3.NewFromConfig(s.config, pathStyle))
	l.people(iam.NewFromConfig(s.config))
	l.groups(cloudwatchlogs.NewFromConfig(s.config))
	l.trails(cloudtrail.NewFromConfig(s.config))
	return l.found
}

type looker struct {
	*testing.T
	side  *side
	found map[string]any
	alike []string // old, new: what to replace in all that is found
}

// keep keeps what a call said, its refusal included, under the resource's name.
func (l *looker) keep(name, what string, out any, err error) {
	l.Helper()
	name = strings.NewReplacer(l.alike...).Replace(name)
	at, _ := l.found[name].(map[string]any)
	if at == nil {
		at = map[string]any{}
		l.found[name] = at
	}
	if err != nil {
		var refusal smithy.APIError
		if !errors.As(err, &refusal) {
			l.Fatalf("%s of %s: %v", what, name, err)
		}
		at[what] = "refused: " + refusal.ErrorCode()
		return
	}
	text, err := json.Marshal(out)
	if err != nil {
		l.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(strings.NewReplacer(l.alike...).Replace(string(text))), &v); err != nil {
		l.Fatal(err)
	}
	at[what] = plain(v)
}

// unlike are members that differ from one account or moment to another.
var unlike = []string{
	"ResultMetadata", "CreateDate", "CreationTime", "CreationDate", "RoleId", "RoleLastUsed", "StoredBytes", "NextToken", "Marker",
}

// documents are members that hold a policy as text.
var documents = []string{"Policy", "PolicyDocument", "AssumeRolePolicyDocument"}

// plain makes an answer comparable: without what is unlike, policies as what
// they say, lists that have no order in order.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			text, isText := member.(string)
			switch {
			case slices.Contains(unlike, name) || member == nil:
				delete(v, name)
			case isText && slices.Contains(documents, name):
				v[name] = document(text)
			default:
				v[name] = plain(member)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		return ordered(v)
	}
	return v
}

// document returns what a policy's text says: one value and a list of one are
// the same, and the order in lists means nothing.
func document(text string) any {
	if strings.HasPrefix(text, "%7B") {
		text, _ = url.QueryUnescape(text) // IAM escapes them; what is left escaped does not parse
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return "not JSON: " + text
	}
	return said(v)
}

func said(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = said(v[name])
		}
		return v
	case []any:
		for i := range v {
			v[i] = said(v[i])
		}
		if len(v) == 1 {
			return v[0]
		}
		return ordered(v)
	}
	return v
}

func ordered(list []any) []any {
	key := func(v any) string { b, _ := json.Marshal(v); return string(b) } // it came from JSON
	slices.SortFunc(list, func(a, b any) int { return cmp.Compare(key(a), key(b)) })
	return list
}

// ask keeps what a call says.
func ask[In, Out, Options any](l *looker, name, what string, call func(ctx context.Context, in *In, o ...func(*Options)) (*Out, error), in *In) {
	l.Helper()
	out, err := call(l.Context(), in)
	l.keep(name, what, out, err)
}

func (l *looker) buckets(c *s3.Client) {
	list, err := c.ListBuckets(l.Context(), &s3.ListBucketsInput{})
	if err != nil {
		l.Fatal(err)
	}
	l.alike = append(l.alike, *list.Owner.ID, "OWNER")
	for _, b := range list.Buckets {
		name, in := "bucket/"+*b.Name, b.Name
		ask(l, name, "location", c.GetBucketLocation, &s3.GetBucketLocationInput{Bucket: in})
		ask(l, name, "policy", c.GetBucketPolicy, &s3.GetBucketPolicyInput{Bucket: in})
		ask(l, name, "policy status", c.GetBucketPolicyStatus, &s3.GetBucketPolicyStatusInput{Bucket: in})
		ask(l, name, "public access block", c.GetPublicAccessBlock, &s3.GetPublicAccessBlockInput{Bucket: in})
		ask(l, name, "versioning", c.GetBucketVersioning, &s3.GetBucketVersioningInput{Bucket: in})
		ask(l, name, "encryption", c.GetBucketEncryption, &s3.GetBucketEncryptionInput{Bucket: in})
		ask(l, name, "lifecycle", c.GetBucketLifecycleConfiguration, &s3.GetBucketLifecycleConfigurationInput{Bucket: in})
		ask(l, name, "object lock", c.GetObjectLockConfiguration, &s3.GetObjectLockConfigurationInput{Bucket: in})
		ask(l, name, "logging", c.GetBucketLogging, &s3.GetBucketLoggingInput{Bucket: in})
		ask(l, name, "tags", c.GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: in})
		ask(l, name, "ownership", c.GetBucketOwnershipControls, &s3.GetBucketOwnershipControlsInput{Bucket: in})
		ask(l, name, "acl", c.GetBucketAcl, &s3.GetBucketAclInput{Bucket: in})
	}
}

func (l *looker) people(c *iam.Client) {
	list, err := c.ListRoles(l.Context(), &iam.ListRolesInput{})
	if err != nil {
		l.Fatal(err)
	}
	for _, r := range list.Roles {
		name := "role/" + *r.RoleName
		ask(l, name, "role", c.GetRole, &iam.GetRoleInput{RoleName: r.RoleName})
		ask(l, name, "tags", c.ListRoleTags, &iam.ListRoleTagsInput{RoleName: r.RoleName})
		ask(l, name, "attached", c.ListAttachedRolePolicies, &iam.ListAttachedRolePoliciesInput{RoleName: r.RoleName})
		policies, err := c.ListRolePolicies(l.Context(), &iam.ListRolePoliciesInput{RoleName: r.RoleName})
		l.keep(name, "policies", policies, err)
		if err != nil {
			continue
		}
		for _, p := range policies.PolicyNames {
			ask(l, name, "policy "+p, c.GetRolePolicy, &iam.GetRolePolicyInput{RoleName: r.RoleName, PolicyName: &p})
		}
	}
}

func (l *looker) groups(c *cloudwatchlogs.Client) {
	list, err := c.DescribeLogGroups(l.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		l.Fatal(err)
	}
	for _, g := range list.LogGroups {
		name := "group/" + *g.LogGroupName
		l.keep(name, "group", g, nil)
		ask(l, name, "tags", c.ListTagsForResource, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: g.LogGroupArn})
	}
}

func (l *looker) trails(c *cloudtrail.Client) {
	list, err := c.DescribeTrails(l.Context(), &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		l.Fatal(err)
	}
	for _, t := range list.TrailList {
		name := "trail/" + *t.Name
		l.keep(name, "trail", t, nil)
		status, err := c.GetTrailStatus(l.Context(), &cloudtrail.GetTrailStatusInput{Name: t.TrailARN})
		if err == nil { // the rest of it is about deliveries
			status = &cloudtrail.GetTrailStatusOutput{IsLogging: status.IsLogging, LatestDeliveryError: status.LatestDeliveryError, LatestCloudWatchLogsDeliveryError: status.LatestCloudWatchLogsDeliveryError}
		}
		l.keep(name, "status", status, err)
		ask(l, name, "selectors", c.GetEventSelectors, &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN})
		ask(l, name, "insights", c.GetInsightSelectors, &cloudtrail.GetInsightSelectorsInput{TrailName: t.TrailARN})
		ask(l, name, "tags", c.ListTags, &cloudtrail.ListTagsInput{ResourceIdList: []string{aws.ToString(t.TrailARN)}})
	}
}
