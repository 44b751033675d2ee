package check

import (
	"fmt"
	"slices"
	"strings"

	"cairn/internal/arn"
	"cairn/internal/policy"
	"cairn/internal/trail"
)

// longEnough is the retention auditors ask of log groups, in days.
const longEnough = 365

func groupRules() []rule {
	return []rule{
		{
			id: "log-group-exists", title: "the log group exists", severity: High,
			judge: onGroup(false, func(t *Trail) verdict {
				if !t.Group.Exists.Seen {
					return fail("module cloudtrail-cloudwatch makes it; or: aws logs create-log-group --region "+t.Group.Region+" --log-group-name "+t.Group.Name, "there is no log group %s in %s", t.Group.Name, t.Group.Region)
				}
				return pass("the log group is there")
			}),
		}, {
			id: "log-group-retention", title: "the log group keeps records for a year", severity: Medium,
			controls: slices.Concat(hub("CloudWatch.16"), checkov("CKV_AWS_338"), prowler("cloudwatch_log_group_retention_policy_specific_days_enabled")),
			judge: onGroup(true, func(t *Trail) verdict {
				switch days := t.Group.RetentionDays; {
				case days == 0:
					return pass("records are kept for ever")
				case days < longEnough:
					return fail(input("cloudtrail-cloudwatch", "retention_in_days = 731", "aws logs put-retention-policy --region "+t.Group.Region+" --log-group-name "+t.Group.Name+" --retention-in-days 731"), "records are kept for %d days", days)
				default:
					return pass("records are kept for %d days", days)
				}
			}),
		}, {
			id: "log-group-cmk", title: "the log group is encrypted with a KMS key of one's own", severity: Low,
			controls: slices.Concat(checkov("CKV_AWS_158"), prowler("cloudwatch_log_group_kms_encryption_enabled")),
			judge: onGroup(true, func(t *Trail) verdict {
				if t.Group.KMSKey == "" {
					return fail(input("cloudtrail-cloudwatch", `kms_key_arn = "KEY"`, "aws logs associate-kms-key --region "+t.Group.Region+" --log-group-name "+t.Group.Name+" --kms-key-id KEY"), "CloudWatch Logs' own key is used")
				}
				return pass("encrypted with %s", t.Group.KMSKey)
			}),
		},
	}
}

// onGroup judges the log group of a trail that has one; if there must be a
// group, only one that exists.
func onGroup(must bool, judge func(*Trail) verdict) func(*Snapshot, *Trail) verdict {
	return func(_ *Snapshot, t *Trail) verdict {
		switch {
		case t.Group == nil:
			return verdict{}
		case t.Group.Exists.Not != nil:
			return notSeen(t.Group.Exists.Not).on(t.LogGroupARN)
		case must && !t.Group.Exists.Seen:
			return verdict{}
		}
		return judge(t).on(t.LogGroupARN)
	}
}

func roleRules() []rule {
	return []rule{
		{
			id: "role-trust", title: "CloudTrail can assume the role", severity: High,
			judge: onRole(func(t *Trail) verdict {
				return seen(t.Role.Trust, func(text string) verdict {
					if text == "" {
						return fail(roleRemedy, "there is no role %s", t.LogRoleARN)
					}
					return onDocument(text, "trust policy", func(doc *policy.Document) verdict { return trusted(t, doc) })
				})
			}),
		}, {
			id: "role-trust-narrow", title: "nobody else can assume the role", severity: High, controls: checkov("CKV_AWS_60", "CKV_AWS_61"),
			judge: onRole(func(t *Trail) verdict {
				return seen(t.Role.Trust, func(text string) verdict {
					if text == "" {
						return verdict{} // said already
					}
					return onDocument(text, "trust policy", trustedOthers)
				})
			}),
		}, {
			id: "role-permissions", title: "the role can write to the log group", severity: High,
			judge: onRole(func(t *Trail) verdict { return t.onPermissions(mayWrite) }),
		}, {
			id: "role-permissions-narrow", title: "the role can do nothing else", severity: Medium,
			controls: checkov("CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_286", "CKV_AWS_287", "CKV_AWS_288", "CKV_AWS_289", "CKV_AWS_290", "CKV_AWS_355"),
			judge:    onRole(func(t *Trail) verdict { return t.onPermissions(mayMore) }),
		},
	}
}

const roleRemedy = "module cloudtrail-cloudwatch makes the role, its trust policy and its permissions"

func onRole(judge func(*Trail) verdict) func(*Snapshot, *Trail) verdict {
	return func(_ *Snapshot, t *Trail) verdict {
		if t.Role == nil {
			return verdict{}
		}
		return judge(t).on(t.LogRoleARN)
	}
}

func onDocument(text, what string, judge func(*policy.Document) verdict) verdict {
	doc, err := policy.Parse([]byte(text))
	if err != nil {
		return fail("correct the "+what, "the %s cannot be understood: %v", what, err)
	}
	return judge(doc)
}

