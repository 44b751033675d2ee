package loginsights_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/lake"
	"cairn/internal/loginsights"
)

// start is when the first event of the tests happened: 2026-03-04 05:06:07 UTC.
var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC).UnixMilli()

// events returns events of the messages, a minute apart.
func events(messages ...string) []*loginsights.Event {
	group := &loginsights.Log{Account: "111122223333", Region: "eu-west-1", Name: "trail"}
	var list []*loginsights.Event
	for i, m := range messages {
		at := start + int64(i)*60_000
		list = append(list, &loginsights.Event{
			Pos: lake.Position{Timestamp: at, Seq: uint64(i)}, Ingestion: at + 5, Message: []byte(m), Stream: "s", Group: group,
		})
	}
	return list
}

// records are messages in the shape of CloudTrail records, with made-up values.
var records = []string{
	`{"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"eu-west-1","readOnly":false,"sourceIPAddress":"192.0.2.10","userIdentity":{"type":"IAMUser","userName":"ada","arn":"arn:aws:iam::111122223333:user/ada"},"requestParameters":{"instanceType":"t3.micro","maxCount":3,"tags":[{"key":"Name","value":"web 1"}]}}`,
	`{"eventSource":"ec2.amazonaws.com","eventName":"StopInstances","awsRegion":"us-east-2","readOnly":false,"sourceIPAddress":"198.51.100.7","userIdentity":{"type":"IAMUser","userName":"bob","arn":"arn:aws:iam::111122223333:user/bob"},"requestParameters":{"maxCount":10}}`,
	`{"eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","readOnly":false,"sourceIPAddress":"192.0.2.10","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/admin/ada"},"requestParameters":{"userName":"eve"},"responseElements":{"user":{"arn":"arn:aws:iam::111122223333:user/eve"}}}`,
	`{"eventSource":"cloudtrail.amazonaws.com","eventName":"UpdateTrail","awsRegion":"us-east-1","readOnly":false,"errorCode":"AccessDenied","errorMessage":"no \"way\"","sourceIPAddress":"cloudtrail.amazonaws.com","userIdentity":{"type":"Root"}}`,
	`{"eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"us-east-2","readOnly":true,"sourceIPAddress":"2001:db8::1","userIdentity":{"type":"IAMUser","userName":"bob"},"requestParameters":null}`,
	`not json: user=carl, took 42 ms`,
}

// run returns the rows of a query as text: FIELD=VALUE pairs, without @ptr.
func run(t *testing.T, query string, list []*loginsights.Event) []string {
	t.Helper()
	q, err := loginsights.Parse(query)
	if err != nil {
		t.Fatalf("parse %q: %v", query, err)
	}
	r, err := q.Run(loginsights.Options{Now: time.UnixMilli(start)})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		before := r.Matched
		if err := r.Add(e); err != nil {
			t.Fatal(err)
		}
		if may := q.Prefilter(); r.Matched > before && may != nil && !may.Match(e.Message) {
			t.Errorf("%q keeps an event whose message may not be one: %s", query, e.Message)
		}
	}
	rows, err := r.Rows()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, fields := range rows {
		var cells []string
		for _, f := range fields {
			if f.Name != "@ptr" {
				cells = append(cells, f.Name+"="+f.Value)
			}
		}
		out = append(out, strings.Join(cells, " | "))
	}
	return out
}

