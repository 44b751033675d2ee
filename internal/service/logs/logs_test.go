package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights/queries"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/policy"
	"cairn/internal/service/logs"
	"cairn/internal/state/statetest"
	"cairn/internal/wire"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	prefix  = "arn:aws:logs:" + region + ":" + account + ":log-group:"
)

// recorded is one call as the recorder saw it.
type recorded struct {
	op, request, err string
	data             bool
}

// memory keeps what it is given to record.
type memory struct {
	mu    sync.Mutex
	calls []recorded
}

func (m *memory) Record(_ context.Context, c *call.Call, _ any, err error) error {
	b, rerr := c.API.Codec.Record(c.Input)
	if rerr != nil {
		return rerr
	}
	r := recorded{op: c.Op.Name, request: string(b), data: c.Op.Data}
	if err != nil {
		r.err = c.API.ErrorCode(awserr.From(err).Code)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, r)
	return nil
}

func (m *memory) last() recorded {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[len(m.calls)-1]
}

// find returns the last call of an operation.
func (m *memory) find(op string) (found recorded) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.calls {
		if r.op == op {
			found = r
		}
	}
	return found
}

// engine serves the API to genuine clients: the gateway without signatures.
type engine struct {
	t      *testing.T
	api    *call.API
	d      *call.Dispatcher
	rec    *memory
	groups *loggroup.Store
	// who makes every call.
	who identity.Principal
	*cwl.Client
}

func start(t *testing.T) *engine {
	js := natsdtest.Start(t)
	st := statetest.Open(t, js)
	groups, err := loggroup.Open(t.Context(), js, st, loggroup.Options{})
	if err != nil {
		t.Fatal(err)
	}
	insights := queries.New(groups, queries.Options{})
	t.Cleanup(insights.Close)
	e := &engine{t: t, api: logs.New(groups, insights).API(), rec: &memory{}, groups: groups, who: root(account)}
	e.d = call.NewDispatcher(e.rec, slog.New(slog.DiscardHandler))
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	// Now and then the client's transport closes a connection under the answer it
	// reads; the SDK knows that and tries again, as it does for its users.
	e.Client = cwl.New(cwl.Options{
		Region: region, BaseEndpoint: aws.String(srv.URL), RetryMaxAttempts: 3,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
	})
	return e
}

func root(account string) identity.Principal {
	return identity.Principal{Kind: identity.Root, Account: account, ID: account, ARN: "arn:aws:iam::" + account + ":root"}
}

// user returns a user whose only policy is the given statements.
func user(t *testing.T, statements string) identity.Principal {
	p, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return identity.Principal{
		Kind: identity.IAMUser, Account: account, ID: "AIDAEXAMPLE", Name: "joe", ARN: "arn:aws:iam::" + account + ":user/joe",
		Policies: []*policy.Document{p},
	}
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), e.api.Target+".")
	c := &call.Call{API: e.api, Op: e.api.Operations[name], Principal: e.who, Region: region, RequestID: "id", Start: time.Now()}
	if c.Op == nil {
		http.Error(w, "unknown operation "+name, http.StatusNotFound)
		return
	}
	c.Input = c.Op.NewInput()
	out, err := any(nil), e.api.Codec.Decode(body, c.Input)
	if err == nil {
		out, err = e.d.Do(r.Context(), c)
	}
	var reply wire.Reply
	if err == nil {
		reply, err = e.api.Codec.Encode(name, "id", out)
	}
	if err != nil {
		reply = e.api.Codec.EncodeError(awserr.From(err), "id")
	}
	maps.Copy(w.Header(), reply.Header)
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body)
}

// fails checks that err is the AWS error with this code and a message that
// holds the text.
func fails(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, text)
	}
}

