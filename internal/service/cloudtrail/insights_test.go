package cloudtrail

import (
	"encoding/json"
	"testing"
	"time"

	"cairn/internal/history"
	"cairn/internal/lake"
)

// withObjects makes a trail that logs data events of S3.
func (c *client) withObjects() {
	c.Helper()
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.ok("PutEventSelectors", `{"TrailName":"audit","EventSelectors":[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3"]}]}]}`, "")
	c.ok("StartLogging", `{"Name":"audit"}`, "")
}

func TestInsightsOfDataEvents(t *testing.T) {
	c := newClient(t)
	c.withObjects()
	for put, answer := range map[string]string{
		`[{"InsightType":"ApiCallRateInsight","EventCategories":["Data"]}]`:                                                    "",
		`[{"InsightType":"ApiErrorRateInsight","EventCategories":["Management","Data"]}]`:                                      "",
		`[{"InsightType":"ApiErrorRateInsight","EventCategories":["Data","Management"]},{"InsightType":"ApiCallRateInsight"}]`: `[{"InsightType":"ApiErrorRateInsight","EventCategories":["Management","Data"]},{"InsightType":"ApiCallRateInsight"}]`,
		`[]`: "",
	} {
		if answer == "" {
			answer = put
		}
		c.ok("PutInsightSelectors", `{"TrailName":"audit","InsightSelectors":`+put+`}`, `{"TrailARN":"`+auditARN+`","InsightSelectors":`+answer+`}`)
		if put != "[]" {
			c.ok("GetInsightSelectors", `{"TrailName":"audit"}`, `{"TrailARN":"`+auditARN+`","InsightSelectors":`+answer+`}`)
		}
	}
	// What is given replaces what there was, of both categories.
	c.ok("PutInsightSelectors", `{"TrailName":"audit","InsightSelectors":[{"InsightType":"ApiCallRateInsight"}]}`, "")
	c.ok("PutInsightSelectors", `{"TrailName":"audit","InsightSelectors":[{"InsightType":"ApiCallRateInsight","EventCategories":["Data"]}]}`, "")
	if tr := c.trail("audit"); len(tr.Insights) != 0 || len(tr.DataInsights) != 1 {
		t.Errorf("%+v", tr.Selection)
	}
}

func TestListInsightsData(t *testing.T) {
	c := newClient(t)
	c.withObjects()
	at := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	c.history.page = history.Page{More: true, Next: lake.Position{Timestamp: 5, Seq: 6, Index: 7}, Events: []history.Event{
		{ID: "1", Name: "PutObject", Source: "s3.amazonaws.com", Time: at, Record: []byte(`{"eventID":"1"}`)},
	}}
	const query = `"DataType":"InsightsEvents","InsightSource":"` + auditARN + `","MaxResults":7,"Dimensions":{"EventName":"PutObject"}`
	got, err := c.do("ListInsightsData", `{`+query+`}`)
	var out struct {
		NextToken string
		Events    []struct{ EventName, CloudTrailEvent string }
	}
	if err != nil || json.Unmarshal([]byte(got), &out) != nil || len(out.Events) != 1 || out.Events[0].EventName != "PutObject" || out.Events[0].CloudTrailEvent != `{"eventID":"1"}` {
		t.Fatal(got, err)
	}
	want := history.Query{Account: account, Region: region, Insight: true, Trail: auditARN, Attribute: history.EventName, Value: "PutObject", Limit: 7}
	if c.history.asked != want {
		t.Errorf("asked for %+v", c.history.asked)
	}
	c.now = c.now.Add(time.Second)
	c.ok("ListInsightsData", `{`+query+`,"NextToken":"`+out.NextToken+`"}`, "")
	if a := c.history.asked.After; a == nil || *a != c.history.page.Next {
		t.Errorf("went on from %v", a)
	}
	c.now = c.now.Add(time.Second)
	c.refused("ListInsightsData", `{`+query[:len(query)-2]+`s"},"NextToken":"`+out.NextToken+`"}`, "InvalidParameterException", "")
	c.refused("LookupEvents", `{"NextToken":"`+out.NextToken+`"}`, "InvalidNextTokenException", "")
	c.ok("UpdateTrail", `{"Name":"audit","IsOrganizationTrail":true}`, "")
	c.who = root(member)
	c.refused("ListInsightsData", `{`+query+`}`, "OperationNotPermittedException", account)
}
