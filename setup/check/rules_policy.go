package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cairn/internal/arn"
	"cairn/internal/policy"
	"cairn/setup/internal/account"
	"cairn/setup/internal/resource"
)

func policyRules() []rule {
	return []rule{
		{
			id: "bucket-exists", title: "the bucket exists", severity: Critical,
			judge: func(_ *Snapshot, t *Trail) verdict {
				if t.BucketSeen == nil {
					return verdict{}
				}
				return seen(t.BucketSeen.Exists, func(exists bool) verdict {
					if !exists {
						return fail("module cloudtrail-bucket makes it; or name another: "+input("cloudtrail", `s3_bucket_name = "BUCKET"`, ""), "there is no bucket %s", t.Bucket)
					}
					return pass("the bucket is there")
				}).on(t.bucketARN())
			},
		}, {
			id: "bucket-policy-sufficient", title: "the bucket policy lets CloudTrail deliver", severity: Critical,
			judge: onPolicy(func(t *Trail, doc *policy.Document) verdict { return sufficient(t, doc) }),
		}, {
			id: "bucket-policy-confused-deputy", title: "the bucket policy lets no other account's trails in", severity: High,
			judge: onPolicy(confusedDeputy),
		}, {
			id: "bucket-policy-public", title: "the bucket policy opens nothing to everybody", severity: Critical,
			controls: slices.Concat(cis("3.3", "", ""), hub("CloudTrail.6"), checkov("CKV_AWS_70"), prowler("cloudtrail_logs_s3_bucket_is_not_publicly_accessible")),
			judge:    onPolicy(publicPolicy),
		}, {
			id: "bucket-tls-only", title: "the bucket is used over TLS alone", severity: Medium,
			controls: slices.Concat(hub("S3.5"), checkov("CKV_AWS_379")),
			judge:    onPolicy(tlsOnly),
		},
	}
}

// bucketARN is the ARN of the trail's bucket.
func (t *Trail) bucketARN() string {
	partition := "aws"
	if a, err := arn.Parse(t.ARN); err == nil {
		partition = a.Partition
	}
	return "arn:" + partition + ":s3:::" + t.Bucket
}

// spec is the trail as far as its bucket's policy is concerned.
func (t *Trail) spec() *resource.Trail {
	return &resource.Trail{Name: t.Name, ARN: t.ARN, Bucket: t.Bucket, Prefix: t.Prefix, KMSKey: t.KMSKey}
}

// owner is the account the trail belongs to.
func (t *Trail) owner() string {
	a, err := arn.Parse(t.ARN)
	if err != nil {
		return ""
	}
	return a.Account
}

// onPolicy judges a bucket policy, nil if the bucket has none.
func onPolicy(judge func(*Trail, *policy.Document) verdict) func(*Snapshot, *Trail) verdict {
	return onBucket(func(t *Trail) verdict {
		return seen(t.BucketSeen.Policy, func(text string) verdict {
			if text == "" {
				return judge(t, nil)
			}
			doc, err := policy.Parse([]byte(text))
			if err != nil {
				return fail("correct the bucket policy of "+t.Bucket, "the bucket policy cannot be understood: %v", err)
			}
			return judge(t, doc)
		})
	})
}

// onBucket judges a bucket that may exist.
func onBucket(judge func(*Trail) verdict) func(*Snapshot, *Trail) verdict {
	return func(_ *Snapshot, t *Trail) verdict {
		if b := t.BucketSeen; b == nil || b.Exists.Not == nil && !b.Exists.Seen {
			return verdict{}
		}
		return judge(t).on(t.bucketARN())
	}
}

// sufficient asks for what CloudTrail does with the bucket (spec 5.1), and
// names the statements that are missing.
func sufficient(t *Trail, doc *policy.Document) verdict {
	var seen, statements []string
	trail := t.spec()
	for _, need := range account.Needs(trail) {
		q := need.Query(trail, doc)
		if policy.Evaluate(q).Allowed {
			continue
		}
		seen = append(seen, fmt.Sprintf("cloudtrail.amazonaws.com may not %s on %s for %s: %s", need.Action, need.Resource, t.ARN, nearest(doc, q)))
		statements = append(statements, compact(need.Statement(t.ARN)))
	}
	if len(seen) > 0 {
		return fail(fmt.Sprintf("module cloudtrail-bucket writes such a policy (account_ids, s3_bucket_key_prefix, trail_arns); or add to the policy of %s: %s", t.Bucket, strings.Join(statements, ", ")),
			"%s", strings.Join(seen, "; "))
	}
	return pass("the bucket policy allows s3:GetBucketAcl, and s3:PutObject below the folder of account %s", t.owner())
}

// nearest says what stands in the way: the statement that denies it, or the
// one that would allow it but for one thing.
func nearest(doc *policy.Document, q *policy.Query) string {
	if doc == nil {
		return "there is no bucket policy"
	}
	if near := doc.Explain(q); len(near) > 0 && (near[0].Deny || len(near[0].Misses) == 1) {
		return near[0].String()
	}
	return "no statement is about it"
}

func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // strings and maps of strings always marshal
		panic(fmt.Sprintf("check: marshal statement: %v", err))
	}
	return string(text)
}

