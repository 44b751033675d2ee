package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/event"
	"cairn/internal/insight"
)

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

// TestHistory: a call can be looked up as soon as it is answered, and after a
// restart; another account does not see it.
func TestHistory(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	if err := AddAccount(t.Context(), dir, "444455556666"); err != nil {
		t.Fatal(err)
	}
	found := func(account string) (names []string) {
		t.Helper()
		c := config(t, e, account)
		c.Region = "us-east-1"
		out, err := cloudtrail.NewFromConfig(c).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{
			LookupAttributes: []types.LookupAttribute{{AttributeKey: types.LookupAttributeKeyEventSource, AttributeValue: aws.String("iam.amazonaws.com")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range out.Events {
			names = append(names, *x.EventName)
		}
		return names
	}
	users := iam.NewFromConfig(config(t, e, account))
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
		t.Fatal(err)
	}
	if got := found(account); len(got) != 1 || got[0] != "CreateUser" {
		t.Errorf("found %q", got)
	}
	end(t, e)
	e = open(t, Options{Dir: dir})
	if got := found(account); len(got) != 1 || got[0] != "CreateUser" {
		t.Errorf("after a restart, found %q", got)
	}
	if got := found("444455556666"); len(got) != 0 {
		t.Errorf("another account found %q", got)
	}
}

// TestInsights: unusual activity reaches the trail's bucket and the event history.
// The records that show it are put into the journal, with times to come: a minute
// is closed by the records after it.
func TestInsights(t *testing.T) {
	dir := t.TempDir()
	rules := insight.Rules{MinBaseline: time.Nanosecond}
	e := open(t, Options{Dir: dir, InsightRules: rules})
	c := config(t, e, account)
	objects := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
	trails := cloudtrail.NewFromConfig(c)
	bucket, name := aws.String("logs"), aws.String("audit")
	_, err := objects.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraintEuWest1},
	})
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::logs","arn:aws:s3:::logs/*"]}}`
	if _, err := objects.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
	if _, err := trails.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{Name: name, S3BucketName: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := trails.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: name}); err != nil {
		t.Fatal(err)
	}
	_, err = trails.PutInsightSelectors(t.Context(), &cloudtrail.PutInsightSelectorsInput{
		TrailName: name, InsightSelectors: []types.InsightSelector{{InsightType: types.InsightTypeApiCallRateInsight}},
	})
	if err != nil {
		t.Fatal(err)
	}
	add := func(after time.Duration, n int) {
		t.Helper()
		var list []event.Entry
		for i := range n {
			r := event.Record{
				EventVersion: "1.10", EventTime: time.Now().Add(after), EventSource: "ec2.amazonaws.com", EventName: "TerminateInstances", AWSRegion: "eu-west-1",
				EventID: fmt.Sprintf("%v-%d", after, i), EventType: event.APICall, EventCategory: event.Management, ManagementEvent: true, RecipientAccountID: account,
			}
			list = append(list, r.Encode(false))
		}
		if err := e.journal.Append(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
	}
	insights := func() (list []types.Event) {
		t.Helper()
		out, err := cloudtrail.NewFromConfig(config(t, e, account)).LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{EventCategory: types.EventCategoryInsight})
		if err != nil {
			t.Fatal(err)
		}
		return out.Events
	}
	add(time.Minute, 40)
	add(4*time.Minute, 1)
	eventually(t, "start of the activity in the event history", func() bool { return len(insights()) == 1 })
	end(t, e) // and on again in the middle of it
	e = open(t, Options{Dir: dir, InsightRules: rules})
	objects = s3.NewFromConfig(config(t, e, account), func(o *s3.Options) { o.UsePathStyle = true })
	add(20*time.Minute, 1)
	eventually(t, "end of the activity in the event history", func() bool { return len(insights()) == 2 })
	for i, state := range []string{"End", "Start"} {
		x := insights()[i]
		if *x.EventName != "TerminateInstances" || *x.EventSource != "ec2.amazonaws.com" || x.ReadOnly != nil || !strings.Contains(*x.CloudTrailEvent, `"state":"`+state+`"`) {
			t.Errorf("%s", *x.CloudTrailEvent)
		}
	}
	eventually(t, "Insights events in the bucket", func() bool {
		out, err := objects.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("AWSLogs/" + account + "/CloudTrail-Insight/eu-west-1/")})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Contents) == 2
	})
}
