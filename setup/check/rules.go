package check

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rule is one check: what should be so, how much it matters, who demands it,
// and how to tell.
type rule struct {
	id, title string
	severity  Severity
	controls  []Control
	// judge looks at one trail. A verdict without a result means that the
	// question does not arise.
	judge func(s *Snapshot, t *Trail) verdict
}

// verdict is the outcome of a rule.
type verdict struct {
	result                                 Result
	resource, evidence, permission, remedy string
}

func pass(format string, args ...any) verdict {
	return verdict{result: Pass, evidence: fmt.Sprintf(format, args...)}
}

func fail(remedy, format string, args ...any) verdict {
	return verdict{result: Fail, evidence: fmt.Sprintf(format, args...), remedy: remedy}
}

// on names what was looked at.
func (v verdict) on(resource string) verdict {
	v.resource = resource
	return v
}

// notSeen is the verdict on what could not be looked at.
func notSeen(u *Unseen) verdict {
	v := verdict{result: Unknown, permission: u.Permission, evidence: fmt.Sprintf("could not be looked at: %s: %s", u.Permission, u.Why)}
	if !u.NotOffered {
		v.remedy = fmt.Sprintf("allow %s to these credentials, or check from the account that owns it", u.Permission)
	}
	return v
}

// seen judges what was seen, if it was.
func seen[T any](l Look[T], judge func(T) verdict) verdict {
	if l.Not != nil {
		return notSeen(l.Not)
	}
	return judge(l.Seen)
}

// rules are all checks of a trail, in the order they are reported.
func rules() []rule {
	return slices.Concat(trailRules(), eventRules(), policyRules(), bucketRules(), groupRules(), roleRules(), alarmRules(), []rule{driftRule()})
}

// Find judges a snapshot. It is pure.
func Find(s *Snapshot) *Report {
	r := &Report{
		Account: s.Account, Region: s.Region, Endpoint: s.Endpoint, Time: s.Time,
		Trails: []Subject{}, Findings: []Finding{},
	}
	if !s.Narrowed {
		r.judge(accountRule(), s, &Trail{}, "account "+s.Account)
	}
	if s.Files != nil {
		r.judge(filesRule(), s, &Trail{}, "account "+s.Account)
	}
	for _, name := range s.Absent {
		r.Trails = append(r.Trails, Subject{Name: name})
		r.judge(absentRule(), s, &Trail{Name: name}, name)
	}
	for i := range s.Trails {
		t := &s.Trails[i]
		r.Trails = append(r.Trails, subject(t))
		for _, rule := range rules() {
			r.judge(rule, s, t, t.ARN)
		}
	}
	return r
}

// judge adds a rule's finding on a trail.
func (r *Report) judge(rule rule, s *Snapshot, t *Trail, resource string) {
	v := rule.judge(s, t)
	if v.result == "" {
		return
	}
	if v.resource == "" {
		v.resource = resource
	}
	f := Finding{
		ID: rule.id, Title: rule.title, Status: v.result, Severity: rule.severity, Trail: t.Name, TrailARN: t.ARN, Resource: v.resource,
		Evidence: v.evidence, Permission: v.permission, Controls: rule.controls, Remedy: v.remedy,
	}
	if f.Controls == nil {
		f.Controls = []Control{}
	}
	r.add(f)
}

func subject(t *Trail) Subject {
	sub := Subject{Name: t.Name, ARN: t.ARN, HomeRegion: t.HomeRegion}
	to := "s3://" + t.Bucket
	if t.Prefix != "" {
		to += "/" + t.Prefix
	}
	sub.Destinations = []string{to}
	if t.Group != nil {
		sub.Destinations = append(sub.Destinations, "log group "+t.Group.Name)
	}
	return sub
}

// accountRule asks for one trail that sees everything.
func accountRule() rule {
	return rule{
		id: "account-trail", title: "a trail logs all management events of all regions", severity: Critical,
		controls: slices.Concat(cis("3.1", "3.1", "4.1"), hub("CloudTrail.1", "CloudTrail.3"), checkov("CKV_AWS_67", "CKV_AWS_251"),
			prowler("cloudtrail_multi_region_enabled", "cloudtrail_multi_region_enabled_logging_management_events")),
		judge: func(s *Snapshot, _ *Trail) verdict {
			const remedy = "set one up: cairn apply in examples/own-bucket shows how"
			var blind *Unseen
			for i := range s.Trails {
				t := &s.Trails[i]
				switch {
				case !t.MultiRegion || !t.GlobalEvents:
				case t.Status.Not != nil:
					blind = t.Status.Not
				case !t.Status.Seen.Logging:
				case t.Selectors.Not != nil:
					blind = t.Selectors.Not
				case t.selects(managementRead(t)) && t.selects(managementWrite(t)):
					return pass("%s does", t.Name)
				}
			}
			switch {
			case blind != nil:
				return notSeen(blind)
			case len(s.Trails) == 0:
				return fail(remedy, "account %s has no trail that records %s", s.Account, s.Region)
			}
			return fail(remedy, "none of %s is multi-region, logs, and takes all management events", trailNames(s.Trails))
		},
	}
}

func trailNames(trails []Trail) string {
	var names []string
	for i := range trails {
		names = append(names, trails[i].Name)
	}
	return strings.Join(names, ", ")
}

func absentRule() rule {
	return rule{
		id: "trail-exists", title: "the trail exists", severity: Critical,
		judge: func(s *Snapshot, t *Trail) verdict {
			return fail("cairn apply in the folder that describes it, or correct the name; AWS_REGION says where to look",
				"account %s has no trail %s that records %s", s.Account, t.Name, s.Region)
		},
	}
}

// cli is an aws command for the trail.
func (t *Trail) cli(command string) string {
	op, rest, _ := strings.Cut(command, " ")
	return strings.TrimSpace(fmt.Sprintf("aws cloudtrail %s --region %s --name %s %s", op, t.HomeRegion, t.Name, rest))
}

// input is a module's input, or else a command, that mends something.
func input(module, assignment, command string) string {
	text := fmt.Sprintf("module %s: %s", module, assignment)
	if command != "" {
		text += "; or: " + command
	}
	return text
}

// ago says how long before the snapshot something was.
func ago(s *Snapshot, at time.Time) string {
	d := s.Time.Sub(at)
	switch {
	case at.IsZero():
		return "never"
	case d < time.Minute:
		return "less than a minute ago"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}