func must[T any](t *testing.T) func(out T, err error) T {
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

func (e *engine) make(group string, streams ...string) {
	e.t.Helper()
	must[*cwl.CreateLogGroupOutput](e.t)(e.CreateLogGroup(e.t.Context(), &cwl.CreateLogGroupInput{LogGroupName: &group}))
	for _, s := range streams {
		must[*cwl.CreateLogStreamOutput](e.t)(e.CreateLogStream(e.t.Context(), &cwl.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &s}))
	}
}

func (e *engine) put(group, stream string, events ...types.InputLogEvent) *cwl.PutLogEventsOutput {
	e.t.Helper()
	return must[*cwl.PutLogEventsOutput](e.t)(e.PutLogEvents(e.t.Context(), &cwl.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream, LogEvents: events,
	}))
}

func at(t int64, message string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: aws.Int64(t), Message: aws.String(message)}
}

func ago(d time.Duration) int64 { return time.Now().Add(-d).UnixMilli() }

func TestGroups(t *testing.T) {
	e, ctx := start(t), t.Context()
	name := "/app/my-group"
	must[*cwl.CreateLogGroupOutput](t)(e.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{
		LogGroupName: &name, Tags: map[string]string{"a": "1"}, LogGroupClass: types.LogGroupClassStandard,
	}))
	if got, want := e.rec.last(), (recorded{op: "CreateLogGroup", request: `{"logGroupName":"/app/my-group","tags":{"a":"1"},"logGroupClass":"STANDARD"}`}); got != want {
		t.Errorf("recorded %+v, want %+v", got, want)
	}
	_, err := e.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: &name})
	fails(t, "second create", err, "ResourceAlreadyExistsException", "The specified log group already exists")

	must[*cwl.PutRetentionPolicyOutput](t)(e.PutRetentionPolicy(ctx, &cwl.PutRetentionPolicyInput{LogGroupName: &name, RetentionInDays: aws.Int32(731)}))
	_, err = e.PutRetentionPolicy(ctx, &cwl.PutRetentionPolicyInput{LogGroupName: &name, RetentionInDays: aws.Int32(730)})
	fails(t, "730 days", err, "InvalidParameterException", "Value '730' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [1, 3, 5,")

	groups := must[*cwl.DescribeLogGroupsOutput](t)(e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/app/")})).LogGroups
	if len(groups) != 1 {
		t.Fatalf("%d groups", len(groups))
	}
	g := groups[0]
	if *g.Arn != prefix+name+":*" || *g.LogGroupArn != prefix+name || g.LogGroupClass != types.LogGroupClassStandard ||
		*g.RetentionInDays != 731 || *g.StoredBytes != 0 || *g.MetricFilterCount != 0 || *g.CreationTime < ago(time.Minute) {
		t.Errorf("group is %+v", g)
	}
	must[*cwl.DeleteRetentionPolicyOutput](t)(e.DeleteRetentionPolicy(ctx, &cwl.DeleteRetentionPolicyInput{LogGroupName: &name}))
	groups = must[*cwl.DescribeLogGroupsOutput](t)(e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{})).LogGroups
	if groups[0].RetentionInDays != nil {
		t.Errorf("retention after DeleteRetentionPolicy: %d", *groups[0].RetentionInDays)
	}

	must[*cwl.PutLogGroupDeletionProtectionOutput](t)(e.PutLogGroupDeletionProtection(ctx, &cwl.PutLogGroupDeletionProtectionInput{
		LogGroupIdentifier: groups[0].LogGroupArn, DeletionProtectionEnabled: aws.Bool(true),
	}))
	_, err = e.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: &name})
	fails(t, "delete protected", err, "ValidationException", "deletion protection")
	must[*cwl.PutLogGroupDeletionProtectionOutput](t)(e.PutLogGroupDeletionProtection(ctx, &cwl.PutLogGroupDeletionProtectionInput{
		LogGroupIdentifier: &name, DeletionProtectionEnabled: aws.Bool(false),
	}))
	must[*cwl.DeleteLogGroupOutput](t)(e.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: &name}))
	_, err = e.DeleteLogGroup(ctx, &cwl.DeleteLogGroupInput{LogGroupName: &name})
	fails(t, "second delete", err, "ResourceNotFoundException", "The specified log group does not exist.")
}

