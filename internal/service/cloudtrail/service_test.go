package cloudtrail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/delivery"
	"cairn/internal/identity"
	"cairn/internal/journal"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/policy"
	"cairn/internal/seal"
	"cairn/internal/signkey"
	"cairn/internal/state/statetest"
	"cairn/internal/trail"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	group   = "arn:aws:logs:eu-west-1:111122223333:log-group:audit:*"
	role    = "arn:aws:iam::111122223333:role/to-logs"
)

// fakeDest answers what the test wants.
type fakeDest struct{ bucket, group error }

func (d *fakeDest) CheckBucket(context.Context, *trail.Trail) error   { return d.bucket }
func (d *fakeDest) CheckLogGroup(context.Context, *trail.Trail) error { return d.group }

type fakeJournal struct{ end journal.Position }

func (j *fakeJournal) End() journal.Position { return j.end }

// noRecorder drops records, but for the operation and code of calls that failed; the
// journal grows all the same.
type noRecorder struct{ c *client }

func (r noRecorder) Record(_ context.Context, c *call.Call, _ any, err error) error {
	r.c.journal.end.Seq++
	if err != nil {
		r.c.failed = append(r.c.failed, c.Op.Name+" "+awserr.From(err).Code)
	}
	return nil
}

// client calls the service as the wire does: JSON in, JSON out.
type client struct {
	*testing.T
	api     *call.API
	d       *call.Dispatcher
	svc     *Service
	dest    *fakeDest
	journal *fakeJournal
	keys    *signkey.Keys
	history *fakeHistory
	who     identity.Principal
	region  string
	now     time.Time
	calls   int
	// failed are the operations and codes of recorded calls that failed.
	failed []string
}

// management is an organization by its management account.
type management string

func (management) ID() string           { return "o-1a2b3c4d5e" }
func (m management) Management() string { return string(m) }