func TestQueries(t *testing.T) {
	for _, tt := range []struct {
		query string
		want  []string
	}{
		// What the guide's samples for CloudTrail logs ask, in words of our own.
		{`stats count(*) by eventSource, awsRegion | sort eventSource asc, awsRegion desc`, []string{
			"eventSource=cloudtrail.amazonaws.com | awsRegion=us-east-1 | count(*)=1",
			"eventSource=ec2.amazonaws.com | awsRegion=us-east-2 | count(*)=2",
			"eventSource=ec2.amazonaws.com | awsRegion=eu-west-1 | count(*)=1",
			"eventSource=iam.amazonaws.com | awsRegion=us-east-1 | count(*)=1",
			"count(*)=1",
		}},
		{`filter eventSource="ec2.amazonaws.com" and eventName="RunInstances" | stats count()`, []string{"count()=1"}},
		{`fields eventName | filter (eventName="StartInstances" or eventName="StopInstances") and awsRegion="us-east-2"`, []string{"eventName=StopInstances"}},
		{
			`filter eventName="CreateUser" | fields awsRegion, requestParameters.userName, responseElements.user.arn`,
			[]string{"awsRegion=us-east-1 | requestParameters.userName=eve | responseElements.user.arn=arn:aws:iam::111122223333:user/eve"},
		},
		{
			`filter eventName="UpdateTrail" and ispresent(errorCode) | stats count(*) by errorCode, errorMessage`,
			[]string{`errorCode=AccessDenied | errorMessage=no "way" | count(*)=1`},
		},

		// Results: the latest first, @timestamp and @message unless told otherwise.
		{`filter @message like "carl"`, []string{"@timestamp=2026-03-04 05:11:07.000 | @message=not json: user=carl, took 42 ms"}},
		{`fields eventName | limit 2`, []string{"", "eventName=DescribeInstances"}},
		{`limit any 1 | display @log, @logStream, @ingestionTime`, []string{"@log=111122223333:trail | @logStream=s | @ingestionTime=2026-03-04 05:06:07.005"}},
		{`FIELDS eventName AS what # a comment | not a command
			| Sort @timestamp ASC | LIMIT 1`, []string{"what=RunInstances"}},
		{`fields eventName, awsRegion | display awsRegion as region | sort @timestamp asc | head 1`, []string{"region=eu-west-1"}},

		// Fields: nested, in arrays, booleans, objects, null, and missing.
		{
			"filter eventName = 'RunInstances' | fields requestParameters.tags.0.value, `requestParameters`.maxCount, requestParameters.tags, readOnly, nothing",
			[]string{`requestParameters.tags.0.value=web 1 | requestParameters.maxCount=3 | requestParameters.tags=[{"key":"Name","value":"web 1"}] | readOnly=0`},
		},
		{`filter readOnly | fields eventName`, []string{"eventName=DescribeInstances"}},
		{`filter readOnly = 1 or readOnly = "true" and readOnly = true | fields eventName`, []string{"eventName=DescribeInstances"}},
		{`filter not isPresent(requestParameters) | stats count(*) as n`, []string{"n=3"}},

		// A field that is missing compares with nothing.
		{`filter errorCode = "AccessDenied" | stats count(*) as n`, []string{"n=1"}},
		{`filter errorCode != "AccessDenied" | stats count(*) as n`, []string{}},
		{`filter not (errorCode = "AccessDenied") | stats count(*) as n`, []string{}},
		{`filter errorCode not like /Denied/ or eventName not in ["RunInstances"] | stats count(*) as n`, []string{"n=4"}},

		// Conditions.
		{`filter requestParameters.maxCount > 3 | fields eventName`, []string{"eventName=StopInstances"}},
		{`filter requestParameters.maxCount = "3" | fields eventName`, []string{"eventName=RunInstances"}},
		{`filter eventName like /(?i)^run/ | fields eventName`, []string{"eventName=RunInstances"}},
		{`filter userIdentity.arn =~ "user\/bob" or userIdentity.arn like /user\/ada$/ | stats count(*) as n`, []string{"n=1"}},
		{`filter errorMessage like '"way"' | stats count(*) as n`, []string{"n=1"}},
		{`filter awsRegion in ["us-east-1", "eu-west-1"] and not eventName in ['CreateUser'] | stats count(*) as n`, []string{"n=2"}},
		{`filter @timestamp >= "2026-03-04 05:10" | stats count(*) as n`, []string{"n=2"}},
		{`filter @timestamp < 1772600827000 | stats count(*) as n`, []string{"n=1"}},
		{`filter isIpInSubnet(sourceIPAddress, "192.0.2.0/24") | stats count(*) as n`, []string{"n=2"}},

		// Arithmetic and functions.
		{`limit 1 | display 1+2*3 as a, (1+2)*3 as b, -2^2 as c, 7 % 4 - 1 as d, 1/3 as e, 1/0 as f, 10 - 2 - 3 as g, 2 ^ 3 ^ 2 as h`, []string{
			"a=7 | b=9 | c=-4 | d=2 | e=0.3333 | g=5 | h=512",
		}},
		{`limit 1 | display concat(@logStream, "-", strlen("héé")) as a, substr("xyZfooxyZ", 3, 3) as b, coalesce(nothing, "x") as c, now() as d`, []string{
			"a=s-3 | b=foo | c=x | d=1772600767",
		}},
		{`limit any 1 | display bin(1h) as a, datefloor(@timestamp, 1d) as b, dateceil(@timestamp, 5m) as c, toMillis(@timestamp) as d, fromMillis(0) as e`, []string{
			"a=2026-03-04 05:00:00.000 | b=2026-03-04 00:00:00.000 | c=2026-03-04 05:10:00.000 | d=1772600767000 | e=1970-01-01 00:00:00.000",
		}},
		{`filter eventName = "RunInstances" | fields jsonParse(@message) as j | display j.requestParameters.tags.0.key as k, jsonStringify(j.readOnly) as r`, []string{"k=Name | r=0"}},

		// parse.
		{`parse @message "user=*, took * ms" as who, ms | filter ms > 40 | display who, ms * 2 as twice`, []string{"who=carl | twice=84"}},
		{`parse /user=(?<@who>[a-z]+)/ | filter isPresent(@who) | display @who`, []string{"@who=carl"}},
		{`parse userIdentity.arn "arn:aws:*::*:*" as service, account, rest | filter service = "sts" | display account, rest`, []string{"account=111122223333 | rest=assumed-role/admin/ada"}},
		{`parse @message /took (\d+) (ms|s)/ as n, unit | filter unit = "ms" | display n`, []string{"n=42"}},
		{`fields @logStream | parse "took *" as took | filter isPresent(took)`, []string{"@logStream=s | took=42 ms"}},

		// stats.
		{`stats max(requestParameters.maxCount) as a, min(requestParameters.maxCount) as b, a - b as spread, sum(requestParameters.maxCount)/2`, []string{
			"a=10 | b=3 | spread=7 | sum(requestParameters.maxCount)/2=6.5",
		}},
		{`stats count(errorCode), count_distinct(awsRegion), avg(requestParameters.maxCount), stddev(requestParameters.maxCount), pct(requestParameters.maxCount, 50)`, []string{
			"count(errorCode)=1 | count_distinct(awsRegion)=3 | avg(requestParameters.maxCount)=6.5 | stddev(requestParameters.maxCount)=4.9497 | pct(requestParameters.maxCount, 50)=3",
		}},
		{`stats earliest(eventName), latest(eventName), sortsFirst(eventName), sortsLast(eventName), earliest(@timestamp), sum(nothing)`, []string{
			"earliest(eventName)=RunInstances | latest(eventName)=DescribeInstances | sortsFirst(eventName)=CreateUser | sortsLast(eventName)=UpdateTrail | earliest(@timestamp)=1772600767000",
		}},
		{`stats count(*) as n by bin(2m) | sort bin(2m) desc`, []string{
			"bin(2m)=2026-03-04 05:10:00.000 | n=2", "bin(2m)=2026-03-04 05:08:00.000 | n=2", "bin(2m)=2026-03-04 05:06:00.000 | n=2",
		}},
		{`stats count(*) as n by awsRegion | filter n > 1 | stats sum(n) as total, count(*)`, []string{"total=4 | count(*)=2"}},
		{`stats count(*) by bin(2m) as t | stats max(count(*)) as most`, []string{"most=2"}}, // a column by its text
		{`filter eventName = "none" | stats count(*)`, []string{}},
		{`stats sum(strcontains(eventName, "S")) as a, sum(strcontains(eventName, "s")) as b`, []string{"a=1 | b=4"}},
		{`stats count(*) / 2 by awsRegion | sort COUNT( * )/2 desc, awsRegion | limit 1`, []string{"awsRegion=us-east-1 | count(*) / 2=1"}},
		{`parse @message /[^^](u[^]]er)=(?:carl)/ as u | filter isPresent(u) | display u`, []string{"u=user"}},
		{`stats count(*) by strlen(awsRegion) | limit 1`, []string{"strlen(awsRegion)=9 | count(*)=5"}},

		// sort: natural order, what is missing last; dedup keeps the first.
		{`sort requestParameters.maxCount desc | display requestParameters.maxCount as n | limit 3`, []string{"n=10", "n=3", ""}},
		{`sort requestParameters.maxCount | display requestParameters.maxCount as n | limit 3`, []string{"n=3", "n=10", ""}},
		{`fields eventName | filter isPresent(userIdentity.userName) | dedup userIdentity.userName`, []string{"eventName=DescribeInstances", "eventName=RunInstances"}},
		{`fields eventName | filter isPresent(userIdentity.userName) | sort @timestamp | dedup userIdentity.userName | limit 1`, []string{"eventName=RunInstances"}},
		{`dedup awsRegion, nothing | stats count(*)`, nil}, // refused
		{`fields eventName | limit 2 | filter isPresent(errorCode)`, []string{}},
		{`fields eventName | limit 3 | filter readOnly`, []string{"eventName=DescribeInstances"}},
		{`sort eventName | limit 2 | stats count(*) by eventName`, []string{"eventName=CreateUser | count(*)=1", "eventName=DescribeInstances | count(*)=1"}},
	} {
		if tt.want == nil {
			if _, err := loginsights.Parse(tt.query); err == nil {
				t.Errorf("%s is not refused", tt.query)
			}
			continue
		}
		list := events(records...)
		if diff := cmp.Diff(tt.want, run(t, tt.query, list)); diff != "" {
			t.Errorf("%s:\n%s", tt.query, diff)
		}
		slices.Reverse(list) // the order in which events come changes no result
		if diff := cmp.Diff(tt.want, run(t, tt.query, list)); diff != "" && !strings.Contains(tt.query, "any") {
			t.Errorf("the latest events first, %s:\n%s", tt.query, diff)
		}
	}
}
