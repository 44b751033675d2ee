package cloudtrail

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/history"
	"cairn/internal/identity"
	"cairn/internal/lake"
)

// fakeHistory keeps the query and answers what it is told.
type fakeHistory struct {
	asked history.Query
	page  history.Page
}

func (f *fakeHistory) Lookup(_ context.Context, q *history.Query) (*history.Page, error) {
	f.asked = *q
	return &f.page, nil
}

func TestLookupEvents(t *testing.T) {
	c := newClient(t)
	at := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	c.history.page.Events = []history.Event{
		{
			ID: "1", Name: "CreateUser", Source: "iam.amazonaws.com", Time: at, ReadOnly: "false", AccessKeyID: "AKIA1", Username: "ann",
			Resources: []history.Resource{{Type: "AWS::IAM::User", Name: "bob"}}, Record: []byte(`{"eventID":"1"}`),
		},
		{ID: "2", Name: "RunInstances", Source: "ec2.amazonaws.com", Time: at, Record: []byte(`{"eventID":"2"}`)},
	}
	c.ok("LookupEvents", `{}`, `{"Events":[
		{"EventId":"1","EventName":"CreateUser","ReadOnly":"false","AccessKeyId":"AKIA1","EventTime":1772362800,"EventSource":"iam.amazonaws.com",
		 "Username":"ann","Resources":[{"ResourceType":"AWS::IAM::User","ResourceName":"bob"}],"CloudTrailEvent":"{\"eventID\":\"1\"}"},
		{"EventId":"2","EventName":"RunInstances","EventTime":1772362800,"EventSource":"ec2.amazonaws.com","Resources":[],"CloudTrailEvent":"{\"eventID\":\"2\"}"}]}`)
	if d := cmp.Diff(history.Query{Account: account, Region: region, Limit: 50}, c.history.asked); d != "" {
		t.Error(d)
	}
	c.ok("LookupEvents", `{"LookupAttributes":[{"AttributeKey":"Username","AttributeValue":"ann"}],"StartTime":1772362800,"EndTime":1772362900.5,"MaxResults":7}`, "")
	want := history.Query{
		Account: account, Region: region, Limit: 7, Attribute: history.Username, Value: "ann", From: at, To: at.Add(100*time.Second + 500*time.Millisecond),
	}
	if d := cmp.Diff(want, c.history.asked); d != "" {
		t.Error(d)
	}
	c.ok("LookupEvents", `{"EventCategory":"insight","LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"RunInstances"}]}`, "")
	if !c.history.asked.Insight || c.history.asked.Attribute != history.EventName {
		t.Errorf("%+v", c.history.asked)
	}
}

func TestLookupRefused(t *testing.T) {
	c := newClient(t)
	long := strings.Repeat("x", 2001)
	attribute := func(key, value string) string {
		return fmt.Sprintf(`{"AttributeKey":%q,"AttributeValue":%q}`, key, value)
	}
	for _, tt := range []struct{ body, code, text string }{
		{`{"MaxResults":0}`, "InvalidMaxResultsException", "1 to 50"},
		{`{"MaxResults":51}`, "InvalidMaxResultsException", "1 to 50"},
		{`{"MaxResults":-1}`, "InvalidMaxResultsException", ""},
		{`{"StartTime":1772362801,"EndTime":1772362800}`, "InvalidTimeRangeException", "is after"},
		{`{"StartTime":-1}`, "InvalidTimeRangeException", "possible values"},
		{`{"LookupAttributes":[` + attribute("EventName", "a") + `,` + attribute("EventId", "b") + `]}`, "InvalidLookupAttributesException", "only one"},
		{`{"LookupAttributes":[{"AttributeValue":"a"}]}`, "InvalidLookupAttributesException", "AttributeKey"},
		{`{"LookupAttributes":[` + attribute("EventName", "") + `]}`, "InvalidLookupAttributesException", "1 to 2000"},
		{`{"LookupAttributes":[` + attribute("EventName", long) + `]}`, "InvalidLookupAttributesException", "1 to 2000"},
		{`{"LookupAttributes":[{"AttributeKey":"EventName"}]}`, "InvalidLookupAttributesException", ""},
		{`{"LookupAttributes":[` + attribute("ReadOnly", "True") + `]}`, "InvalidLookupAttributesException", "true or false"},
		{`{"EventCategory":"insight","LookupAttributes":[` + attribute("Username", "a") + `]}`, "InvalidLookupAttributesException", "EventSource"},
		{`{"NextToken":"x"}`, "InvalidNextTokenException", ""},
		{`{"NextToken":""}`, "InvalidNextTokenException", ""},
	} {
		c.now = c.now.Add(time.Second) // within the rate
		c.refused("LookupEvents", tt.body, tt.code, tt.text)
	}
	if c.history.asked != (history.Query{}) {
		t.Errorf("a call that was refused looked up %+v", c.history.asked)
	}
}

