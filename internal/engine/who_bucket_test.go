package engine

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// bucketPolicies are the policies buckets have in the table, by the bucket's
// name, and how each names the callers it is meant for.
var bucketPolicies = map[string]struct {
	// statements are the policy's; BUCKET stands for the bucket.
	statements string
	// named says how a caller is named: by the caller's name.
	named map[string]naming
	// forbidden are those a Deny is for.
	forbidden []string
}{
	"bare": {},
	"to-user": {
		statements: allowTo(`{"AWS":"arn:aws:iam::`+account+`:user/beyond"}`) + "," + allowTo(`{"AWS":"arn:aws:iam::`+account+`:user/none"}`),
		named:      map[string]naming{"user beyond": theUser, "user none": theUser},
	},
	"to-role": {
		statements: allowTo(`{"AWS":["arn:aws:iam::` + account + `:role/none","arn:aws:iam::` + account + `:role/narrow"]}`),
		named:      map[string]naming{"session none": theRole, "session narrow": theRole},
	},
	"to-session": {
		statements: allowTo(`{"AWS":["arn:aws:sts::` + account + `:assumed-role/none/work","arn:aws:sts::` + account + `:assumed-role/narrow/work"]}`),
		named:      map[string]naming{"session none": theSession, "session narrow": theSession},
	},
	"to-guest": {
		statements: allowTo(`{"AWS":"arn:aws:sts::` + account + `:federated-user/guest"}`),
		named:      map[string]naming{"guest": theSession, "guest bare": theSession, "guest narrow": theSession},
	},
	"to-host": {
		statements: allowTo(`{"AWS":["arn:aws:iam::` + account + `:user/host","arn:aws:iam::` + account + `:user/host-bare","arn:aws:iam::` + account + `:user/host-narrow"]}`),
		named:      map[string]naming{"guest": theIssuer, "guest bare": theIssuer, "guest narrow": theIssuer},
	},
	"to-account": {
		statements: allowTo(`{"AWS":"` + account + `"}`),
		named: map[string]naming{
			"guest": theAccount, "guest bare": theAccount, "guest narrow": theAccount, "session web": theAccount, "root": theRoot, "user none": theAccount, "user all": theAccount, "user beyond": theAccount, "user denied": theAccount,
			"session none": theAccount, "session all": theAccount, "session narrow": theAccount,
		},
	},
	"to-abroad": {
		statements: allowTo(`{"AWS":"arn:aws:iam::` + abroad + `:root"}`),
		named:      map[string]naming{"root abroad": theRoot, "user none abroad": theAccount, "user all abroad": theAccount},
	},
	"to-user-abroad": {
		statements: allowTo(`{"AWS":["arn:aws:iam::` + abroad + `:user/all","arn:aws:iam::` + abroad + `:user/none"]}`),
		named:      map[string]naming{"user none abroad": theUser, "user all abroad": theUser},
	},
	"to-all": {statements: allowTo(`"*"`), named: toAll},
	"to-service": {
		statements: allowTo(`{"Service":"cloudtrail.amazonaws.com"}`),
		named:      map[string]naming{"cloudtrail.amazonaws.com": theService},
	},
	"to-few": {
		statements: strings.Replace(allowTo(`"*"`), "{", `{"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}},`, 1),
	},
	"not-to-user": {
		statements: allowTo(`"*"`) + `,{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::` + account + `:user/all"},"Action":"s3:*","Resource":` + bucketARNs + `}`,
		named:      toAll, forbidden: []string{"user all"},
	},
	"but-to-user": {
		statements: allowTo(`"*"`) + `,{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::` + account + `:user/all","arn:aws:iam::` + account + `:root"]},"Action":"s3:*","Resource":` + bucketARNs + `}`,
		named:      toAll,
		forbidden: []string{
			"user none", "user beyond", "user denied", "session none", "session all", "session narrow", "session web", "guest", "guest bare", "guest narrow", "root abroad", "user none abroad",
			"user all abroad", "nobody", "cloudtrail.amazonaws.com",
		},
	},
	"not-to-account": {
		statements: `{"Effect":"Deny","Principal":{"AWS":"` + account + `"},"Action":"s3:*","Resource":` + bucketARNs + `}`,
		forbidden:  []string{"root", "user none", "user all", "user beyond", "user denied", "session none", "session all", "session narrow", "session web", "guest", "guest bare", "guest narrow"},
	},
}

const bucketARNs = `["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"]`

func allowTo(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:*","Resource":` + bucketARNs + `}`
}

