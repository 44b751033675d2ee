package querytest

// Benchmark is a metric filter pattern of the CIS AWS Foundations benchmark or
// a variant of it, word for word (spec 6.5).
type Benchmark struct {
	// ID is the recommendation's number.
	ID, Pattern string
	// Yes are messages that must match, No such that must not, if they do not
	// follow from the event names the pattern lists.
	Yes, No []string
}

// CIS returns the patterns.
func CIS() []Benchmark { return cis }

var cis = []Benchmark{
	{
		ID: "4.1", Pattern: `{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") || ($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }`,
		Yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
		No: []string{
			`{"eventName":"HeadBucket","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
		},
	},
	{
		ID: "4.1", Pattern: `{ ($.errorCode ="*UnauthorizedOperation") || ($.errorCode ="AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }`,
		Yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
		},
		No: []string{
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
	},
	{
		ID: "4.1", Pattern: `{(($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*")) && (($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket"))}`,
		Yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
		},
		No: []string{
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
	},
	{
		ID: "4.1", Pattern: `{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}`,
		Yes: []string{
			`{"errorCode":"AccessDenied","eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"Client.UnauthorizedOperation","eventName":"RunInstances","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDenied","eventName":"HeadBucket","sourceIPAddress":"10.0.0.1"}`,
			`{"errorCode":"AccessDeniedException","eventName":"GetBucketAcl","sourceIPAddress":"delivery.logs.amazonaws.com"}`,
		},
		No: []string{
			`{"eventName":"GetObject","sourceIPAddress":"10.0.0.1"}`,
		},
	},
	{
		ID: "4.2", Pattern: `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }`,
		Yes: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"AssumedRole"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
		No: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"Yes"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
	},
	{
		ID: "4.2", Pattern: `{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }`,
		Yes: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
		No: []string{
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{"MFAUsed":"Yes"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"AssumedRole"},"additionalEventData":{"MFAUsed":"No"},"responseElements":{"ConsoleLogin":"Success"}}`,
			`{"eventName":"ConsoleLogin","userIdentity":{"type":"IAMUser"},"additionalEventData":{},"responseElements":{"ConsoleLogin":"Success"}}`,
		},
	},
	{
		ID: "4.3", Pattern: `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`,
		Yes: []string{
			`{"userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},"eventName":"CreateUser","eventType":"AwsApiCall"}`,
		},
		No: []string{
			`{"userIdentity":{"type":"Root","invokedBy":"signin.amazonaws.com"},"eventName":"CreateUser","eventType":"AwsApiCall"}`,
			`{"userIdentity":{"type":"Root"},"eventName":"RotateKey","eventType":"AwsServiceEvent"}`,
			`{"userIdentity":{"type":"IAMUser"},"eventName":"CreateUser","eventType":"AwsApiCall"}`,
		},
	},
	{ID: "4.4", Pattern: `{($.eventName=DeleteGroupPolicy)||($.eventName=DeleteRolePolicy)||($.eventName=DeleteUserPolicy)||($.eventName=PutGroupPolicy)||($.eventName=PutRolePolicy)||($.eventName=PutUserPolicy)||($.eventName=CreatePolicy)||($.eventName=DeletePolicy)||($.eventName=CreatePolicyVersion)||($.eventName=DeletePolicyVersion)||($.eventName=AttachRolePolicy)||($.eventName=DetachRolePolicy)||($.eventName=AttachUserPolicy)||($.eventName=DetachUserPolicy)||($.eventName=AttachGroupPolicy)||($.eventName=DetachGroupPolicy)}`},
	{ID: "4.5", Pattern: `{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) }`},
	{
		ID: "4.6", Pattern: `{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }`,
		Yes: []string{
			`{"eventName":"ConsoleLogin","errorMessage":"Failed authentication"}`,
		},
		No: []string{
			`{"eventName":"ConsoleLogin","errorMessage":"No username found in supplied account"}`,
		},
	},
	{ID: "4.7", Pattern: `{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }`},
	{ID: "4.8", Pattern: `{ ($.eventSource = s3.amazonaws.com) && (($.eventName = PutBucketAcl) || ($.eventName = PutBucketPolicy) || ($.eventName = PutBucketCors) || ($.eventName = PutBucketLifecycle) || ($.eventName = PutBucketReplication) || ($.eventName = DeleteBucketPolicy) || ($.eventName = DeleteBucketCors) || ($.eventName = DeleteBucketLifecycle) || ($.eventName = DeleteBucketReplication)) }`},
	{ID: "4.9", Pattern: `{ ($.eventSource = config.amazonaws.com) && (($.eventName=StopConfigurationRecorder)||($.eventName=DeleteDeliveryChannel)||($.eventName=PutDeliveryChannel)||($.eventName=PutConfigurationRecorder)) }`},
	{ID: "4.10", Pattern: `{ ($.eventName = AuthorizeSecurityGroupIngress) || ($.eventName = AuthorizeSecurityGroupEgress) || ($.eventName = RevokeSecurityGroupIngress) || ($.eventName = RevokeSecurityGroupEgress) || ($.eventName = CreateSecurityGroup) || ($.eventName = DeleteSecurityGroup) }`},
	{ID: "4.11", Pattern: `{ ($.eventName = CreateNetworkAcl) || ($.eventName = CreateNetworkAclEntry) || ($.eventName = DeleteNetworkAcl) || ($.eventName = DeleteNetworkAclEntry) || ($.eventName = ReplaceNetworkAclEntry) || ($.eventName = ReplaceNetworkAclAssociation) }`},
	{ID: "4.12", Pattern: `{ ($.eventName = CreateCustomerGateway) || ($.eventName = DeleteCustomerGateway) || ($.eventName = AttachInternetGateway) || ($.eventName = CreateInternetGateway) || ($.eventName = DeleteInternetGateway) || ($.eventName = DetachInternetGateway) }`},
	{ID: "4.13", Pattern: `{ ($.eventName = CreateRoute) || ($.eventName = CreateRouteTable) || ($.eventName = ReplaceRoute) || ($.eventName = ReplaceRouteTableAssociation) || ($.eventName = DeleteRouteTable) || ($.eventName = DeleteRoute) || ($.eventName = DisassociateRouteTable) }`},
	{ID: "4.14", Pattern: `{ ($.eventName = CreateVpc) || ($.eventName = DeleteVpc) || ($.eventName = ModifyVpcAttribute) || ($.eventName = AcceptVpcPeeringConnection) || ($.eventName = CreateVpcPeeringConnection) || ($.eventName = DeleteVpcPeeringConnection) || ($.eventName = RejectVpcPeeringConnection) || ($.eventName = AttachClassicLinkVpc) || ($.eventName = DetachClassicLinkVpc) || ($.eventName = DisableVpcClassicLink) || ($.eventName = EnableVpcClassicLink) }`},
	{ID: "4.15", Pattern: `{ ($.eventSource = organizations.amazonaws.com) && (($.eventName = "AcceptHandshake") || ($.eventName = "AttachPolicy") || ($.eventName = "CreateAccount") || ($.eventName = "CreateOrganizationalUnit") || ($.eventName = "CreatePolicy") || ($.eventName = "DeclineHandshake") || ($.eventName = "DeleteOrganization") || ($.eventName = "DeleteOrganizationalUnit") || ($.eventName = "DeletePolicy") || ($.eventName = "DetachPolicy") || ($.eventName = "DisablePolicyType") || ($.eventName = "EnablePolicyType") || ($.eventName = "InviteAccountToOrganization") || ($.eventName = "LeaveOrganization") || ($.eventName = "MoveAccount") || ($.eventName = "RemoveAccountFromOrganization") || ($.eventName = "UpdatePolicy") || ($.eventName = "UpdateOrganizationalUnit")) }`},
	// Security Hub's variants, and one whose quotes were lost.
	{
		ID: "CloudWatch.4", Pattern: `{($.eventSource=iam.amazonaws.com) && (($.eventName=DeleteGroupPolicy)||($.eventName=CreatePolicy))}`,
		No: []string{`{"eventSource":"organizations.amazonaws.com","eventName":"CreatePolicy"}`},
	},
	{ID: "CloudWatch.13", Pattern: `{($.eventSource=ec2.amazonaws.com) && (($.eventName=CreateRoute) || ($.eventName=DeleteRoute))}`},
	{
		ID: "4.6", Pattern: `{ ($.eventName = ConsoleLogin) && ($.errorMessage = Failed authentication) }`,
		Yes: []string{`{"eventName":"ConsoleLogin","errorMessage":"Failed authentication"}`},
		No:  []string{`{"eventName":"ConsoleLogin","errorMessage":"Failed"}`},
	},
}
