package engine

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/identity"
)

// TestSameName: a user deleted and made again under the same name is somebody
// else to bucket and trust policies, which then show the id of who is gone; one
// renamed is the same.
func TestSameName(t *testing.T) {
	c := newCourt(t)
	ctx := t.Context()
	// In another account, whose users need both their own policies and these.
	owner := c.root(account)
	users, roles := iam.NewFromConfig(c.root(abroad)), iam.NewFromConfig(owner)
	bucket := s3.NewFromConfig(owner, func(o *s3.Options) { o.UsePathStyle = true })
	first := c.user(abroad, "ann", document(allowAll), "")
	const ann = "arn:aws:iam::" + abroad + ":user/ann"
	policy := func(principal, resource string) *string {
		return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},` + resource + `}]}`)
	}
	const objects, assume = `"Action":"s3:*","Resource":["arn:aws:s3:::den","arn:aws:s3:::den/*"]`, `"Action":"sts:AssumeRole"`
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(bucket.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("den"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}))
	must(bucket.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("den"), Policy: policy(ann, objects)}))
	must(roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("guest"), AssumeRolePolicyDocument: policy(ann, assume)}))
	for _, unknown := range []string{ann + "2", "AIDAQQQQQQQQQQQQQQQQQ"} {
		if _, err := bucket.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("den"), Policy: policy(unknown, objects)}); err == nil || !strings.Contains(err.Error(), "MalformedPolicy: Invalid principal in policy") {
			t.Errorf("a bucket policy for %s: %v", unknown, err)
		}
		if _, err := roles.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("guest"), PolicyDocument: policy(unknown, assume)}); err == nil {
			t.Errorf("a trust policy for %s was taken", unknown)
		}
	}
	tries := func(cfg aws.Config) (list, assumed bool) {
		_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("den")})
		_, denied := awssts.NewFromConfig(cfg).AssumeRole(ctx, &awssts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::" + account + ":role/guest"), RoleSessionName: aws.String("me"),
		})
		return err == nil, denied == nil
	}
	shown := func() (bucketPolicy, trust string) {
		p, err := bucket.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("den")})
		must(nil, err)
		r, err := roles.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("guest")})
		must(nil, err)
		text, err := url.PathUnescape(*r.Role.AssumeRolePolicyDocument)
		must(nil, err)
		return *p.Policy, text
	}
	expect := func(when string, cfg aws.Config, in bool, principal string) {
		t.Helper()
		if list, assumed := tries(cfg); list != in || assumed != in {
			t.Errorf("%s: listed %v, assumed %v, want %v", when, list, assumed, in)
		}
		b, trust := shown()
		if b != *policy(principal, objects) || trust != *policy(principal, assume) {
			t.Errorf("%s: the policies show %s and %s, want %s", when, b, trust, principal)
		}
	}
	expect("as made", first, true, ann)
	must(users.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("ann"), NewUserName: aws.String("eve")}))
	expect("renamed", first, true, strings.Replace(ann, "ann", "eve", 1))
	must(users.UpdateUser(ctx, &iam.UpdateUserInput{UserName: aws.String("eve"), NewUserName: aws.String("ann")}))

	u, err := users.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("ann")})
	must(nil, err)
	keys, err := first.Credentials.Retrieve(ctx)
	must(nil, err)
	must(users.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: &keys.AccessKeyID}))
	must(users.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("p")}))
	must(users.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("ann")}))
	second := c.user(abroad, "ann", document(allowAll), "")
	expect("made again", second, false, *u.User.UserId)
	must(bucket.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("den"), Policy: policy(ann, objects)}))
	must(roles.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("guest"), PolicyDocument: policy(ann, assume)}))
	expect("named again", second, true, ann)
}

// TestBoundAtStart: policies kept by name, as an earlier engine kept them all and
// this one those of accounts it does not hold, are bound to ids when the engine
// starts and knows who is meant; and stay so.
func TestBoundAtStart(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	ctx := t.Context()
	const ann, gone = "arn:aws:iam::" + abroad + ":user/ann", "arn:aws:iam::" + abroad + ":user/gone"
	text := func(principal, more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["` + principal + `","` + gone + `"]},` + more + `}]}`
	}
	const assume, objects = `"Action":"sts:AssumeRole"`, `"Action":"s3:*","Resource":["arn:aws:s3:::den","arn:aws:s3:::den/*"]`
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	client := func() *s3.Client {
		return s3.NewFromConfig(config(t, e, account), func(o *s3.Options) { o.UsePathStyle = true })
	}
	must(client().CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("den"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}))
	must(client().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String("den"), Policy: aws.String(text(ann, objects))}))
	must(iam.NewFromConfig(config(t, e, account)).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("guest"), AssumeRolePolicyDocument: aws.String(text(ann, assume))}))
	must(nil, e.ensureAccount(ctx, abroad))
	create := func() *identity.User {
		u, err := e.identities.CreateUser(ctx, identity.User{Entity: identity.Entity{Account: abroad, Name: "ann", Path: "/"}}, time.Now())
		must(nil, err)
		return u
	}
	first := create()
	for _, want := range []string{first.ID, ann} { // the second time somebody else has the name
		must(nil, e.Close())
		e.listener = nil // so that the test's end does not close it again
		e = open(t, Options{Dir: dir})
		r, _ := e.identities.Role(account, "guest")
		p, err := client().GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: aws.String("den")})
		must(nil, err)
		if want == ann {
			want = first.ID // nobody has that id any more: it is shown as it is kept
			if *p.Policy != text(want, objects) {
				t.Errorf("the bucket's policy is shown as %s", *p.Policy)
			}
		}
		if r.Trust != text(want, assume) {
			t.Errorf("the trust policy is kept as %s", r.Trust)
		}
		must(nil, e.identities.DeleteUser(ctx, abroad, "ann", func(*identity.User) error { return nil }))
		create()
	}
}
