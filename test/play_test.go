//go:build e2e

package test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trails "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cairn/test/kit"
)

// play is an engine with a trail that selects everything, and its callers.
type play struct {
	testing.TB
	e *kit.Engine
	// root is the account's root user, user an IAM user who may do everything,
	// weak one who may do nothing, session a role session, other the root user
	// of another account.
	root, user, weak, session, other aws.Config
	// userEnv lets the aws CLI call as user.
	userEnv []string
}

const (
	account   = "111122223333"
	stranger  = "444455556666"
	keeper    = "records-kept-here" // the bucket of the trail that is read
	adminARN  = "arn:aws:iam::aws:policy/AdministratorAccess"
	actorARN  = "arn:aws:iam::" + account + ":role/actor"
	trustRoot = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
)

// method is an operation of an SDK client.
type method[In, Out, Options any] func(context.Context, *In, ...func(*Options)) (*Out, error)

// do calls an operation that has to succeed.
func do[In, Out, Options any](t testing.TB, call method[In, Out, Options], in *In) *Out {
	t.Helper()
	out, err := call(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// fails calls an operation that has to fail with a code.
func fails[In, Out, Options any](t testing.TB, code string, call method[In, Out, Options], in *In) {
	t.Helper()
	_, err := call(t.Context(), in)
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code {
		t.Errorf("want %s, not %v", code, err)
	}
}

// newPlay starts the engine, the trail and its callers.
func newPlay(t testing.TB) *play {
	t.Helper()
	p := &play{TB: t, e: kit.StartEngine(t, t.TempDir(), "--account", account)}
	kit.Client{Env: p.e.Environment(t, "")}.Must(t, kit.Binary(t), "account", "add", stranger, "--data", p.e.Dir)
	p.root, p.other = p.e.Config(t, ""), p.e.Config(t, stranger)
	p.trail("keeper", keeper, &cloudtrail.PutEventSelectorsInput{EventSelectors: []trails.EventSelector{{
		ReadWriteType: trails.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(true),
		DataResources: []trails.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3"}}},
	}}})
	var key *iam.CreateAccessKeyOutput
	p.user, key = p.newUser("ann")
	do(t, iam.NewFromConfig(p.root).AttachUserPolicy, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: aws.String(adminARN)})
	p.userEnv = append(p.e.Environment(t, ""), "AWS_ACCESS_KEY_ID="+*key.AccessKey.AccessKeyId, "AWS_SECRET_ACCESS_KEY="+*key.AccessKey.SecretAccessKey)
	p.weak, _ = p.newUser("weak")
	people := iam.NewFromConfig(p.root)
	do(t, people.CreateRole, &iam.CreateRoleInput{RoleName: aws.String("actor"), AssumeRolePolicyDocument: aws.String(trustRoot)})
	do(t, people.AttachRolePolicy, &iam.AttachRolePolicyInput{RoleName: aws.String("actor"), PolicyArn: aws.String(adminARN)})
	opened := do(t, sts.NewFromConfig(p.user).AssumeRole, &sts.AssumeRoleInput{
		RoleArn: aws.String(actorARN), RoleSessionName: aws.String("act-one"), DurationSeconds: aws.Int32(900),
	}).Credentials
	p.session = p.root.Copy()
	p.session.Credentials = credentials.NewStaticCredentialsProvider(*opened.AccessKeyId, *opened.SecretAccessKey, *opened.SessionToken)
	return p
}

// trail makes a bucket and a multi-region trail that delivers to it, and starts it.
func (p *play) trail(name, bucket string, selectors *cloudtrail.PutEventSelectorsInput) {
	p.Helper()
	store, ct := s3.NewFromConfig(p.root, pathStyle), cloudtrail.NewFromConfig(p.root)
	p.bucket(store, bucket, trailPolicy(bucket))
	do(p, ct.CreateTrail, &cloudtrail.CreateTrailInput{Name: &name, S3BucketName: &bucket, IsMultiRegionTrail: aws.Bool(true)})
	selectors.TrailName = &name
	do(p, ct.PutEventSelectors, selectors)
	do(p, ct.StartLogging, &cloudtrail.StartLoggingInput{Name: &name})
}

// bucket makes a bucket with a policy.
func (p *play) bucket(store *s3.Client, name, policy string) {
	p.Helper()
	do(p, store.CreateBucket, &s3.CreateBucketInput{
		Bucket: &name, ACL: types.BucketCannedACLPrivate, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: kit.Region},
	})
	do(p, store.PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &name, Policy: &policy})
}

// trailPolicy lets CloudTrail deliver to a bucket.
func trailPolicy(bucket string) string {
	return `{"Version":"2012-10-17","Statement":[
	{"Action":"s3:GetBucketAcl","Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Resource":"arn:aws:s3:::` + bucket + `","Sid":"AclCheck"},
	{"Action":"s3:PutObject","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}},"Effect":"Allow",
	 "Principal":{"Service":"cloudtrail.amazonaws.com"},"Resource":"arn:aws:s3:::` + bucket + `/*","Sid":"Write"}]}`
}

// newUser makes an IAM user and returns it as a caller, with its key.
func (p *play) newUser(name string) (aws.Config, *iam.CreateAccessKeyOutput) {
	p.Helper()
	people := iam.NewFromConfig(p.root)
	do(p, people.CreateUser, &iam.CreateUserInput{UserName: &name})
	key := do(p, people.CreateAccessKey, &iam.CreateAccessKeyInput{UserName: &name})
	config := p.root.Copy()
	config.Credentials = credentials.NewStaticCredentialsProvider(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
	return config, key
}

// recorded waits until the log files of a bucket hold every marker, which is a
// request id or a kind of record, and returns all records there.
func (p *play) recorded(bucket string, markers ...string) (records []kit.JSON) {
	p.Helper()
	store := s3.NewFromConfig(p.root, pathStyle)
	kit.Eventually(p, "the last calls in the log files of "+bucket, func() bool {
		records = p.records(store, bucket)
		missing := map[string]bool{}
		for _, id := range markers {
			missing[id] = true
		}
		for _, r := range records {
			delete(missing, r.At("requestID"))
			delete(missing, kind(r))
		}
		return len(missing) == 0
	})
	return records
}

// records reads the log files of a bucket.
func (p *play) records(store *s3.Client, bucket string) (records []kit.JSON) {
	p.Helper()
	for _, key := range kit.Keys(p.Context(), p, store, bucket, "/CloudTrail/") {
		got := do(p, store.GetObject, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		zr, err := gzip.NewReader(got.Body)
		if err != nil {
			p.Fatal(err)
		}
		text, err := io.ReadAll(zr)
		got.Body.Close()
		if err != nil {
			p.Fatal(err)
		}
		file := kit.ParseJSON(p, text)
		list, _ := file.Get("Records")
		records = append(records, list.Kids...)
	}
	return records
}
