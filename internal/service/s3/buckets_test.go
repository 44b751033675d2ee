package s3_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cairn/internal/natsd/natsdtest"
	"cairn/internal/service/s3/config"
	"cairn/internal/state"
)

func TestCreateBucketRules(t *testing.T) {
	g := newGate(t)
	ctx := t.Context()
	in := func(region string) *sdk.Client { return g.root(func(o *sdk.Options) { o.Region = region }) }
	at := func(region string) *types.CreateBucketConfiguration {
		return &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)}
	}
	for _, c := range []struct {
		name, signed, code string
		config             *types.CreateBucketConfiguration
	}{
		{"aaa-one", "us-east-1", "", nil},
		{"aaa-one", "us-east-1", "", nil}, // one's own again
		{"aaa-two", "eu-west-1", "", at("eu-west-1")},
		{"aaa-two", "eu-west-1", "BucketAlreadyOwnedByYou", at("eu-west-1")},
		{"aaa-three", "us-east-1", "", at("eu-central-1")},
		{"aaa-four", "eu-west-1", "IllegalLocationConstraintException", nil},
		{"aaa-four", "eu-west-1", "IllegalLocationConstraintException", at("us-west-2")},
		{"aaa-four", "us-east-1", "InvalidLocationConstraint", at("us-east-1")},
		{"aaa-four", "us-east-1", "InvalidLocationConstraint", at("nowhere")},
		{"aaa-four", "us-east-1", "InvalidLocationConstraint", at("zz-qaa-17")},
		{"Aaa", "us-east-1", "InvalidBucketName", nil},
		{"192.168.0.1", "us-east-1", "InvalidBucketName", nil},
	} {
		_, err := in(c.signed).CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: &c.name, CreateBucketConfiguration: c.config})
		if c.code != "" {
			wantCode(t, err, c.code)
		} else if err != nil {
			t.Errorf("%s signed for %s: %v", c.name, c.signed, err)
		}
	}
	_, err := g.client("ROOT"+other).CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("aaa-one")})
	wantCode(t, err, "BucketAlreadyExists")
	loc := ok[*sdk.GetBucketLocationOutput](t)(g.root().GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: aws.String("aaa-two")}))
	if loc.LocationConstraint != "eu-west-1" {
		t.Errorf("location %q", loc.LocationConstraint)
	}
	head := ok[*sdk.HeadBucketOutput](t)(g.root().HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: aws.String("aaa-three")}))
	if aws.ToString(head.BucketRegion) != "eu-central-1" {
		t.Errorf("region %q", aws.ToString(head.BucketRegion))
	}
	list := ok[*sdk.ListBucketsOutput](t)(g.root().ListBuckets(ctx, &sdk.ListBucketsInput{MaxBuckets: aws.Int32(2)}))
	rest := ok[*sdk.ListBucketsOutput](t)(g.root().ListBuckets(ctx, &sdk.ListBucketsInput{ContinuationToken: list.ContinuationToken}))
	if len(list.Buckets) != 2 || len(rest.Buckets) != 1 {
		t.Errorf("listed %d and %d buckets", len(list.Buckets), len(rest.Buckets))
	}
	mine := ok[*sdk.ListBucketsOutput](t)(g.client("ROOT"+other).ListBuckets(ctx, &sdk.ListBucketsInput{}))
	if len(mine.Buckets) != 0 {
		t.Errorf("another account sees %+v", mine.Buckets)
	}
	if got := g.last(t, "CreateBucket"); got["resources"] != nil || got["managementEvent"] != true {
		t.Errorf("recorded %v", got)
	}
}

