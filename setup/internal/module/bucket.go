package module

import (
	"fmt"
	"slices"

	"cairn/setup/internal/resource"
)

func bucketModule() *Module {
	return &Module{
		Name: "cloudtrail-bucket",
		Inputs: []Input{
			required("s3_bucket_name", bucketName()),
			optionalList("account_ids", accountID()),
			optionalText("s3_bucket_key_prefix", keyPrefix()),
			optionalList("trail_arns", trailARNs()),
			optionalText("organization_id", organizationID()),
			optionalBool("versioning", true),
			optionalBool("force_destroy", false),
			optionalText("kms_key_arn", kmsKey()),
			optionalText("object_lock_mode", lockMode()),
			optionalNumber("object_lock_days", 0, days("object_lock_days", 36500)),
			optionalNumber("expiration_days", 0, days("expiration_days", 1<<31-1)),
			optionalNumber("transition_days", 0, days("transition_days", 1<<31-1)),
			optionalText("access_log_bucket", bucketName()),
			tagsInput(),
		},
		Outputs: []string{"s3_bucket_name", "s3_bucket_arn"},
		check:   checkBucket,
		build:   buildBucket,
		outputs: func(in Values, acc Account) map[string]string {
			return map[string]string{"s3_bucket_name": in.text("s3_bucket_name"), "s3_bucket_arn": bucketARN(in, acc)}
		},
	}
}

func bucketARN(in Values, acc Account) string {
	return "arn:" + acc.Partition + ":s3:::" + in.text("s3_bucket_name")
}

func checkBucket(in Values) []Problem {
	if !in.known() {
		return nil
	}
	var problems []Problem
	locked := in.number("object_lock_days") > 0
	if locked != (in.text("object_lock_mode") != "") {
		problems = append(problems, Problem{Input: "object_lock_mode", Text: "object_lock_mode and object_lock_days go together: give both or neither"})
	}
	if locked && !in.yes("versioning") {
		problems = append(problems, Problem{Input: "versioning", Text: "object lock needs versioning: leave versioning = true"})
	}
	if e, t := in.number("expiration_days"), in.number("transition_days"); e > 0 && t >= e {
		problems = append(problems, Problem{Input: "transition_days", Text: fmt.Sprintf("transition_days (%d) must come before expiration_days (%d)", t, e)})
	}
	return problems
}

// buildBucket makes what modules/cloudtrail/cloudtrail-bucket/main.tf makes.
func buildBucket(in Values, acc Account) []resource.Resource {
	const bucket = "aws_s3_bucket.this"
	name := in.text("s3_bucket_name")
	locked := in.number("object_lock_days") > 0
	setting := func(address string, spec resource.Spec, needs ...string) resource.Resource {
		return resource.Resource{Address: address, Spec: spec, Part: bucket, Needs: append([]string{bucket}, needs...)}
	}
	res := []resource.Resource{{Address: bucket, Spec: &resource.Bucket{
		Bucket: name, ForceDestroy: in.yes("force_destroy"), ObjectLock: locked, Tags: in.tags(acc, "cloudtrail-bucket"),
	}}}
	optional := func(wanted bool, address string, spec resource.Spec, needs ...string) resource.Resource {
		r := setting(address, spec, needs...)
		r.Absent = !wanted
		return r
	}
	const versioning = "aws_s3_bucket_versioning.this[0]"
	var afterVersioning []string
	if in.yes("versioning") {
		afterVersioning = []string{versioning}
	}
	res = append(res, optional(in.yes("versioning"), versioning, &resource.BucketVersioning{Bucket: name, Status: "Enabled"}))
	encryption := &resource.BucketEncryption{Bucket: name, Algorithm: "AES256"}
	if key := in.text("kms_key_arn"); key != "" {
		encryption.Algorithm, encryption.KMSKey, encryption.BucketKey = "aws:kms", key, true
	}
	const block = "aws_s3_bucket_public_access_block.this"
	res = append(res,
		setting("aws_s3_bucket_server_side_encryption_configuration.this", encryption),
		setting(block, &resource.PublicAccessBlock{
			Bucket: name, BlockPublicACLs: true, BlockPublicPolicy: true, IgnorePublicACLs: true, RestrictPublicBuckets: true,
		}),
		setting("aws_s3_bucket_policy.this", &resource.BucketPolicy{Bucket: name, Policy: bucketPolicy(in, acc)}, block),
	)
	rule, target := lifecycle(in, name), in.text("access_log_bucket")
	return append(res,
		optional(locked, "aws_s3_bucket_object_lock_configuration.this[0]", &resource.BucketObjectLock{
			Bucket: name, Mode: in.text("object_lock_mode"), Days: in.number("object_lock_days"),
		}, afterVersioning...),
		optional(rule.ExpirationDays > 0 || rule.TransitionDays > 0, "aws_s3_bucket_lifecycle_configuration.this[0]", rule, afterVersioning...),
		optional(target != "", "aws_s3_bucket_logging.this[0]", &resource.BucketLogging{
			Bucket: name, TargetBucket: target, TargetPrefix: name + "/",
		}),
	)
}