func newClient(t *testing.T) *client {
	t.Helper()
	st := statetest.Open(t, natsdtest.Start(t))
	c := &client{
		T: t, dest: &fakeDest{}, journal: &fakeJournal{journal.Position{Seq: 7}}, history: &fakeHistory{}, region: region,
		who: identity.Principal{Kind: identity.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root"},
		now: time.Date(2026, 3, 1, 12, 0, 0, 1_000_000, time.UTC),
	}
	clock := func() time.Time { return c.now }
	c.keys = signkey.New(st, make([]byte, seal.KeySize), clock)
	c.svc = New(Options{
		Tables: delivery.OpenTables(st), Journal: c.journal, Dest: c.dest, Keys: c.keys, DeleteWait: 10 * time.Millisecond, Now: clock,
		History: c.history, TokenKey: []byte("key"), Organization: management(account),
	})
	c.api = c.svc.API()
	c.d = call.NewDispatcher(noRecorder{c}, slog.New(slog.DiscardHandler))
	return c
}

// do makes a call and returns the answer's JSON, or the error.
func (c *client) do(op, body string) (string, error) {
	c.Helper()
	o := c.api.Operations[op]
	if o == nil {
		c.Fatalf("no operation %s", op)
	}
	in := o.NewInput()
	if err := c.api.Codec.Decode([]byte(body), in); err != nil {
		c.Fatalf("%s %s: %v", op, body, err)
	}
	c.calls++
	out, err := c.d.Do(c.Context(), &call.Call{
		API: c.api, Op: o, Principal: c.who, Region: c.region, Input: in, RequestID: fmt.Sprintf("r%d", c.calls),
		Secure: true, Start: c.now,
	})
	if err != nil {
		return "", err
	}
	reply, err := c.api.Codec.Encode(op, "r", out)
	if err != nil {
		c.Fatal(err)
	}
	return string(reply.Body), nil
}

// ok makes a call that must work and compares its answer, unless want is empty.
func (c *client) ok(op, body, want string) {
	c.Helper()
	got, err := c.do(op, body)
	if err != nil {
		c.Fatalf("%s %s: %v", op, body, err)
	}
	if want == "" {
		return
	}
	var g, w any
	if err := errors.Join(json.Unmarshal([]byte(got), &g), json.Unmarshal([]byte(want), &w)); err != nil {
		c.Fatalf("%v: %s %s", err, got, want)
	}
	if d := cmp.Diff(w, g); d != "" {
		c.Errorf("%s %s: %s", op, body, d)
	}
}

// refused makes a call that must fail with a code and (if given) a text.
func (c *client) refused(op, body, code, text string) {
	c.Helper()
	_, err := c.do(op, body)
	var e *awserr.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(e.Message, text) || e.Status != 400 {
		c.Errorf("%s %.200s = %v, want %s %s", op, body, err, code, text)
	}
}

func (c *client) trail(name string) *trail.Trail {
	c.Helper()
	t, ok := c.svc.Trails.Get(delivery.TrailKey(account, region, name)...)
	if !ok {
		c.Fatalf("no trail %s", name)
	}
	return t
}

const auditARN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"

func TestCreateAndRead(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","TagsList":[{"Key":"k","Value":"v"}]}`,
		`{"Name":"audit","S3BucketName":"bucket","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":false,
		"TrailARN":"`+auditARN+`","LogFileValidationEnabled":false,"IsOrganizationTrail":false,"RecursiveLogging":true}`)
	described := `{"Name":"audit","S3BucketName":"bucket","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":false,
		"HomeRegion":"eu-west-1","TrailARN":"` + auditARN + `","LogFileValidationEnabled":false,
		"HasCustomEventSelectors":false,"HasInsightSelectors":false,"IsOrganizationTrail":false,"RecursiveLogging":true}`
	c.ok("GetTrail", `{"Name":"audit"}`, `{"Trail":`+described+`}`)
	c.ok("DescribeTrails", `{"trailNameList":["`+auditARN+`","audit","nothing"]}`, `{"trailList":[`+described+`]}`)
	c.ok("DescribeTrails", `{}`, `{"trailList":[`+described+`]}`)
	c.ok("ListTrails", `{}`, `{"Trails":[{"TrailARN":"`+auditARN+`","Name":"audit","HomeRegion":"eu-west-1"}]}`)
	c.ok("ListTags", `{"ResourceIdList":["`+auditARN+`"]}`,
		`{"ResourceTagList":[{"ResourceId":"`+auditARN+`","TagsList":[{"Key":"k","Value":"v"}]}]}`)
	c.ok("CreateTrail", `{"Name":"full","S3BucketName":"bucket","S3KeyPrefix":"p","IsMultiRegionTrail":true,"EnableLogFileValidation":true,
		"CloudWatchLogsLogGroupArn":"`+group+`","CloudWatchLogsRoleArn":"`+role+`","SnsTopicName":"","KmsKeyId":"","IsOrganizationTrail":false}`,
		`{"Name":"full","S3BucketName":"bucket","S3KeyPrefix":"p","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,
		"TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/full","LogFileValidationEnabled":true,
		"CloudWatchLogsLogGroupArn":"`+group+`","CloudWatchLogsRoleArn":"`+role+`","IsOrganizationTrail":false,"RecursiveLogging":true}`)
	if c.trail("audit").Logging() {
		t.Error("a new trail logs")
	}
	c.ok("DeleteTrail", `{"Name":"`+auditARN+`"}`, `{}`)
	c.refused("DeleteTrail", `{"Name":"audit"}`, "TrailNotFoundException", "Unknown trail: "+auditARN+" for the user: "+account)
}

