//go:build e2e

package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trails "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"cairn/event"
	"cairn/test/kit"
)

// TestLargeRecord makes calls whose parameters and answer are larger than a record
// may be: its record says that they are omitted, in the bucket and in the log group.
func TestLargeRecord(t *testing.T) {
	e := kit.StartEngine(t, t.TempDir(), "--account", account)
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", "--var", "account_id="+account, kit.Repository(t, "examples", "own-bucket"))
	const name, group = "digitalmarketplaces-account-cloudtrail", "digitalmarketplaces-account-cloudtrail-cloudtrail-log-group"
	ct := cloudtrail.NewFromConfig(e.Config(t, ""))
	selectors := func(values, length int) *cloudtrail.PutEventSelectorsInput {
		var list []string
		for i := range values {
			prefix := fmt.Sprintf("arn:aws:s3:::b/%d/", i)
			list = append(list, prefix+strings.Repeat("x", length-len(prefix)))
		}
		return &cloudtrail.PutEventSelectorsInput{TrailName: aws.String(name), AdvancedEventSelectors: []trails.AdvancedEventSelector{
			{FieldSelectors: []trails.AdvancedFieldSelector{{Field: aws.String("eventCategory"), Equals: []string{"Management"}}}},
			{FieldSelectors: []trails.AdvancedFieldSelector{
				{Field: aws.String("eventCategory"), Equals: []string{"Data"}},
				{Field: aws.String("resources.type"), Equals: []string{"AWS::S3::Object"}},
				{Field: aws.String("resources.ARN"), StartsWith: list},
			}},
		}}
	}
	// 95 KB in each direction fit; 900 KB do not.
	whole := requestID(do(t, ct.PutEventSelectors, selectors(50, 1900)).ResultMetadata)
	cut := requestID(do(t, ct.PutEventSelectors, selectors(450, 2000)).ResultMetadata)
	got := do(t, ct.GetEventSelectors, &cloudtrail.GetEventSelectorsInput{TrailName: aws.String(name)})
	if n := len(got.AdvancedEventSelectors[1].FieldSelectors[2].StartsWith); n != 450 {
		t.Errorf("the call set %d values", n)
	}
	logs := cloudwatchlogs.NewFromConfig(e.Config(t, ""))
	for id, omitted := range map[string]bool{whole: false, cut: true} {
		var message string
		kit.Eventually(t, "the record in the log group", func() bool {
			pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: aws.String(group), FilterPattern: aws.String(`{ $.requestID = "` + id + `" }`),
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Events {
					message = *e.Message
				}
			}
			return message != ""
		})
		var r struct{ EventName, RequestParameters, ResponseElements json.RawMessage }
		if err := json.Unmarshal([]byte(message), &r); err != nil {
			t.Fatal(err)
		}
		const marker = `{"omitted":true}`
		if string(r.EventName) != `"PutEventSelectors"` || len(message) > event.MaxBytes ||
			(string(r.RequestParameters) == marker) != omitted || (string(r.ResponseElements) == marker) != omitted {
			t.Errorf("omitted %v: %d bytes, %.60s %.60s", omitted, len(message), r.RequestParameters, r.ResponseElements)
		}
		if !omitted && len(message) < 190_000 {
			t.Errorf("a record of %d bytes lacks something", len(message))
		}
	}
	// The bucket has the same.
	kit.Eventually(t, "the record in the bucket", func() bool {
		out, _ := c.Run(t, kit.Binary(t), "search", "s3://digitalmarketplaces-account-cloudtrail-bucket", cut)
		return strings.Contains(out, `"requestParameters":{"omitted":true},"responseElements":{"omitted":true}`)
	})
}
