package s3_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cairn/internal/call"
	"cairn/internal/identity"
)

func allow(effect, principal, action, resource, condition string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":%s,"Action":%s,"Resource":%s%s}]}`, effect, principal, action, resource, condition)
}

func TestBucketPolicy(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "ruled")
	b := aws.String("ruled")
	put := func(doc string) error {
		_, err := c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &doc})
		return err
	}
	all := `["arn:aws:s3:::ruled","arn:aws:s3:::ruled/*"]`
	for doc, code := range map[string]string{
		`nonsense`: "MalformedPolicy",
		allow("Allow", `{"AWS":"`+other+`"}`, `"s3:*"`, `"arn:aws:s3:::another/*"`, ""):                              "MalformedPolicy",
		allow("Allow", `{"AWS":"somebody"}`, `"s3:*"`, all, ""):                                                      "MalformedPolicy",
		allow("Allow", `{"AWS":"`+other+`"}`, `"iam:*"`, all, ""):                                                    "MalformedPolicy",
		allow("Allow", `"*"`, `"s3:GetObject"`, all, ""):                                                             "AccessDenied",
		allow("Allow", `{"AWS":"*"}`, `"s3:GetObject"`, all, `,"Condition":{"StringLike":{"aws:PrincipalArn":"*"}}`): "AccessDenied",
	} {
		wantCode(t, put(doc), code)
	}
	doc := allow("Allow", `{"AWS":"arn:aws:iam::`+other+`:root"}`, `["s3:GetObject","s3:ListBucket"]`, all, "")
	if err := put(doc); err != nil {
		t.Fatal(err)
	}
	got := ok[*sdk.GetBucketPolicyOutput](t)(c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b}))
	if aws.ToString(got.Policy) != doc {
		t.Errorf("policy is %s", aws.ToString(got.Policy))
	}
	status := ok[*sdk.GetBucketPolicyStatusOutput](t)(c.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: b}))
	if aws.ToBool(status.PolicyStatus.IsPublic) {
		t.Error("the policy counts as public")
	}
	params := g.last(t, "PutBucketPolicy")["requestParameters"].(map[string]any)
	if params["policy"] != "" || params["bucketPolicy"].(map[string]any)["Version"] != "2012-10-17" {
		t.Errorf("recorded %v", params)
	}

	putText(t, c, "ruled", "k", "shared")
	guest := g.client("ROOT" + other)
	if text := getText(t, guest, "ruled", "k"); text != "shared" {
		t.Errorf("the guest read %q", text)
	}
	_, err := guest.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x")})
	wantCode(t, err, "AccessDenied")
	g.mu.Lock()
	var recipients []string
	for _, r := range g.records {
		if r["eventName"] == "PutObject" && r["errorCode"] == "AccessDenied" {
			recipients = append(recipients, r["recipientAccountId"].(string))
		}
	}
	g.mu.Unlock()
	slices.Sort(recipients)
	if !slices.Equal(recipients, []string{account, other}) {
		t.Errorf("the refusal is recorded for %v", recipients)
	}
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), Body: strings.NewReader("x"), ExpectedBucketOwner: aws.String(other)})
	wantCode(t, err, "AccessDenied")
	_, err = guest.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String("no-such-bucket"), Key: aws.String("k")})
	wantCode(t, err, "NoSuchBucket")

	// The owner's root user can lock itself out of objects, but not of the policy.
	if err := put(allow("Deny", `"*"`, `"s3:*"`, all, "")); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: aws.String("k")})
	wantCode(t, err, "AccessDenied")
	ok[*sdk.DeleteBucketPolicyOutput](t)(c.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: b}))
	getText(t, c, "ruled", "k")
}

func TestPublicAccess(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "open-bucket")
	b := aws.String("open-bucket")
	putText(t, c, "open-bucket", "k", "for all")
	ok[*sdk.DeletePublicAccessBlockOutput](t)(c.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: b}))
	doc := allow("Allow", `"*"`, `"s3:GetObject"`, `"arn:aws:s3:::open-bucket/*"`, "")
	ok[*sdk.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &doc}))
	anonymous := func() (int, string) {
		resp, err := g.Client().Get(g.URL + "/open-bucket/k")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(text)
	}
	if code, text := anonymous(); code != http.StatusOK || text != "for all" {
		t.Errorf("anonymous got %d %s", code, text)
	}
	if r := g.last(t, "GetObject"); r["recipientAccountId"] != account || r["userIdentity"].(map[string]any)["accountId"] != "anonymous" {
		t.Errorf("recorded %v", r)
	}
	ok[*sdk.PutPublicAccessBlockOutput](t)(c.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{RestrictPublicBuckets: aws.Bool(true)}}))
	if code, text := anonymous(); code != http.StatusForbidden || !strings.Contains(text, "<Code>AccessDenied</Code>") {
		t.Errorf("anonymous got %d %s", code, text)
	}
	status := ok[*sdk.GetBucketPolicyStatusOutput](t)(c.GetBucketPolicyStatus(ctx, &sdk.GetBucketPolicyStatusInput{Bucket: b}))
	if !aws.ToBool(status.PolicyStatus.IsPublic) {
		t.Error("the policy does not count as public")
	}
}

