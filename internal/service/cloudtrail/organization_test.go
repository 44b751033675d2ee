package cloudtrail

import (
	"strings"
	"testing"

	"cairn/internal/delivery"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/trail"
)

const member = "444455556666"

func root(account string) identity.Principal {
	return identity.Principal{Kind: identity.Root, Account: account, ID: account, ARN: "arn:aws:iam::" + account + ":root"}
}

func TestOrganizationTrail(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","IsOrganizationTrail":true,"IsMultiRegionTrail":true}`,
		`{"Name":"audit","S3BucketName":"bucket","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,
		"TrailARN":"`+auditARN+`","LogFileValidationEnabled":false,"IsOrganizationTrail":true,"RecursiveLogging":true}`)
	if got := c.trail("audit").OrganizationID; got != "o-1a2b3c4d5e" {
		t.Errorf("organization %q", got)
	}
	c.ok("StartLogging", `{"Name":"audit"}`, `{}`)
	c.who = root(member)
	described := `{"Name":"audit","S3BucketName":"bucket","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,"HomeRegion":"eu-west-1",
		"TrailARN":"` + auditARN + `","LogFileValidationEnabled":false,"HasCustomEventSelectors":false,"HasInsightSelectors":false,"IsOrganizationTrail":true,"RecursiveLogging":true}`
	c.ok("DescribeTrails", `{}`, `{"trailList":[`+described+`]}`)
	c.ok("GetTrail", `{"Name":"`+auditARN+`"}`, `{"Trail":`+described+`}`)
	c.ok("ListTrails", `{}`, `{"Trails":[{"TrailARN":"`+auditARN+`","Name":"audit","HomeRegion":"eu-west-1"}]}`)
	c.ok("GetTrailStatus", `{"Name":"`+auditARN+`"}`, "")
	c.ok("GetEventSelectors", `{"TrailName":"`+auditARN+`"}`, "")
	c.region = "us-east-1" // where it is a shadow
	c.ok("DescribeTrails", `{}`, `{"trailList":[`+described+`]}`)
	c.ok("DescribeTrails", `{"includeShadowTrails":false}`, `{"trailList":[]}`)
	c.region = region
	// By name it is none of theirs, and its name is taken.
	c.refused("GetTrail", `{"Name":"audit"}`, "TrailNotFoundException", "Unknown trail: arn:aws:cloudtrail:eu-west-1:444455556666:trail/audit for the user: 444455556666")
	c.refused("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "TrailAlreadyExistsException", "Trail audit already exists for customer: 444455556666")
	for op, body := range map[string]string{
		"UpdateTrail": `{"Name":"%s"}`, "DeleteTrail": `{"Name":"%s"}`, "StartLogging": `{"Name":"%s"}`, "StopLogging": `{"Name":"%s"}`,
		"PutEventSelectors": `{"TrailName":"%s"}`, "PutInsightSelectors": `{"TrailName":"%s","InsightSelectors":[]}`, "AddTags": `{"ResourceId":"%s","TagsList":[]}`,
		"RemoveTags": `{"ResourceId":"%s","TagsList":[]}`,
	} {
		c.refused(op, strings.Replace(body, "%s", auditARN, 1), "NotOrganizationMasterAccountException", account)
	}
	if !c.trail("audit").Logging() {
		t.Error("a member stopped the organization's trail")
	}
}

