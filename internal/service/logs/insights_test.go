package logs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

// query runs a query over the last two hours of log groups and waits for its
// end.
func (e *engine) query(text string, groups ...string) (id string, out *cwl.GetQueryResultsOutput) {
	e.t.Helper()
	started := must[*cwl.StartQueryOutput](e.t)(e.StartQuery(e.t.Context(), &cwl.StartQueryInput{
		LogGroupNames: groups, QueryString: &text,
		StartTime: aws.Int64(ago(2*time.Hour) / 1000), EndTime: aws.Int64(ago(0) / 1000),
	}))
	return *started.QueryId, e.results(*started.QueryId)
}

func (e *engine) results(id string) *cwl.GetQueryResultsOutput {
	e.t.Helper()
	for range 1000 {
		out := must[*cwl.GetQueryResultsOutput](e.t)(e.GetQueryResults(e.t.Context(), &cwl.GetQueryResultsInput{QueryId: &id}))
		if out.Status != types.QueryStatusRunning && out.Status != types.QueryStatusScheduled {
			return out
		}
		time.Sleep(10 * time.Millisecond) // as any client waits
	}
	e.t.Fatalf("query %s does not end", id)
	return nil
}

// lines returns rows as text, without @ptr.
func lines(rows [][]types.ResultField) []string {
	list := []string{}
	for _, row := range rows {
		var cells []string
		for _, f := range row {
			if *f.Field != "@ptr" {
				cells = append(cells, *f.Field+"="+*f.Value)
			}
		}
		list = append(list, strings.Join(cells, " "))
	}
	return list
}

func TestInsights(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s1", "s2")
	e.make("h", "s")
	base := ago(time.Hour)
	for i := range int64(6) {
		e.put("g", fmt.Sprintf("s%d", 1+i%2), at(base+i, fmt.Sprintf(`{"eventName":"Name%d","n":%d,"user":{"name":"ada"}}`, i%2, i)))
	}
	e.put("h", "s", at(ago(3*time.Hour), `{"eventName":"TooOld"}`), at(base, `{"eventName":"Name7","n":7}`))

	id, out := e.query(`stats count(*) as n, max(n) by eventName, @log`, "g", "h")
	want := []string{
		"eventName=Name0 @log=111122223333:g n=3 max(n)=4",
		"eventName=Name1 @log=111122223333:g n=3 max(n)=5",
		"eventName=Name7 @log=111122223333:h n=1 max(n)=7",
	}
	if diff := cmp.Diff(want, lines(out.Results)); diff != "" || out.Status != types.QueryStatusComplete || out.QueryLanguage != types.QueryLanguageCwli {
		t.Errorf("%s %s", out.Status, diff)
	}
	if s := out.Statistics; s.RecordsMatched != 7 || s.RecordsScanned != 7 || s.LogGroupsScanned != 2 || s.ResultCount != 3 || s.BytesScanned < 7*20 {
		t.Errorf("statistics %+v", s)
	}
	if r := e.rec.find("StartQuery"); !strings.Contains(r.request, `"queryString":"stats count(*) as n, max(n) by eventName, @log"`) || r.data {
		t.Errorf("StartQuery is recorded as %+v", r)
	}

	// The event behind a row.
	_, out = e.query(`filter n = 4 | fields eventName, @logStream`, "g")
	if diff := cmp.Diff([]string{"eventName=Name0 @logStream=s1"}, lines(out.Results)); diff != "" {
		t.Fatal(diff)
	}
	ptr := out.Results[0][2]
	if *ptr.Field != "@ptr" {
		t.Fatalf("the row ends with %s", *ptr.Field)
	}
	record := must[*cwl.GetLogRecordOutput](t)(e.GetLogRecord(ctx, &cwl.GetLogRecordInput{LogRecordPointer: ptr.Value})).LogRecord
	for name, want := range map[string]string{
		"@message": `{"eventName":"Name0","n":4,"user":{"name":"ada"}}`, "@logStream": "s1", "@log": "111122223333:g",
		"eventName": "Name0", "n": "4", "user.name": "ada", "@timestamp": fmt.Sprint(base + 4),
	} {
		if record[name] != want {
			t.Errorf("the record's %s is %q, want %q", name, record[name], want)
		}
	}

	list := must[*cwl.DescribeQueriesOutput](t)(e.DescribeQueries(ctx, &cwl.DescribeQueriesInput{LogGroupName: aws.String("h"), Status: types.QueryStatusComplete}))
	if len(list.Queries) != 1 || *list.Queries[0].QueryId != id || *list.Queries[0].UserIdentity != e.who.ARN || *list.Queries[0].QueryString == "" {
		t.Errorf("queries of h: %+v", list.Queries)
	}
	first := must[*cwl.DescribeQueriesOutput](t)(e.DescribeQueries(ctx, &cwl.DescribeQueriesInput{MaxResults: aws.Int32(1)}))
	second := must[*cwl.DescribeQueriesOutput](t)(e.DescribeQueries(ctx, &cwl.DescribeQueriesInput{MaxResults: aws.Int32(1), NextToken: first.NextToken}))
	if len(first.Queries) != 1 || len(second.Queries) != 1 || *second.Queries[0].QueryId != id || second.NextToken != nil {
		t.Errorf("pages of queries: %+v %+v", first.Queries, second.Queries)
	}
	_, err := e.StopQuery(ctx, &cwl.StopQueryInput{QueryId: &id})
	fails(t, "stopping a query that has ended", err, "InvalidParameterException", "not running")
}