var toAll = map[string]naming{
	"session web": everyone, "guest": everyone, "guest bare": everyone, "guest narrow": everyone,
	"root": everyone, "user none": everyone, "user all": everyone, "user beyond": everyone, "user denied": everyone, "session none": everyone,
	"session all": everyone, "session narrow": everyone, "root abroad": everyone, "user none abroad": everyone, "user all abroad": everyone,
	"nobody": everyone, "cloudtrail.amazonaws.com": everyone,
}

// rootAlways are what no bucket policy takes from the owner's root user.
// Source: "Bucket policies" in the S3 User Guide, on locked buckets.
var rootAlways = map[string]bool{"GetBucketPolicy": true, "PutBucketPolicy": true, "DeleteBucketPolicy": true}

// buckets makes the buckets with their policies.
func (c *court) buckets() {
	client := s3.NewFromConfig(c.root(account), func(o *s3.Options) { o.UsePathStyle = true })
	ctx := c.t.Context()
	for name, p := range bucketPolicies {
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
		})
		if err == nil {
			_, err = client.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &name})
		}
		if err == nil && p.statements != "" {
			text := `{"Version":"2012-10-17","Statement":[` + strings.ReplaceAll(p.statements, "BUCKET", name) + `]}`
			_, err = client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &name, Policy: &text})
		}
		if err != nil {
			c.t.Fatalf("%s: %v", name, err)
		}
	}
}

// TestWhoByBucket asks every operation on a bucket or object as every kind of
// caller, with every kind of bucket policy.
func TestWhoByBucket(t *testing.T) {
	c := newCourt(t)
	all := document(allowAll)
	nothing := c.managed("nothing", identityDocument)
	type member struct {
		name string
		cfg  aws.Config
		q    question
	}
	nobody := c.root(account)
	nobody.Credentials = aws.AnonymousCredentials{}
	members := []member{
		{"root", c.root(account), question{who: asRoot}},
		{"user none", c.user(account, "none", "", ""), question{who: asUser}},
		{"user all", c.user(account, "all", all, ""), question{who: asUser, identity: allows}},
		{"user denied", c.user(account, "denied", document(allowAll, statement("Deny", "Action", "s3:*")), ""), question{who: asUser, identity: denies}},
		{"user beyond", c.user(account, "beyond", all, nothing), question{who: asUser, identity: allows, boundary: silent}},
		{"session none", c.session(c.role("none", "", ""), time.Now()), question{who: asSession}},
		{"session all", c.session(c.role("all", all, ""), time.Now()), question{who: asSession, identity: allows}},
		{"session narrow", c.session(c.role("narrow", all, ""), time.Now(), identityDocument), question{who: asSession, identity: allows, passed: silent}},
		{"session web", c.webSession(c.role("web", all, "")), question{who: asSession, identity: allows}},
		{"guest", c.guest(account, "host", "", "", all), question{who: asGuest, passed: allows}},
		{"guest bare", c.guest(account, "host-bare", all, ""), question{who: asGuest, identity: allows}},
		{"guest narrow", c.guest(account, "host-narrow", all, "", identityDocument), question{who: asGuest, identity: allows, passed: silent}},
		{"root abroad", c.root(abroad), question{who: asRoot, abroad: true}},
		{"user none abroad", c.user(abroad, "none", "", ""), question{who: asUser, abroad: true}},
		{"user all abroad", c.user(abroad, "all", all, ""), question{who: asUser, abroad: true, identity: allows}},
		{"nobody", nobody, question{who: asNobody}},
	}
	c.buckets()
	c.still()
	c.everyOperation(func(_ int, api, op string) {
		if api != "s3" || op == "ListBuckets" || op == "CreateBucket" {
			return
		}
		for bucket, p := range bucketPolicies {
			in := func(v any) {
				s := reflect.ValueOf(v).Elem()
				s.FieldByName("Bucket").Set(reflect.ValueOf(aws.String(bucket)))
				if f := s.FieldByName("CopySource"); f.IsValid() {
					f.Set(reflect.ValueOf(aws.String(bucket + "/k")))
				}
			}
			decide := func(name string, q question) bool {
				q.named = p.named[name]
				for _, f := range p.forbidden {
					q.forbidden = q.forbidden || f == name
				}
				return q.answer() || name == "root" && rootAlways[op]
			}
			for _, m := range members {
				ran, code, id := c.ask(m.cfg, api, op, in)
				c.judge(fmt.Sprintf("%s, s3:%s on %s", m.name, op, bucket), decide(m.name, m.q), ran, code, id)
			}
			const trails = "cloudtrail.amazonaws.com"
			c.serviceOn(bucket, "s3:"+op, trails, decide(trails, question{who: asAService}))
		}
	})
	c.close()
}
