package cloudtrail

import (
	"testing"
)

// TestRecursiveLogging: true unless the request says otherwise; a change counts
// from there in the journal on, and other changes leave it.
func TestRecursiveLogging(t *testing.T) {
	c := newClient(t)
	const described = `"S3BucketName":"bucket","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":false,"LogFileValidationEnabled":false,"IsOrganizationTrail":false`
	answer := func(name, recursive string) string {
		return `{"Name":"` + name + `","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/` + name + `",` + described + `,"RecursiveLogging":` + recursive + `}`
	}
	c.ok("CreateTrail", `{"Name":"explicit","S3BucketName":"bucket","RecursiveLogging":true}`, answer("explicit", "true"))
	c.ok("CreateTrail", `{"Name":"never","S3BucketName":"bucket","RecursiveLogging":false}`, answer("never", "false"))
	if !c.trail("never").NoRecursion || c.trail("explicit").NoRecursion {
		t.Error("CreateTrail mixes it up")
	}
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, answer("audit", "true"))
	c.ok("StartLogging", `{"Name":"audit"}`, `{}`)
	c.ok("UpdateTrail", `{"Name":"audit","RecursiveLogging":true}`, answer("audit", "true"))
	if n := len(c.trail("audit").Spans); n != 1 {
		t.Errorf("%d spans after nothing changed", n)
	}
	at := c.journal.end
	c.ok("UpdateTrail", `{"Name":"audit","RecursiveLogging":false}`, answer("audit", "false"))
	tr := c.trail("audit")
	if len(tr.Spans) != 2 || tr.Spans[0].Selection.NoRecursion || tr.Spans[0].To.Seq != at.Seq || !tr.NoRecursion {
		t.Fatalf("%+v", tr)
	}
	c.ok("UpdateTrail", `{"Name":"audit","S3KeyPrefix":"","IsMultiRegionTrail":true}`, "")
	c.ok("PutEventSelectors", `{"TrailName":"audit","EventSelectors":[{"ReadWriteType":"All"}]}`, "")
	c.ok("PutInsightSelectors", `{"TrailName":"audit","InsightSelectors":[]}`, "")
	if !c.trail("audit").NoRecursion {
		t.Error("another change turns recursive logging on again")
	}
	const trail = `{"Name":"audit","TrailARN":"` + auditARN + `","HomeRegion":"eu-west-1","S3BucketName":"bucket","IncludeGlobalServiceEvents":true,
		"IsMultiRegionTrail":true,"LogFileValidationEnabled":false,"HasCustomEventSelectors":true,"HasInsightSelectors":false,"IsOrganizationTrail":false,"RecursiveLogging":false}`
	c.ok("GetTrail", `{"Name":"audit"}`, `{"Trail":`+trail+`}`)
	c.ok("DescribeTrails", `{"trailNameList":["audit"]}`, `{"trailList":[`+trail+`]}`)
}