// New buckets answer as AWS's do, and every configuration comes back as it was
// put: what Terraform compares.
func TestConfigurations(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "conf")
	b := aws.String("conf")
	for code, get := range map[string]func() (any, error){
		"NoSuchBucketPolicy":         func() (any, error) { return c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b}) },
		"NoSuchCORSConfiguration":    func() (any, error) { return c.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: b}) },
		"NoSuchWebsiteConfiguration": func() (any, error) { return c.GetBucketWebsite(ctx, &sdk.GetBucketWebsiteInput{Bucket: b}) },
		"NoSuchLifecycleConfiguration": func() (any, error) {
			return c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
		},
		"ReplicationConfigurationNotFoundError": func() (any, error) { return c.GetBucketReplication(ctx, &sdk.GetBucketReplicationInput{Bucket: b}) },
		"NoSuchTagSet":                          func() (any, error) { return c.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: b}) },
		"ObjectLockConfigurationNotFoundError": func() (any, error) {
			return c.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: b})
		},
	} {
		_, err := get()
		wantCode(t, err, code)
	}
	enc := ok[*sdk.GetBucketEncryptionOutput](t)(c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: b}))
	rule := enc.ServerSideEncryptionConfiguration.Rules[0]
	if rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm != "AES256" || aws.ToBool(rule.BucketKeyEnabled) {
		t.Errorf("encryption %+v", rule)
	}
	pab := ok[*sdk.GetPublicAccessBlockOutput](t)(c.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: b}))
	if p := pab.PublicAccessBlockConfiguration; !*p.BlockPublicAcls || !*p.BlockPublicPolicy || !*p.IgnorePublicAcls || !*p.RestrictPublicBuckets {
		t.Errorf("public access block %+v", p)
	}
	own := ok[*sdk.GetBucketOwnershipControlsOutput](t)(c.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b}))
	if own.OwnershipControls.Rules[0].ObjectOwnership != types.ObjectOwnershipBucketOwnerEnforced {
		t.Errorf("ownership %+v", own)
	}
	acl := ok[*sdk.GetBucketAclOutput](t)(c.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: b}))
	if len(acl.Grants) != 1 || acl.Grants[0].Permission != "FULL_CONTROL" || acl.Grants[0].Grantee.Type != "CanonicalUser" || *acl.Grants[0].Grantee.ID != *acl.Owner.ID {
		t.Errorf("acl %+v", acl)
	}
	if r := ok[*sdk.GetBucketRequestPaymentOutput](t)(c.GetBucketRequestPayment(ctx, &sdk.GetBucketRequestPaymentInput{Bucket: b})); r.Payer != "BucketOwner" {
		t.Errorf("payer %v", r.Payer)
	}
	ok[*sdk.GetBucketLoggingOutput](t)(c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: b}))
	ok[*sdk.GetBucketAccelerateConfigurationOutput](t)(c.GetBucketAccelerateConfiguration(ctx, &sdk.GetBucketAccelerateConfigurationInput{Bucket: b}))
	ok[*sdk.GetBucketNotificationConfigurationOutput](t)(c.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: b}))

	t.Run("lifecycle", func(t *testing.T) {
		want := []types.LifecycleRule{
			{
				ID: aws.String("old"), Status: "Enabled", Filter: &types.LifecycleRuleFilter{Prefix: aws.String("AWSLogs/")},
				Expiration: &types.LifecycleExpiration{Days: aws.Int32(365)}, Transitions: []types.Transition{{Days: aws.Int32(90), StorageClass: "GLACIER"}},
				AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)},
			},
			{
				ID: aws.String("versions"), Status: "Disabled", Filter: &types.LifecycleRuleFilter{},
				NoncurrentVersionExpiration: &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(30), NewerNoncurrentVersions: aws.Int32(3)},
			},
		}
		ok[*sdk.PutBucketLifecycleConfigurationOutput](t)(c.PutBucketLifecycleConfiguration(ctx, &sdk.PutBucketLifecycleConfigurationInput{
			Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: want}, TransitionDefaultMinimumObjectSize: "all_storage_classes_128K",
		}))
		got := ok[*sdk.GetBucketLifecycleConfigurationOutput](t)(c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b}))
		if d := cmp.Diff(want, got.Rules, cmpopts.IgnoreUnexported(types.LifecycleRule{}, types.LifecycleRuleFilter{}, types.LifecycleExpiration{},
			types.Transition{}, types.AbortIncompleteMultipartUpload{}, types.NoncurrentVersionExpiration{})); d != "" {
			t.Errorf("rules (-want +got):\n%s", d)
		}
		if got.TransitionDefaultMinimumObjectSize != "all_storage_classes_128K" {
			t.Errorf("minimum size %q", got.TransitionDefaultMinimumObjectSize)
		}
		params := g.last(t, "PutBucketLifecycle")["requestParameters"].(map[string]any)
		conf := params["LifecycleConfiguration"].(map[string]any)
		if conf["xmlns"] != config.Namespace || len(conf["Rule"].([]any)) != 2 || params["lifecycle"] != "" {
			t.Errorf("recorded %v", params)
		}
		ok[*sdk.DeleteBucketLifecycleOutput](t)(c.DeleteBucketLifecycle(ctx, &sdk.DeleteBucketLifecycleInput{Bucket: b}))
		_, err := c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
		wantCode(t, err, "NoSuchLifecycleConfiguration")
	})
	t.Run("tagging", func(t *testing.T) {
		tags := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("team"), Value: aws.String("a & b")}, {Key: aws.String("on"), Value: aws.String("true")}}}
		ok[*sdk.PutBucketTaggingOutput](t)(c.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: b, Tagging: tags}))
		got := ok[*sdk.GetBucketTaggingOutput](t)(c.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: b}))
		if d := cmp.Diff(tags.TagSet, got.TagSet, cmpopts.IgnoreUnexported(types.Tag{})); d != "" {
			t.Error(d)
		}
		ok[*sdk.DeleteBucketTaggingOutput](t)(c.DeleteBucketTagging(ctx, &sdk.DeleteBucketTaggingInput{Bucket: b}))
	})
	t.Run("logging", func(t *testing.T) {
		makeBucket(t, c, "conf-logs")
		put := func(target string) error {
			_, err := c.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: b, BucketLoggingStatus: &types.BucketLoggingStatus{
				LoggingEnabled: &types.LoggingEnabled{TargetBucket: &target, TargetPrefix: aws.String("log/")},
			}})
			return err
		}
		wantCode(t, put("absent-bucket"), "InvalidTargetBucketForLogging")
		if err := put("conf-logs"); err != nil {
			t.Fatal(err)
		}
		got := ok[*sdk.GetBucketLoggingOutput](t)(c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: b}))
		if got.LoggingEnabled == nil || *got.LoggingEnabled.TargetPrefix != "log/" {
			t.Errorf("logging %+v", got)
		}
		ok[*sdk.PutBucketLoggingOutput](t)(c.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: b, BucketLoggingStatus: &types.BucketLoggingStatus{}}))
		if got := ok[*sdk.GetBucketLoggingOutput](t)(c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: b})); got.LoggingEnabled != nil {
			t.Errorf("logging stays on: %+v", got)
		}
	})
	t.Run("acl and ownership", func(t *testing.T) {
		_, err := c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACLPrivate})
		wantCode(t, err, "AccessControlListNotSupported")
		_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k"), ACL: types.ObjectCannedACLPublicRead})
		wantCode(t, err, "AccessControlListNotSupported")
		ok[*sdk.PutBucketOwnershipControlsOutput](t)(c.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: b, OwnershipControls: &types.OwnershipControls{
			Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerPreferred}},
		}}))
		ok[*sdk.PutBucketAclOutput](t)(c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACLPrivate}))
		_, err = c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, ACL: types.BucketCannedACLPublicRead})
		wantCode(t, err, "AccessDenied")
		current := ok[*sdk.GetBucketAclOutput](t)(c.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: b}))
		ok[*sdk.PutBucketAclOutput](t)(c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, AccessControlPolicy: &types.AccessControlPolicy{Grants: current.Grants, Owner: current.Owner}}))
		ok[*sdk.PutBucketAclOutput](t)(c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, ACL: "log-delivery-write"}))
		if got := ok[*sdk.GetBucketAclOutput](t)(c.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: b})); len(got.Grants) != 3 {
			t.Errorf("acl %+v", got.Grants)
		}
		ok[*sdk.DeleteBucketOwnershipControlsOutput](t)(c.DeleteBucketOwnershipControls(ctx, &sdk.DeleteBucketOwnershipControlsInput{Bucket: b}))
		_, err = c.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
		wantCode(t, err, "OwnershipControlsNotFoundError")
		putText(t, c, "conf", "owned", "x")
		if got := ok[*sdk.GetObjectAclOutput](t)(c.GetObjectAcl(ctx, &sdk.GetObjectAclInput{Bucket: b, Key: aws.String("owned")})); len(got.Grants) != 1 {
			t.Errorf("object acl %+v", got.Grants)
		}
	})
	t.Run("encryption", func(t *testing.T) {
		put := func(alg types.ServerSideEncryption) error {
			_, err := c.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: &types.ServerSideEncryptionConfiguration{
				Rules: []types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: alg}, BucketKeyEnabled: aws.Bool(true)}},
			}})
			return err
		}
		wantCode(t, put("aws:kms"), "NotImplemented")
		if err := put("AES256"); err != nil {
			t.Fatal(err)
		}
		ok[*sdk.DeleteBucketEncryptionOutput](t)(c.DeleteBucketEncryption(ctx, &sdk.DeleteBucketEncryptionInput{Bucket: b}))
	})
}