// trusted asks whether the trust policy lets CloudTrail in for this trail.
func trusted(t *Trail, doc *policy.Document) verdict {
	d := policy.Evaluate(&policy.Query{
		Principal: policy.Principal{Service: "cloudtrail.amazonaws.com"}, Action: "sts:AssumeRole", Resource: t.LogRoleARN,
		ResourceAccount: t.owner(), ResourcePolicy: doc, ResourcePolicyDecides: true,
		Context: policy.Context{"aws:sourcearn": {t.ARN}, "aws:sourceaccount": {t.owner()}},
	})
	if !d.Allowed {
		return fail(roleRemedy, "cloudtrail.amazonaws.com may not assume the role: %s", d.Reason)
	}
	return pass("the role's trust policy names cloudtrail.amazonaws.com")
}

// trustedOthers lists who else the trust policy names.
func trustedOthers(doc *policy.Document) verdict {
	var others []string
	for _, s := range doc.Statements() {
		if !s.Allow || s.Principals == nil {
			continue
		}
		if s.Principals.Any {
			others = append(others, "everybody")
		}
		for _, p := range slices.Concat(s.Principals.AWS, s.Principals.Service, s.Principals.Federated, s.Principals.CanonicalUser) {
			if p != "cloudtrail.amazonaws.com" {
				others = append(others, p)
			}
		}
	}
	if len(others) > 0 {
		return fail(roleRemedy+" for cloudtrail.amazonaws.com alone", "the role also trusts %s", strings.Join(others, ", "))
	}
	return pass("the role trusts nobody else")
}

// permissions are a role's policies, read.
type permissions struct {
	docs     []*policy.Document
	boundary *policy.Document
}

func (t *Trail) onPermissions(judge func(*Trail, *permissions) verdict) verdict {
	return seen(t.Role.Policies, func(texts []RolePolicy) verdict {
		if t.Role.Trust.Not == nil && t.Role.Trust.Seen == "" {
			return verdict{} // there is no role, which is said already
		}
		var p permissions
		for _, text := range texts {
			doc, err := policy.Parse([]byte(text.Text))
			if err != nil {
				return fail("correct the policy "+text.Name, "the role's policy %s cannot be understood: %v", text.Name, err)
			}
			p.docs = append(p.docs, doc)
		}
		return seen(t.Role.Boundary, func(text string) verdict {
			if text == "" {
				return judge(t, &p)
			}
			return onDocument(text, "permissions boundary", func(doc *policy.Document) verdict {
				p.boundary = doc
				return judge(t, &p)
			})
		})
	})
}

func (p *permissions) allows(t *Trail, action, on string) policy.Decision {
	return policy.Evaluate(&policy.Query{
		Principal: policy.Principal{Account: t.owner(), ARN: "arn:aws:sts::" + t.owner() + ":assumed-role/" + t.Role.Name + "/CloudTrail", RoleARN: t.LogRoleARN},
		Action:    action, Resource: on, ResourceAccount: t.owner(), Identity: p.docs, Boundary: p.boundary, Context: policy.Context{},
	})
}

// mayWrite asks for what CloudTrail does as the role (spec 5.4).
func mayWrite(t *Trail, p *permissions) verdict {
	stream := strings.TrimSuffix(t.LogGroupARN, ":*") + ":log-stream:" + trail.LogStream(t.owner(), t.HomeRegion)
	var lacks []string
	for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
		if d := p.allows(t, action, stream); !d.Allowed {
			lacks = append(lacks, fmt.Sprintf("%s on %s (%s)", action, stream, d.Reason))
		}
	}
	if len(lacks) > 0 {
		return fail(roleRemedy, "the role may not %s", strings.Join(lacks, ", nor "))
	}
	return pass("the role may create the trail's log streams and write to them")
}

// mayMore looks for actions beyond the two that are needed, and for log groups
// beyond the trail's.
func mayMore(t *Trail, p *permissions) verdict {
	var more []string
	for _, doc := range p.docs {
		for _, s := range doc.Statements() {
			if !s.Allow {
				continue
			}
			if s.NotAction {
				more = append(more, "all actions but "+strings.Join(s.Actions, ", "))
				continue
			}
			for _, a := range s.Actions {
				if !strings.EqualFold(a, "logs:CreateLogStream") && !strings.EqualFold(a, "logs:PutLogEvents") {
					more = append(more, a)
				}
			}
		}
	}
	if group, err := arn.Parse(strings.TrimSuffix(t.LogGroupARN, ":*")); err == nil {
		group.Resource = "log-group:a-group-of-another-name:log-stream:" + trail.LogStream(t.owner(), t.HomeRegion)
		if p.allows(t, "logs:PutLogEvents", group.String()).Allowed {
			more = append(more, "logs:PutLogEvents on other log groups")
		}
	}
	if len(more) > 0 {
		return fail(roleRemedy+", logs:CreateLogStream and logs:PutLogEvents on this group's CloudTrail streams alone", "the role may also use %s", strings.Join(slices.Compact(more), ", "))
	}
	return pass("the role may use logs:CreateLogStream and logs:PutLogEvents on this log group alone")
}
