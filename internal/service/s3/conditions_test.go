package s3_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/sigv4"
)

// mayOr is an identity policy that allows everything but what a statement denies.
func mayOr(deny string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Resource":"*",` + deny + `}]}`
}

// refused reports whether a call ended with AccessDenied; other errors end the test.
func refused(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		wantCode(t, err, "AccessDenied")
	}
	return err != nil
}

// tags makes a tag set of "key=value" pairs.
func tags(pairs ...string) *types.Tagging {
	set := &types.Tagging{TagSet: []types.Tag{}}
	for _, p := range pairs {
		k, v, _ := strings.Cut(p, "=")
		set.TagSet = append(set.TagSet, types.Tag{Key: &k, Value: &v})
	}
	return set
}

// TestTagsOfObjects decides by the tags an object has, wherever AWS knows them. An
// object that is not there may have any.
func TestTagsOfObjects(t *testing.T) {
	g := newGate(t)
	root, ctx, b := g.root(), t.Context(), aws.String("home")
	makeBucket(t, root, "home")
	enableVersioning(t, root, "home", types.BucketVersioningStatusEnabled)
	versions := map[string]*string{}
	for key, tagged := range map[string]string{"secret": "secret=yes", "plain": "secret=no", "bare": ""} {
		out := ok[*sdk.PutObjectOutput](t)(root.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: &key, Tagging: &tagged, Body: strings.NewReader("x")}))
		versions[key] = out.VersionId
	}
	versions["absent"] = aws.String("01JZZZZZZZZZZZZZZZZZZZZZZZ")
	for name, do := range map[string]func(c *sdk.Client, key, version *string) error{
		"GetObject": func(c *sdk.Client, key, version *string) error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: key, VersionId: version})
			return err
		},
		"GetObjectAttributes": func(c *sdk.Client, key, version *string) error {
			_, err := c.GetObjectAttributes(ctx, &sdk.GetObjectAttributesInput{Bucket: b, Key: key, VersionId: version, ObjectAttributes: []types.ObjectAttributes{"ETag"}})
			return err
		},
		"GetObjectAcl": func(c *sdk.Client, key, version *string) error {
			_, err := c.GetObjectAcl(ctx, &sdk.GetObjectAclInput{Bucket: b, Key: key, VersionId: version})
			return err
		},
		"PutObjectAcl": func(c *sdk.Client, key, version *string) error {
			_, err := c.PutObjectAcl(ctx, &sdk.PutObjectAclInput{Bucket: b, Key: key, VersionId: version, ACL: types.ObjectCannedACLBucketOwnerFullControl})
			return err
		},
		"GetObjectTagging": func(c *sdk.Client, key, version *string) error {
			_, err := c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: b, Key: key, VersionId: version})
			return err
		},
		"PutObjectTagging": func(c *sdk.Client, key, version *string) error { // the tags it has, not those it is to have
			old := map[string]string{"secret": "secret=yes", "plain": "secret=no"}[*key]
			_, err := c.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: b, Key: key, VersionId: version, Tagging: tags(old)})
			return err
		},
		"DeleteObjectTagging": func(c *sdk.Client, key, version *string) error {
			_, err := c.DeleteObjectTagging(ctx, &sdk.DeleteObjectTaggingInput{Bucket: b, Key: key, VersionId: version})
			return err
		},
		"CopyObject": func(c *sdk.Client, key, version *string) error {
			from := "home/" + *key
			if version != nil {
				from += "?versionId=" + *version
			}
			_, err := c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: &from})
			return err
		},
		"PutObject": func(c *sdk.Client, key, version *string) error { // AWS does not know the key here
			if version != nil || *key != "secret" {
				return nil
			}
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("new"), Body: strings.NewReader("x")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for condition, want := range map[string]string{
				`"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}`: "secret",
				`"Null":{"s3:ExistingObjectTag/secret":"true"}`:        "bare",
			} {
				c := g.client(g.user(t, "ann", account, mayOr(`"NotAction":"s3:PutObject","Condition":{`+condition+`}`)))
				if name == "PutObject" {
					c, want = g.client(g.user(t, "ann", account, mayOr(`"Action":"s3:PutObject","Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}`))), ""
				}
				for _, key := range []string{"plain", "secret", "bare", "absent"} {
					for _, version := range []*string{nil, versions[key]} {
						if name == "DeleteObjectTagging" && key != want && key != "absent" {
							continue // it would be another object afterwards
						}
						if name == "PutObjectTagging" && key == "bare" && want != key {
							continue
						}
						got := refused(t, do(c, &key, version))
						if wanted := name != "PutObject" && (key == want || key == "absent"); got != wanted {
							t.Errorf("%s: %s, a version %v: refused: %v", condition, key, version != nil, got)
						}
					}
				}
			}
		})
	}
}