// What nobody knows is refused, not ignored.
func TestRefusals(t *testing.T) {
	g := newGate(t)
	makeBucket(t, g.root(), "strict")
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/strict?inventory", 501},
		{"PUT", "/strict?metadataTable", 501},
		{"DELETE", "/strict?abac", 501},
		{"GET", "/strict?prefixx=a", 501},
		{"POST", "/strict", 405},
		{"PATCH", "/strict", 405},
		{"GET", "/strict?acl&policy", 501},
		{"GET", "/strict?list-type=3", 400},
		{"GET", "/strict/key?prefix=a", 501},
		{"GET", "/strict/a//b", 400},
		{"GET", "/strict/.sgwtmp/x", 400},
		{"GET", "/strict/a/%2e%2e/b", 400},
		{"GET", "/missing", 404},
		{"GET", "/", 403},
		{"GET", "/strict/key", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, g.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s answers %d, want %d", c.method, c.path, resp.StatusCode, c.status)
		}
		if resp.Header.Get("X-Amz-Request-Id") == "" || resp.Header.Get("X-Amz-Id-2") == "" {
			t.Errorf("%s %s: request ids are missing", c.method, c.path)
		}
	}
	_, err := g.root().PutBucketTagging(t.Context(), &sdk.PutBucketTaggingInput{
		Bucket: aws.String("strict"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}},
	})
	wantCode(t, err, "MalformedXML")
	_, err = g.root().PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("strict"), Key: aws.String("k"), Body: strings.NewReader("x"), WriteOffsetBytes: aws.Int64(3)})
	wantCode(t, err, "NotImplemented")
}

