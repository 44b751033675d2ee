package look

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cairn/setup/check"
)

// trust returns a role's trust policy and the ARN of its permissions
// boundary; both empty if there is no such role.
func trust(ctx context.Context, c *iam.Client, role string) (text, boundary string, err error) {
	out, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	if isCode(err, "NoSuchEntity") {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	if b := out.Role.PermissionsBoundary; b != nil {
		boundary = aws.ToString(b.PermissionsBoundaryArn)
	}
	text, err = unescape(out.Role.AssumeRolePolicyDocument)
	return text, boundary, err
}

// rolePolicies returns a role's inline and attached policies; none if there
// is no such role.
func rolePolicies(ctx context.Context, c *iam.Client, role string) ([]check.RolePolicy, error) {
	var list []check.RolePolicy
	inline := iam.NewListRolePoliciesPaginator(c, &iam.ListRolePoliciesInput{RoleName: &role})
	for inline.HasMorePages() {
		page, err := inline.NextPage(ctx)
		if isCode(err, "NoSuchEntity") {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, name := range page.PolicyNames {
			out, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			if err != nil {
				return nil, err
			}
			text, err := unescape(out.PolicyDocument)
			if err != nil {
				return nil, err
			}
			list = append(list, check.RolePolicy{Name: name, Text: text})
		}
	}
	attached := iam.NewListAttachedRolePoliciesPaginator(c, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	for attached.HasMorePages() {
		page, err := attached.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range page.AttachedPolicies {
			text, err := managedPolicy(ctx, c, aws.ToString(p.PolicyArn))
			if err != nil {
				return nil, err
			}
			list = append(list, check.RolePolicy{Name: aws.ToString(p.PolicyName), Text: text})
		}
	}
	return list, nil
}

// managedPolicy returns the text of a managed policy's default version.
func managedPolicy(ctx context.Context, c *iam.Client, policyARN string) (string, error) {
	p, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &policyARN})
	if err != nil {
		return "", err
	}
	v, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &policyARN, VersionId: p.Policy.DefaultVersionId})
	if err != nil {
		return "", err
	}
	return unescape(v.PolicyVersion.Document)
}

// unescape undoes the percent signs in which IAM returns documents.
func unescape(document *string) (string, error) {
	text, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return "", fmt.Errorf("policy document is not URL-encoded: %w", err)
	}
	return text, nil
}
