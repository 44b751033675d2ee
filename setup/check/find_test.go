package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/google/go-cmp/cmp"

	"cairn/setup"
)

func TestPerfect(t *testing.T) {
	for _, f := range Find(perfect(t)).Findings {
		if f.Status != Pass || f.Evidence == "" || f.Resource == "" || f.Title == "" {
			t.Errorf("%s: %s: %s", f.ID, f.Status, f.Evidence)
		}
	}
}

// defect is one thing wrong in an otherwise perfect account: the checks that
// must fail, and no others, and what the first of them must say.
type defect struct {
	name     string
	plant    func(*Snapshot, *Trail, *Bucket)
	fails    string
	evidence string
}

func defects() []defect {
	return slices.Concat(trailDefects(), policyDefects(), bucketDefects(), logDefects())
}

func trailDefects() []defect {
	status := func(change func(*Status)) func(*Snapshot, *Trail, *Bucket) {
		return func(_ *Snapshot, t *Trail, _ *Bucket) { change(&t.Status.Seen) }
	}
	selectors := func(s Selectors) func(*Snapshot, *Trail, *Bucket) {
		return func(_ *Snapshot, t *Trail, _ *Bucket) { t.Selectors.Seen = s }
	}
	basic := func(change func(*types.EventSelector)) func(*Snapshot, *Trail, *Bucket) {
		return func(_ *Snapshot, t *Trail, _ *Bucket) { change(&t.Selectors.Seen.Basic[0]) }
	}
	return []defect{
		{"no trails", func(s *Snapshot, _ *Trail, _ *Bucket) { s.Trails = nil }, "account-trail", "has no trail that records eu-west-1"},
		{"absent", func(s *Snapshot, _ *Trail, _ *Bucket) { s.Absent = []string{"gone"} }, "trail-exists", "has no trail gone"},
		{"stopped", status(func(s *Status) { s.Logging = false }), "account-trail trail-logging", "none of audit"},
		{"delivery error", status(func(s *Status) { s.DeliveryError = "AccessDenied" }), "trail-delivery", "failed with AccessDenied; the last success was 4 min ago"},
		{"long quiet", status(func(s *Status) { s.Delivered = s.Delivered.Add(-50 * time.Hour) }), "trail-delivery", "2 days ago"},
		{"never delivered", status(func(s *Status) { s.Delivered = time.Time{} }), "trail-delivery", "nothing was ever delivered"},
		{"group error", status(func(s *Status) { s.GroupError = "AccessDenied" }), "trail-log-group-delivery", "AccessDenied"},
		{"digest error", status(func(s *Status) { s.DigestError = "NoSuchBucket" }), "trail-validation", "NoSuchBucket"},
		{"one region", func(_ *Snapshot, t *Trail, _ *Bucket) { t.MultiRegion = false }, "account-trail trail-multi-region", "none of audit"},
		{"no global events", func(_ *Snapshot, t *Trail, _ *Bucket) { t.GlobalEvents = false }, "account-trail trail-global-events", ""},
		{"no validation", func(_ *Snapshot, t *Trail, _ *Bucket) { t.Validation = false }, "trail-validation", "is off"},
		{"no key", func(_ *Snapshot, t *Trail, _ *Bucket) { t.KMSKey = "" }, "trail-cmk", "names no key"},
		{"no log group", func(_ *Snapshot, t *Trail, _ *Bucket) {
			t.LogGroupARN, t.LogRoleARN, t.Group, t.Role = "", "", nil, nil
		}, "trail-log-group", "no log group"},
		{"no tags", func(_ *Snapshot, t *Trail, _ *Bucket) { t.Tags.Seen = nil }, "trail-tags", "no tags"},
		{"no insights", func(_ *Snapshot, t *Trail, _ *Bucket) { t.Insights = false }, "trail-insights", "no Insights"},
		{"no topic", func(_ *Snapshot, t *Trail, _ *Bucket) { t.SNSTopic = "" }, "trail-notification", "no SNS topic"},
		{"writes only", basic(func(s *types.EventSelector) { s.ReadWriteType = types.ReadWriteTypeWriteOnly }), "account-trail trail-management-events trail-s3-read-events", ""},
		{"no management", basic(func(s *types.EventSelector) { s.IncludeManagementEvents = aws.Bool(false) }), "account-trail trail-management-events", ""},
		{"source left out", basic(func(s *types.EventSelector) { s.ExcludeManagementEventSources = []string{"kms.amazonaws.com"} }), "trail-management-sources", "kms.amazonaws.com"},
		{"one bucket's objects", basic(func(s *types.EventSelector) { s.DataResources[0].Values = []string{"arn:aws:s3:::mine/"} }), "trail-s3-write-events trail-s3-read-events", "1 event selector"},
		{"default selectors", selectors(Selectors{}), "trail-s3-write-events trail-s3-read-events", "the default"},
		{"advanced, writes of objects", selectors(Selectors{Advanced: []types.AdvancedEventSelector{
			{FieldSelectors: []types.AdvancedFieldSelector{{Field: aws.String("eventCategory"), Equals: []string{"Management"}}}},
			{FieldSelectors: []types.AdvancedFieldSelector{
				{Field: aws.String("eventCategory"), Equals: []string{"Data"}},
				{Field: aws.String("resources.type"), Equals: []string{"AWS::S3::Object"}},
				{Field: aws.String("readOnly"), Equals: []string{"false"}},
			}},
		}}), "trail-s3-read-events", "2 advanced event selectors"},
		{"drift", func(s *Snapshot, _ *Trail, _ *Bucket) {
			s.Files.Seen = []setup.Drift{
				{Address: "module.b.aws_s3_bucket_versioning.this", Kind: "aws_s3_bucket_versioning", ID: "logs", Action: "create"},
				{Address: "module.w.aws_iam_role_policy.this", Kind: "aws_iam_role_policy", ID: "audit-role:logs", Action: "update", Attributes: []string{"policy"}},
			}
		}, "trail-drift", "aws_s3_bucket_versioning.this is missing; module.w.aws_iam_role_policy.this differs in policy"},
		{"drift elsewhere", func(s *Snapshot, _ *Trail, _ *Bucket) {
			s.Files.Seen = []setup.Drift{{Address: "module.x.aws_cloudwatch_log_group.this", Kind: "aws_cloudwatch_log_group", ID: "other", Action: "create"}}
		}, "files-drift", "is missing"},
	}
}

