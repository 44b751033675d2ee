package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/call"
)

func TestPutRejects(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	day := 24 * time.Hour
	r := e.put("g", "s", at(ago(14*day+time.Hour), "too old"), at(ago(14*day-time.Hour), "old")).RejectedLogEventsInfo
	if r == nil || aws.ToInt32(r.TooOldLogEventEndIndex) != 1 || r.TooNewLogEventStartIndex != nil || r.ExpiredLogEventEndIndex != nil {
		t.Errorf("too old: %+v", r)
	}
	r = e.put("g", "s", at(ago(0), "now"), at(ago(-3*time.Hour), "too new")).RejectedLogEventsInfo
	if r == nil || aws.ToInt32(r.TooNewLogEventStartIndex) != 1 || r.TooOldLogEventEndIndex != nil {
		t.Errorf("too new: %+v", r)
	}
	must[*cwl.PutRetentionPolicyOutput](t)(e.PutRetentionPolicy(ctx, &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(1)}))
	r = e.put("g", "s", at(ago(25*time.Hour), "expired"), at(ago(2*time.Hour), "kept")).RejectedLogEventsInfo
	if r == nil || aws.ToInt32(r.ExpiredLogEventEndIndex) != 1 {
		t.Errorf("expired: %+v", r)
	}
	out := e.put("g", "s", at(ago(time.Hour), "fine"))
	if out.RejectedLogEventsInfo != nil || out.NextSequenceToken == nil {
		t.Errorf("nothing to reject: %+v", out)
	}
	// "old" is older than the retention that was set since.
	if d := cmp.Diff([]string{"kept", "fine", "now"}, filterAll(e, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")})); d != "" {
		t.Error(d)
	}
	if got, want := e.rec.calls[2], (recorded{op: "PutLogEvents", request: `{"logGroupName":"g","logStreamName":"s"}`, data: true}); got != want {
		t.Errorf("recorded %+v, want %+v", got, want)
	}
}

func filterAll(e *engine, in *cwl.FilterLogEventsInput) []string {
	e.t.Helper()
	var out []string
	p := cwl.NewFilterLogEventsPaginator(e, in)
	for p.HasMorePages() {
		for _, x := range must[*cwl.FilterLogEventsOutput](e.t)(p.NextPage(e.t.Context())).Events {
			out = append(out, *x.Message)
		}
	}
	return out
}

func TestFilterInterleaves(t *testing.T) {
	e := start(t)
	e.make("g", "a1", "a2", "b")
	base := ago(time.Hour)
	var want []string
	for i := range int64(30) {
		stream := []string{"a1", "a2", "b"}[i%3]
		e.put("g", stream, at(base+i, fmt.Sprint(i)), at(base+100+i, fmt.Sprint(100+i)))
	}
	for i := range 30 {
		want = append(want, fmt.Sprint(i))
	}
	for i := range 30 {
		want = append(want, fmt.Sprint(100+i))
	}
	for _, limit := range []int32{1, 7, 10000} {
		in := &cwl.FilterLogEventsInput{LogGroupIdentifier: aws.String(prefix + "g"), Limit: &limit}
		if d := cmp.Diff(want, filterAll(e, in)); d != "" {
			t.Errorf("limit %d: %s", limit, d)
		}
	}
	back := slices.Clone(want)
	slices.Reverse(back)
	in := &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), StartFromHead: aws.Bool(false), StartTime: aws.Int64(base), Limit: aws.Int32(11)}
	if d := cmp.Diff(back, filterAll(e, in)); d != "" {
		t.Errorf("backward: %s", d)
	}
	in = &cwl.FilterLogEventsInput{
		LogGroupName: aws.String("g"), LogStreamNamePrefix: aws.String("a"), StartTime: aws.Int64(base + 3), EndTime: aws.Int64(base + 7), Limit: aws.Int32(2),
	}
	if d := cmp.Diff([]string{"3", "4", "6", "7"}, filterAll(e, in)); d != "" {
		t.Errorf("prefix and times (both included): %s", d)
	}
	in = &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), LogStreamNames: []string{"b"}, EndTime: aws.Int64(base + 8)}
	if d := cmp.Diff([]string{"2", "5", "8"}, filterAll(e, in)); d != "" {
		t.Errorf("one stream: %s", d)
	}
}