func TestDescribeGroupsPages(t *testing.T) {
	e, ctx := start(t), t.Context()
	for _, n := range []string{"b", "a/1", "a/2", "a/3"} {
		e.make(n)
	}
	list := func(in *cwl.DescribeLogGroupsInput) string {
		var names []string
		p := cwl.NewDescribeLogGroupsPaginator(e, in)
		for p.HasMorePages() {
			for _, g := range must[*cwl.DescribeLogGroupsOutput](t)(p.NextPage(ctx)).LogGroups {
				names = append(names, *g.LogGroupName)
			}
		}
		return strings.Join(names, " ")
	}
	for _, tt := range []struct {
		in   cwl.DescribeLogGroupsInput
		want string
	}{
		{cwl.DescribeLogGroupsInput{}, "a/1 a/2 a/3 b"},
		{cwl.DescribeLogGroupsInput{Limit: aws.Int32(1)}, "a/1 a/2 a/3 b"},
		{cwl.DescribeLogGroupsInput{Limit: aws.Int32(2), LogGroupNamePrefix: aws.String("a/")}, "a/1 a/2 a/3"},
		{cwl.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("/2")}, "a/2"},
		{cwl.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"b", "c"}}, "b"},
		{cwl.DescribeLogGroupsInput{LogGroupClass: types.LogGroupClassInfrequentAccess}, ""},
	} {
		if got := list(&tt.in); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.in, got, tt.want)
		}
	}
	_, err := e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("a"), LogGroupNamePattern: aws.String("a")})
	fails(t, "prefix and pattern", err, "InvalidParameterException", "mutually exclusive")
	_, err = e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{NextToken: aws.String("x")})
	fails(t, "bad token", err, "InvalidParameterException", "nextToken is invalid")
	_, err = e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{Limit: aws.Int32(51)})
	fails(t, "limit", err, "InvalidParameterException", "less than or equal to 50")
}

