package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEvaluateWhat asks which actions and resources patterns reach.
func TestEvaluateWhat(t *testing.T) {
	context := Context{
		"aws:username": {"alice"}, "aws:principalaccount": {ours}, "s3:prefix": {"a", "b"}, "x:star": {"*"}, "x:odd": {"\xff"},
	}
	for _, tc := range []struct{ rule, action, resource, want string }{
		// Actions: wildcards, in any case.
		{"Allow * on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:* on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:Get* on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:Get* on *", "s3:PutObject", "logs/a", "no identity"},
		{"Allow S3:GETOBJECT on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:getobject on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:?etObject on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:?etObject on *", "s3:etObject", "logs/a", "no identity"},
		{"Allow s3:*Object on *", "s3:GetObjectAcl", "logs/a", "no identity"},
		{"Allow s3:*Object* on *", "s3:GetObjectAcl", "logs/a", "yes"},
		{"Allow sts:* on *", "s3:GetObject", "logs/a", "no identity"},
		{"Allow iam:List*,s3:GetObject on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow not iam:* on *", "s3:GetObject", "logs/a", "yes"},
		{"Allow not iam:* on *", "iam:CreateUser", "*", "no identity"},
		{"Allow not s3:Get*,s3:List* on *", "s3:ListBucket", "logs", "no identity"},
		{"Allow * on *; Deny not s3:* on *", "iam:GetUser", "*", "deny identity"},
		{"Allow * on *; Deny not s3:* on *", "s3:GetObject", "logs/a", "yes"},
		// Resources: wildcards, case-sensitive.
		{"Allow s3:* on logs", "s3:ListBucket", "logs", "yes"},
		{"Allow s3:* on logs", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on logs/*", "s3:GetObject", "logs/a/b:c", "yes"},
		{"Allow s3:* on logs/*", "s3:GetObject", "logs", "no identity"},
		{"Allow s3:* on logs*", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:* on Logs/*", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on logs/?", "s3:GetObject", "logs/a", "yes"},
		{"Allow s3:* on logs/?", "s3:GetObject", "logs/ab", "no identity"},
		{"Allow s3:* on logs/*.gz", "s3:GetObject", "logs/a.gz.gz", "yes"},
		{"Allow s3:* on logs/a", "s3:ListAllMyBuckets", "*", "no identity"},
		{"Allow s3:* on *", "s3:ListAllMyBuckets", "*", "yes"},
		{"Allow s3:* on not logs/*", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on not logs/*", "s3:GetObject", "other/a", "yes"},
		{"Allow * on *; Deny s3:* on not logs,logs/*", "s3:GetObject", "other/a", "deny identity"},
		{"Allow * on *; Deny s3:* on not logs,logs/*", "s3:GetObject", "logs/a", "yes"},
		{"Allow iam:* on arn:aws:iam::*:user/${aws:username}", "iam:GetUser", "arn:aws:iam::111122223333:user/alice", "yes"},
		// Variables.
		{"Allow s3:* on logs/${aws:username}/*", "s3:GetObject", "logs/alice/x", "yes"},
		{"Allow s3:* on logs/${aws:username}/*", "s3:GetObject", "logs/bob/x", "no identity"},
		{"Allow s3:* on logs/${AWS:UserName}/*", "s3:GetObject", "logs/alice/x", "yes"},
		{"Allow s3:* on ${aws:PrincipalAccount}-*", "s3:ListBucket", "111122223333-logs", "yes"},
		{"Allow s3:* on logs/${aws:PrincipalTag/team}/*", "s3:GetObject", "logs//x", "no identity"},
		{"Allow s3:* on logs/${aws:PrincipalTag/team,'all'}/*", "s3:GetObject", "logs/all/x", "yes"},
		{"Allow s3:* on logs/${aws:username,'all'}/*", "s3:GetObject", "logs/all/x", "no identity"},
		{"Allow s3:* on logs/${s3:prefix}/*", "s3:GetObject", "logs/a/x", "no identity"},
		{"Allow s3:* on logs/${x:star}", "s3:GetObject", "logs/*", "yes"},
		{"Allow s3:* on logs/${x:star}", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on logs/${x:odd}", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on logs/${*}", "s3:GetObject", "logs/*", "yes"},
		{"Allow s3:* on logs/${*}", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on logs/${?}", "s3:GetObject", "logs/?", "yes"},
		{"Allow s3:* on logs/${?}", "s3:GetObject", "logs/a", "no identity"},
		{"Allow s3:* on logs/${$}{x}", "s3:GetObject", "logs/${x}", "yes"},
		{"Allow s3:* on not logs/${x:none}/*", "s3:GetObject", "logs/a", "no identity"},
		{"Allow * on *; Deny s3:* on not logs/${x:none}/*", "s3:GetObject", "logs/a", "deny identity"},
	} {
		q := &Query{
			Principal: cast["alice"], Action: tc.action, Resource: bucket(tc.resource), Context: context,
			Identity: []*Document{rules(t, tc.rule)},
		}
		if got := answer(Evaluate(q)); got != tc.want {
			t.Errorf("%-50s | %s %s: %s, want %s", tc.rule, tc.action, tc.resource, got, tc.want)
		}
	}
}

// TestOldVersion shows that documents of 2008 have no variables.
func TestOldVersion(t *testing.T) {
	for version, want := range map[string]string{
		`"Version":"2008-10-17",`: "arn:aws:s3:::logs/${aws:username}", "": "arn:aws:s3:::logs/${aws:username}",
		`"Version":"2012-10-17",`: "arn:aws:s3:::logs/alice",
	} {
		d, err := Parse([]byte(`{` + version + `"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::logs/${aws:username}"}}`))
		if err != nil {
			t.Fatal(err)
		}
		q := &Query{Principal: cast["alice"], Action: "s3:GetObject", Resource: want, Context: Context{"aws:username": {"alice"}}, Identity: []*Document{d}}
		if got := Evaluate(q); !got.Allowed {
			t.Errorf("%s: %s is refused: %s", version, want, got.Reason)
		}
	}
}

// TestReasons shows the sentences as AWS has them.
func TestReasons(t *testing.T) {
	q := func(identity, resource string, decides bool) Decision {
		q := &Query{
			Principal: cast["alice"], Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a",
			ResourcePolicy: rules(t, resource), ResourcePolicyDecides: decides,
		}
		if identity != "" {
			q.Identity = []*Document{rules(t, identity)}
		}
		return Evaluate(q)
	}
	for _, tc := range []struct {
		got  Decision
		want Decision
	}{
		{q("", "", false), Decision{Reason: "no identity-based policy allows the s3:GetObject action"}},
		{q("Deny * on *", "", false), Decision{Explicit: true, Reason: "with an explicit deny in an identity-based policy"}},
		{q("", "Deny s3:* on * to *", false), Decision{Explicit: true, Reason: "with an explicit deny in a resource-based policy"}},
		{q("", "Deny s3:* to *", true), Decision{Explicit: true, Reason: "with an explicit deny in the role trust policy"}},
		{q("Allow * on *", "", true), Decision{Reason: "no role trust policy allows the s3:GetObject action"}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Error(diff)
		}
	}
}
