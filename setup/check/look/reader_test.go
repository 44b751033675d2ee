package look

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"cairn/setup"
	"cairn/setup/check"
	"cairn/setup/setuptest"
)

const (
	accountID = "111122223333"
	trailARN  = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"
	groupARN  = "arn:aws:logs:eu-west-1:111122223333:log-group:audit-logs"
	roleARN   = "arn:aws:iam::111122223333:role/audit-role"
)

// policyOf is a policy document with one statement.
func policyOf(statement string) string {
	return `{"Version":"2012-10-17","Statement":[` + statement + `]}`
}

// alone points the AWS configuration at an endpoint, away from the machine's.
func alone(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
}

// failing returns the ids of the checks that did not pass. Moto delivers
// nothing, whatever it says of it.
func failing(t *testing.T, r *check.Report) map[string]check.Result {
	t.Helper()
	got := map[string]check.Result{}
	for _, f := range r.Findings {
		if f.Status != check.Pass && !strings.HasSuffix(f.ID, "-delivery") {
			got[f.ID] = f.Status
			t.Logf("%s %s: %s", f.Status, f.ID, f.Evidence)
		}
	}
	return got
}

func run(t *testing.T, r *Reader, trail string) *check.Report {
	t.Helper()
	reports, err := Run(t.Context(), []*Reader{r}, Options{Trail: trail})
	if err != nil {
		t.Fatal(err)
	}
	return reports[0].AtLeast(check.Medium)
}

// TestMoto looks at an account of an endpoint nobody here wrote: first as the
// own-bucket example sets it up, then with defects planted.
func TestMoto(t *testing.T) {
	alone(t, setuptest.Moto(t))
	files, err := setup.Read(setup.Source{Dir: "../../../examples/own-bucket", Variables: []setup.Variable{{Assign: "account_id=" + setuptest.Account}}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := files.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := a.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Apply(t.Context(), plan, nil); err != nil {
		t.Fatal(err)
	}
	r := WithFiles(a)[0]
	expected := map[string]check.Result{"trail-cmk": check.Fail, "bucket-access-logging": check.Fail}
	for of := range strings.FieldsSeq(`unauthorized-calls sign-in-without-mfa root iam-policies cloudtrail sign-in-failures kms-keys bucket-policies config
		security-groups network-acls gateways route-tables vpcs organizations`) {
		expected["alarm-"+of] = check.Fail
	}
	if d := cmp.Diff(expected, failing(t, run(t, r, ""))); d != "" {
		t.Errorf("the example (-want +got):\n%s", d)
	}

	plantOnMoto(t, r)
	maps.Copy(expected, map[string]check.Result{
		"trail-logging": check.Fail, "bucket-policy-sufficient": check.Fail, "bucket-policy-public": check.Fail, "bucket-tls-only": check.Fail, "bucket-public-access-block": check.Fail,
		"bucket-versioning": check.Fail, "log-group-retention": check.Fail, "role-permissions-narrow": check.Fail, "trail-drift": check.Fail,
	})
	delete(expected, "alarm-cloudtrail")
	if d := cmp.Diff(expected, failing(t, run(t, r, ""))); d != "" {
		t.Errorf("after planting (-want +got):\n%s", d)
	}

	// Without the files: the trail by its name, by its ARN, and one that is not.
	own, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const name = "digitalmarketplaces-account-cloudtrail"
	for _, asked := range []string{name, "arn:aws:cloudtrail:eu-west-1:" + setuptest.Account + ":trail/" + name} {
		if report := run(t, own, asked); len(report.Trails) != 1 || report.Trails[0].Name != name {
			t.Errorf("%s: %+v", asked, report.Trails)
		}
	}
	if got := failing(t, run(t, own, "nobody")); got["trail-exists"] != check.Fail {
		t.Errorf("a trail that is not there: %v", got)
	}
}

// plantOnMoto spoils the example, and gives it one metric filter with alarm.
func plantOnMoto(t *testing.T, r *Reader) {
	t.Helper()
	ctx := t.Context()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	bucket, trail := aws.String("digitalmarketplaces-account-cloudtrail-bucket"), aws.String("digitalmarketplaces-account-cloudtrail")
	group := aws.String("digitalmarketplaces-account-cloudtrail-cloudtrail-log-group")
	buckets := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	logs := cloudwatchlogs.NewFromConfig(cfg)
	_, stop := cloudtrail.NewFromConfig(cfg).StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: trail})
	_, block := buckets.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: bucket})
	_, open := buckets.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(
		policyOf(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + *bucket + `/*"}`))})
	_, suspend := buckets.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
	})
	_, short := logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: aws.Int32(7)})
	_, wide := iam.NewFromConfig(cfg).PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String(*trail + "-cloudwatch-logs"), PolicyName: aws.String("wide"), PolicyDocument: aws.String(policyOf(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)),
	})
	_, filter := logs.PutMetricFilter(ctx, &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: group, FilterName: aws.String("changes"), FilterPattern: aws.String("{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) || ($.eventName = DeleteTrail) || ($.eventName = StartLogging) || ($.eventName = StopLogging) }"),
		MetricTransformations: []logstypes.MetricTransformation{{MetricName: aws.String("changes"), MetricNamespace: aws.String("LogMetrics"), MetricValue: aws.String("1")}},
	})
	_, alarm := r.queryCloudWatch(ctx, "eu-west-1", url.Values{
		"Action": {"PutMetricAlarm"}, "Version": {"2010-08-01"}, "AlarmName": {"changes"}, "Namespace": {"LogMetrics"}, "MetricName": {"changes"},
		"AlarmActions.member.1": {"arn:aws:sns:eu-west-1:123456789012:told"}, "ActionsEnabled": {"true"}, "EvaluationPeriods": {"1"},
		"Period": {"300"}, "Statistic": {"Sum"}, "Threshold": {"1"}, "ComparisonOperator": {"GreaterThanOrEqualToThreshold"},
	})
	if err := errors.Join(stop, block, open, suspend, short, wide, filter, alarm); err != nil {
		t.Fatal(err)
	}
}