func TestStreams(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s1", "s2", "s3", "t1")
	now := ago(0)
	e.put("g", "s2", at(now-500, "a"), at(now-100, "b"))
	e.put("g", "s1", at(now-300, "c"))
	for _, tt := range []struct {
		in   cwl.DescribeLogStreamsInput
		want string
	}{
		{cwl.DescribeLogStreamsInput{}, "s1 s2 s3 t1"},
		{cwl.DescribeLogStreamsInput{Descending: aws.Bool(true), Limit: aws.Int32(3)}, "t1 s3 s2 s1"},
		{cwl.DescribeLogStreamsInput{LogStreamNamePrefix: aws.String("s"), Limit: aws.Int32(1)}, "s1 s2 s3"},
		{cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true), Limit: aws.Int32(1)}, "s2 s1 t1 s3"},
		{cwl.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Limit: aws.Int32(2)}, "s3 t1 s1 s2"},
	} {
		tt.in.LogGroupName = aws.String("g")
		var names []string
		p := cwl.NewDescribeLogStreamsPaginator(e, &tt.in)
		for p.HasMorePages() {
			for _, s := range must[*cwl.DescribeLogStreamsOutput](t)(p.NextPage(ctx)).LogStreams {
				names = append(names, *s.LogStreamName)
			}
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.in, got, tt.want)
		}
	}
	out := must[*cwl.DescribeLogStreamsOutput](t)(e.DescribeLogStreams(ctx, &cwl.DescribeLogStreamsInput{LogGroupIdentifier: aws.String(prefix + "g")}))
	if s := out.LogStreams[1]; *s.Arn != prefix+"g:log-stream:s2" || *s.FirstEventTimestamp != now-500 || *s.LastEventTimestamp != now-100 ||
		*s.LastIngestionTime < now || s.UploadSequenceToken == nil {
		t.Errorf("stream is %+v", s)
	}
	if s := out.LogStreams[2]; s.FirstEventTimestamp != nil || s.LastEventTimestamp != nil || s.LastIngestionTime != nil {
		t.Errorf("empty stream is %+v", s)
	}
	_, err := e.DescribeLogStreams(ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g"), OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("s")})
	fails(t, "prefix by time", err, "InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
	_, err = e.CreateLogStream(ctx, &cwl.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s1")})
	fails(t, "second create", err, "ResourceAlreadyExistsException", "The specified log stream already exists")
	must[*cwl.DeleteLogStreamOutput](t)(e.DeleteLogStream(ctx, &cwl.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s1")}))
	_, err = e.DeleteLogStream(ctx, &cwl.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s1")})
	fails(t, "second delete", err, "ResourceNotFoundException", "The specified log stream does not exist.")
}

func TestTags(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g")
	group, resource := aws.String("g"), aws.String(prefix+"g")
	must[*cwl.TagResourceOutput](t)(e.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: resource, Tags: map[string]string{"a": "1", "b": "2"}}))
	must[*cwl.TagLogGroupOutput](t)(e.TagLogGroup(ctx, &cwl.TagLogGroupInput{LogGroupName: group, Tags: map[string]string{"b": "3", "c": "4"}}))
	must[*cwl.UntagResourceOutput](t)(e.UntagResource(ctx, &cwl.UntagResourceInput{ResourceArn: resource, TagKeys: []string{"a"}}))
	must[*cwl.UntagLogGroupOutput](t)(e.UntagLogGroup(ctx, &cwl.UntagLogGroupInput{LogGroupName: group, Tags: []string{"c"}}))
	tags := must[*cwl.ListTagsForResourceOutput](t)(e.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: resource})).Tags
	old := must[*cwl.ListTagsLogGroupOutput](t)(e.ListTagsLogGroup(ctx, &cwl.ListTagsLogGroupInput{LogGroupName: group})).Tags
	if want := map[string]string{"b": "3"}; !maps.Equal(tags, want) || !maps.Equal(old, want) {
		t.Errorf("tags are %v and %v", tags, old)
	}
	many := map[string]string{}
	for i := range maxTags {
		many[fmt.Sprint("k", i)] = ""
	}
	_, err := e.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: resource, Tags: many})
	fails(t, "51 tags", err, "TooManyTagsException", "50")
	_, err = e.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: aws.String(prefix + "g:*")})
	fails(t, "ARN with :*", err, "InvalidParameterException", "without :*")
	_, err = e.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: aws.String(prefix + "absent")})
	fails(t, "no group", err, "ResourceNotFoundException", "log group does not exist")
}

const maxTags = 50

