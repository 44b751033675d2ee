package setup_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"cairn/setup"
	"cairn/setup/setuptest"
)

// brought is one combination of what a user makes and what the user has.
type brought struct {
	bucket bool   // the bucket is the user's own, not the module's
	group  string // the log group and its role: none, made or brought
	key    string // the KMS key, or empty
}

// name names everything of the combination.
func (c brought) name() string {
	return fmt.Sprintf("bring-%t-%s-%t", c.bucket, c.group, c.key != "")
}

// describe says in Go what the combination is, and how many resources of it
// the modules make.
func (c brought) describe() (d setup.Description, resources int) {
	trail := &setup.Trail{TrailName: setup.Text(c.name()), S3BucketName: setup.Text(c.name() + "-bucket"), KMSKeyARN: setup.Text(c.key)}
	d = setup.Description{Provider: setup.Provider{Region: "eu-west-1"}, Modules: []setup.Module{trail}}
	resources = 1
	if !c.bucket {
		bucket := &setup.Bucket{S3BucketName: trail.S3BucketName, KMSKeyARN: trail.KMSKeyARN}
		trail.S3BucketName = bucket.Outputs().S3BucketName
		d.Modules = append(d.Modules, bucket)
		resources += 5
	}
	switch c.group {
	case "made":
		logs := &setup.CloudWatch{TrailName: trail.TrailName, LogGroupName: setup.Text(c.name() + "-group"), RoleName: setup.Text(c.name() + "-role"), KMSKeyARN: trail.KMSKeyARN}
		trail.CloudWatchLogsGroupARN, trail.CloudWatchLogsRoleARN = logs.Outputs().CloudWatchLogsGroupARN, logs.Outputs().CloudWatchLogsRoleARN
		d.Modules = append(d.Modules, logs)
		resources += 3
	case "brought":
		// Without the :* that CloudTrail wants: the module puts it there.
		trail.CloudWatchLogsGroupARN = setup.Text("arn:aws:logs:eu-west-1:" + setuptest.Account + ":log-group:" + c.name() + "-group")
		trail.CloudWatchLogsRoleARN = setup.Text("arn:aws:iam::" + setuptest.Account + ":role/" + c.name() + "-role")
	}
	return d, resources
}

// wanted is the trail as AWS should have it.
func (c brought) wanted() map[string]string {
	want := map[string]string{"bucket": c.name() + "-bucket", "key": c.key, "group": "", "role": ""}
	if c.group != "none" {
		want["group"] = "arn:aws:logs:eu-west-1:" + setuptest.Account + ":log-group:" + c.name() + "-group:*"
		want["role"] = "arn:aws:iam::" + setuptest.Account + ":role/" + c.name() + "-role"
	}
	return want
}

// TestBringYourOwn sets up every combination of a bucket, a log group with its
// role, and a key that the user has already or the modules make: what the user
// brought is used, and neither planned, changed nor destroyed.
func TestBringYourOwn(t *testing.T) {
	aws1 := onMoto(t)
	roles := motoRoles(t)
	for _, bucket := range []bool{false, true} {
		for _, group := range []string{"none", "made", "brought"} {
			for _, key := range []string{"", "arn:aws:kms:eu-west-1:" + setuptest.Account + ":key/00000000-0000-0000-0000-000000000001"} {
				c := brought{bucket: bucket, group: group, key: key}
				t.Run(c.name(), func(t *testing.T) {
					c.bring(t, aws1, roles)
					d, resources := c.describe()
					a := describe(t, d)
					apply(t, a, plan(t, a, setup.Count{Add: resources}))
					plan(t, describe(t, d), setup.Count{})
					if d := cmp.Diff(c.wanted(), trailOf(t, aws1, c.name())); d != "" {
						t.Errorf("the trail (-want +got):\n%s", d)
					}
					gone, err := a.PlanDestroy(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					apply(t, a, gone)
					plan(t, a, setup.Count{Add: resources})
					c.checkLeft(t, aws1, roles)
				})
			}
		}
	}
}

// bring makes what the user has before.
func (c brought) bring(t *testing.T, aws1 clients, roles *iam.Client) {
	t.Helper()
	if c.bucket {
		_, err := aws1.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
			Bucket: aws.String(c.name() + "-bucket"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if c.group != "brought" {
		return
	}
	if _, err := aws1.logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(c.name() + "-group")}); err != nil {
		t.Fatal(err)
	}
	_, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String(c.name() + "-role"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
}

// checkLeft finds what the user brought still there, and untagged, after
// destroy; and what the modules made gone.
func (c brought) checkLeft(t *testing.T, aws1 clients, roles *iam.Client) {
	t.Helper()
	_, err := aws1.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(c.name() + "-bucket")})
	if (err == nil) != c.bucket {
		t.Errorf("the bucket after destroy: %v", err)
	}
	if c.bucket {
		if tags, err := aws1.s3.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: aws.String(c.name() + "-bucket")}); err == nil {
			t.Errorf("the user's bucket was tagged %v", tags.TagSet)
		}
	}
	role, err := roles.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String(c.name() + "-role")})
	if (err == nil) != (c.group == "brought") {
		t.Errorf("the role after destroy: %v", err)
	}
	if err == nil && len(role.Role.Tags) > 0 {
		t.Errorf("the user's role was tagged %v", role.Role.Tags)
	}
	groups, err := aws1.logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String(c.name() + "-group")})
	if err != nil || (len(groups.LogGroups) == 1) != (c.group == "brought") {
		t.Errorf("%d log groups after destroy (%v)", len(groups.LogGroups), err)
	}
}

func trailOf(t *testing.T, aws1 clients, name string) map[string]string {
	t.Helper()
	out, err := aws1.trails.GetTrail(t.Context(), &cloudtrail.GetTrailInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"bucket": aws.ToString(out.Trail.S3BucketName), "key": aws.ToString(out.Trail.KmsKeyId),
		"group": aws.ToString(out.Trail.CloudWatchLogsLogGroupArn), "role": aws.ToString(out.Trail.CloudWatchLogsRoleArn),
	}
}

// motoRoles is IAM on the moto_server of onMoto.
func motoRoles(t *testing.T) *iam.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	return iam.NewFromConfig(cfg)
}