// Identity policies decide about keys one by one, and an absent object is not
// told to those who may not list.
func TestIdentityPolicies(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "home")
	b := aws.String("home")
	for _, k := range []string{"ann/1", "ann/2", "bob/1"} {
		putText(t, c, "home", k, k)
	}
	ann := g.client(g.user(t, "ann", account, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::home/ann/*"}]}`))
	if getText(t, ann, "home", "ann/1") != "ann/1" {
		t.Error("ann cannot read")
	}
	_, err := ann.GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: aws.String("ann/absent")})
	wantCode(t, err, "AccessDenied")
	_, err = ann.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: b})
	wantCode(t, err, "AccessDenied")
	_, err = ann.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: b, Key: aws.String("ann/stolen"), CopySource: aws.String("home/bob/1")})
	wantCode(t, err, "AccessDenied")
	_, err = ann.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("ann/tagged"), Tagging: aws.String("a=b"), Body: strings.NewReader("x")})
	wantCode(t, err, "AccessDenied")
	out := ok[*sdk.DeleteObjectsOutput](t)(ann.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: b, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("ann/1")}, {Key: aws.String("bob/1")}},
	}}))
	if len(out.Deleted) != 1 || len(out.Errors) != 1 || aws.ToString(out.Errors[0].Code) != "AccessDenied" || aws.ToString(out.Errors[0].Key) != "bob/1" {
		t.Errorf("deleted %+v, errors %+v", out.Deleted, out.Errors)
	}
	if getText(t, c, "home", "bob/1") != "bob/1" {
		t.Error("bob's object is gone")
	}
	_, err = ann.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("anns-own")})
	wantCode(t, err, "AccessDenied")
}

// Delivery writes as cloudtrail.amazonaws.com, under the bucket policy of AWS's
// documentation.
func TestServiceDelivery(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "trail-logs")
	ok[*sdk.PutBucketVersioningOutput](t)(c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: aws.String("trail-logs"), VersioningConfiguration: &types.VersioningConfiguration{Status: "Enabled"}}))
	trail := "arn:aws:cloudtrail:us-east-1:" + account + ":trail/t"
	doc := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::trail-logs","Condition":{"StringEquals":{"aws:SourceArn":"` + trail + `"}}},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::trail-logs/AWSLogs/` + account + `/*","Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"` + trail + `"}}}]}`
	ok[*sdk.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String("trail-logs"), Policy: &doc}))
	do := func(op *call.Operation, in any, source string) error {
		_, err := g.dispatch.Do(ctx, &call.Call{
			API: g.service.API(), Op: op, Input: in, Principal: identity.ForService("cloudtrail.amazonaws.com", source, account), Region: "us-east-1",
			RequestID: "REQUEST000000001", SourceIP: "cloudtrail.amazonaws.com", UserAgent: "cloudtrail.amazonaws.com", Host: "trail-logs.s3.us-east-1.amazonaws.com",
			Secure: true, Start: time.Now(),
		})
		return err
	}
	header := http.Header{"x-amz-acl": {"bucket-owner-full-control"}, "x-amz-server-side-encryption": {"AES256"}, "Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}, "x-amz-meta-signature": {"00ff"}}
	key := "AWSLogs/" + account + "/CloudTrail/us-east-1/2026/01/02/file.json.gz"
	for range 3 { // a repeated delivery
		op, in := g.service.PutObject("trail-logs", key, header, []byte("log file"))
		if err := do(op, in, trail); err != nil {
			t.Fatal(err)
		}
	}
	list := ok[*sdk.ListObjectVersionsOutput](t)(c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: aws.String("trail-logs")}))
	if len(list.Versions) != 1 {
		t.Errorf("%d versions after a repeated delivery", len(list.Versions))
	}
	head := ok[*sdk.HeadObjectOutput](t)(c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: aws.String("trail-logs"), Key: &key}))
	if head.Metadata["signature"] != "00ff" || aws.ToString(head.ContentEncoding) != "gzip" {
		t.Errorf("head %+v", head)
	}
	r := g.last(t, "PutObject")
	extra, params, elements := r["additionalEventData"].(map[string]any), r["requestParameters"].(map[string]any), r["responseElements"].(map[string]any)
	if extra["SSEApplied"] != "SSE_S3" || params["x-amz-acl"] != "bucket-owner-full-control" || params["key"] != key || params["bucketName"] != "trail-logs" ||
		elements["x-amz-server-side-encryption"] != "AES256" || r["eventCategory"] != "Data" || r["userAgent"] != "cloudtrail.amazonaws.com" || len(r["resources"].([]any)) != 2 {
		t.Errorf("recorded %v", r)
	}
	op, in := g.service.GetBucketAcl("trail-logs")
	if err := do(op, in, trail); err != nil {
		t.Error(err)
	}
	for name, attempt := range map[string]func() (*call.Operation, any){
		"another prefix": func() (*call.Operation, any) { return g.service.PutObject("trail-logs", "elsewhere", header, nil) },
		"no acl":         func() (*call.Operation, any) { return g.service.PutObject("trail-logs", key, nil, nil) },
	} {
		op, in := attempt()
		if err := do(op, in, trail); err == nil {
			t.Errorf("%s: allowed", name)
		}
	}
	op, in = g.service.PutObject("trail-logs", key, header, nil)
	if err := do(op, in, trail+"x"); err == nil {
		t.Error("another trail may write")
	}
}

// Two engines in one process do not see each other's objects.
func TestTwoEngines(t *testing.T) {
	a, b := newGate(t), newGate(t)
	for _, g := range []*gate{a, b} {
		makeBucket(t, g.root(), "same-name")
		putText(t, g.root(), "same-name", "k", g.URL)
	}
	for _, g := range []*gate{a, b} {
		if text := getText(t, g.root(), "same-name", "k"); text != g.URL {
			t.Errorf("%s holds %s", g.URL, text)
		}
	}
}

// TestUploadIDsLeadNowhere: the object store makes upload ids part of a path, so
// an id with dots reached, and aborting it removed, other accounts' buckets.
func TestUploadIDsLeadNowhere(t *testing.T) {
	g := newGate(t)
	thief, ctx := g.root(), t.Context()
	owner := g.client("ROOT" + other)
	makeBucket(t, thief, "thief")
	makeBucket(t, owner, "victim")
	putText(t, owner, "victim", "k", "precious")
	bucket, key := aws.String("thief"), aws.String("k")
	ok[*sdk.CreateMultipartUploadOutput](t)(thief.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: bucket, Key: key}))
	for _, id := range []string{"..", "../..", "../../../../victim", "../../../../victim/.sgwtmp", "/", "a/b", "."} {
		_, err := thief.AbortMultipartUpload(ctx, &sdk.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: &id})
		wantCode(t, err, "NoSuchUpload")
		_, err = thief.UploadPart(ctx, &sdk.UploadPartInput{Bucket: bucket, Key: key, UploadId: &id, PartNumber: aws.Int32(1), Body: strings.NewReader("x")})
		wantCode(t, err, "NoSuchUpload")
		_, err = thief.ListParts(ctx, &sdk.ListPartsInput{Bucket: bucket, Key: key, UploadId: &id})
		wantCode(t, err, "NoSuchUpload")
		_, err = thief.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: &id})
		wantCode(t, err, "NoSuchUpload")
		_, err = thief.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: key, VersionId: &id})
		wantCode(t, err, "InvalidArgument")
	}
	if r := g.last(t, "AbortMultipartUpload"); r["errorCode"] != "NoSuchUpload" {
		t.Errorf("the attempt is recorded as %v", r)
	}
	deleted := ok[*sdk.DeleteObjectsOutput](t)(thief.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: key, VersionId: aws.String("../../victim/k")}},
	}}))
	if len(deleted.Errors) != 1 || len(deleted.Deleted) != 0 {
		t.Errorf("deleted: %+v", deleted)
	}
	if text := getText(t, owner, "victim", "k"); text != "precious" {
		t.Errorf("the victim's object is %q", text)
	}
}

// TestCopyTellsTheSource records a copy with the owner of what is read, too.
func TestCopyTellsTheSource(t *testing.T) {
	g := newGate(t)
	reader, ctx := g.root(), t.Context()
	owner := g.client("ROOT" + other)
	makeBucket(t, reader, "mine")
	makeBucket(t, owner, "theirs")
	putText(t, owner, "theirs", "k", "precious")
	copied := func() error {
		_, err := reader.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: aws.String("mine"), Key: aws.String("k"), CopySource: aws.String("theirs/k")})
		return err
	}
	wantCode(t, copied(), "AccessDenied")
	policy := allow("Allow", `{"AWS":"`+account+`"}`, `"s3:GetObject"`, `"arn:aws:s3:::theirs/*"`, "")
	ok[*sdk.PutBucketPolicyOutput](t)(owner.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String("theirs"), Policy: &policy}))
	if err := copied(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, r := range g.records {
		if r["eventName"] == "CopyObject" && r["recipientAccountId"] == other && strings.Contains(fmt.Sprint(r["resources"]), "arn:aws:s3:::theirs/k") {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the owner of the source was told of %d copies, want the refused one and the made one", told)
	}
	// Within an account too: a trail that selects the objects read has the copy.
	makeBucket(t, owner, "den")
	_, err := owner.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: aws.String("den"), Key: aws.String("k"), CopySource: aws.String("theirs/k")})
	if r := fmt.Sprint(g.last(t, "CopyObject")["resources"]); err != nil || !strings.Contains(r, "arn:aws:s3:::theirs/k") || !strings.Contains(r, "arn:aws:s3:::den/k") {
		t.Errorf("%v, recorded with %s", err, r)
	}
}

// TestPublicACLs: with public ACLs blocked none can be set, on buckets or
// objects; without, the engine still has none, and says so.
func TestPublicACLs(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "listed")
	b := aws.String("listed")
	ok[*sdk.PutBucketOwnershipControlsOutput](t)(c.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: b, OwnershipControls: &types.OwnershipControls{
		Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}},
	}}))
	for _, test := range []struct {
		block bool
		code  string
	}{{true, "AccessDenied"}, {false, "NotImplemented"}} {
		ok[*sdk.PutPublicAccessBlockOutput](t)(c.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: &test.block}}))
		_, err := c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACLPublicReadWrite})
		wantCode(t, err, test.code)
		_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), ACL: types.ObjectCannedACLPublicRead, Body: strings.NewReader("x")})
		wantCode(t, err, test.code)
	}
	_, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("born-open"), ACL: types.BucketCannedACLPublicRead, ObjectOwnership: types.ObjectOwnershipObjectWriter})
	wantCode(t, err, "InvalidBucketAclWithBlockPublicAccessError")
}

// TestBlockingComesFirst: a policy that is public already stops counting, but
// cannot be put again.
func TestBlockingComesFirst(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "was-open")
	b := aws.String("was-open")
	block := func(policy, restrict bool) {
		ok[*sdk.PutPublicAccessBlockOutput](t)(c.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicPolicy: &policy, RestrictPublicBuckets: &restrict,
		}}))
	}
	putText(t, c, "was-open", "k", "x")
	block(false, false)
	doc := allow("Allow", `"*"`, `"s3:GetObject"`, `"arn:aws:s3:::was-open/*"`, "")
	ok[*sdk.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &doc}))
	getText(t, g.client("ROOT"+other), "was-open", "k")
	block(true, true)
	_, err := g.client("ROOT"+other).GetObject(ctx, &sdk.GetObjectInput{Bucket: b, Key: aws.String("k")})
	wantCode(t, err, "AccessDenied")
	getText(t, c, "was-open", "k")
	_, err = c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &doc})
	wantCode(t, err, "AccessDenied")
}

// TestSecureTransportOnly: the module's first statement shuts out whoever comes
// without TLS, the owner included.
func TestSecureTransportOnly(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "tls-only")
	putText(t, c, "tls-only", "k", "x")
	doc := allow("Deny", `"*"`, `"s3:*"`, `["arn:aws:s3:::tls-only","arn:aws:s3:::tls-only/*"]`, `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`)
	ok[*sdk.PutBucketPolicyOutput](t)(c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String("tls-only"), Policy: &doc}))
	getText(t, c, "tls-only", "k")
	g.plain.Store(true)
	for name, try := range map[string]func() error{
		"get": func() error {
			_, err := c.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String("tls-only"), Key: aws.String("k")})
			return err
		},
		"put": func() error {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: aws.String("tls-only"), Key: aws.String("k"), Body: strings.NewReader("y")})
			return err
		},
		"list": func() error {
			_, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("tls-only")})
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s went through without TLS", name)
		}
	}
	g.plain.Store(false)
	getText(t, c, "tls-only", "k")
}