func TestRefused(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	g, s := aws.String("g"), aws.String("s")
	many := func(n int) []types.InputLogEvent {
		list := make([]types.InputLogEvent, n)
		for i := range list {
			list[i] = at(ago(0), "x")
		}
		return list
	}
	put := func(events ...types.InputLogEvent) func() error {
		return func() error {
			_, err := e.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: g, LogStreamName: s, LogEvents: events})
			return err
		}
	}
	create := func(in cwl.CreateLogGroupInput) func() error {
		return func() error { _, err := e.CreateLogGroup(ctx, &in); return err }
	}
	filter := func(in cwl.FilterLogEventsInput) func() error {
		return func() error { _, err := e.FilterLogEvents(ctx, &in); return err }
	}
	get := func(in cwl.GetLogEventsInput) func() error {
		return func() error { _, err := e.GetLogEvents(ctx, &in); return err }
	}
	const bad, missing = "InvalidParameterException", "ResourceNotFoundException"
	for _, tt := range []struct {
		what string
		do   func() error
		code string
		text string
	}{
		{"kms", create(cwl.CreateLogGroupInput{LogGroupName: aws.String("k"), KmsKeyId: aws.String("arn:aws:kms:eu-west-1:111122223333:key/x")}), bad, "KMS key is not supported"},
		{"class", create(cwl.CreateLogGroupInput{LogGroupName: aws.String("k"), LogGroupClass: types.LogGroupClassDelivery}), bad, "DELIVERY is not supported"},
		{"group name", create(cwl.CreateLogGroupInput{LogGroupName: aws.String("a b")}), bad, "at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern"},
		{"long name", create(cwl.CreateLogGroupInput{LogGroupName: aws.String(strings.Repeat("x", 513))}), bad, "less than or equal to 512"},
		{"aws: tag", create(cwl.CreateLogGroupInput{LogGroupName: aws.String("k"), Tags: map[string]string{"aws:x": "y"}}), bad, "reserved"},
		{"chronological", put(at(ago(0), "x"), at(ago(time.Second), "y")), bad, "Log events in a single PutLogEvents request must be in chronological order."},
		{"span", put(at(ago(25*time.Hour), "x"), at(ago(0), "y")), bad, "cannot span more than 24 hours"},
		{"event size", put(at(ago(0), strings.Repeat("x", 1<<20-25))), bad, "Log event too large: 1048577 bytes exceeds limit of 1048576"},
		{"batch size", put(at(ago(0), strings.Repeat("x", 1<<19)), at(ago(0), strings.Repeat("y", 1<<19))), bad, "Upload too large: 1048628 bytes exceeds limit of 1048576"},
		{"batch count", put(many(10_001)...), bad, "at 'logEvents'"},
		{"empty batch", put([]types.InputLogEvent{}...), bad, "logEvents"},
		{"no message", put(at(ago(0), "")), bad, "logEvents.1.member.message"},
		{"filter: no group", filter(cwl.FilterLogEventsInput{LogGroupName: aws.String("h")}), missing, "The specified log group does not exist."},
		{"filter: no stream", filter(cwl.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"x"}}), missing, "The specified log stream does not exist."},
		{"filter: name and identifier", filter(cwl.FilterLogEventsInput{LogGroupName: g, LogGroupIdentifier: g}), bad, "not both"},
		{"filter: neither", filter(cwl.FilterLogEventsInput{}), bad, "either logGroupName or logGroupIdentifier"},
		{"filter: names and prefix", filter(cwl.FilterLogEventsInput{LogGroupName: g, LogStreamNames: []string{"s"}, LogStreamNamePrefix: s}), bad, "mutually exclusive"},
		{"filter: pattern", filter(cwl.FilterLogEventsInput{LogGroupName: g, FilterPattern: aws.String("{ $.a == b }")}), bad, "Invalid filter pattern at column 8: expected a value"},
		{"filter: token", filter(cwl.FilterLogEventsInput{LogGroupName: g, NextToken: aws.String("f/AAAA")}), bad, "nextToken is invalid"},
		{"filter: limit", filter(cwl.FilterLogEventsInput{LogGroupName: g, Limit: aws.Int32(10001)}), bad, "less than or equal to 10000"},
		{"filter: ARN with :*", filter(cwl.FilterLogEventsInput{LogGroupIdentifier: aws.String(prefix + "g:*")}), bad, "without :*"},
		{"filter: other region", filter(cwl.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:us-east-1:111122223333:log-group:g")}), bad, "another region"},
		{"filter: other account", filter(cwl.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:eu-west-1:444455556666:log-group:g")}), "AccessDeniedException", "is not authorized to perform: logs:FilterLogEvents"},
		{"get: stream", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: aws.String("x")}), missing, "log stream does not exist"},
		{"get: token", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: s, NextToken: aws.String("x")}), bad, "nextToken is invalid"},
		{"get: stream name", get(cwl.GetLogEventsInput{LogGroupName: g, LogStreamName: aws.String("a:b")}), bad, "at 'logStreamName'"},
	} {
		fails(t, tt.what, tt.do(), tt.code, tt.text)
	}
}