// TestTagsOfVersions decides by the tags of the version that is asked for.
func TestTagsOfVersions(t *testing.T) {
	g := newGate(t)
	root, ctx, b, k := g.root(), t.Context(), aws.String("home"), aws.String("k")
	makeBucket(t, root, "home")
	enableVersioning(t, root, "home", types.BucketVersioningStatusEnabled)
	ann := g.client(g.user(t, "ann", account, mayOr(`"Action":"s3:Get*","Condition":{"StringEquals":{"s3:ExistingObjectTag/secret":"yes"}}`)))
	var versions []*string
	for _, tagged := range []string{"secret=no", "secret=yes", ""} {
		out := ok[*sdk.PutObjectOutput](t)(root.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Tagging: &tagged, Body: strings.NewReader("x")}))
		versions = append(versions, out.VersionId)
	}
	for i, version := range versions {
		_, err := ann.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: k, VersionId: version})
		if got := refused(t, err); got != (i == 1) {
			t.Errorf("version %d: refused: %v", i, got)
		}
	}
}

// TestTagsByBucketPolicy has the policy that asks for an object's tags on the bucket,
// and one who may read only what is tagged for it.
func TestTagsByBucketPolicy(t *testing.T) {
	g := newGate(t)
	root, ctx, b := g.root(), t.Context(), aws.String("home")
	makeBucket(t, root, "home")
	for key, tagged := range map[string]string{"ours": "team=own", "theirs": "team=other"} {
		ok[*sdk.PutObjectOutput](t)(root.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: &key, Tagging: &tagged, Body: strings.NewReader("x")}))
	}
	ann := g.client(g.user(t, "ann", other, mayOr(`"Action":"iam:*"`)))
	policy := allow("Allow", `{"AWS":"`+other+`"}`, `"s3:GetObject"`, `"arn:aws:s3:::home/*"`, `,"Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"own"}}`)
	ok[*sdk.PutBucketPolicyOutput](t)(root.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &policy}))
	for key, want := range map[string]bool{"ours": false, "theirs": true, "absent": true} {
		_, err := ann.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: &key})
		if got := refused(t, err); got != want {
			t.Errorf("%s: refused: %v", key, got)
		}
	}
}

// TestTagsInTheBody decides by the tags a PutObjectTagging brings.
func TestTagsInTheBody(t *testing.T) {
	g := newGate(t)
	makeBucket(t, g.root(), "home")
	putText(t, g.root(), "home", "k", "v")
	for deny, denied := range map[string]string{
		`"StringEquals":{"s3:RequestObjectTag/state":"final"}`:                                "state=final",
		`"ForAnyValue:StringNotEquals":{"s3:RequestObjectTagKeys":["state","team"]}`:          "owner=ann",
		`"StringNotEquals":{"s3:RequestObjectTag/state":"draft"}`:                             "state=other",
		`"Null":{"s3:RequestObjectTag/state":"true"}`:                                         "team=x",
		`"StringEquals":{"s3:RequestObjectTag/state":"final","s3:RequestObjectTag/team":"x"}`: "state=final,team=x",
	} {
		c := g.client(g.user(t, "ann", account, mayOr(`"Action":"s3:PutObjectTagging","Condition":{`+deny+`}`)))
		for given, want := range map[string]bool{"state=draft": false, denied: true} {
			_, err := c.PutObjectTagging(t.Context(), &sdk.PutObjectTaggingInput{Bucket: aws.String("home"), Key: aws.String("k"), Tagging: tags(strings.Split(given, ",")...)})
			if got := refused(t, err); got != want {
				t.Errorf("%s: %s: refused: %v", deny, given, got)
			}
		}
	}
	// A body that cannot be read could say anything.
	key := g.user(t, "ann", account, mayOr(`"Action":"s3:PutObjectTagging","Condition":{"StringEquals":{"s3:RequestObjectTag/state":"final"}}`))
	plain := g.user(t, "bob", account, mayOr(`"Action":"s3:PutObjectTagging"`))
	for who, want := range map[string]int{key: http.StatusForbidden, plain: http.StatusForbidden, "ROOT" + account: http.StatusBadRequest} {
		for _, body := range []string{"<Tagging><TagSet><Tag>", "<Tagging><TagSet/></Tagging>"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, g.URL+"/home/k?tagging", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(body, "</Tagging>") { // whole, but not what was meant
				r.Header.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
			}
			sigv4.Sign(r, who, secret, "us-east-1", "s3", fmt.Sprintf("%x", sha256.Sum256([]byte(body))), time.Now())
			resp, err := g.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Body.Close(); resp.StatusCode != want {
				t.Errorf("%s: the body %s is answered %d, want %d", who, body, resp.StatusCode, want)
			}
		}
	}
}

