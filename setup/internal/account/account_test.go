package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cairn/setup/internal/resource"
)

func refusal(code, message string) error {
	return &smithy.OperationError{ServiceID: "X", OperationName: "Y", Err: &smithy.GenericAPIError{Code: code, Message: message}}
}

func TestSettle(t *testing.T) {
	passing := func(err error) bool { return is(err, "NotYet") }
	for _, tt := range []struct {
		name   string
		answer func(try int) error
		tries  func(int) bool
		fails  bool
		took   time.Duration
	}{
		{"at once", func(int) error { return nil }, func(n int) bool { return n == 1 }, false, 0},
		{"definite", func(int) error { return refusal("No", "") }, func(n int) bool { return n == 1 }, true, 0},
		{"later", func(n int) error {
			if n < 5 {
				return refusal("NotYet", "")
			}
			return nil
		}, func(n int) bool { return n == 5 }, false, 2 * time.Second},
		{"never", func(int) error { return refusal("NotYet", "") }, func(n int) bool { return n > 10 }, true, settleTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, tries := time.Now(), 0
				err := settle(t.Context(), func(string) {}, passing, func() error { tries++; return tt.answer(tries) })
				if (err != nil) != tt.fails || !tt.tries(tries) || time.Since(start) > tt.took {
					t.Errorf("err %v after %d tries and %s", err, tries, time.Since(start))
				}
			})
		})
	}
}

func TestSettleStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := settle(ctx, func(string) {}, func(error) bool { return true }, func() error { return refusal("NotYet", "wait") })
		if code(err) != "NotYet" || time.Since(start) > time.Second {
			t.Errorf("%v after %s: want the last answer after a second", err, time.Since(start))
		}
	})
}

func TestSettling(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{refusal("InvalidCloudWatchLogsRoleArnException", "Access denied. Check the trust relationships for your role."), true},
		{refusal("InvalidCloudWatchLogsRoleArnException", "You must specify a role ARN as well as a log group."), false},
		{refusal("InvalidCloudWatchLogsLogGroupArnException", "Access denied. Check the permissions for your role."), true},
		{refusal("InsufficientS3BucketPolicyException", ""), true},
		{refusal("TrailAlreadyExistsException", ""), false},
		{errors.New("other"), false},
	} {
		if got := settling(tt.err); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestPlain(t *testing.T) {
	err := Plain(fmt.Errorf("set its tags: %w", refusal("Denied", "no")))
	if err.Error() != "set its tags: Denied: no" || code(err) != "Denied" {
		t.Errorf("%v", err)
	}
	if again := Plain(fmt.Errorf("read: %w", err)); again.Error() != "read: set its tags: Denied: no" && !strings.Contains(again.Error(), "Denied: no") {
		t.Errorf("twice: %v", again)
	}
}

func TestLocal(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4566": true, "http://localhost:4566": true, "http://[::1]:1": true, "https://aws.example.com": false, "": false,
	} {
		if got := local(endpoint); got != want {
			t.Errorf("%s: %v, want %v", endpoint, got, want)
		}
	}
}

func TestConnectExplains(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	for _, tt := range []struct {
		name   string
		env    map[string]string
		target Target
		want   string
	}{
		{"no region", nil, Target{Where: "main.tf:3:1"}, "main.tf:3:1: the provider \"aws\" block sets no region"},
		{"no credentials", nil, Target{Region: "eu-west-1"}, "there are no AWS credentials"},
		{"nobody", map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, Target{Region: "eu-west-1"}, "nobody listens at http://127.0.0.1:1"},
		{"no profile", nil, Target{Region: "eu-west-1", Profile: "nobody"}, "nobody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			if _, err := Connect(t.Context(), tt.target); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// alone takes the machine's own AWS configuration away.
func alone(t *testing.T) {
	t.Helper()
	for _, k := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(k, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestRetryerGivesUpOnNobody(t *testing.T) {
	if newRetryer().IsErrorRetryable(fmt.Errorf("dial: %w", syscall.ECONNREFUSED)) {
		t.Error("a refused connection is retried")
	}
}

func TestLacking(t *testing.T) {
	trail := &resource.Trail{Name: "t", ARN: "arn:aws:cloudtrail:eu-west-1:123456789012:trail/t", Bucket: "gds-audit-cloudtrails", Prefix: "123456789012"}
	acl := `{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::gds-audit-cloudtrails"}`
	write := `{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::gds-audit-cloudtrails/123456789012/AWSLogs/123456789012/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}}}`
	for name, tt := range map[string]struct {
		statements string
		want       []string
	}{
		"both":         {acl + "," + write, nil},
		"no write":     {acl, []string{"AWSCloudTrailWrite20150319"}},
		"no acl":       {write, []string{"AWSCloudTrailAclCheck20150319"}},
		"wrong prefix": {acl + "," + strings.Replace(write, "/123456789012/AWSLogs", "/AWSLogs", 1), []string{"AWSCloudTrailWrite20150319"}},
		"none":         {"", []string{"AWSCloudTrailAclCheck20150319", "AWSCloudTrailWrite20150319"}},
	} {
		var got []string
		for _, a := range lackingIn(trail, `{"Version":"2012-10-17","Statement":[`+tt.statements+`]}`) {
			got = append(got, a.Sid)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestTagChanges(t *testing.T) {
	set, gone := tagChanges(map[string]string{"a": "1", "b": "2", "c": "3"}, map[string]string{"a": "1", "b": "x", "d": "4"})
	if d := cmp.Diff(map[string]string{"b": "x", "d": "4"}, set); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"c"}, gone); d != "" {
		t.Error(d)
	}
}
