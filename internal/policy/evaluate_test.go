package policy

import (
	"encoding/json"
	"strings"
	"testing"
)

// The cast: two accounts, and callers of every kind.
const (
	ours   = "111122223333"
	theirs = "444455556666"
)

var cast = map[string]Principal{
	"root":     {Account: ours, ARN: "arn:aws:iam::111122223333:root", Root: true},
	"alice":    {Account: ours, ARN: "arn:aws:iam::111122223333:user/alice"},
	"bob":      {Account: ours, ARN: "arn:aws:iam::111122223333:user/team/bob"},
	"deploy":   {Account: ours, ARN: "arn:aws:sts::111122223333:assumed-role/deployer/d1", RoleARN: "arn:aws:iam::111122223333:role/ci/deployer"},
	"fed":      {Account: ours, ARN: "arn:aws:sts::111122223333:federated-user/fed", RoleARN: "arn:aws:iam::111122223333:user/alice"},
	"eve":      {Account: theirs, ARN: "arn:aws:iam::444455556666:user/eve"},
	"eveRoot":  {Account: theirs, ARN: "arn:aws:iam::444455556666:root", Root: true},
	"eveRole":  {Account: theirs, ARN: "arn:aws:sts::444455556666:assumed-role/reader/r1", RoleARN: "arn:aws:iam::444455556666:role/reader"},
	"trail":    {Service: "cloudtrail.amazonaws.com"},
	"config":   {Service: "config.amazonaws.com"},
	"nobody":   {},
	"account":  {ARN: ours},
	"accounts": {ARN: "arn:aws:iam::111122223333:root"},
	"evil":     {ARN: theirs},
	"role":     {ARN: "arn:aws:iam::111122223333:role/ci/deployer"},
	"roleEve":  {ARN: "arn:aws:iam::444455556666:role/reader"},
}

// rules makes a document of sentences, so that a table row fits a line:
//
//	Allow s3:GetObject on logs/* to alice,bob if StringEquals aws:x y; Deny ...
//
// "not" before an action, resource or principal means the Not... element. A
// resource stands for that bucket or object unless it is an ARN, * or -.
func rules(t testing.TB, sentences string) *Document {
	t.Helper()
	if sentences == "" {
		return nil
	}
	var list []map[string]any
	for sentence := range strings.SplitSeq(sentences, ";") {
		w := strings.Fields(sentence)
		s := map[string]any{"Effect": w[0]}
		conditions := map[string]map[string]any{}
		for i := 1; i < len(w); i += 2 {
			element := map[string]string{"on": "Resource", "to": "Principal", "if": "Condition"}[w[i]]
			if element == "" {
				element = "Action"
				i--
			}
			if w[i+1] == "not" {
				element = "Not" + element
				i++
			}
			values := strings.Split(w[i+1], ",")
			if strings.Contains(w[i+1], "${") { // the comma is a default value's
				values = []string{w[i+1]}
			}
			switch element {
			case "Condition":
				if conditions[w[i+1]] == nil {
					conditions[w[i+1]] = map[string]any{}
				}
				conditions[w[i+1]][w[i+2]] = strings.Split(w[i+3], ",")
				i += 2
			case "Principal", "NotPrincipal":
				s[element] = principals(values)
			case "Resource", "NotResource":
				for j, v := range values {
					values[j] = bucket(v)
				}
				s[element] = values
			default:
				s[element] = values
			}
		}
		if s["Resource"] == nil && s["NotResource"] == nil && s["Principal"] == nil {
			s["Resource"] = "*"
		}
		if len(conditions) > 0 {
			s["Condition"] = conditions
		}
		list = append(list, s)
	}
	text, err := json.Marshal(map[string]any{"Version": version2012, "Statement": list})
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", sentences, err)
	}
	return d
}

func principals(names []string) any {
	out := map[string][]string{}
	for _, n := range names {
		switch p := cast[n]; {
		case n == "*":
			return "*"
		case n == "AWS*":
			out["AWS"] = append(out["AWS"], "*")
		case p.Service != "":
			out["Service"] = append(out["Service"], p.Service)
		default:
			out["AWS"] = append(out["AWS"], p.ARN)
		}
	}
	return out
}

func bucket(r string) string {
	if r == "*" || strings.HasPrefix(r, "arn:") {
		return r
	}
	return "arn:aws:s3:::" + r
}