func policyDefects() []defect {
	policy := func(statements ...string) func(*Snapshot, *Trail, *Bucket) {
		return func(_ *Snapshot, _ *Trail, b *Bucket) { b.Policy.Seen = policyOf(statements...) }
	}
	open := func(principal, action, on string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Principal":%s,"Action":%q,"Resource":%q}`, principal, action, on)
	}
	return []defect{
		{"no policy", func(_ *Snapshot, _ *Trail, b *Bucket) { b.Policy.Seen = "" }, "bucket-policy-sufficient bucket-tls-only", "may not s3:GetBucketAcl on arn:aws:s3:::logs for " + trailARN + ": there is no bucket policy"},
		{"not JSON", func(_ *Snapshot, _ *Trail, b *Bucket) { b.Policy.Seen = "{" }, "bucket-policy-sufficient bucket-policy-confused-deputy bucket-policy-public bucket-tls-only", "cannot be understood"},
		{"no write", policy(tlsText, aclText), "bucket-policy-sufficient", "may not s3:PutObject on arn:aws:s3:::logs/AWSLogs/111122223333/*"},
		{"no ACL", policy(tlsText, writeText), "bucket-policy-sufficient", "may not s3:GetBucketAcl"},
		{"another account's folder", policy(tlsText, aclText, strings.ReplaceAll(writeText, "AWSLogs/111122223333", "AWSLogs/444455556666")), "bucket-policy-sufficient", "Statement[2] (Write): Resource wants arn:aws:s3:::logs/AWSLogs/444455556666/*"},
		{"another trail", policy(tlsText, aclText, strings.Replace(writeText, "trail/audit", "trail/other", 1)), "bucket-policy-sufficient", "wants arn:aws:cloudtrail:eu-west-1:111122223333:trail/other"},
		{"denied", policy(tlsText, aclText, writeText, `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*"}`), "bucket-policy-sufficient", "Statement[3] denies it"},
		{"no source", policy(tlsText, without(aclText), without(writeText)), "bucket-policy-confused-deputy", "any account's trail"},
		{"no source on the write", policy(tlsText, aclText, without(writeText)), "bucket-policy-confused-deputy", "no condition says whose trails are meant: cloudtrail.amazonaws.com may, for any trail, s3:PutObject on arn:aws:s3:::logs/AWSLogs/111122223333/*: Statement[2] (Write) allows it"},
		{"any folder", policy(tlsText, aclText, without(strings.Replace(writeText, "/AWSLogs/111122223333/*", "/*", 1))), "bucket-policy-confused-deputy", "any account's trail can be pointed at the bucket, and may s3:PutObject on arn:aws:s3:::logs/AWSLogs/999999999999/*"},
		{"public reads", policy(tlsText, aclText, writeText, open(`"*"`, "s3:GetObject", "arn:aws:s3:::logs/*")), "bucket-policy-public", "everybody may s3:GetObject; any AWS account may s3:GetObject"},
		{"public listing", policy(tlsText, aclText, writeText, open(`{"AWS":"*"}`, "s3:List*", "arn:aws:s3:::logs")), "bucket-policy-public", "everybody may s3:ListBucket"},
		{"everything to everybody", policy(tlsText, open(`"*"`, "s3:*", "*")), "bucket-policy-confused-deputy bucket-policy-public", ""},
		{"TLS for reading only", policy(aclText, writeText, strings.Replace(tlsText, `"s3:*"`, `"s3:Get*"`, 1)), "bucket-tls-only", "not denied without TLS: s3:PutObject, s3:ListBucket"},
		{"no bucket", func(_ *Snapshot, _ *Trail, b *Bucket) { *b = Bucket{Name: "logs"} }, "bucket-exists", "there is no bucket logs"},
	}
}