func TestCreateRefused(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	with := func(more string) string { return `{"Name":"other","S3BucketName":"bucket",` + more + `}` }
	export := func(g, r string) string {
		return with(`"CloudWatchLogsLogGroupArn":"` + g + `","CloudWatchLogsRoleArn":"` + r + `"`)
	}
	for _, tt := range []struct{ body, code, text string }{
		{`{"S3BucketName":"bucket"}`, "InvalidTrailNameException", "too short"},
		{`{"Name":"a b c","S3BucketName":"bucket"}`, "InvalidTrailNameException", "can only contain"},
		{`{"Name":"` + auditARN + `","S3BucketName":"bucket"}`, "InvalidTrailNameException", "can only contain"},
		{`{"Name":"audit","S3BucketName":"bucket"}`, "TrailAlreadyExistsException", "Trail audit already exists for customer: " + account},
		{`{"Name":"other"}`, "InvalidS3BucketNameException", ""},
		{with(`"S3KeyPrefix":"/"`), "InvalidS3PrefixException", ""},
		{with(`"IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":false`), "InvalidParameterCombinationException", "Multi-Region trail must include global service events."},
		{with(`"KmsKeyId":"alias/x"`), "InvalidKmsKeyIdException", "no KMS yet"},
		{with(`"SnsTopicName":"x"`), "InvalidSnsTopicNameException", "no SNS yet"},
		{with(`"TagsList":[{"Key":"a"},{"Key":"a"}]`), "InvalidTagParameterException", "more than once"},
		{export(group, ""), "InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN as well as a log group."},
		{export("", role), "InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN as well as a log group."},
		{export(strings.TrimSuffix(group, ":*"), role), "InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN."},
		{export(strings.Replace(group, "eu-west-1", "us-east-1", 1), role), "InvalidCloudWatchLogsLogGroupArnException", "Check the log group ARN"},
		{export(group, "arn:aws:iam::111122223333:user/x"), "InvalidCloudWatchLogsRoleArnException", "cannot validate"},
		{export(group, "arn:aws:iam::444455556666:role/to-logs"), "InvalidCloudWatchLogsRoleArnException", "across accounts"},
	} {
		c.refused("CreateTrail", tt.body, tt.code, tt.text)
	}
	for _, tt := range []struct {
		dest       fakeDest
		code, text string
	}{
		{fakeDest{bucket: fmt.Errorf("head: %w", ErrNoBucket)}, "S3BucketDoesNotExistException", "S3 bucket bucket does not exist!"},
		{fakeDest{bucket: ErrBucketDenied}, "InsufficientS3BucketPolicyException", "Incorrect S3 bucket policy is detected for bucket: bucket"},
		{fakeDest{group: ErrRoleTrust}, "InvalidCloudWatchLogsRoleArnException", "Access denied. Check the trust relationships for your role."},
		{fakeDest{group: ErrGroupDenied}, "InvalidCloudWatchLogsLogGroupArnException", "Access denied."},
		{fakeDest{group: ErrNoGroup}, "InvalidCloudWatchLogsLogGroupArnException", "CloudTrail cannot validate the specified log group ARN."},
	} {
		*c.dest = tt.dest
		c.refused("CreateTrail", export(group, role), tt.code, tt.text)
	}
	*c.dest = fakeDest{bucket: errors.New("disk on fire")}
	if _, err := c.do("CreateTrail", with(`"S3KeyPrefix":"p"`)); awserr.From(err).Code != "InternalFailure" {
		t.Error(err)
	}
	c.ok("DescribeTrails", `{"trailNameList":["other"]}`, `{"trailList":[]}`)
}