// TestDenied looks with credentials that may list the trails and nothing else:
// everything else is unknown, by the permission it needs.
func TestDenied(t *testing.T) {
	calls := func(w http.ResponseWriter, r *http.Request) {
		switch target := r.Header.Get("X-Amz-Target"); {
		case strings.HasSuffix(target, ".DescribeTrails"):
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			fmt.Fprintf(w, `{"trailList":[{"Name":"audit","TrailARN":%q,"HomeRegion":"eu-west-1","S3BucketName":"theirs","IsMultiRegionTrail":true,"IncludeGlobalServiceEvents":true,
				"CloudWatchLogsLogGroupArn":%q,"CloudWatchLogsRoleArn":%q}]}`, trailARN, groupARN+":*", roleARN)
		case target != "":
			w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"not you"}`)
		case r.Method == http.MethodPost && strings.Contains(r.Header.Get("Authorization"), "/sts/"):
			fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/auditor</Arn><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, accountID, accountID)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		}
	}
	endpoint := httptest.NewServer(http.HandlerFunc(calls))
	defer endpoint.Close()
	alone(t, endpoint.URL)
	r, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reports, err := Run(t.Context(), []*Reader{r}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	// These are told by the trail itself.
	told := []string{
		"trail-multi-region", "trail-global-events", "trail-validation", "trail-cmk", "trail-log-group", "trail-insights", "trail-notification",
	}
	for _, f := range reports[0].Findings {
		known := false
		for _, id := range told {
			known = known || f.ID == id
		}
		if known {
			continue
		}
		if f.Status != check.Unknown || !strings.Contains(f.Permission, ":") || !strings.Contains(f.Evidence, f.Permission) {
			t.Errorf("%s is %s, permission %q: %s", f.ID, f.Status, f.Permission, f.Evidence)
		}
	}
	if n := reports[0].Summary.Unknown; n < 40 {
		t.Errorf("%d unknown findings, want some 45", n)
	}
}

// TestNoList is an error: nothing could be judged, and exit code 0 would lie.
func TestNoList(t *testing.T) {
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "" {
			fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/auditor</Arn><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, accountID, accountID)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"not you"}`)
	}))
	defer endpoint.Close()
	alone(t, endpoint.URL)
	r, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Look(t.Context(), Options{}); err == nil || !strings.Contains(err.Error(), "allow cloudtrail:DescribeTrails") {
		t.Errorf("got %v", err)
	}
	t.Setenv("AWS_REGION", "")
	if _, err := Connect(t.Context()); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("without a region: %v", err)
	}
}