func TestResultPages(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	var events []types.InputLogEvent
	for i := range int64(25) {
		events = append(events, at(ago(time.Hour)+i, fmt.Sprintf(`{"n":%d}`, i)))
	}
	e.put("g", "s", events...)
	id, _ := e.query(`fields n | sort n`, "g")
	var got []string
	in := &cwl.GetQueryResultsInput{QueryId: &id, MaxItems: aws.Int32(10)}
	for page := range 4 {
		out := must[*cwl.GetQueryResultsOutput](t)(e.GetQueryResults(ctx, in))
		got = append(got, lines(out.Results)...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			if page != 2 {
				t.Errorf("there are %d pages", page+1)
			}
			break
		}
	}
	if len(got) != 25 || got[0] != "n=0" || got[24] != "n=24" {
		t.Errorf("pages have %v", got)
	}
	in.NextToken = aws.String("x")
	_, err := e.GetQueryResults(ctx, in)
	fails(t, "a token of no page", err, "InvalidParameterException", "nextToken")
}

func TestInsightsRefused(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	name, fine, now := aws.String("g"), aws.String("fields a"), aws.Int64(ago(0)/1000)
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	for _, tt := range []struct {
		what       string
		in         cwl.StartQueryInput
		code, text string
	}{
		{"bad syntax", cwl.StartQueryInput{LogGroupName: name, QueryString: aws.String("fields a |\n filtr b"), StartTime: now, EndTime: now}, "MalformedQueryException", "unexpected symbol found filtr at line 2 and position 2: expected a command"},
		{"a long query", cwl.StartQueryInput{LogGroupName: name, QueryString: aws.String("fields " + strings.Repeat("a", 10_000)), StartTime: now, EndTime: now}, "MalformedQueryException", "more than 10000"},
		{"an unknown group", cwl.StartQueryInput{LogGroupName: aws.String("none"), QueryString: fine, StartTime: now, EndTime: now}, "ResourceNotFoundException", "log group"},
		{"two ways to name groups", cwl.StartQueryInput{LogGroupName: name, LogGroupNames: []string{"g"}, QueryString: fine, StartTime: now, EndTime: now}, "InvalidParameterException", "exactly one"},
		{"no group", cwl.StartQueryInput{QueryString: fine, StartTime: now, EndTime: now}, "InvalidParameterException", "exactly one"},
		{"51 groups", cwl.StartQueryInput{LogGroupNames: many, QueryString: fine, StartTime: now, EndTime: now}, "InvalidParameterException", "from 1 to 50"},
		{"an end before the start", cwl.StartQueryInput{LogGroupName: name, QueryString: fine, StartTime: now, EndTime: aws.Int64(1)}, "MalformedQueryException", "before the start"},
		{"another language", cwl.StartQueryInput{LogGroupName: name, QueryString: fine, StartTime: now, EndTime: now, QueryLanguage: types.QueryLanguageSql}, "InvalidParameterException", "SQL"},
		{"no rows", cwl.StartQueryInput{LogGroupName: name, QueryString: fine, StartTime: now, EndTime: now, Limit: aws.Int32(0)}, "InvalidParameterException", "limit"},
		{"too many rows", cwl.StartQueryInput{LogGroupName: name, QueryString: fine, StartTime: now, EndTime: now, Limit: aws.Int32(100_001)}, "InvalidParameterException", "100000"},
		{"too many rows, in the query", cwl.StartQueryInput{LogGroupName: name, QueryString: aws.String("fields a | limit 100001"), StartTime: now, EndTime: now}, "MalformedQueryException", "from 1 to 100000"},
	} {
		_, err := e.StartQuery(ctx, &tt.in)
		fails(t, tt.what, err, tt.code, tt.text)
	}
	_, err := e.StartQuery(ctx, &cwl.StartQueryInput{LogGroupName: name, QueryString: aws.String("fields \"é\" | filtr b"), StartTime: now, EndTime: now})
	bad, ok := errors.AsType[*types.MalformedQueryException](err)
	if !ok || bad.QueryCompileError == nil || bad.QueryCompileError.Location == nil {
		t.Fatalf("a query with a fault has the error %#v", err)
	}
	if l := bad.QueryCompileError.Location; aws.ToInt32(l.StartCharOffset) != 13 || aws.ToInt32(l.EndCharOffset) != 18 || !strings.Contains(aws.ToString(bad.QueryCompileError.Message), "did you mean filter?") {
		t.Errorf("the fault is from %d to %d, %q", aws.ToInt32(l.StartCharOffset), aws.ToInt32(l.EndCharOffset), aws.ToString(bad.QueryCompileError.Message))
	}
	_, err = e.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: aws.String("none")})
	fails(t, "an unknown query", err, "ResourceNotFoundException", "query")
	_, err = e.StopQuery(ctx, &cwl.StopQueryInput{QueryId: aws.String("none")})
	fails(t, "stopping an unknown query", err, "ResourceNotFoundException", "query")
	_, err = e.GetLogRecord(ctx, &cwl.GetLogRecordInput{LogRecordPointer: aws.String("AAAA")})
	fails(t, "a pointer to nothing", err, "InvalidParameterException", "pointer")
}