// Buckets and objects are there again after a restart on the same folder; what
// a crash interrupted is repaired.
func TestRestartAndRepair(t *testing.T) {
	js := natsdtest.Start(t)
	open := func(t *testing.T) *state.Store {
		store, err := state.Open(t.Context(), js, "STATE")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(store.Close)
		return store
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 25), "objects")
	t.Run("before", func(t *testing.T) {
		g := openGate(t, dir, open(t))
		makeBucket(t, g.root(), "stays")
		putText(t, g.root(), "stays", "k", "v")
		for _, name := range []string{"half-made", "half-gone", "full-half-gone"} {
			makeBucket(t, g.root(), name)
		}
		putText(t, g.root(), "full-half-gone", "k", "v")
	})
	t.Run("crash", func(t *testing.T) {
		table := state.NewTable[config.Bucket](open(t), "s3-buckets")
		for name, pending := range map[string]string{"half-made": config.Making, "half-gone": config.Removing, "full-half-gone": config.Removing} {
			_, err := table.Update(t.Context(), func(b *config.Bucket) error { b.Pending = pending; return nil }, name)
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	g := openGate(t, dir, open(t))
	if got := getText(t, g.root(), "stays", "k"); got != "v" {
		t.Errorf("object is %q", got)
	}
	if got := getText(t, g.root(), "full-half-gone", "k"); got != "v" {
		t.Errorf("object is %q", got)
	}
	for _, name := range []string{"half-made", "half-gone"} {
		if _, ok := g.service.Owner(name); ok {
			t.Errorf("bucket %s is still there", name)
		}
		makeBucket(t, g.root(), name)
	}
}