func lifecycle(in Values, bucket string) *resource.BucketLifecycle {
	expire, move := in.number("expiration_days"), in.number("transition_days")
	rule := &resource.BucketLifecycle{
		Bucket: bucket, TransitionDays: move, ExpirationDays: expire, NoncurrentDays: expire, AbortMultipartDays: 7,
	}
	if move > 0 {
		rule.StorageClass = "GLACIER_IR"
	}
	return rule
}

// bucketPolicy is the policy of spec 5.1: TLS only, and CloudTrail may look at
// the ACL and write under the accounts' folders.
func bucketPolicy(in Values, acc Account) resource.Policy {
	arn := bucketARN(in, acc)
	accounts := in.strings("account_ids")
	if len(accounts) == 0 {
		accounts = []string{acc.ID}
	}
	folders := []string{"AWSLogs", "*/AWSLogs"}
	if p := in.text("s3_bucket_key_prefix"); p != "" {
		folders = []string{p + "/AWSLogs"}
	}
	under := func(owners ...string) []string {
		var paths []string
		for _, f := range folders {
			for _, o := range owners {
				paths = append(paths, arn+"/"+f+"/"+o+"/*")
			}
		}
		return paths
	}
	statements := []statement{{
		Sid: "DenyInsecureTransport", Effect: "Deny", Principal: "*", Action: []string{"s3:*"}, Resource: []string{arn, arn + "/*"},
		Condition: map[string]map[string][]string{"Bool": {"aws:SecureTransport": {"false"}}},
	}, {
		Sid: "AWSCloudTrailAclCheck20150319", Effect: "Allow", Principal: cloudTrail(), Action: []string{"s3:GetBucketAcl"},
		Resource: []string{arn}, Condition: writers(in, acc, accounts, false),
	}, {
		Sid: "AWSCloudTrailWrite20150319", Effect: "Allow", Principal: cloudTrail(), Action: []string{"s3:PutObject"},
		Resource: under(accounts...), Condition: writers(in, acc, accounts, true),
	}}
	if org := in.text("organization_id"); org != "" {
		statements = append(statements, statement{
			Sid: "AWSCloudTrailOrganizationWrite20150319", Effect: "Allow", Principal: cloudTrail(), Action: []string{"s3:PutObject"},
			Resource: under(org), Condition: writers(in, acc, accounts, true),
		})
	}
	return policyOf(statements...)
}

// writers is the condition that names the trails allowed. Without it, a trail
// of any account could be pointed at the bucket (the confused deputy).
func writers(in Values, acc Account, accounts []string, object bool) map[string]map[string][]string {
	equals := map[string][]string{}
	if object {
		equals["s3:x-amz-acl"] = []string{"bucket-owner-full-control"}
	}
	cond := map[string]map[string][]string{}
	if trails := in.strings("trail_arns"); len(trails) > 0 {
		equals["aws:SourceArn"] = slices.Clone(trails)
	} else {
		var any []string
		for _, id := range accounts {
			any = append(any, "arn:"+acc.Partition+":cloudtrail:*:"+id+":trail/*")
		}
		cond["StringLike"] = map[string][]string{"aws:SourceArn": any}
	}
	if len(equals) > 0 {
		cond["StringEquals"] = equals
	}
	return cond
}