// answer writes a decision the way the tables do: yes; deny KIND for an
// explicit one; no KIND.
func answer(d Decision) string {
	if d.Allowed {
		return "yes" + d.Reason
	}
	kind := "?"
	for text, short := range map[string]string{
		"identity-based": "identity", "resource-based": "resource", "permissions boundary": "boundary",
		"session policy": "session", "role trust policy": "trust",
	} {
		if strings.Contains(d.Reason, text) {
			kind = short
		}
	}
	if d.Explicit {
		return "deny " + kind
	}
	return "no " + kind
}

// TestEvaluateWho asks who may do what, where: the policies of the caller and
// of the bucket, in the account of the bucket and outside.
func TestEvaluateWho(t *testing.T) {
	const get = "Allow s3:GetObject on logs/*"
	for _, tc := range []struct{ who, identity, bucket, want string }{
		// Within the account: either policy is enough.
		{"alice", "", "", "no identity"},
		{"alice", get, "", "yes"},
		{"alice", "Allow s3:PutObject on logs/*", "", "no identity"},
		{"alice", "Allow s3:GetObject on other/*", "", "no identity"},
		{"alice", "", get + " to alice", "yes"},
		{"alice", "", get + " to bob", "no identity"},
		{"alice", "", get + " to *", "yes"},
		{"alice", "", get + " to AWS*", "yes"},
		{"alice", get, get + " to bob", "yes"},
		{"bob", "", get + " to alice,bob", "yes"},
		{"bob", "", get + " to alice", "no identity"},
		// Naming the account leaves it to the account.
		{"alice", "", get + " to account", "no identity"},
		{"alice", "", get + " to accounts", "no identity"},
		{"alice", get, get + " to account", "yes"},
		{"alice", get, get + " to accounts", "yes"},
		{"alice", get, get + " to evil", "yes"},
		// A denial wins, wherever it is.
		{"alice", get + "; Deny s3:* on *", "", "deny identity"},
		{"alice", get, "Deny s3:* on logs/* to alice", "deny resource"},
		{"alice", get, "Deny s3:* on logs/* to *", "deny resource"},
		{"alice", get, "Deny s3:* on logs/* to account", "deny resource"},
		{"alice", get, "Deny s3:* on logs/* to bob", "yes"},
		{"alice", get, "Deny s3:* on logs/* to evil", "yes"},
		{"alice", get, "Deny s3:PutObject on logs/* to *", "yes"},
		{"alice", get, "Deny s3:* on other/* to *", "yes"},
		{"alice", "", get + " to alice; Deny s3:GetObject on logs/a to alice", "deny resource"},
		{"alice", "Deny s3:GetObject on *", get + " to alice", "deny identity"},
		// Role sessions: by session, by role, by account.
		{"deploy", "", "", "no identity"},
		{"deploy", get, "", "yes"},
		{"deploy", "", get + " to deploy", "yes"},
		{"deploy", "", get + " to role", "yes"},
		{"deploy", "", get + " to account", "no identity"},
		{"deploy", get, get + " to account", "yes"},
		{"deploy", "", get + " to alice", "no identity"},
		{"deploy", "", get + " to roleEve", "no identity"},
		{"deploy", get, "Deny s3:* on logs/* to role", "deny resource"},
		{"deploy", get, "Deny s3:* on logs/* to deploy", "deny resource"},
		{"deploy", get, "Deny s3:* on logs/* to accounts", "deny resource"},
		// Root owns its account; a bucket's denial binds it all the same.
		{"root", "", "", "yes"},
		{"root", "", get + " to alice", "yes"},
		{"root", "", "Deny s3:* on logs/* to *", "deny resource"},
		{"root", "", "Deny s3:* on logs/* to accounts", "deny resource"},
		{"root", "", "Deny s3:* on logs/* to alice", "yes"},
		// Across accounts both have to allow.
		{"eve", "", "", "no identity"},
		{"eve", get, "", "no resource"},
		{"eve", "", get + " to eve", "no identity"},
		{"eve", get, get + " to eve", "yes"},
		{"eve", get, get + " to evil", "yes"},
		{"eve", "", get + " to evil", "no identity"},
		{"eve", get, get + " to *", "yes"},
		{"eve", get, get + " to account", "no resource"},
		{"eve", get, get + " to alice", "no resource"},
		{"eve", get, get + " to evil; Deny s3:* on * to eve", "deny resource"},
		{"eve", get + "; Deny s3:GetObject on logs/a", get + " to eve", "deny identity"},
		{"eveRole", get, get + " to roleEve", "yes"},
		{"eveRole", get, get + " to eveRole", "yes"},
		{"eveRole", get, get + " to evil", "yes"},
		{"eveRole", get, get + " to role", "no resource"},
		{"eveRole", "", get + " to eveRole", "no identity"},
		{"eveRoot", "", "", "no resource"},
		{"eveRoot", "", get + " to evil", "yes"},
		{"eveRoot", "", get + " to eve", "no resource"},
		{"eveRoot", "", get + " to *", "yes"},
		// Services and nobody: the bucket's policy alone.
		{"trail", "", "", "no resource"},
		{"trail", "", get + " to trail", "yes"},
		{"trail", "", get + " to config", "no resource"},
		{"trail", "", get + " to trail,config", "yes"},
		{"trail", "", get + " to account", "no resource"},
		{"trail", "", get + " to *", "yes"},
		{"trail", "", get + " to trail; Deny s3:* on logs/* to *", "deny resource"},
		{"trail", "", get + " to trail; Deny s3:* on logs/* to trail", "deny resource"},
		{"trail", "", get + " to trail; Deny s3:* on logs/* to account", "yes"},
		{"nobody", "", "", "no resource"},
		{"nobody", "", get + " to *", "yes"},
		{"nobody", "", get + " to AWS*", "yes"},
		{"nobody", "", get + " to account", "no resource"},
		{"nobody", "", get + " to *; Deny s3:* on logs/* to *", "deny resource"},
		{"nobody", "", get + " to trail", "no resource"},
		// NotPrincipal spares who is named together with the account.
		{"alice", get, "Deny s3:* on logs/* to not alice", "deny resource"},
		{"alice", get, "Deny s3:* on logs/* to not alice,accounts", "yes"},
		{"alice", get, "Deny s3:* on logs/* to not accounts", "deny resource"},
		{"bob", get, "Deny s3:* on logs/* to not alice,accounts", "deny resource"},
		{"root", "", "Deny s3:* on logs/* to not alice,accounts", "yes"},
		{"root", "", "Deny s3:* on logs/* to not alice", "deny resource"},
		// A session has to be named itself, with its role and its account.
		{"deploy", get, "Deny s3:* on logs/* to not deploy,role,account", "yes"},
		{"deploy", get, "Deny s3:* on logs/* to not role,account", "deny resource"},
		{"deploy", get, "Deny s3:* on logs/* to not deploy,account", "deny resource"},
		{"deploy", get, "Deny s3:* on logs/* to not deploy,role", "deny resource"},
		{"fed", get, "Deny s3:* on logs/* to not fed,account", "yes"},
		{"fed", get, "Deny s3:* on logs/* to not alice,account", "deny resource"},
		{"trail", "", get + " to trail; Deny s3:* on logs/* to not trail", "yes"},
		{"trail", "", get + " to trail; Deny s3:* on logs/* to not config", "deny resource"},
		{"nobody", "", get + " to *; Deny s3:* on logs/* to not alice", "deny resource"},
		{"nobody", "", get + " to *; Deny s3:* on logs/* to not *", "yes"},
	} {
		q := &Query{
			Principal: cast[tc.who], Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a", ResourceAccount: ours,
			ResourcePolicy: rules(t, tc.bucket),
		}
		if d := rules(t, tc.identity); d != nil {
			q.Identity = []*Document{d}
		}
		if got := answer(Evaluate(q)); got != tc.want {
			t.Errorf("%-8s | %-40s | %-50s: %s, want %s", tc.who, tc.identity, tc.bucket, got, tc.want)
		}
	}
}

