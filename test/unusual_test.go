//go:build e2e

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

// TestUnusual shows unusual activity to whoever does not want to wait for a day: with
// the baseline and the calls a minute that flags of serve ask for, in the event
// history and in the bucket; of management events and of data events.
func TestUnusual(t *testing.T) {
	t.Parallel()
	aws := kit.Tool(t, "aws")
	e := kit.StartEngine(t, t.TempDir(), "--account", account, "--insight-baseline", "1s", "--insight-calls", "4")
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", "--var", "account_id="+account, kit.Repository(t, "examples", "own-bucket"))
	const name = "digitalmarketplaces-account-cloudtrail"
	const selectors = `[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::watched/"]}]}]`
	const insights = `[{"InsightType":"ApiCallRateInsight","EventCategories":["Management","Data"]}]`
	c.Must(t, aws, "cloudtrail", "put-event-selectors", "--trail-name", name, "--event-selectors", selectors)
	c.Must(t, aws, "cloudtrail", "put-insight-selectors", "--trail-name", name, "--insight-selectors", insights)
	c.Must(t, aws, "s3", "mb", "s3://watched")
	// Not across the end of a minute.
	if left := time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)); left < 20*time.Second {
		time.Sleep(left)
	}
	people, objects := iam.NewFromConfig(e.Config(t, "")), s3.NewFromConfig(e.Config(t, ""), pathStyle)
	bucket, watched := "s3://digitalmarketplaces-account-cloudtrail-bucket", "watched"
	for i := range 8 {
		user := fmt.Sprint("user", i)
		do(t, people.CreateUser, &iam.CreateUserInput{UserName: &user})
		do(t, objects.PutObject, &s3.PutObjectInput{Bucket: &watched, Key: &user, Body: strings.NewReader("x")})
	}
	source := "arn:aws:cloudtrail:eu-west-1:" + account + ":trail/" + name
	// A minute is counted 10 s after its end, and delivery follows.
	deadline := time.Now().Add(100 * time.Second)
	for {
		found := lookup(t, c, aws, "--event-category", "insight")
		var ofData struct{ Events []lookedUp }
		c.JSON(t, &ofData, aws, "cloudtrail", "list-insights-data", "--data-type", "InsightsEvents", "--insight-source", source, "--dimensions", "EventName=PutObject")
		listed := c.Must(t, aws, "s3", "ls", "--recursive", bucket)
		if len(found) > 0 && len(ofData.Events) > 0 && strings.Contains(listed, "/CloudTrail-Insight/us-east-1/") && strings.Contains(listed, "/CloudTrail-Insight/eu-west-1/") {
			if x := found[len(found)-1]; x.EventName != "CreateUser" || !strings.Contains(x.CloudTrailEvent, `"insight":{"average":8}`) {
				t.Errorf("found %+v", x)
			}
			for _, x := range ofData.Events {
				if x.EventSource != "s3.amazonaws.com" || !strings.Contains(x.CloudTrailEvent, `"insightSource":"`+source+`"`) || !strings.Contains(x.CloudTrailEvent, `"insight":{"average":8}`) {
					t.Errorf("of data events, found %+v", x)
				}
			}
			if len(found) > 1 && found[0].EventName == "PutObject" {
				t.Error("LookupEvents has Insights events of data events")
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no Insights event in the history and the bucket: %v %v %s", found, ofData, listed)
		}
		time.Sleep(2 * time.Second)
	}
}
