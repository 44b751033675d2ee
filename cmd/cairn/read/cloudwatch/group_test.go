package cloudwatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cairn/cmd/cairn/read/cloudwatch"
	"cairn/internal/scan"
)

// logs is CloudWatch Logs with one group, in pages of two events of which every
// other is empty.
type logs struct {
	created time.Time
	events  []types.FilteredLogEvent
	calls   atomic.Int64
	fail    error
}

func (l *logs) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for _, name := range []string{"trail", "trail-2"} {
		if strings.HasPrefix(name, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: &name, CreationTime: aws.Int64(l.created.UnixMilli())})
		}
	}
	return out, l.fail
}

func (l *logs) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	l.calls.Add(1)
	if l.fail != nil {
		return nil, l.fail
	}
	from := 0
	if in.NextToken != nil {
		from, _ = strconv.Atoi(*in.NextToken)
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	if from%3 == 2 {
		out.NextToken = aws.String(strconv.Itoa(from + 1))
		return out, nil
	}
	var matching []types.FilteredLogEvent
	for _, e := range l.events {
		if *e.Timestamp >= aws.ToInt64(in.StartTime) && (in.EndTime == nil || *e.Timestamp <= *in.EndTime) && strings.Contains(*e.Message, aws.ToString(in.FilterPattern)) {
			matching = append(matching, e)
		}
	}
	at := from / 3 * 2
	out.Events = matching[min(at, len(matching)):min(at+2, len(matching))]
	if at+2 < len(matching) {
		out.NextToken = aws.String(strconv.Itoa(from/3*3 + 2))
	}
	return out, nil
}

var created = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)

// group returns a group with a record each hour, and lines that are none.
func group(t *testing.T, hours int) (*cloudwatch.Group, *logs) {
	t.Helper()
	l := &logs{created: created}
	for i := range hours {
		at := created.Add(time.Duration(i) * time.Hour)
		record := fmt.Sprintf(`{"eventVersion":"1.11","eventTime":%q,"eventName":"E%d","eventID":"%d"}`, at.Format(time.RFC3339), i, i)
		for j, m := range []string{record, "START RequestId", `{"half":`} {
			l.events = append(l.events, types.FilteredLogEvent{
				EventId: aws.String(fmt.Sprintf("%d.%d", i, j)), Timestamp: aws.Int64(at.Add(5 * time.Minute).UnixMilli()), Message: &m,
			})
		}
	}
	g, err := cloudwatch.New(t.Context(), l, "trail")
	if err != nil {
		t.Fatal(err)
	}
	return g, l
}

// names searches a group and returns what is found.
func names(t *testing.T, g *cloudwatch.Group, q scan.Query) (found []string) {
	t.Helper()
	q.Ahead = 48 * time.Hour
	report, err := scan.Search(t.Context(), g.Source(created.Add(100*time.Hour), ""), q, func(m scan.Match) error {
		var r struct{ EventName string }
		if err := json.Unmarshal(m.Record, &r); err != nil {
			return err
		}
		found = append(found, r.EventName)
		return nil
	})
	if err != nil || report.DamagedFiles > 0 {
		t.Errorf("%v, %v", err, report.Damaged)
	}
	return found
}

// TestSource searches a log group as if it were files.
func TestSource(t *testing.T) {
	g, l := group(t, 30)
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("E%d", i))
	}
	if got := names(t, g, scan.Query{Order: scan.OldestFirst}); !slices.Equal(got, all) {
		t.Errorf("oldest first: %v", got)
	}
	slices.Reverse(all)
	if got := names(t, g, scan.Query{Order: scan.NewestFirst}); !slices.Equal(got, all) {
		t.Errorf("newest first: %v", got)
	}
	l.calls.Store(0)
	if got := names(t, g, scan.Query{Order: scan.NewestFirst, Limit: 1, InFlight: 1, Window: scan.Window{From: created.Add(20 * time.Hour)}}); !slices.Equal(got, all[:1]) {
		t.Errorf("newest: %v", got)
	}
	window := scan.Window{From: created.Add(10 * time.Hour), To: created.Add(13 * time.Hour)}
	l.calls.Store(0)
	got := names(t, g, scan.Query{Order: scan.OldestFirst, Window: window})
	if want := []string{"E10", "E11", "E12"}; !slices.Equal(got, want) {
		t.Errorf("in a window: %v, want %v", got, want)
	}
}