// stranger returns an account id the policy does not name.
func stranger(doc *policy.Document) string {
	text := ""
	if doc != nil {
		text = doc.String()
	}
	for n := 999999999999; ; n-- {
		if id := fmt.Sprint(n); !strings.Contains(text, id) {
			return id
		}
	}
}

// confusedDeputy asks whether the trail of a stranger is let in: into a folder
// of its own, below this trail's prefix, another or none; into this trail's
// folder; or to look at the ACL.
func confusedDeputy(t *Trail, doc *policy.Document) verdict {
	id := stranger(doc)
	foreign := t.spec()
	foreign.ARN = strings.Replace(t.ARN, ":"+t.owner()+":", ":"+id+":", 1)
	ask := func(needs []account.Access, prefix string) string {
		foreign.Prefix = prefix
		for _, need := range slices.Backward(needs) { // writing first
			q := need.Query(foreign, doc)
			q.Context["aws:sourceorgid"] = []string{"o-stranger00"}
			if policy.Evaluate(q).Allowed {
				return fmt.Sprintf("%s on %s: %s", need.Action, need.Resource, doc.Explain(q)[0])
			}
		}
		return ""
	}
	for _, prefix := range []string{t.Prefix, "", "a-prefix-of-theirs"} {
		foreign.Prefix = prefix
		if how := ask(account.Needs(foreign), prefix); how != "" {
			return deputy(t, "any account's trail can be pointed at the bucket, and may "+how)
		}
	}
	if how := ask(account.Needs(t.spec()), t.Prefix); how != "" {
		return deputy(t, "no condition says whose trails are meant: cloudtrail.amazonaws.com may, for any trail, "+how)
	}
	return pass("a trail of another account (tried as %s) is refused", id)
}

func deputy(t *Trail, evidence string) verdict {
	return fail(input("cloudtrail-bucket", fmt.Sprintf("trail_arns = [%q]", t.ARN),
		fmt.Sprintf(`add to the statements for cloudtrail.amazonaws.com "Condition":{"StringEquals":{"aws:SourceArn":%q}}`, t.ARN)), "%s", evidence)
}

// publicPolicy asks what an anonymous caller, and any AWS account, may do.
func publicPolicy(t *Trail, doc *policy.Document) verdict {
	id := stranger(doc)
	bucket := t.bucketARN()
	object := bucket + "/" + strings.TrimPrefix(t.Prefix+"/", "/") + "AWSLogs/" + t.owner() + "/CloudTrail/file.json.gz"
	var open []string
	for _, who := range []struct {
		name string
		policy.Principal
	}{
		{"everybody", policy.Principal{}},
		{"any AWS account", policy.Principal{Account: id, ARN: "arn:aws:iam::" + id + ":root", Root: true}},
	} {
		var may []string
		for _, action := range []string{
			"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectAcl",
			"s3:ListBucket", "s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:DeleteBucket",
		} {
			on := bucket
			if strings.Contains(action, "Object") {
				on = object
			}
			q := &policy.Query{
				Principal: who.Principal, Action: action, Resource: on, ResourceAccount: t.owner(), ResourcePolicy: doc,
				Context: policy.Context{
					"aws:securetransport": {"true"}, "aws:sourceip": {"203.0.113.10"}, "aws:principalaccount": {id},
					"s3:x-amz-acl": {"bucket-owner-full-control"},
				},
			}
			if policy.Evaluate(q).Allowed {
				may = append(may, action)
			}
		}
		if len(may) > 0 {
			open = append(open, who.name+" may "+strings.Join(may, ", "))
		}
	}
	if len(open) > 0 {
		return fail("take the statements with Principal \"*\" out of the policy of "+t.Bucket+", or name the principals meant; module cloudtrail-bucket writes a policy without them", "by the bucket policy, %s", strings.Join(open, "; "))
	}
	return pass("the bucket policy lets strangers do nothing")
}

// tlsOnly asks whether calls without TLS are denied.
func tlsOnly(t *Trail, doc *policy.Document) verdict {
	bucket := t.bucketARN()
	var open []string
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"} {
		on := bucket
		if strings.HasSuffix(action, "Object") {
			on = bucket + "/AWSLogs/file.json.gz"
		}
		q := &policy.Query{
			Principal: policy.Principal{Account: t.owner(), ARN: "arn:aws:iam::" + t.owner() + ":user/somebody"},
			Action:    action, Resource: on, ResourceAccount: t.owner(), ResourcePolicy: doc,
			Context: policy.Context{"aws:securetransport": {"false"}, "s3:x-amz-acl": {"bucket-owner-full-control"}},
		}
		if !policy.Evaluate(q).Explicit {
			open = append(open, action)
		}
	}
	if len(open) > 0 {
		statement := compact(map[string]any{
			"Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
			"Resource": []string{bucket, bucket + "/*"}, "Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
		})
		return fail("module cloudtrail-bucket denies it; or add to the policy of "+t.Bucket+": "+statement, "not denied without TLS: %s", strings.Join(open, ", "))
	}
	return pass("calls without TLS are denied")
}