func TestLimit(t *testing.T) {
	c := newClient(t)
	create := func(region, name, more string) error {
		c.region = region
		_, err := c.do("CreateTrail", `{"Name":"`+name+`","S3BucketName":"bucket"`+more+`}`)
		return err
	}
	const all = `,"IsMultiRegionTrail":true`
	for i := range 4 {
		if err := create("us-east-1", fmt.Sprintf("east-%d", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(region, "west", ""); err != nil {
		t.Fatal(err)
	}
	if err := create(region, "everywhere", all); err != nil {
		t.Fatal(err)
	}
	if err := create(region, "more", all); !awserr.Is(err, "MaximumNumberOfTrailsExceededException") ||
		!strings.Contains(err.Error(), "User: 111122223333 already has 5 trails in us-east-1.") {
		t.Error("sixth in us-east-1:", err)
	}
	if err := create("us-east-1", "everywhere", ""); !awserr.Is(err, "TrailAlreadyExistsException") {
		t.Error("name of a shadow trail:", err)
	}
	c.region = region
	c.refused("UpdateTrail", `{"Name":"west","IsMultiRegionTrail":true}`, "MaximumNumberOfTrailsExceededException", "")
	for i := range 3 {
		if err := create(region, fmt.Sprintf("west-%d", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(region, "west-9", ""); !awserr.Is(err, "MaximumNumberOfTrailsExceededException") {
		t.Error("sixth in eu-west-1:", err)
	}
}

func TestUpdate(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","S3KeyPrefix":"p","CloudWatchLogsLogGroupArn":"`+group+`","CloudWatchLogsRoleArn":"`+role+`"}`, "")
	id := c.trail("audit").ID
	c.ok("UpdateTrail", `{"Name":"`+auditARN+`","EnableLogFileValidation":true}`,
		`{"Name":"audit","S3BucketName":"bucket","S3KeyPrefix":"p","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":false,
		"TrailARN":"`+auditARN+`","LogFileValidationEnabled":true,"CloudWatchLogsLogGroupArn":"`+group+`",
		"CloudWatchLogsRoleArn":"`+role+`","IsOrganizationTrail":false,"RecursiveLogging":true}`)
	c.refused("UpdateTrail", `{"Name":"audit","CloudWatchLogsRoleArn":""}`, "InvalidCloudWatchLogsRoleArnException", "as well as")
	c.ok("UpdateTrail", `{"Name":"audit","S3KeyPrefix":"","CloudWatchLogsLogGroupArn":"","CloudWatchLogsRoleArn":"","IsMultiRegionTrail":true}`,
		`{"Name":"audit","S3BucketName":"bucket","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":true,
		"TrailARN":"`+auditARN+`","LogFileValidationEnabled":true,"IsOrganizationTrail":false,"RecursiveLogging":true}`)
	c.refused("UpdateTrail", `{"Name":"audit","IncludeGlobalServiceEvents":false}`, "InvalidParameterCombinationException", "")
	c.ok("UpdateTrail", `{"Name":"audit","IsMultiRegionTrail":false}`, "")
	if tr := c.trail("audit"); tr.GlobalEvents || tr.ID != id {
		t.Errorf("all regions to one leaves global events on: %+v", tr)
	}
	c.ok("UpdateTrail", `{"Name":"audit","IsMultiRegionTrail":true}`, "")
	if !c.trail("audit").GlobalEvents {
		t.Error("one region to all leaves global events off")
	}
	c.dest.bucket = ErrBucketDenied
	c.refused("UpdateTrail", `{"Name":"audit","S3BucketName":"other"}`, "InsufficientS3BucketPolicyException", "bucket: other")
	c.ok("UpdateTrail", `{"Name":"audit","EnableLogFileValidation":false}`, "") // does not touch the bucket
	c.refused("UpdateTrail", `{"Name":"nothing","S3BucketName":"other"}`, "TrailNotFoundException", "trail/nothing for")
}

func TestHomeRegion(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","IsMultiRegionTrail":true}`, "")
	c.ok("CreateTrail", `{"Name":"single","S3BucketName":"bucket"}`, "")
	const single = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/single"
	c.region = "us-east-1"
	for op, body := range map[string]string{
		"UpdateTrail": `{"Name":"%s"}`, "DeleteTrail": `{"Name":"%s"}`, "StartLogging": `{"Name":"%s"}`, "StopLogging": `{"Name":"%s"}`,
		"PutEventSelectors": `{"TrailName":"%s"}`, "PutInsightSelectors": `{"TrailName":"%s","InsightSelectors":[]}`, "AddTags": `{"ResourceId":"%s","TagsList":[]}`,
	} {
		c.refused(op, fmt.Sprintf(body, auditARN), "InvalidHomeRegionException", "home region eu-west-1")
		c.refused(op, fmt.Sprintf(body, single), "CloudTrailARNInvalidException", "Region in ARN is wrong, you can only access resources in region us-east-1.")
	}
	c.refused("StartLogging", `{"Name":"audit"}`, "TrailNotFoundException", "Unknown trail: arn:aws:cloudtrail:us-east-1:")
	c.ok("GetTrailStatus", `{"Name":"`+auditARN+`"}`, "")
	c.ok("GetEventSelectors", `{"TrailName":"`+auditARN+`"}`, "")
	names := func(body string) string {
		got, err := c.do("DescribeTrails", body)
		if err != nil {
			t.Fatal(err)
		}
		var out sdk.DescribeTrailsOutput
		if err := json.Unmarshal([]byte(got), &out); err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, tr := range out.TrailList {
			list = append(list, *tr.Name)
		}
		return strings.Join(list, " ")
	}
	for body, want := range map[string]string{
		`{}`: "audit", `{"includeShadowTrails":false}`: "", `{"trailNameList":["audit","single"]}`: "",
		`{"trailNameList":["` + single + `"]}`: "single",
	} {
		if got := names(body); got != want {
			t.Errorf("DescribeTrails %s in us-east-1: %q, want %q", body, got, want)
		}
	}
	c.who.Account = "999999999999"
	c.refused("GetTrail", `{"Name":"`+auditARN+`"}`, "TrailNotFoundException", "for the user: 999999999999")
}

func TestLogging(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	start := c.journal.end
	c.ok("StartLogging", `{"Name":"audit"}`, `{}`)
	c.ok("StartLogging", `{"Name":"`+auditARN+`"}`, `{}`)
	c.now = c.now.Add(time.Minute)
	c.ok("StopLogging", `{"Name":"audit"}`, `{}`)
	c.ok("StopLogging", `{"Name":"audit"}`, `{}`)
	want := []trail.Span{{
		Number: 1, From: trail.Mark{Seq: start.Seq}, StopRequest: "r4", Stopped: c.now, StopFrom: trail.Mark{Seq: start.Seq + 2},
	}}
	if d := cmp.Diff(want, c.trail("audit").Spans); d != "" {
		t.Error(d)
	}
	// Delivered: the span is dropped at the next change.
	tr := c.trail("audit")
	row := &delivery.Progress{TrailID: tr.ID, Span: 2, Succeeded: c.now, Attempted: c.now.Add(time.Second), Error: "AccessDenied"}
	if err := c.svc.Progress.Create(t.Context(), row, account, region, "audit", string(delivery.Bucket)); err != nil {
		t.Fatal(err)
	}
	c.ok("StartLogging", `{"Name":"audit"}`, `{}`)
	if s := c.trail("audit").Spans; len(s) != 1 || s[0].Number != 2 {
		t.Errorf("spans %+v", s)
	}
	c.ok("GetTrailStatus", `{"Name":"audit"}`, `{"IsLogging":true,"LatestDeliveryError":"AccessDenied","LatestDeliveryTime":1772366460.001,
		"StartLoggingTime":1772366460.001,"StopLoggingTime":1772366460.001,"LatestDeliveryAttemptTime":"2026-03-01T12:01:01Z",
		"LatestNotificationAttemptTime":"","LatestNotificationAttemptSucceeded":"","LatestDeliveryAttemptSucceeded":"2026-03-01T12:01:00Z",
		"TimeLoggingStarted":"2026-03-01T12:01:00Z","TimeLoggingStopped":"2026-03-01T12:01:00Z"}`)
}

func TestStatusOfNewTrail(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.ok("GetTrailStatus", `{"Name":"audit"}`, `{"IsLogging":false,"LatestDeliveryAttemptTime":"","LatestNotificationAttemptTime":"",
		"LatestNotificationAttemptSucceeded":"","LatestDeliveryAttemptSucceeded":"","TimeLoggingStarted":"","TimeLoggingStopped":""}`)
}

func TestSelectors(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.ok("StartLogging", `{"Name":"audit"}`, "")
	const def = `[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[],"ExcludeManagementEventSources":[]}]`
	c.ok("GetEventSelectors", `{"TrailName":"audit"}`, `{"TrailARN":"`+auditARN+`","EventSelectors":`+def+`}`)
	// A data resource with an empty list is accepted (spec 4.7).
	const put = `[{"ReadWriteType":"ReadOnly","IncludeManagementEvents":false,"DataResources":[{"Type":"AWS::S3::Object","Values":[]}],"ExcludeManagementEventSources":[]}]`
	c.ok("PutEventSelectors", `{"TrailName":"`+auditARN+`","EventSelectors":`+put+`}`, `{"TrailARN":"`+auditARN+`","EventSelectors":`+put+`}`)
	c.ok("GetEventSelectors", `{"TrailName":"audit"}`, `{"TrailARN":"`+auditARN+`","EventSelectors":`+put+`}`)
	if s := c.trail("audit").Spans; len(s) != 2 || !s[0].Cut || s[0].Selection == nil {
		t.Errorf("what was logged until now is selected anew: %+v", s)
	}
	const adv = `[{"Name":"n","FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]}]`
	c.ok("PutEventSelectors", `{"TrailName":"audit","AdvancedEventSelectors":`+adv+`}`, `{"TrailARN":"`+auditARN+`","AdvancedEventSelectors":`+adv+`}`)
	c.ok("GetEventSelectors", `{"TrailName":"audit"}`, `{"TrailARN":"`+auditARN+`","AdvancedEventSelectors":`+adv+`}`)
	if !c.trail("audit").CustomSelectors {
		t.Error("HasCustomEventSelectors is false")
	}
	c.refused("PutEventSelectors", `{"TrailName":"audit","EventSelectors":`+def+`,"AdvancedEventSelectors":`+adv+`}`, "InvalidEventSelectorsException", "not both")
	c.refused("PutEventSelectors", `{"TrailName":"nothing","EventSelectors":`+def+`}`, "TrailNotFoundException", "")

	c.refused("GetInsightSelectors", `{"TrailName":"audit"}`, "InsightNotEnabledException", auditARN)
	c.ok("PutInsightSelectors", `{"TrailName":"audit","InsightSelectors":[]}`, `{"TrailARN":"`+auditARN+`","InsightSelectors":[]}`)
	c.refused("GetInsightSelectors", `{"EventDataStore":"x"}`, "UnsupportedOperationException", "event data stores")
}

func TestTags(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	list := func(tags string) {
		t.Helper()
		c.ok("ListTags", `{"ResourceIdList":["`+auditARN+`"]}`, `{"ResourceTagList":[{"ResourceId":"`+auditARN+`","TagsList":[`+tags+`]}]}`)
	}
	list("")
	c.ok("AddTags", `{"ResourceId":"`+auditARN+`","TagsList":[{"Key":"a","Value":"1"},{"Key":"b"}]}`, `{}`)
	c.ok("AddTags", `{"ResourceId":"`+auditARN+`","TagsList":[{"Key":"a","Value":"2"}]}`, `{}`)
	list(`{"Key":"a","Value":"2"},{"Key":"b","Value":""}`)
	c.ok("RemoveTags", `{"ResourceId":"`+auditARN+`","TagsList":[{"Key":"a"},{"Key":"zz"}]}`, `{}`)
	list(`{"Key":"b","Value":""}`)
	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprintf(`{"Key":"k%d"}`, i))
	}
	c.refused("AddTags", `{"ResourceId":"`+auditARN+`","TagsList":[`+strings.Join(many, ",")+`]}`, "TagsLimitExceededException", "up to 50")
	c.refused("AddTags", `{"ResourceId":"`+auditARN+`","TagsList":[{"Key":""}]}`, "InvalidTagParameterException", "")
	c.refused("AddTags", `{"ResourceId":"audit","TagsList":[]}`, "CloudTrailARNInvalidException", "")
	c.refused("AddTags", `{"ResourceId":"`+auditARN+`x","TagsList":[]}`, "ResourceNotFoundException", "")
	c.refused("ListTags", `{"ResourceIdList":["`+auditARN+`x"]}`, "ResourceNotFoundException", "")
	c.refused("ListTags", `{"ResourceIdList":[]}`, "InvalidParameterException", "")
}

func TestAuthorization(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	doc, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"cloudtrail:*","Resource":"` + auditARN + `"},
		{"Effect":"Allow","Action":"cloudtrail:DescribeTrails","Resource":"*"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c.who = identity.Principal{
		Kind: identity.IAMUser, Account: account, ARN: "arn:aws:iam::" + account + ":user/alice", Name: "alice", Policies: []*policy.Document{doc},
	}
	c.ok("DescribeTrails", `{}`, "")
	c.ok("GetTrail", `{"Name":"audit"}`, "")
	c.refused("ListTrails", `{}`, "AccessDeniedException", "cloudtrail:ListTrails")
	c.refused("GetTrail", `{"Name":"other"}`, "AccessDeniedException", "on resource: arn:aws:cloudtrail:eu-west-1:111122223333:trail/other")
	c.refused("UpdateTrail", `{"Name":"audit","CloudWatchLogsLogGroupArn":"`+group+`","CloudWatchLogsRoleArn":"`+role+`"}`,
		"AccessDeniedException", "iam:PassRole on resource: "+role)
	if got := c.api.ErrorCode("AccessDeniedException"); got != "AccessDenied" {
		t.Error("recorded as", got)
	}
}
