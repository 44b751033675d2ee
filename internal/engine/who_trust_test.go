package engine

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestTrust assumes roles of another account, with every condition trust
// policies are known to have.
func TestTrust(t *testing.T) {
	c := newCourt(t)
	ctx := t.Context()
	all := c.user(abroad, "all", document(allowAll), "")
	none := c.user(abroad, "none", "", "")
	roles := iam.NewFromConfig(c.root(account))
	for name, tt := range map[string]struct {
		principal, condition string
		externalID           string
		all, none            bool
	}{
		"account":              {principal: `{"AWS":"` + abroad + `"}`, all: true},
		"user":                 {principal: `{"AWS":"arn:aws:iam::` + abroad + `:user/all"}`, all: true},
		"both, by name":        {principal: `{"AWS":["arn:aws:iam::` + abroad + `:user/all","arn:aws:iam::` + abroad + `:user/none"]}`, all: true},
		"another account":      {principal: `{"AWS":"` + account + `"}`},
		"a service":            {principal: `{"Service":"cloudtrail.amazonaws.com"}`},
		"external id":          {principal: `{"AWS":"` + abroad + `"}`, condition: `"StringEquals":{"sts:ExternalId":"12345"}`, externalID: "12345", all: true},
		"wrong external id":    {principal: `{"AWS":"` + abroad + `"}`, condition: `"StringEquals":{"sts:ExternalId":"12345"}`, externalID: "12346"},
		"no external id":       {principal: `{"AWS":"` + abroad + `"}`, condition: `"StringEquals":{"sts:ExternalId":"12345"}`},
		"MFA":                  {principal: `{"AWS":"` + abroad + `"}`, condition: `"Bool":{"aws:MultiFactorAuthPresent":"true"}`},
		"source of a service":  {principal: `{"AWS":"` + abroad + `"}`, condition: `"StringEquals":{"aws:SourceAccount":"` + abroad + `"}`},
		"session name":         {principal: `{"AWS":"` + abroad + `"}`, condition: `"StringEquals":{"sts:RoleSessionName":"${aws:username}"}`, all: true},
		"another session name": {principal: `{"AWS":"` + abroad + `"}`, condition: `"StringEquals":{"sts:RoleSessionName":"other"}`},
	} {
		role := "r-" + strings.NewReplacer(" ", "-", ",", "").Replace(name)
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + tt.principal + `,"Action":"sts:AssumeRole","Condition":{` + tt.condition + `}}]}`
		if _, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: &text}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in := awssts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + role), RoleSessionName: aws.String("all")}
		if tt.externalID != "" {
			in.ExternalId = &tt.externalID
		}
		for who, want := range map[string]bool{"all": tt.all, "none": tt.none} {
			cfg := map[string]aws.Config{"all": all, "none": none}[who]
			_, err := awssts.NewFromConfig(cfg).AssumeRole(ctx, &in)
			if (err == nil) != want {
				t.Errorf("%s: user %s assumed it: %v, want %v (%v)", name, who, err == nil, want, err)
			}
			if err != nil && !strings.Contains(err.Error(), "AccessDenied") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestConfusedDeputy: CloudTrail writes for a trail where a statement lets it
// write for that trail, and nowhere else, whoever asks.
func TestConfusedDeputy(t *testing.T) {
	c := newCourt(t)
	ctx := t.Context()
	victim := s3.NewFromConfig(c.root(account), func(o *s3.Options) { o.UsePathStyle = true })
	attacker := cloudtrail.NewFromConfig(c.root(abroad))
	if _, err := victim.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("evidence"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}); err != nil {
		t.Fatal(err)
	}
	letIn := func(condition string) {
		t.Helper()
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":["s3:GetBucketAcl","s3:PutObject"],
			"Resource":["arn:aws:s3:::evidence","arn:aws:s3:::evidence/*"],"Condition":{"StringEquals":{` + condition + `}}}]}`
		if _, err := victim.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("evidence"), Policy: &text}); err != nil {
			t.Fatal(err)
		}
	}
	create := func() error {
		_, err := attacker.CreateTrail(ctx, &cloudtrail.CreateTrailInput{Name: aws.String("all"), S3BucketName: aws.String("evidence")})
		return err
	}
	for _, condition := range []string{
		`"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:` + account + `:trail/all"`,
		`"aws:SourceAccount":"` + account + `"`,
		`"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:` + abroad + `:trail/other"`,
	} {
		letIn(condition)
		if err := create(); err == nil || !strings.Contains(err.Error(), "InsufficientS3BucketPolicyException") {
			t.Fatalf("with only %s, another account's trail was made: %v", condition, err)
		}
	}
	// The owner lets the trail in, and takes it back.
	letIn(`"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:` + abroad + `:trail/all"`)
	if err := create(); err != nil {
		t.Fatal(err)
	}
	if _, err := attacker.StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: aws.String("all")}); err != nil {
		t.Fatal(err)
	}
	files := func() (n int) {
		list, err := victim.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("evidence"), Prefix: aws.String("AWSLogs/" + abroad + "/CloudTrail/")})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Contents)
	}
	eventually(t, "a log file while it is let in", func() bool { return files() > 0 })
	letIn(`"aws:SourceAccount":"` + account + `"`)
	status := func() string {
		s, err := attacker.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: aws.String("all")})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(s.LatestDeliveryError)
	}
	eventually(t, "delivery refused", func() bool { return status() == "AccessDenied" })
	before := files()
	for range 3 {
		status() // each call is a record that would be delivered
	}
	if after := files(); after != before {
		t.Errorf("%d log files came after the statement was gone", after-before)
	}
}
