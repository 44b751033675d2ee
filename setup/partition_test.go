package setup_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cairn/setup"
)

// TestPartitions plans all modules for accounts of AWS's other partitions:
// every ARN in the plan, in policy documents above all, must be of the same.
func TestPartitions(t *testing.T) {
	for _, tt := range []struct{ partition, region string }{{"aws", "eu-west-1"}, {"aws-us-gov", "us-gov-west-1"}, {"aws-cn", "cn-north-1"}} {
		t.Run(tt.partition, func(t *testing.T) {
			onNothing(t, tt.partition)
			bucket := &setup.Bucket{S3BucketName: "partitioned", OrganizationID: "o-0123456789"}
			logs := &setup.CloudWatch{TrailName: "partitioned"}
			trail := &setup.Trail{
				TrailName: "partitioned", S3BucketName: bucket.Outputs().S3BucketName,
				CloudWatchLogsGroupARN: logs.Outputs().CloudWatchLogsGroupARN, CloudWatchLogsRoleARN: logs.Outputs().CloudWatchLogsRoleARN,
			}
			role := &setup.ValidateLogsRole{
				S3BucketARN: bucket.Outputs().S3BucketARN, AssumeRoleARN: setup.Text("arn:" + tt.partition + ":iam::444455556666:root"),
			}
			a := describe(t, setup.Description{
				Provider: setup.Provider{Region: tt.region},
				Modules:  []setup.Module{bucket, logs, trail, role},
				Outputs:  map[string]setup.Text{"trail": trail.Outputs().TrailARN, "bucket": bucket.Outputs().S3BucketARN, "role": role.Outputs().RoleARN},
			})
			text := planJSON(t, plan(t, a, setup.Count{Add: 11}))
			checkARNs(t, text, tt.partition, tt.region)
			if strings.Count(text, `cloudtrail.amazonaws.com`) < 4 || strings.Contains(text, "amazonaws.com.cn") {
				t.Errorf("CloudTrail has one name in all partitions, cloudtrail.amazonaws.com:\n%s", text)
			}
		})
	}
}

// checkARNs finds the ARNs in a plan's JSON.
func checkARNs(t *testing.T, text, partition, region string) {
	t.Helper()
	services := map[string]int{}
	for _, m := range regexp.MustCompile(`arn:([a-z0-9-]*):([a-z0-9-]*):([a-z0-9*-]*):`).FindAllStringSubmatch(text, -1) {
		if m[1] != partition {
			t.Errorf("an ARN is of the partition %s: %s…", m[1], m[0])
		}
		if !slices.Contains([]string{"", "*", region}, m[3]) {
			t.Errorf("an ARN is of the region %s: %s…", m[3], m[0])
		}
		services[m[2]]++
	}
	for _, name := range []string{"s3", "cloudtrail", "logs", "iam"} {
		if services[name] == 0 {
			t.Errorf("no ARN of %s in the plan:\n%s", name, text)
		}
	}
}

// onNothing points setup at an account of a partition in which there is
// nothing.
func onNothing(t *testing.T, partition string) {
	t.Helper()
	answer := func(w http.ResponseWriter, status int, body string) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch target := r.Header.Get("X-Amz-Target"); {
		case strings.HasSuffix(target, ".DescribeTrails"):
			answer(w, http.StatusOK, `{"trailList":[]}`)
		case strings.HasSuffix(target, ".DescribeLogGroups"):
			answer(w, http.StatusOK, `{"logGroups":[]}`)
		case r.URL.Path != "/":
			answer(w, http.StatusNotFound, `<Error><Code>NoSuchBucket</Code><Message>there is none</Message></Error>`)
		case r.FormValue("Action") == "GetCallerIdentity":
			answer(w, http.StatusOK, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:`+partition+
				`:iam::111122223333:user/u</Arn><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		default: // GetRole, GetRolePolicy
			answer(w, http.StatusNotFound, `<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>there is none</Message></Error></ErrorResponse>`)
		}
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}