// TestConditionsOnLocks decides by the retention and legal hold that a request puts.
func TestConditionsOnLocks(t *testing.T) {
	g := newGate(t)
	ctx, b, k := t.Context(), lockedBucket(t, g.root(), "locked", types.ObjectLockRetentionModeGovernance, 1), aws.String("k")
	putText(t, g.root(), *b, *k, "v")
	in := func(days int) *time.Time { return aws.Time(time.Now().AddDate(0, 0, days)) }
	put := func(mode types.ObjectLockMode, days int) func(*sdk.Client) error {
		return func(c *sdk.Client) error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, ObjectLockMode: mode, ObjectLockRetainUntilDate: in(days), Body: strings.NewReader("x")})
			return err
		}
	}
	retain := func(mode types.ObjectLockRetentionMode, days int) func(*sdk.Client) error {
		return func(c *sdk.Client) error {
			_, err := c.PutObjectRetention(ctx, &sdk.PutObjectRetentionInput{
				Bucket: b, Key: k, BypassGovernanceRetention: aws.Bool(true),
				Retention: &types.ObjectLockRetention{Mode: mode, RetainUntilDate: in(days)},
			})
			return err
		}
	}
	hold := func(status types.ObjectLockLegalHoldStatus) func(*sdk.Client) error {
		return func(c *sdk.Client) error {
			_, err := c.PutObjectLegalHold(ctx, &sdk.PutObjectLegalHoldInput{Bucket: b, Key: k, LegalHold: &types.ObjectLockLegalHold{Status: status}})
			return err
		}
	}
	long, short := `"NumericGreaterThan":{"s3:object-lock-remaining-retention-days":"10"}`, `"NumericLessThan":{"s3:object-lock-remaining-retention-days":"10"}`
	compliance := `"StringEquals":{"s3:object-lock-mode":"COMPLIANCE"}`
	for i, row := range []struct {
		deny string
		do   func(*sdk.Client) error
		want bool
	}{
		{long, put("GOVERNANCE", 10), false},
		{long, put("GOVERNANCE", 11), true},
		{short, put("GOVERNANCE", 10), false},
		{short, put("GOVERNANCE", 9), true},
		{long, retain("GOVERNANCE", 10), false},
		{long, retain("GOVERNANCE", 11), true},
		{short, retain("GOVERNANCE", 10), false},
		{short, retain("GOVERNANCE", 9), true},
		{compliance, retain("GOVERNANCE", 2), false},
		{compliance, retain("COMPLIANCE", 2), true},
		{`"StringEquals":{"s3:object-lock-legal-hold":"OFF"}`, hold("ON"), false},
		{`"StringEquals":{"s3:object-lock-legal-hold":"OFF"}`, hold("OFF"), true},
	} {
		c := g.client(g.user(t, "ann", account, mayOr(`"Action":"s3:Put*","Condition":{`+row.deny+`}`)))
		if got := refused(t, row.do(c)); got != row.want {
			t.Errorf("row %d: %s: refused: %v", i, row.deny, got)
		}
	}
}

// TestConditionsOnWrites decides by where a bucket is made, and by conditional
// writes, which are asked of what makes an object and not of its parts.
func TestConditionsOnWrites(t *testing.T) {
	g := newGate(t)
	ctx, b := t.Context(), aws.String("home")
	makeBucket(t, g.root(), "home")
	c := g.client(g.user(t, "ann", account, mayOr(`"Action":"s3:CreateBucket","Condition":{"StringEquals":{"s3:LocationConstraint":"eu-west-1"}}`)), g.anywhere)
	for region, want := range map[string]bool{"us-east-1": false, "eu-central-1": false, "eu-west-1": true} {
		in := &sdk.CreateBucketInput{Bucket: aws.String("made-" + region)}
		if region != "us-east-1" {
			in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
		}
		_, err := c.CreateBucket(ctx, in, func(o *sdk.Options) { o.Region = region })
		if got := refused(t, err); got != want {
			t.Errorf("a bucket in %q: refused: %v", region, got)
		}
	}
	c = g.client(g.user(t, "ann", account, mayOr(`"Action":"s3:PutObject","Condition":{"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}}`)))
	upload := ok[*sdk.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: b, Key: aws.String("k")}))
	part := ok[*sdk.UploadPartOutput](t)(c.UploadPart(ctx, &sdk.UploadPartInput{Bucket: b, Key: aws.String("k"), UploadId: upload.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x")}))
	_, err := c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{
		Bucket: b, Key: aws.String("k"), UploadId: upload.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}},
	})
	wantCode(t, err, "AccessDenied")
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x")})
	wantCode(t, err, "AccessDenied")
	ok[*sdk.PutObjectOutput](t)(c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")}))
}