func bucketDefects() []defect {
	on := func(change func(*Bucket)) func(*Snapshot, *Trail, *Bucket) {
		return func(_ *Snapshot, _ *Trail, b *Bucket) { change(b) }
	}
	return []defect{
		{"half a block", on(func(b *Bucket) { b.PublicAccess.Seen = PublicAccess{BlockACLs: true, IgnoreACLs: true} }), "bucket-public-access-block", "BlockPublicPolicy, RestrictPublicBuckets off"},
		{"public ACL", on(func(b *Bucket) { b.PublicGrants.Seen = []string{"READ to AllUsers"} }), "bucket-acl-public", "READ to AllUsers"},
		{"ACLs on", on(func(b *Bucket) { b.Ownership.Seen = "" }), "bucket-ownership", "not set"},
		{"no encryption", on(func(b *Bucket) { b.Encryption.Seen = Encryption{} }), "bucket-encryption bucket-cmk", "no default encryption"},
		{"SSE-S3", on(func(b *Bucket) { b.Encryption.Seen = Encryption{Algorithm: "AES256"} }), "bucket-cmk", "AES256"},
		{"no versions", on(func(b *Bucket) { b.Versioning.Seen.Status = "Suspended" }), "bucket-versioning", "Suspended"},
		{"no MFA", on(func(b *Bucket) { b.Versioning.Seen.MFADelete = false }), "bucket-mfa-delete", "off"},
		{"no lock", on(func(b *Bucket) { b.ObjectLock.Seen = ObjectLock{} }), "bucket-object-lock", "no default retention"},
		{"no access log", on(func(b *Bucket) { b.LogsTo.Seen = "" }), "bucket-access-logging", "off"},
		{"access log into itself", on(func(b *Bucket) { b.LogsTo.Seen = "logs" }), "bucket-access-logging", "itself"},
		{"no lifecycle", on(func(b *Bucket) { b.Lifecycle.Seen = Lifecycle{} }), "bucket-lifecycle bucket-abort-uploads", "no lifecycle rules"},
		{"uploads stay", on(func(b *Bucket) { b.Lifecycle.Seen.AbortsUploads = false }), "bucket-abort-uploads", "unfinished"},
	}
}