func TestPermissions(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "A_CloudTrail_R", "other")
	calls := map[string]func() error{
		"put": func() error {
			_, err := e.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("A_CloudTrail_R"), LogEvents: []types.InputLogEvent{at(ago(0), "x")}})
			return err
		},
		"put other": func() error {
			_, err := e.PutLogEvents(ctx, &cwl.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("other"), LogEvents: []types.InputLogEvent{at(ago(0), "x")}})
			return err
		},
		"filter": func() error {
			_, err := e.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g")})
			return err
		},
		"groups": func() error { _, err := e.DescribeLogGroups(ctx, &cwl.DescribeLogGroupsInput{}); return err },
		"tags": func() error {
			_, err := e.ListTagsForResource(ctx, &cwl.ListTagsForResourceInput{ResourceArn: aws.String(prefix + "g")})
			return err
		},
		"create tagged": func() error {
			_, err := e.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("new"), Tags: map[string]string{"a": "b"}})
			return err
		},
	}
	for _, tt := range []struct{ statements, allowed string }{
		{`{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"` + prefix + `g:log-stream:A_CloudTrail_R*"}`, "put"},
		{`{"Effect":"Allow","Action":"logs:*","Resource":"` + prefix + `g:*"}`, "put, put other, filter"},
		{`{"Effect":"Allow","Action":"logs:*","Resource":"` + prefix + `g"}`, "tags"},
		{`{"Effect":"Allow","Action":"logs:*","Resource":"*"},{"Effect":"Deny","Action":"logs:TagResource","Resource":"*"}`, "put, put other, filter, groups, tags"},
		{`{"Effect":"Allow","Action":"logs:DescribeLogGroups","Resource":"` + prefix + `:log-stream:"}`, "groups"},
	} {
		e.who = user(t, tt.statements)
		for name, do := range calls {
			allowed := strings.Contains(", "+tt.allowed+",", ", "+name+",")
			err := do()
			if allowed && err != nil {
				t.Errorf("%s with %s: %v", name, tt.statements, err)
			}
			if !allowed {
				fails(t, name+" with "+tt.statements, err, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/joe is not authorized to perform: logs:")
				if got := e.rec.last().err; got != "AccessDenied" {
					t.Errorf("%s is recorded as %s", name, got)
				}
			}
		}
	}
}

func TestPatternsOnEvents(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("g", "s")
	now := ago(0)
	e.put("g", "s", at(now, `{"eventName":"StopLogging","n":1}`), at(now, `{"eventName":"RunInstances"}`), at(now, `plain ERROR`))
	for pattern, want := range map[string]string{
		`{ ($.eventName = CreateTrail) || ($.eventName = StopLogging) }`: `{"eventName":"StopLogging","n":1}`,
		`ERROR`:              `plain ERROR`,
		`{ $.n NOT EXISTS }`: `{"eventName":"RunInstances"}`,
	} {
		out := must[*cwl.FilterLogEventsOutput](t)(e.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: aws.String("g"), FilterPattern: &pattern}))
		if len(out.Events) != 1 || *out.Events[0].Message != want {
			t.Errorf("%s: %d events", pattern, len(out.Events))
		}
		test := must[*cwl.TestMetricFilterOutput](t)(e.TestMetricFilter(ctx, &cwl.TestMetricFilterInput{FilterPattern: &pattern, LogEventMessages: []string{"no", want}}))
		if len(test.Matches) != 1 || test.Matches[0].EventNumber != 2 {
			t.Errorf("%s: TestMetricFilter says %+v", pattern, test.Matches)
		}
	}
	if r := e.rec.last(); bytes.Contains([]byte(r.request), []byte("StopLogging\\\"")) {
		t.Errorf("messages are recorded: %s", r.request)
	}
}