func TestOnlyManagementMakesOrganizationTrails(t *testing.T) {
	c := newClient(t)
	c.who = root(member)
	c.refused("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","IsOrganizationTrail":true}`, "NotOrganizationMasterAccountException", member)
	c.ok("CreateTrail", `{"Name":"own","S3BucketName":"bucket"}`, "")
	c.refused("UpdateTrail", `{"Name":"own","IsOrganizationTrail":true}`, "NotOrganizationMasterAccountException", member)
	c.who = root(account)
	c.ok("DescribeTrails", `{}`, `{"trailList":[]}`) // a member's trail is the member's
	c.who = identity.Principal{
		Kind: identity.IAMUser, Account: account, ID: "AIDA1", Name: "ann", ARN: "arn:aws:iam::" + account + ":user/ann",
		Policies: policies(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"cloudtrail:CreateTrail","Resource":"*"}}`),
	}
	c.refused("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","IsOrganizationTrail":true}`, "InsufficientDependencyServiceAccessPermissionException", "organizations:DescribeOrganization")
	if n := len(c.svc.Trails.List(account)); n != 0 {
		t.Errorf("%d trails were made all the same", n)
	}
}

// TestChangesToOrganization: the records so far are the account's, those from then
// on the organization's.
func TestChangesToOrganization(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.ok("StartLogging", `{"Name":"audit"}`, `{}`)
	c.dest.bucket = ErrBucketDenied
	c.refused("UpdateTrail", `{"Name":"audit","IsOrganizationTrail":true}`, "InsufficientS3BucketPolicyException", "bucket")
	c.dest.bucket = nil
	c.ok("UpdateTrail", `{"Name":"audit","IsOrganizationTrail":true}`, "")
	c.ok("UpdateTrail", `{"Name":"audit","S3KeyPrefix":"p"}`, "") // leaves it
	tr := c.trail("audit")
	if tr.OrganizationID == "" || len(tr.Spans) != 2 || tr.Spans[0].Selection.OrganizationID != "" {
		t.Errorf("%+v", tr)
	}
	c.ok("UpdateTrail", `{"Name":"audit","IsOrganizationTrail":false}`, "")
	if tr := c.trail("audit"); tr.OrganizationID != "" || len(tr.Spans) != 3 || tr.Spans[1].Selection.OrganizationID == "" {
		t.Errorf("%+v", tr)
	}
}

func TestInsightSelectors(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.ok("StartLogging", `{"Name":"audit"}`, `{}`)
	const both = `"InsightSelectors":[{"InsightType":"ApiErrorRateInsight"},{"InsightType":"ApiCallRateInsight","EventCategories":["Management"]}]`
	const answer = `{"TrailARN":"` + auditARN + `","InsightSelectors":[{"InsightType":"ApiErrorRateInsight"},{"InsightType":"ApiCallRateInsight"}]}`
	c.ok("PutInsightSelectors", `{"TrailName":"audit",`+both+`}`, answer)
	c.ok("GetInsightSelectors", `{"TrailName":"`+auditARN+`"}`, answer)
	tr := c.trail("audit")
	if !tr.Wants(trail.CallRate, account, region, c.now) || tr.Wants(trail.CallRate, member, region, c.now) || tr.Wants(trail.CallRate, account, "us-east-1", c.now) {
		t.Errorf("%+v wants other events than asked for", tr)
	}
	if len(tr.Spans) != 2 || tr.Spans[0].Selection.Insights != nil {
		t.Errorf("records before are selected by the new selectors: %+v", tr.Spans)
	}
	for body, code := range map[string]string{
		`"InsightSelectors":[{}]`: "InvalidInsightSelectorsException",
		`"InsightSelectors":[{"InsightType":"ApiCallRateInsight"},{"InsightType":"ApiCallRateInsight"}]`: "InvalidInsightSelectorsException",
		`"InsightSelectors":[{"InsightType":"ApiCallRateInsight","EventCategories":["Data"]}]`:           "InvalidInsightSelectorsException", // the trail logs none
	} {
		c.refused("PutInsightSelectors", `{"TrailName":"audit",`+body+`}`, code, "")
	}
	c.ok("GetInsightSelectors", `{"TrailName":"audit"}`, answer)
	c.ok("PutInsightSelectors", `{"TrailName":"audit","InsightSelectors":[]}`, `{"TrailARN":"`+auditARN+`","InsightSelectors":[]}`)
	c.refused("GetInsightSelectors", `{"TrailName":"audit"}`, "InsightNotEnabledException", auditARN)
	if c.trail("audit").Wants(trail.CallRate, account, region, c.now) {
		t.Error("wants Insights events that were switched off")
	}
}

// TestInsightsNeedTheirEvents: a trail without the events has no Insights of them.
func TestInsightsNeedTheirEvents(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	rate := `{"TrailName":"audit","InsightSelectors":[{"InsightType":"ApiCallRateInsight"}]}`
	errorRate := strings.Replace(rate, "Call", "Error", 1)
	c.ok("PutEventSelectors", `{"TrailName":"audit","EventSelectors":[{"ReadWriteType":"ReadOnly"}]}`, "")
	c.refused("PutInsightSelectors", rate, "InvalidInsightSelectorsException", "ApiCallRateInsight")
	c.ok("PutInsightSelectors", errorRate, "")
	c.ok("PutEventSelectors", `{"TrailName":"audit","AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]}]}`, "")
	c.refused("PutInsightSelectors", errorRate, "InvalidInsightSelectorsException", "ApiErrorRateInsight")
}

func TestTagsAtCreationNeedPermission(t *testing.T) {
	c := newClient(t)
	allowed := func(actions string) {
		c.who = identity.Principal{
			Kind: identity.IAMUser, Account: account, ID: "AIDA1", Name: "ann", ARN: "arn:aws:iam::" + account + ":user/ann",
			Policies: policies(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":[`+actions+`],"Resource":"*"}}`),
		}
	}
	const tagged = `{"Name":"audit","S3BucketName":"bucket","TagsList":[{"Key":"k","Value":"v"}]}`
	allowed(`"cloudtrail:CreateTrail"`)
	c.refused("CreateTrail", tagged, "AccessDeniedException", "cloudtrail:AddTags")
	allowed(`"cloudtrail:CreateTrail","cloudtrail:AddTags"`)
	c.ok("CreateTrail", tagged, "")
	if _, ok := c.svc.Trails.Get(delivery.TrailKey(account, region, "audit")...); !ok {
		t.Error("no trail")
	}
}

func policies(t *testing.T, text string) []*policy.Document {
	t.Helper()
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return []*policy.Document{doc}
}