// TestEvents pages through a group, and tells what fails.
func TestEvents(t *testing.T) {
	g, l := group(t, 3)
	var ids []string
	err := g.Events(t.Context(), created.Add(time.Hour), time.Time{}, "eventName", func(e cloudwatch.Event) error {
		ids = append(ids, e.ID)
		return nil
	})
	if want := []string{"1.0", "2.0"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("got %v, %v; want %v", ids, err, want)
	}
	enough := errors.New("enough")
	if err := g.Events(t.Context(), time.Time{}, time.Time{}, "", func(cloudwatch.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	l.fail = errors.New("slow down")
	if err := g.Events(t.Context(), time.Time{}, time.Time{}, "", nil); err == nil || err.Error() != "read log group trail: slow down" {
		t.Errorf("got %v", err)
	}
	report, err := scan.Search(t.Context(), g.Source(created.Add(time.Hour), ""), scan.Query{}, func(scan.Match) error { return nil })
	if err == nil && report.DamagedFiles == 0 {
		t.Error("a failing group is searched without a word")
	}
}

// TestNew names groups that may have been meant.
func TestNew(t *testing.T) {
	for name, want := range map[string]string{
		"tra": "open log group tra: there is none; some that begin so are trail, trail-2",
		"x":   "open log group x: there is none in this account and region",
		"":    "open log group: it has no name: write log-group:NAME",
	} {
		if _, err := cloudwatch.New(t.Context(), &logs{}, name); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}

// steady is a group with a record every second, five minutes after the event,
// in pages of 100 that take a while.
type steady struct {
	logs
	now  time.Time
	sent int
}

func (s *steady) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	at := (max(*in.StartTime, s.created.UnixMilli()) + 999) / 1000
	if in.NextToken != nil {
		at, _ = strconv.ParseInt(*in.NextToken, 10, 64)
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	for ; at*1000 <= *in.EndTime && at < s.now.Unix(); at++ {
		if len(out.Events) == 100 {
			out.NextToken = aws.String(strconv.FormatInt(at, 10))
			break
		}
		m := fmt.Sprintf(`{"eventTime":%q,"eventID":"%d"}`, time.Unix(at-300, 0).UTC().Format(time.RFC3339), at)
		out.Events = append(out.Events, types.FilteredLogEvent{EventId: aws.String(strconv.FormatInt(at, 10)), Timestamp: aws.Int64(at * 1000), Message: &m})
	}
	s.sent += len(out.Events)
	return out, nil
}

// TestNewestReads finds the newest records of a large group, exactly, by reading
// few: it looks back in growing steps.
func TestNewestReads(t *testing.T) {
	now := created.Add(10 * 24 * time.Hour)
	for limit, most := range map[int64]int{5: 6 * 60, 200: 36 * 60, 2000: 156 * 60} {
		synctest.Test(t, func(t *testing.T) {
			s := &steady{logs: logs{created: created}, now: now}
			g, err := cloudwatch.New(t.Context(), s, "trail")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			q := scan.Query{Order: scan.NewestFirst, Limit: limit, InFlight: 1, Workers: 1, Ahead: 48 * time.Hour}
			report, err := scan.Search(t.Context(), g.Source(now, ""), q, func(m scan.Match) error {
				_, id, _ := strings.Cut(string(m.Record), `"eventID":"`)
				got = append(got, strings.TrimSuffix(id, `"}`))
				return nil
			})
			if err != nil || report.Late > 0 || int64(len(got)) != limit {
				t.Fatalf("%d records, %d late: %v", len(got), report.Late, err)
			}
			for i, id := range got {
				if want := strconv.FormatInt(now.Unix()-int64(i)-1, 10); id != want {
					t.Fatalf("record %d is %s, want %s", i, id, want)
				}
			}
			if s.sent > most {
				t.Errorf("for %d records %d were read, more than %d", limit, s.sent, most)
			}
			t.Logf("for %d records %d were read", limit, s.sent)
		})
	}
}

// TestBackwards reads the same time backwards as forwards, without a gap.
func TestBackwards(t *testing.T) {
	g, _ := group(t, 3)
	for _, w := range []scan.Window{{}, {From: created}, {From: created, To: created.Add(time.Minute), Late: time.Minute}} {
		var ends [2][2]string
		for i, newest := range []bool{false, true} {
			var keys []string
			if err := g.Source(created.Add(50*time.Hour), "").List(t.Context(), w, newest, func(f scan.File) error {
				keys = append(keys, f.Key)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			slices.Sort(keys)
			for j := range keys[1:] {
				if _, end, _ := strings.Cut(keys[j], "--"); !strings.HasPrefix(keys[j+1], end) {
					t.Errorf("%s comes after %s", keys[j+1], keys[j])
				}
			}
			first, _, _ := strings.Cut(keys[0], "--")
			_, last, _ := strings.Cut(keys[len(keys)-1], "--")
			ends[i] = [2]string{first, last}
		}
		if ends[0] != ends[1] {
			t.Errorf("%v: from and to %v, backwards %v", w, ends[0], ends[1])
		}
	}
}