// TestLookupTokens: a token goes on with the query it was made for, and no other.
func TestLookupTokens(t *testing.T) {
	c := newClient(t)
	c.history.page = history.Page{More: true, Next: lake.Position{Timestamp: 5, Seq: 6, Index: 7}}
	token := func(body string) string {
		t.Helper()
		c.now = c.now.Add(time.Second)
		got, err := c.do("LookupEvents", body)
		var out struct{ NextToken string }
		if err != nil || json.Unmarshal([]byte(got), &out) != nil || len(out.NextToken) != 64 {
			t.Fatalf("%s, %v", got, err)
		}
		return out.NextToken
	}
	const query = `"MaxResults":7,"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"a"}]`
	first := token(`{` + query + `}`)
	next := func(token, query string) string { return fmt.Sprintf(`{"NextToken":%q,%s}`, token, query) }
	token(next(first, query))
	if a := c.history.asked.After; a == nil || *a != c.history.page.Next {
		t.Errorf("went on from %v", a)
	}
	refused := func(token, query string) {
		t.Helper()
		c.now = c.now.Add(time.Second)
		c.refused("LookupEvents", next(token, query), "InvalidNextTokenException", "")
	}
	refused(first, strings.Replace(query, `"a"`, `"b"`, 1))
	refused(first, strings.Replace(query, `7`, `8`, 1))
	refused(first, query+`,"StartTime":1`)
	refused(first, query+`,"EventCategory":"insight"`)
	for i := range len(first) { // each character changed
		changed := []byte(first)
		if changed[i] = 'A'; first[i] == 'A' {
			changed[i] = 'B'
		}
		refused(string(changed), query)
	}
	refused(first[:60], query)
	refused(first+"\n", query)
	c.region = "us-east-1"
	refused(first, query)
	c.region = region
	who := c.who
	c.who = identity.Principal{Kind: identity.IAMUser, Account: account, ID: "AIDA1", ARN: "arn:aws:iam::" + account + ":user/ann", Policies: who.Policies}
	if _, err := c.do("LookupEvents", next(first, query)); err == nil {
		t.Error("another user's token was taken")
	}
	c.who = who
	token(next(first, query))
	c.now = c.now.Add(tokenLife + time.Minute)
	c.refused("LookupEvents", next(first, query), "InvalidNextTokenException", "expired")
}

func FuzzLookupToken(f *testing.F) {
	tokens := lookupTokens{key: []byte("k"), bound: []byte("b")}
	now := time.Unix(1_700_000_000, 0)
	f.Add(tokens.make(lake.Position{Timestamp: 1, Seq: 2, Index: 3}, now))
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := tokens.parse(text, now); err == nil && tokens.make(*at, now) != text {
			t.Errorf("%q is taken", text)
		}
	})
}

// TestLookupRate: ten at once pass, the next ones are put off, and those that
// would wait for longer than a second are refused.
func TestLookupRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r lookupRate
		start := time.Now()
		for i := range lookupBurst {
			if err := r.wait(t.Context(), "a", time.Now); err != nil || time.Now() != start {
				t.Fatalf("call %d: %v, after %v", i, err, time.Since(start))
			}
		}
		results := make(chan error)
		for range 5 {
			go func() { results <- r.wait(t.Context(), "a", time.Now) }()
		}
		passed, refused := 0, 0
		for range 5 {
			if err := <-results; err == nil {
				passed++
			} else if awserr.Is(err, "ThrottlingException") {
				refused++
			}
		}
		if passed != 2 || refused != 3 || time.Since(start) != time.Second {
			t.Errorf("%d passed, %d refused, after %v", passed, refused, time.Since(start))
		}
		if err := r.wait(t.Context(), "b", time.Now); err != nil {
			t.Errorf("another region's call: %v", err)
		}
		// One call after the other is slowed down to two a second.
		start = time.Now()
		for range 20 {
			if err := r.wait(t.Context(), "a", time.Now); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("20 calls took %v", took)
		}
		time.Sleep(time.Minute)
		if _, ok := r.reserve("c", time.Now()); !ok || len(r.next) != 1 {
			t.Errorf("%d rows are left of callers long gone", len(r.next))
		}
	})
}
