package check

import (
	"slices"
	"time"
)

// quiet is how long a trail may deliver nothing before it counts as broken:
// an account in use makes calls every day.
const quiet = 24 * time.Hour

// firstDelivery is how long the first delivery may take; AWS says about five
// minutes on average (spec 1.3).
const firstDelivery = time.Hour

func trailRules() []rule { return slices.Concat(deliveryRules(), settingRules()) }

// deliveryRules ask whether the trail does its work.
func deliveryRules() []rule {
	return []rule{
		{
			id: "trail-logging", title: "the trail logs", severity: Critical, controls: checkov("CKV_AWS_251"),
			judge: func(s *Snapshot, t *Trail) verdict {
				return seen(t.Status, func(st Status) verdict {
					if !st.Logging {
						return fail(input("cloudtrail", "enable_logging = true", t.cli("start-logging")), "logging is off")
					}
					return pass("logging; begun %s", ago(s, st.Started))
				})
			},
		}, {
			id: "trail-delivery", title: "log files reach the bucket", severity: High,
			judge: func(s *Snapshot, t *Trail) verdict {
				const remedy = "see the findings on the bucket and its policy"
				return seen(t.Status, func(st Status) verdict { return delivery(s, st, st.Delivered, st.DeliveryError, remedy) })
			},
		}, {
			id: "trail-log-group-delivery", title: "records reach the log group", severity: High,
			judge: func(s *Snapshot, t *Trail) verdict {
				if t.LogGroupARN == "" {
					return verdict{}
				}
				const remedy = "see the findings on the log group and its role"
				return seen(t.Status, func(st Status) verdict { return delivery(s, st, st.GroupDelivered, st.GroupError, remedy) })
			},
		},
	}
}

// settingRules ask for the trail's own settings.
func settingRules() []rule {
	return []rule{
		{
			id: "trail-multi-region", title: "the trail records all regions", severity: High,
			controls: slices.Concat(cis("3.1", "3.1", "4.1"), hub("CloudTrail.1"), checkov("CKV_AWS_67"), prowler("cloudtrail_multi_region_enabled")),
			judge: func(_ *Snapshot, t *Trail) verdict {
				if !t.MultiRegion {
					return fail(input("cloudtrail", "is_multi_region_trail = true", t.cli("update-trail --is-multi-region-trail")), "the trail records %s alone", t.HomeRegion)
				}
				return pass("the trail records all regions")
			},
		}, {
			id: "trail-global-events", title: "the trail records services without a region, such as IAM", severity: Medium,
			judge: func(_ *Snapshot, t *Trail) verdict {
				if !t.GlobalEvents {
					return fail(input("cloudtrail", "include_global_service_events = true", t.cli("update-trail --include-global-service-events")), "global service events are left out")
				}
				return pass("global service events are included")
			},
		}, {
			id: "trail-validation", title: "log files can be validated", severity: Medium,
			controls: slices.Concat(cis("3.2", "3.2", "4.2"), hub("CloudTrail.4"), checkov("CKV_AWS_36"), prowler("cloudtrail_log_file_validation_enabled")),
			judge: func(_ *Snapshot, t *Trail) verdict {
				switch {
				case !t.Validation:
					return fail(input("cloudtrail", "enable_log_file_validation = true", t.cli("update-trail --enable-log-file-validation")), "log file validation is off")
				case t.Status.Not == nil && t.Status.Seen.DigestError != "":
					return fail("see the findings on the bucket and its policy", "log file validation is on, but the last digest file could not be delivered: %s", t.Status.Seen.DigestError)
				}
				return pass("log file validation is on")
			},
		}, {
			id: "trail-cmk", title: "log files are encrypted with a KMS key of one's own", severity: Medium,
			controls: slices.Concat(cis("3.7", "3.5", "4.5"), hub("CloudTrail.2"), checkov("CKV_AWS_35"), prowler("cloudtrail_kms_encryption_enabled")),
			judge: func(_ *Snapshot, t *Trail) verdict {
				if t.KMSKey == "" {
					return fail(input("cloudtrail", `kms_key_arn = "KEY"`, t.cli("update-trail --kms-key-id KEY")), "the trail names no key: log files are encrypted as the bucket says")
				}
				return pass("encrypted with %s", t.KMSKey)
			},
		}, {
			id: "trail-log-group", title: "records go to CloudWatch Logs too", severity: Medium,
			controls: slices.Concat(cis("3.4", "", ""), hub("CloudTrail.5"), checkov("CKV2_AWS_10"), prowler("cloudtrail_cloudwatch_logging_enabled")),
			judge: func(_ *Snapshot, t *Trail) verdict {
				if t.LogGroupARN == "" {
					return fail("module cloudtrail-cloudwatch, its outputs given to module cloudtrail as cloud_watch_logs_group_arn and cloud_watch_logs_role_arn", "the trail exports to no log group")
				}
				return pass("records go to a log group")
			},
		}, {
			id: "trail-tags", title: "the trail is tagged", severity: Low, controls: hub("CloudTrail.9"),
			judge: func(_ *Snapshot, t *Trail) verdict {
				return seen(t.Tags, func(tags map[string]string) verdict {
					if len(tags) == 0 {
						return fail(input("cloudtrail", "tags = { ... }", "aws cloudtrail add-tags --region "+t.HomeRegion+" --resource-id "+t.ARN+" --tags-list Key=KEY,Value=VALUE"), "the trail has no tags")
					}
					return pass("%s", count(len(tags), "tag"))
				})
			},
		},
	}
}

// delivery judges one way of delivery.
func delivery(s *Snapshot, st Status, at time.Time, problem, remedy string) verdict {
	switch {
	case problem != "":
		return fail(remedy, "the last attempt failed with %s; the last success was %s", problem, ago(s, at))
	case !st.Logging:
		return verdict{result: Unknown, evidence: "could not be judged while the trail does not log; the last delivery was " + ago(s, at)}
	case at.IsZero() && s.Time.Sub(st.Started) < firstDelivery:
		return verdict{result: Unknown, evidence: "nothing was delivered yet; logging began " + ago(s, st.Started)}
	case at.IsZero():
		return fail(remedy, "nothing was ever delivered; logging began %s", ago(s, st.Started))
	case s.Time.Sub(at) > quiet:
		return fail(remedy, "the last delivery was %s", ago(s, at))
	}
	return pass("the last delivery was %s", ago(s, at))
}
