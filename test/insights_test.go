//go:build e2e

package test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/test/kit"
)

// insights runs a Logs Insights query with the genuine aws CLI and returns each
// row's fields.
func insights(t testing.TB, c kit.Client, group, query string) (rows []map[string]string) {
	t.Helper()
	awsCLI := kit.Tool(t, "aws")
	var started struct {
		QueryID string `json:"queryId"`
	}
	now := time.Now()
	c.JSON(t, &started, awsCLI, "logs", "start-query", "--log-group-name", group, "--query-string", query,
		"--start-time", strconv.FormatInt(now.Add(-time.Hour).Unix(), 10), "--end-time", strconv.FormatInt(now.Unix(), 10))
	var result struct {
		Status     string
		Statistics struct{ RecordsMatched, RecordsScanned float64 }
		Results    [][]struct{ Field, Value string }
	}
	kit.Eventually(t, "the end of the query", func() bool {
		c.JSON(t, &result, awsCLI, "logs", "get-query-results", "--query-id", started.QueryID)
		return result.Status != "Running" && result.Status != "Scheduled"
	})
	if result.Status != "Complete" || result.Statistics.RecordsMatched > result.Statistics.RecordsScanned {
		t.Errorf("%s: %+v", query, result)
	}
	for _, row := range result.Results {
		fields := map[string]string{}
		for _, f := range row {
			fields[f.Field] = f.Value
		}
		rows = append(rows, fields)
	}
	return rows
}

// TestInsights asks a trail's log group, with the aws CLI, what the sample
// queries for CloudTrail logs ask; then with the SDK.
func TestInsights(t *testing.T) {
	awsCLI := kit.Tool(t, "aws")
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	c.Must(t, kit.Binary(t), "apply", "--auto-approve", "--var", "account_id=111122223333", kit.Repository(t, "examples", "own-bucket"))
	for range 3 {
		c.Must(t, awsCLI, "ec2", "run-instances", "--image-id", "ami-0123456789abcdef0", "--instance-type", "t3.micro")
	}
	c.Must(t, awsCLI, "iam", "create-user", "--user-name", "ada")
	if _, code := c.Run(t, awsCLI, "cloudtrail", "get-trail", "--name", "none"); code == 0 {
		t.Error("a trail that is not there was found")
	}
	const group = "digitalmarketplaces-account-cloudtrail-cloudtrail-log-group"
	kit.Eventually(t, "the failed GetTrail in the log group", func() bool {
		return len(insights(t, c, group, `filter eventName = "GetTrail" and ispresent(errorCode) | fields eventName`)) == 1
	})

	counts := insights(t, c, group, `stats count(*) by eventSource, eventName, awsRegion | sort eventName`)
	if !slices.ContainsFunc(counts, func(r map[string]string) bool {
		return r["eventSource"] == "ec2.amazonaws.com" && r["eventName"] == "RunInstances" && r["awsRegion"] == kit.Region && r["count(*)"] == "3"
	}) {
		t.Errorf("counts: %v", counts)
	}
	for query, want := range map[string]map[string]string{
		`filter eventSource="ec2.amazonaws.com" and eventName="RunInstances" | stats count()`: {"count()": "3"},
		`filter eventName="CreateUser" | fields awsRegion, requestParameters.userName, responseElements.user.arn | display requestParameters.userName, responseElements.user.arn`: {
			"requestParameters.userName": "ada", "responseElements.user.arn": "arn:aws:iam::111122223333:user/ada",
		},
		`filter eventName="GetTrail" and ispresent(errorCode) | stats count(*) as n by errorCode`: {"errorCode": "TrailNotFoundException", "n": "1"},
	} {
		rows := insights(t, c, group, query)
		if len(rows) != 1 {
			t.Errorf("%s: %v", query, rows)
			continue
		}
		for field, value := range want {
			if rows[0][field] != value {
				t.Errorf("%s: %s is %q, want %q", query, field, rows[0][field], value)
			}
		}
	}

	// The whole event behind a row.
	row := insights(t, c, group, `filter eventName = "CreateUser" | fields eventID`)[0]
	var whole struct{ LogRecord map[string]string }
	c.JSON(t, &whole, awsCLI, "logs", "get-log-record", "--log-record-pointer", row["@ptr"])
	if whole.LogRecord["eventID"] != row["eventID"] || !strings.Contains(whole.LogRecord["@message"], row["eventID"]) {
		t.Errorf("the record of %v is %v", row, whole.LogRecord)
	}

	now := strconv.FormatInt(time.Now().Unix(), 10)
	_, errs, code := c.Both(t, awsCLI, "logs", "start-query", "--log-group-name", group, "--query-string", "fields a | filtr b", "--start-time", "1", "--end-time", now)
	if code == 0 || !strings.Contains(errs, "MalformedQueryException") || !strings.Contains(errs, "did you mean filter?") {
		t.Errorf("a query that cannot be read ended with %d: %s", code, errs)
	}
	kit.Eventually(t, "StartQuery in the log group", func() bool {
		rows := insights(t, c, group, `filter eventName = "StartQuery" and requestParameters.queryString like "ispresent" | fields responseElements.queryId, readOnly | limit 1`)
		return len(rows) == 1 && rows[0]["responseElements.queryId"] != "" && rows[0]["readOnly"] == "1"
	})
	insightsSDK(t, e, group)
}

// insightsSDK runs a query over two log groups with the Go SDK.
func insightsSDK(t *testing.T, e *kit.Engine, group string) {
	t.Helper()
	ctx, client := t.Context(), cloudwatchlogs.NewFromConfig(e.Config(t, ""))
	name, stream := aws.String("other"), aws.String("s")
	if _, err := client.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: name, LogStreamName: stream}); err != nil {
		t.Fatal(err)
	}
	var events []types.InputLogEvent
	for i := range 100 {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(fmt.Sprintf("user=u%d took %d ms", i%3, i))})
	}
	if _, err := client.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: name, LogStreamName: stream, LogEvents: events}); err != nil {
		t.Fatal(err)
	}
	started, err := client.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{
		LogGroupNames: []string{"other", group}, StartTime: aws.Int64(0), EndTime: aws.Int64(time.Now().Unix() + 1),
		QueryString: aws.String(`parse @message "user=* took * ms" as user, ms | filter ispresent(ms) | stats count(*) as n, max(ms) as most, pct(ms, 50) as half by user, @log`),
	})
	if err != nil {
		t.Fatal(err)
	}
	var out *cloudwatchlogs.GetQueryResultsOutput
	kit.Eventually(t, "the end of the query", func() bool {
		if out, err = client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId}); err != nil {
			t.Fatal(err)
		}
		return out.Status == types.QueryStatusComplete
	})
	var got []string
	for _, row := range out.Results {
		var cells []string
		for _, f := range row {
			cells = append(cells, *f.Value)
		}
		got = append(got, strings.Join(cells, " "))
	}
	want := []string{"u0 111122223333:other 34 99 48", "u1 111122223333:other 33 97 49", "u2 111122223333:other 33 98 50"}
	if !slices.Equal(got, want) {
		t.Errorf("the SDK reads %q, want %q", got, want)
	}
	if out.Statistics.RecordsMatched != 100 || out.Statistics.RecordsScanned <= 100 || out.Statistics.LogGroupsScanned != 2 {
		t.Errorf("statistics %+v", out.Statistics)
	}
}
