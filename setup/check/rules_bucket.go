package check

import (
	"slices"
	"strings"
)

func bucketRules() []rule {
	return slices.Concat([]rule{
		{
			id: "bucket-public-access-block", title: "public access to the bucket is blocked", severity: High,
			controls: slices.Concat(cis("3.3", "", ""), checkov("CKV2_AWS_6", "CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.PublicAccess, func(b PublicAccess) verdict {
					var off []string
					for _, s := range []struct {
						name string
						on   bool
					}{{"BlockPublicAcls", b.BlockACLs}, {"IgnorePublicAcls", b.IgnoreACLs}, {"BlockPublicPolicy", b.BlockPolicy}, {"RestrictPublicBuckets", b.RestrictBuckets}} {
						if !s.on {
							off = append(off, s.name)
						}
					}
					if len(off) > 0 {
						return fail("module cloudtrail-bucket blocks it; or: aws s3api put-public-access-block --bucket "+t.Bucket+" --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
							"public access is not blocked: %s off", strings.Join(off, ", "))
					}
					return pass("public access is blocked, all four settings")
				})
			}),
		}, {
			id: "bucket-acl-public", title: "the bucket's ACL opens nothing to everybody", severity: Critical,
			controls: slices.Concat(cis("3.3", "", ""), hub("CloudTrail.6"), checkov("CKV_AWS_20", "CKV_AWS_57"), prowler("cloudtrail_logs_s3_bucket_is_not_publicly_accessible")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.PublicGrants, func(grants []string) verdict {
					if len(grants) > 0 {
						return fail("aws s3api put-bucket-acl --bucket "+t.Bucket+" --acl private", "the bucket's ACL grants %s", strings.Join(grants, ", "))
					}
					return pass("the bucket's ACL grants nothing to everybody")
				})
			}),
		}, {
			id: "bucket-ownership", title: "the bucket's ACLs are off", severity: Low,
			controls: slices.Concat(hub("S3.12"), checkov("CKV2_AWS_65")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Ownership, func(owner string) verdict {
					if owner != "BucketOwnerEnforced" {
						if owner == "" {
							owner = "not set"
						}
						return fail("aws s3api put-bucket-ownership-controls --bucket "+t.Bucket+" --ownership-controls Rules=[{ObjectOwnership=BucketOwnerEnforced}]", "object ownership is %s", owner)
					}
					return pass("object ownership is BucketOwnerEnforced")
				})
			}),
		},
	}, encryptionRules(), keepingRules())
}

func encryptionRules() []rule {
	return []rule{
		{
			id: "bucket-encryption", title: "the bucket encrypts what it stores", severity: High, controls: checkov("CKV_AWS_19"),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Encryption, func(e Encryption) verdict {
					if e.Algorithm == "" {
						return fail("module cloudtrail-bucket encrypts; or: aws s3api put-bucket-encryption --bucket "+t.Bucket+` --server-side-encryption-configuration '{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}'`, "the bucket has no default encryption")
					}
					return pass("default encryption is %s", e.Algorithm)
				})
			}),
		}, {
			id: "bucket-cmk", title: "the bucket encrypts with a KMS key", severity: Low,
			controls: slices.Concat(hub("S3.17"), checkov("CKV_AWS_145")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Encryption, func(e Encryption) verdict {
					if !strings.HasPrefix(e.Algorithm, "aws:kms") {
						return fail(input("cloudtrail-bucket", `kms_key_arn = "KEY"`, ""), "default encryption is %s, not with KMS", or(e.Algorithm, "none"))
					}
					return pass("encrypted with %s", or(e.Key, "AWS's own key for S3"))
				})
			}),
		},
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func keepingRules() []rule {
	return []rule{
		{
			id: "bucket-versioning", title: "the bucket keeps old versions", severity: Medium,
			controls: slices.Concat(hub("S3.14"), checkov("CKV_AWS_21")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Versioning, func(v Versioning) verdict {
					if v.Status != "Enabled" {
						return fail(input("cloudtrail-bucket", "versioning = true", "aws s3api put-bucket-versioning --bucket "+t.Bucket+" --versioning-configuration Status=Enabled"), "versioning is %s", or(v.Status, "off"))
					}
					return pass("versioning is on")
				})
			}),
		}, {
			id: "bucket-mfa-delete", title: "deleting versions takes a second factor", severity: Info,
			controls: slices.Concat(hub("S3.20"), prowler("cloudtrail_bucket_requires_mfa_delete")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Versioning, func(v Versioning) verdict {
					if !v.MFADelete {
						return fail("as the root user: aws s3api put-bucket-versioning --bucket "+t.Bucket+" --versioning-configuration Status=Enabled,MFADelete=Enabled --mfa 'SERIAL CODE'; object lock is the stronger means", "MFA delete is off")
					}
					return pass("MFA delete is on")
				})
			}),
		}, {
			id: "bucket-object-lock", title: "log files cannot be deleted early", severity: Low,
			controls: slices.Concat(hub("S3.15"), checkov("CKV_AWS_143")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.ObjectLock, func(l ObjectLock) verdict {
					if l.Mode == "" {
						return fail(input("cloudtrail-bucket", `object_lock_mode = "COMPLIANCE", object_lock_days = 365`, ""), "no default retention: whoever may delete objects can delete log files")
					}
					return pass("locked for %s, %s", l.For, l.Mode)
				})
			}),
		}, {
			id: "bucket-access-logging", title: "access to the bucket is logged", severity: Medium,
			controls: slices.Concat(cis("3.6", "3.4", "4.4"), hub("CloudTrail.7", "S3.9"), checkov("CKV_AWS_18"), prowler("cloudtrail_logs_s3_bucket_access_logging_enabled")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.LogsTo, func(target string) verdict {
					switch target {
					case "":
						return fail(input("cloudtrail-bucket", `access_log_bucket = "BUCKET"`, ""), "server access logging is off")
					case t.Bucket:
						return fail(input("cloudtrail-bucket", `access_log_bucket = "ANOTHER-BUCKET"`, ""), "access logs go to the bucket itself, and every log file makes another")
					}
					return pass("access logs go to %s", target)
				})
			}),
		}, {
			id: "bucket-lifecycle", title: "old log files move or go", severity: Low,
			controls: slices.Concat(hub("S3.13"), checkov("CKV2_AWS_61")),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Lifecycle, func(l Lifecycle) verdict {
					switch {
					case l.Rules == 0:
						return fail(input("cloudtrail-bucket", "transition_days = 90, expiration_days = 2557", ""), "there are no lifecycle rules: log files stay for ever at full price")
					case l.ExpireDays > 0:
						return pass("log files are deleted after %d days", l.ExpireDays)
					}
					return pass("%s, nothing is deleted", count(l.Rules, "rule"))
				})
			}),
		}, {
			id: "bucket-abort-uploads", title: "unfinished uploads are removed", severity: Info, controls: checkov("CKV_AWS_300"),
			judge: onBucket(func(t *Trail) verdict {
				return seen(t.BucketSeen.Lifecycle, func(l Lifecycle) verdict {
					if !l.AbortsUploads {
						return fail(input("cloudtrail-bucket", "transition_days or expiration_days, whose rule removes them too", ""), "unfinished multipart uploads stay, and are paid for")
					}
					return pass("unfinished multipart uploads are removed")
				})
			}),
		},
	}
}