// TestInsightsPermissions checks that every log group of a query must be
// allowed, that a result is its account's only, and that an event is read only
// by who may read its group.
func TestInsightsPermissions(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("mine", "s")
	e.make("theirs", "s")
	e.put("theirs", "s", at(ago(time.Hour), "secret"))
	id, out := e.query("fields @message", "theirs")
	ptr := out.Results[0][len(out.Results[0])-1].Value

	e.who = user(t, `{"Effect":"Allow","Action":["logs:StartQuery","logs:GetLogRecord"],"Resource":"`+prefix+`mine:*"},
		{"Effect":"Allow","Action":["logs:GetQueryResults"],"Resource":"*"}`)
	if _, out := e.query("fields @message", "mine"); out.Status != types.QueryStatusComplete {
		t.Errorf("the query is %s", out.Status)
	}
	_, err := e.StartQuery(ctx, &cwl.StartQueryInput{
		LogGroupNames: []string{"mine", "theirs"}, QueryString: aws.String("fields @message"), StartTime: aws.Int64(0), EndTime: aws.Int64(1),
	})
	fails(t, "a query of a group that is not allowed", err, "AccessDeniedException", "logs:StartQuery on resource: "+prefix+"theirs:log-stream:")
	_, err = e.GetLogRecord(ctx, &cwl.GetLogRecordInput{LogRecordPointer: ptr})
	fails(t, "an event of a group that is not allowed", err, "AccessDeniedException", "logs:GetLogRecord on resource: "+prefix+"theirs")
	_, err = e.DescribeQueries(ctx, &cwl.DescribeQueriesInput{})
	fails(t, "listing queries", err, "AccessDeniedException", "logs:DescribeQueries")

	e.who = root("444455556666")
	_, err = e.GetQueryResults(ctx, &cwl.GetQueryResultsInput{QueryId: &id})
	fails(t, "a result of another account", err, "ResourceNotFoundException", "query")
	_, err = e.GetLogRecord(ctx, &cwl.GetLogRecordInput{LogRecordPointer: ptr})
	fails(t, "an event of another account", err, "AccessDeniedException", "logs:GetLogRecord")
	_, err = e.StartQuery(ctx, &cwl.StartQueryInput{
		LogGroupIdentifiers: []string{prefix + "theirs"}, QueryString: aws.String("fields @message"), StartTime: aws.Int64(0), EndTime: aws.Int64(1),
	})
	fails(t, "a query of another account's group", err, "AccessDeniedException", "logs:StartQuery")
}