// TestEvaluateTrust asks who may assume a role of ours: its trust policy always
// has a say.
func TestEvaluateTrust(t *testing.T) {
	const may = "Allow sts:AssumeRole on *"
	const trust = "Allow sts:AssumeRole to "
	for _, tc := range []struct{ who, identity, trust, want string }{
		{"alice", "", trust + "alice", "yes"},
		{"alice", may, trust + "alice", "yes"},
		{"alice", may, trust + "bob", "no trust"},
		{"alice", "", trust + "account", "no identity"},
		{"alice", may, trust + "account", "yes"},
		{"alice", may, trust + "accounts", "yes"},
		{"alice", may, trust + "evil", "no trust"},
		{"alice", may, trust + "trail", "no trust"},
		{"alice", "", trust + "*", "yes"},
		{"alice", may + "; Deny sts:* on *", trust + "alice", "deny identity"},
		{"alice", may, trust + "alice; Deny sts:AssumeRole to alice", "deny trust"},
		{"deploy", "", trust + "role", "yes"},
		{"deploy", "", trust + "deploy", "yes"},
		{"deploy", "", trust + "account", "no identity"},
		{"deploy", may, trust + "account", "yes"},
		{"root", "", trust + "account", "yes"},
		{"root", "", trust + "alice", "no trust"},
		{"eve", may, trust + "eve", "yes"},
		{"eve", may, trust + "evil", "yes"},
		{"eve", "", trust + "eve", "no identity"},
		{"eve", may, trust + "account", "no trust"},
		{"eveRole", may, trust + "roleEve", "yes"},
		{"eveRoot", "", trust + "evil", "yes"},
		{"trail", "", trust + "trail", "yes"},
		{"config", "", trust + "trail", "no trust"},
		{"trail", "", trust + "trail; Deny sts:AssumeRole to trail", "deny trust"},
		{"nobody", "", trust + "trail", "no trust"},
	} {
		q := &Query{
			Principal: cast[tc.who], Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/x", ResourceAccount: ours,
			ResourcePolicy: rules(t, tc.trust), ResourcePolicyDecides: true,
		}
		if err := q.ResourcePolicy.Check(Trust); err != nil {
			t.Error(err)
		}
		if d := rules(t, tc.identity); d != nil {
			q.Identity = []*Document{d}
		}
		if got := answer(Evaluate(q)); got != tc.want {
			t.Errorf("%-8s | %-26s | %-40s: %s, want %s", tc.who, tc.identity, tc.trust, got, tc.want)
		}
	}
}