func logDefects() []defect {
	on := func(change func(*LogGroup, *Role)) func(*Snapshot, *Trail, *Bucket) {
		return func(_ *Snapshot, t *Trail, _ *Bucket) { change(t.Group, t.Role) }
	}
	role := func(text string) func(*Snapshot, *Trail, *Bucket) {
		return on(func(_ *LogGroup, r *Role) { r.Policies.Seen[0].Text = text })
	}
	trust := func(text string) func(*Snapshot, *Trail, *Bucket) {
		return on(func(_ *LogGroup, r *Role) { r.Trust.Seen = text })
	}
	list := []defect{
		{"no group", on(func(g *LogGroup, _ *Role) { g.Exists.Seen = false }), "log-group-exists", "no log group audit-logs"},
		{"short retention", on(func(g *LogGroup, _ *Role) { g.RetentionDays = 90 }), "log-group-retention", "90 days"},
		{"group without key", on(func(g *LogGroup, _ *Role) { g.KMSKey = "" }), "log-group-cmk", "own key"},
		{"no role", trust(""), "role-trust", "there is no role"},
		{"trusts EC2", trust(strings.Replace(trustText, "cloudtrail", "ec2", 1)), "role-trust role-trust-narrow", "may not assume"},
		{"trusts everybody", trust(strings.Replace(trustText, `{"Service":"cloudtrail.amazonaws.com"}`, `"*"`, 1)), "role-trust-narrow", "everybody"},
		{"trusts an account too", trust(strings.Replace(trustText, `"cloudtrail.amazonaws.com"`, `"cloudtrail.amazonaws.com","AWS":"444455556666"`, 1)), "role-trust-narrow", "444455556666"},
		{"trust for another trail", trust(strings.Replace(trustText, `"sts:AssumeRole"`, `"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/other"}}`, 1)), "role-trust", "may not assume"},
		{"trust not JSON", trust("x"), "role-trust role-trust-narrow", "cannot be understood"},
		{"may not write", role(strings.Replace(roleText, `,"logs:PutLogEvents"`, "", 1)), "role-permissions", "may not logs:PutLogEvents on " + groupARN + ":log-stream:111122223333_CloudTrail_eu-west-1"},
		{"another group", role(strings.Replace(roleText, "audit-logs", "other-logs", 1)), "role-permissions", "nor logs:PutLogEvents"},
		{"bounded", on(func(_ *LogGroup, r *Role) {
			r.Boundary.Seen = policyOf(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
		}), "role-permissions", "permissions boundary"},
		{"all actions", role(strings.Replace(roleText, `"logs:PutLogEvents"`, `"logs:PutLogEvents","s3:*"`, 1)), "role-permissions-narrow", "s3:*"},
		{"all groups", role(strings.Replace(roleText, `"Resource":"arn`, `"Resource":"*","x":"arn`, 1)), "role-permissions role-permissions-narrow", ""},
		{"any group", role(strings.Replace(roleText, "log-group:audit-logs", "log-group:*", 1)), "role-permissions-narrow", "other log groups"},
		{"all but", role(policyOf(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)), "role-permissions-narrow", "all actions but iam:*"},
	}
	for _, a := range alarms() {
		list = append(list,
			defect{a.id + " without filter", on(func(g *LogGroup, _ *Role) {
				g.Filters.Seen = slices.DeleteFunc(g.Filters.Seen, func(f MetricFilter) bool { return f.Name == a.id })
			}), a.id, "no metric filter matches them"},
			defect{a.id + " without alarm", on(func(g *LogGroup, _ *Role) {
				g.Alarms.Seen = slices.DeleteFunc(g.Alarms.Seen, func(f Alarm) bool { return f.Name == a.id })
			}), a.id, "no alarm with an action on the metric of filter " + a.id},
		)
	}
	filter := func(name, pattern string) func(*Snapshot, *Trail, *Bucket) {
		return on(func(g *LogGroup, _ *Role) {
			i := slices.IndexFunc(g.Filters.Seen, func(f MetricFilter) bool { return f.Name == name })
			g.Filters.Seen[i].Pattern = pattern
		})
	}
	return append(list,
		defect{"alarm that does nothing", on(func(g *LogGroup, _ *Role) {
			for i := range g.Alarms.Seen {
				g.Alarms.Seen[i].Acts = g.Alarms.Seen[i].Name != "alarm-root"
			}
		}), "alarm-root", "no alarm with an action"},
		defect{"half a filter", filter("alarm-cloudtrail", "{ ($.eventName = CreateTrail) || ($.eventName = StopLogging) }"), "alarm-cloudtrail", "no metric filter with an alarm matches UpdateTrail, DeleteTrail, StartLogging"},
		defect{"filter of everything", filter("alarm-unauthorized-calls", `{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") || ($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }`), "alarm-unauthorized-calls", "matches nearly every call"},
		defect{"pattern not understood", filter("alarm-root", "{ $.userIdentity.type = }"), "alarm-root", "cannot be understood"},
	)
}

// TestDefects plants one defect at a time: exactly its checks fail, each with
// a remedy, and between them the defects fail every check there is.
func TestDefects(t *testing.T) {
	caught := map[string]bool{}
	for _, d := range defects() {
		t.Run(d.name, func(t *testing.T) {
			s := perfect(t)
			d.plant(s, &s.Trails[0], s.Trails[0].BucketSeen)
			var ids []string
			var first string
			for _, f := range Find(s).Findings {
				if f.Status == Pass || f.Status == Unknown && d.name == "stopped" {
					continue
				}
				ids = append(ids, f.ID)
				caught[f.ID] = true
				if first == "" {
					first = f.Evidence
				}
				if f.Status != Fail || f.Remedy == "" {
					t.Errorf("%s: %s, remedy %q", f.ID, f.Status, f.Remedy)
				}
			}
			if got := strings.Join(ids, " "); got != d.fails {
				t.Errorf("failed %q, want %q", got, d.fails)
			}
			if !strings.Contains(first, d.evidence) {
				t.Errorf("evidence is %q, want %q", first, d.evidence)
			}
		})
	}
	for _, r := range append(rules(), accountRule(), filesRule(), absentRule()) {
		if !caught[r.id] {
			t.Errorf("no defect fails %s", r.id)
		}
	}
}

// TestUnseen takes one read away at a time: its checks become unknown and name
// the permission, and no other changes.
func TestUnseen(t *testing.T) {
	not := func(permission string) *Unseen { return &Unseen{Permission: permission, Why: "AccessDenied: no"} }
	for permission, tt := range map[string]struct {
		take func(*Snapshot, *Trail, *Unseen)
		ids  string
	}{
		"cloudtrail:GetTrailStatus":     {func(_ *Snapshot, t *Trail, u *Unseen) { t.Status.Not = u }, "account-trail trail-logging trail-delivery trail-log-group-delivery"},
		"cloudtrail:GetEventSelectors":  {func(_ *Snapshot, t *Trail, u *Unseen) { t.Selectors.Not = u }, "account-trail trail-management-events trail-management-sources trail-s3-write-events trail-s3-read-events"},
		"cloudtrail:ListTags":           {func(_ *Snapshot, t *Trail, u *Unseen) { t.Tags.Not = u }, "trail-tags"},
		"s3:ListBucket":                 {func(_ *Snapshot, t *Trail, u *Unseen) { t.BucketSeen.Exists.Not = u }, "bucket-exists"},
		"s3:GetBucketPolicy":            {func(_ *Snapshot, t *Trail, u *Unseen) { t.BucketSeen.Policy.Not = u }, "bucket-policy-sufficient bucket-policy-confused-deputy bucket-policy-public bucket-tls-only"},
		"s3:GetBucketPublicAccessBlock": {func(_ *Snapshot, t *Trail, u *Unseen) { t.BucketSeen.PublicAccess.Not = u }, "bucket-public-access-block"},
		"s3:GetEncryptionConfiguration": {func(_ *Snapshot, t *Trail, u *Unseen) { t.BucketSeen.Encryption.Not = u }, "bucket-encryption bucket-cmk"},
		"s3:GetBucketVersioning":        {func(_ *Snapshot, t *Trail, u *Unseen) { t.BucketSeen.Versioning.Not = u }, "bucket-versioning bucket-mfa-delete"},
		"logs:DescribeLogGroups":        {func(_ *Snapshot, t *Trail, u *Unseen) { t.Group.Exists.Not = u }, "log-group-exists log-group-retention log-group-cmk " + alarmIDs()},
		"logs:DescribeMetricFilters":    {func(_ *Snapshot, t *Trail, u *Unseen) { t.Group.Filters.Not = u }, alarmIDs()},
		"cloudwatch:DescribeAlarms":     {func(_ *Snapshot, t *Trail, u *Unseen) { t.Group.Alarms.Not = u }, alarmIDs()},
		"iam:GetRole":                   {func(_ *Snapshot, t *Trail, u *Unseen) { t.Role.Trust.Not = u }, "role-trust role-trust-narrow"},
		"iam:ListRolePolicies":          {func(_ *Snapshot, t *Trail, u *Unseen) { t.Role.Policies.Not = u }, "role-permissions role-permissions-narrow"},
		"iam:GetPolicy":                 {func(_ *Snapshot, t *Trail, u *Unseen) { t.Role.Boundary.Not = u }, "role-permissions role-permissions-narrow"},
		"what cairn plan reads":         {func(s *Snapshot, _ *Trail, u *Unseen) { s.Files.Not = u }, "files-drift trail-drift"},
	} {
		t.Run(permission, func(t *testing.T) {
			s := perfect(t)
			tt.take(s, &s.Trails[0], not(permission))
			var ids []string
			for _, f := range Find(s).Findings {
				if f.Status == Pass {
					continue
				}
				ids = append(ids, f.ID)
				if f.Status != Unknown || f.Permission != permission || !strings.Contains(f.Remedy, permission) || !strings.Contains(f.Evidence, "AccessDenied: no") {
					t.Errorf("%+v", f)
				}
			}
			if got := strings.Join(ids, " "); got != tt.ids {
				t.Errorf("unknown are %q, want %q", got, tt.ids)
			}
		})
	}
}

func alarmIDs() string {
	var ids []string
	for _, a := range alarms() {
		ids = append(ids, a.id)
	}
	return strings.Join(ids, " ")
}

// TestYoung does not blame a trail that began minutes ago, nor one that is off.
func TestYoung(t *testing.T) {
	s := perfect(t)
	st := &s.Trails[0].Status.Seen
	st.Started, st.Delivered = s.Time.Add(-5*time.Minute), time.Time{}
	for _, f := range Find(s).Findings {
		if f.ID == "trail-delivery" && (f.Status != Unknown || f.Evidence != "nothing was delivered yet; logging began 5 min ago") {
			t.Errorf("%+v", f)
		}
	}
}

// TestControls holds the ids to the table they come from.
func TestControls(t *testing.T) {
	ids := map[string]bool{}
	for _, r := range append(rules(), accountRule(), filesRule(), absentRule()) {
		if ids[r.id] {
			t.Errorf("%s is there twice", r.id)
		}
		ids[r.id] = true
		for _, c := range r.controls {
			if c.ID == "" || c.Framework == "" {
				t.Errorf("%s: %+v", r.id, c)
			}
			if c.Framework == "Security Hub" && c.Verified != slices.Contains([]string{"CloudTrail.1", "CloudTrail.2", "CloudTrail.4", "CloudTrail.7", "CloudWatch.1"}, c.ID) {
				t.Errorf("%s: %s is verified: %v", r.id, c, c.Verified)
			}
		}
	}
}

func TestAtLeast(t *testing.T) {
	s := perfect(t)
	s.Trails[0].Insights, s.Trails[0].KMSKey, s.Trails[0].Validation = false, "", false
	r := Find(s)
	got := map[string]int{}
	for _, name := range severityNames() {
		level, err := ParseSeverity(name)
		if err != nil {
			t.Fatal(err)
		}
		got[name] = r.AtLeast(level).Summary.Fail
	}
	if d := cmp.Diff(map[string]int{"info": 3, "low": 2, "medium": 2, "high": 0, "critical": 0}, got); d != "" {
		t.Errorf("failed by severity (-want +got):\n%s", d)
	}
	if r.AtLeast(High).Failed() || !r.AtLeast(Low).Failed() {
		t.Error("Failed does not follow the summary")
	}
	if _, err := ParseSeverity("urgent"); err == nil || !strings.Contains(err.Error(), "critical") {
		t.Errorf("urgent: %v", err)
	}
}

// TestJSON holds the report's members to what is documented.
func TestJSON(t *testing.T) {
	text, err := json.Marshal(Find(perfect(t)).AtLeast(Critical))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Findings []map[string]any
		Summary  map[string]int
		Trails   []map[string]any
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"controls", "evidence", "id", "resource", "severity", "status", "title", "trail", "trail_arn"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(got.Findings[1]))); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	if got.Findings[1]["severity"] != "critical" || got.Summary["pass"] != len(got.Findings) || got.Trails[0]["arn"] != trailARN {
		t.Errorf("%s", text)
	}
}