// TestFollow does what "aws logs tail --follow" does: it reads all pages, then
// starts again from the newest timestamp it saw and skips event ids it knows.
func TestFollow(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "a", "b")
	base := ago(time.Minute)
	seen, newest := map[string]bool{}, base
	var got []string
	poll := func() {
		in := &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), StartTime: aws.Int64(newest), Limit: aws.Int32(2)}
		p := cwl.NewFilterLogEventsPaginator(e, in)
		for p.HasMorePages() {
			out := must[*cwl.FilterLogEventsOutput](t)(p.NextPage(ctx))
			if out.SearchedLogStreams == nil {
				t.Error("searchedLogStreams is missing")
			}
			for _, x := range out.Events {
				if !seen[*x.EventId] {
					seen[*x.EventId] = true
					got = append(got, *x.Message)
				}
				newest = max(newest, *x.Timestamp)
			}
		}
	}
	var want []string
	for i := range int64(5) {
		for _, s := range []string{"a", "b"} {
			for n := range int64(3) {
				e.put("g", s, at(base+i, fmt.Sprint(s, i, n)))
				want = append(want, fmt.Sprint(s, i, n))
			}
			poll()
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestGetLogEvents(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	get := func(head bool, token *string) (string, *cwl.GetLogEventsOutput) {
		t.Helper()
		out := must[*cwl.GetLogEventsOutput](t)(e.GetLogEvents(ctx, &cwl.GetLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), Limit: aws.Int32(3), StartFromHead: &head, NextToken: token,
		}))
		var list []string
		for _, x := range out.Events {
			list = append(list, *x.Message)
		}
		return strings.Join(list, " "), out
	}
	got, empty := get(false, nil)
	if got != "" || !strings.HasPrefix(*empty.NextForwardToken, "f/") || !strings.HasPrefix(*empty.NextBackwardToken, "b/") {
		t.Errorf("empty stream: %q, %+v", got, empty)
	}
	base := ago(time.Hour)
	for i := range int64(8) {
		e.put("g", "s", at(base+i/2, fmt.Sprint(i)))
	}
	// A reader who began with the empty stream sees what came.
	if got, _ := get(true, empty.NextForwardToken); got != "0 1 2" {
		t.Errorf("after the empty page: %s", got)
	}
	tail, out := get(false, nil)
	if tail != "5 6 7" {
		t.Errorf("tail: %s", tail)
	}
	got, end := get(true, out.NextForwardToken)
	if got != "" || *end.NextForwardToken != *out.NextForwardToken {
		t.Errorf("at the end: %q, token %s after %s", got, *end.NextForwardToken, *out.NextForwardToken)
	}
	if got, _ = get(false, end.NextBackwardToken); got != "5 6 7" {
		t.Errorf("back from the end: %s", got)
	}
	e.put("g", "s", at(base+9, "8"))
	if got, _ = get(true, out.NextForwardToken); got != "8" {
		t.Errorf("followed: %s", got)
	}
	var all []string
	for token := out.NextBackwardToken; ; {
		page, back := get(false, token)
		if page != "" {
			all = append(all, page)
		}
		if *back.NextBackwardToken == *token {
			break
		}
		token = back.NextBackwardToken
	}
	if d := cmp.Diff([]string{"2 3 4", "0 1"}, all); d != "" {
		t.Error(d)
	}
	// The start is included, the end is not.
	page := must[*cwl.GetLogEventsOutput](t)(e.GetLogEvents(ctx, &cwl.GetLogEventsInput{
		LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), StartTime: aws.Int64(base + 1), EndTime: aws.Int64(base + 2),
	}))
	if len(page.Events) != 2 || *page.Events[0].Message != "2" || *page.Events[0].IngestionTime < base {
		t.Errorf("time range: %d events", len(page.Events))
	}
}

// TestToken repeats a call of the engine's own, as a delivery does that crashed
// before it heard the answer.
func TestToken(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	for range 2 {
		c := &call.Call{
			API: e.api, Op: e.api.Operations["PutLogEvents"], Principal: root(account), Region: region, Start: time.Now(), Token: "trail/1-2",
			Input: &cwl.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: []types.InputLogEvent{at(ago(0), "once")}},
		}
		if _, err := e.d.Do(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"once"}, filterAll(e, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")})); d != "" {
		t.Error(d)
	}
}

// TestPageOfBytes fills more than a page of one megabyte.
func TestPageOfBytes(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	big := strings.Repeat("x", 400<<10)
	base := ago(time.Hour)
	for i := range int64(5) {
		e.put("g", "s", at(base+i, big))
	}
	out := must[*cwl.FilterLogEventsOutput](t)(e.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")}))
	if len(out.Events) != 2 || out.NextToken == nil {
		t.Errorf("%d events on a page", len(out.Events))
	}
	if got := filterAll(e, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")}); len(got) != 5 {
		t.Errorf("%d events on all pages", len(got))
	}
	largest := strings.Repeat("y", 1<<20-26)
	e.put("g", "s", at(ago(0), largest))
	get := must[*cwl.GetLogEventsOutput](t)(e.GetLogEvents(ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}))
	if len(get.Events) != 1 || *get.Events[0].Message != largest {
		t.Errorf("the largest event came back with %d others", len(get.Events)-1)
	}
}
