package logquery

import (
	"fmt"
	"regexp"
	"testing"
)

// cis holds the metric filter patterns of the CIS AWS Foundations benchmark
// and its variants, word for word (spec 6.5), with messages that must match
// and messages that must not.
var cis = []struct {
	id, pattern string
	yes, no     []string // beside those the test derives from listed event names
}{
	{
		id: "4.1", pattern: `{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") || ($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }`,
		yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
		no: []string{
			`{"eventName":"HeadBucket","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
		},
	},
	{
		id: "4.1", pattern: `{ ($.errorCode ="*UnauthorizedOperation") || ($.errorCode ="AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }`,
		yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
		},
		no: []string{
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
	},
	{
		id: "4.1", pattern: `{(($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*")) && (($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket"))}`,
		yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
		},
		no: []string{
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
	},
	{
		id: "4.1", pattern: `{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}`,
		yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
		},
		no: []string{
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
	},
	{
		id: "4.2", pattern: `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }`,
		yes: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"AssumedRole"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
		no: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"Yes"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
	},
	{
		id: "4.2", pattern: `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }`,
		yes: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
		no: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"Yes"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"AssumedRole"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
	},
	{
		id: "4.3", pattern: `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`,
		yes: []string{
			`{"userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},"eventName":"CreateUser","eventType":"AwsApiCall"}`,
		},
		no: []string{
			`{"userIdentity":{"type":"Root","invokedBy":"signin.amazonaws.com"},"eventName":"CreateUser","eventType":"AwsApiCall"}`,
			`{"userIdentity":{"type":"Root"},"eventName":"RotateKey","eventType":"AwsServiceEvent"}`,
			`{"userIdentity":{"type":"IAMUser"},"eventName":"CreateUser","eventType":"AwsApiCall"}`,
		},
	},
	{id: "4.4", pattern: `{($.eventName=DeleteGroupPolicy)||($.eventName=DeleteRolePolicy)||($.eventName=DeleteUserPolicy)||($.eventName=PutGroupPolicy)||($.eventName=PutRolePolicy)||($.eventName=PutUserPolicy)||($.eventName=CreatePolicy)||($.eventName=DeletePolicy)||($.eventName=CreatePolicyVersion)||($.eventName=DeletePolicyVersion)||($.eventName=AttachRolePolicy)||($.eventName=DetachRolePolicy)||($.eventName=AttachUserPolicy)||($.eventName=DetachUserPolicy)||($.eventName=AttachGroupPolicy)||($.eventName=DetachGroupPolicy)}`},
	{id: "4.5", pattern: `{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) }`},
	{
		id: "4.6", pattern: `{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }`,
		yes: []string{
			`{"eventName":"ConsoleLogin","errorMessage":"Failed authentication"}`,
		},
		no: []string{
			`{"eventName":"ConsoleLogin","errorMessage":"No username found in supplied account"}`,
		},
	},
	{id: "4.7", pattern: `{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }`},
	{id: "4.8", pattern: `{ ($.eventSource = s3.amazonaws.com) && (($.eventName = PutBucketAcl) || ($.eventName = PutBucketPolicy) || ($.eventName = PutBucketCors) || ($.eventName = PutBucketLifecycle) || ($.eventName = PutBucketReplication) || ($.eventName = DeleteBucketPolicy) || ($.eventName = DeleteBucketCors) || ($.eventName = DeleteBucketLifecycle) || ($.eventName = DeleteBucketReplication)) }`},
	{id: "4.9", pattern: `{ ($.eventSource = config.amazonaws.com) && (($.eventName=StopConfigurationRecorder)||($.eventName=DeleteDeliveryChannel)||($.eventName=PutDeliveryChannel)||($.eventName=PutConfigurationRecorder)) }`},
	{id: "4.10", pattern: `{ ($.eventName = AuthorizeSecurityGroupIngress) || ($.eventName = AuthorizeSecurityGroupEgress) || ($.eventName = RevokeSecurityGroupIngress) || ($.eventName = RevokeSecurityGroupEgress) || ($.eventName = CreateSecurityGroup) || ($.eventName = DeleteSecurityGroup) }`},
	{id: "4.11", pattern: `{ ($.eventName = CreateNetworkAcl) || ($.eventName = CreateNetworkAclEntry) || ($.eventName = DeleteNetworkAcl) || ($.eventName = DeleteNetworkAclEntry) || ($.eventName = ReplaceNetworkAclEntry) || ($.eventName = ReplaceNetworkAclAssociation) }`},
	{id: "4.12", pattern: `{ ($.eventName = CreateCustomerGateway) || ($.eventName = DeleteCustomerGateway) || ($.eventName = AttachInternetGateway) || ($.eventName = CreateInternetGateway) || ($.eventName = DeleteInternetGateway) || ($.eventName = DetachInternetGateway) }`},
	{id: "4.13", pattern: `{ ($.eventName = CreateRoute) || ($.eventName = CreateRouteTable) || ($.eventName = ReplaceRoute) || ($.eventName = ReplaceRouteTableAssociation) || ($.eventName = DeleteRouteTable) || ($.eventName = DeleteRoute) || ($.eventName = DisassociateRouteTable) }`},
	{id: "4.14", pattern: `{ ($.eventName = CreateVpc) || ($.eventName = DeleteVpc) || ($.eventName = ModifyVpcAttribute) || ($.eventName = AcceptVpcPeeringConnection) || ($.eventName = CreateVpcPeeringConnection) || ($.eventName = DeleteVpcPeeringConnection) || ($.eventName = RejectVpcPeeringConnection) || ($.eventName = AttachClassicLinkVpc) || ($.eventName = DetachClassicLinkVpc) || ($.eventName = DisableVpcClassicLink) || ($.eventName = EnableVpcClassicLink) }`},
	{id: "4.15", pattern: `{ ($.eventSource = organizations.amazonaws.com) && (($.eventName = "AcceptHandshake") || ($.eventName = "AttachPolicy") || ($.eventName = "CreateAccount") || ($.eventName = "CreateOrganizationalUnit") || ($.eventName = "CreatePolicy") || ($.eventName = "DeclineHandshake") || ($.eventName = "DeleteOrganization") || ($.eventName = "DeleteOrganizationalUnit") || ($.eventName = "DeletePolicy") || ($.eventName = "DetachPolicy") || ($.eventName = "DisablePolicyType") || ($.eventName = "EnablePolicyType") || ($.eventName = "InviteAccountToOrganization") || ($.eventName = "LeaveOrganization") || ($.eventName = "MoveAccount") || ($.eventName = "RemoveAccountFromOrganization") || ($.eventName = "UpdatePolicy") || ($.eventName = "UpdateOrganizationalUnit")) }`},
	// Security Hub's variants, and one whose quotes were lost.
	{
		id: "CloudWatch.4", pattern: `{($.eventSource=iam.amazonaws.com) && (($.eventName=DeleteGroupPolicy)||($.eventName=CreatePolicy))}`,
		no: []string{`{"eventSource":"organizations.amazonaws.com","eventName":"CreatePolicy"}`},
	},
	{id: "CloudWatch.13", pattern: `{($.eventSource=ec2.amazonaws.com) && (($.eventName=CreateRoute) || ($.eventName=DeleteRoute))}`},
	{
		id: "4.6", pattern: `{ ($.eventName = ConsoleLogin) && ($.errorMessage = Failed authentication) }`,
		yes: []string{`{"eventName":"ConsoleLogin","errorMessage":"Failed authentication"}`},
		no:  []string{`{"eventName":"ConsoleLogin","errorMessage":"Failed"}`},
	},
}

var (
	listedName   = regexp.MustCompile(`\(\$\.eventName ?= ?"?(\w+)"?\)`)
	listedSource = regexp.MustCompile(`\$\.eventSource ?= ?([\w.]+)\)`)
)

func TestCIS(t *testing.T) {
	for _, c := range cis {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: Parse(%s): %v", c.id, c.pattern, err)
			continue
		}
		if len(c.yes) == 0 {
			source := "any.amazonaws.com"
			if m := listedSource.FindStringSubmatch(c.pattern); m != nil {
				source = m[1]
			}
			record := func(source, name string) string {
				return fmt.Sprintf(`{"eventVersion":"1.11","eventSource":%q,"eventName":%q,"requestParameters":{"eventName":"x"}}`, source, name)
			}
			for _, m := range listedName.FindAllStringSubmatch(c.pattern, -1) {
				c.yes = append(c.yes, record(source, m[1]))
				c.no = append(c.no, record(source, m[1]+"s"), record(source, m[1][1:]))
				if source != "any.amazonaws.com" {
					c.no = append(c.no, record("any.amazonaws.com", m[1]))
				}
			}
		}
		if len(c.yes) == 0 {
			t.Errorf("%s: no message to test %s with", c.id, c.pattern)
		}
		for _, m := range c.yes {
			if !p.Match([]byte(m)) {
				t.Errorf("%s: %s does not match %s", c.id, c.pattern, m)
			}
		}
		for _, m := range c.no {
			if p.Match([]byte(m)) {
				t.Errorf("%s: %s matches %s", c.id, c.pattern, m)
			}
		}
	}
}