// TestEvaluateBounds asks what boundary and session policies leave.
func TestEvaluateBounds(t *testing.T) {
	const all, get, put = "Allow * on *", "Allow s3:GetObject on *", "Allow s3:PutObject on *"
	for _, tc := range []struct{ who, identity, boundary, session, bucket, want string }{
		{"alice", all, get, "", "", "yes"},
		{"alice", all, put, "", "", "no boundary"},
		{"alice", "", get, "", "", "no identity"},
		{"alice", all, get + "; Deny s3:* on *", "", "", "deny boundary"},
		{"alice", "", put, "", get + " to alice", "yes"},
		{"alice", "", put, "", get + " to *", "no boundary"},
		{"alice", all, put, "", get + " to account", "no boundary"},
		{"alice", all, get, "", "Deny s3:* on * to not alice,account", "deny resource"},
		{"deploy", all, "", get, "", "yes"},
		{"deploy", all, "", put, "", "no session"},
		{"deploy", "", "", get, "", "no identity"},
		{"deploy", all, put, get, "", "no boundary"},
		{"deploy", all, get, get, "", "yes"},
		{"deploy", all, "", "Deny s3:GetObject on *; " + all, "", "deny session"},
		{"deploy", "", "", put, get + " to deploy", "yes"},
		{"deploy", "", put, "", get + " to deploy", "yes"},
		{"deploy", "", "", put, get + " to role", "no session"},
		{"deploy", "", put, "", get + " to role", "no boundary"},
		{"deploy", "", get, get, get + " to role", "yes"},
		{"eve", all, put, "", get + " to eve", "no boundary"},
		{"eve", all, get, "", get + " to eve", "yes"},
		{"eveRole", all, "", put, get + " to eveRole", "no session"},
		{"eveRole", all, "", get, get + " to roleEve", "yes"},
	} {
		q := &Query{
			Principal: cast[tc.who], Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a", ResourceAccount: ours,
			Boundary: rules(t, tc.boundary), ResourcePolicy: rules(t, tc.bucket),
		}
		if d := rules(t, tc.identity); d != nil {
			q.Identity = []*Document{d}
		}
		if d := rules(t, tc.session); d != nil {
			q.Session = []*Document{d}
		}
		if got := answer(Evaluate(q)); got != tc.want {
			t.Errorf("%-8s | %s | %s | %s | %s: %s, want %s", tc.who, tc.identity, tc.boundary, tc.session, tc.bucket, got, tc.want)
		}
	}
}
