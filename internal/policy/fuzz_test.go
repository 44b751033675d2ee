package policy

import (
	"strings"
	"testing"
)

// FuzzParse shows that Parse does not panic, that what it takes it takes again
// from its own text, and that whatever it takes can be evaluated: the same
// query gets the same answer, a refusal has a reason, and a document that only
// denies never allows.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		full, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username,'x'}/${*}",` +
			`"Condition":{"ForAnyValue:ArnLikeIfExists":{"aws:SourceArn":["arn:aws:*:*:*:x${x:y}"]},"DateLessThan":{"a:b":"2026-01-01"},"IpAddress":{"c:d":"10.0.0.0/8"}}}]}`,
		`{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"NotAction":"iam:*","NotResource":"*","Condition":{"Null":{"a:b":true}}}]}`,
	} {
		f.Add(seed, "s3:GetObject", "arn:aws:s3:::b/k", "10.0.0.1")
	}
	f.Fuzz(func(t *testing.T, text, action, resource, value string) {
		d, err := Parse([]byte(text))
		if err != nil {
			return
		}
		if again, err := Parse([]byte(d.String())); err != nil || again.String() != text {
			t.Fatalf("its own text is refused: %v", err)
		}
		context := Context{"a:b": {value}, "c:d": {value, "x"}, "aws:username": {value}}
		for _, name := range []string{"alice", "deploy", "root", "eve", "trail", "nobody"} {
			for _, decides := range []bool{false, true} {
				q := &Query{
					Principal: cast[name], Action: action, Resource: resource, ResourceAccount: ours, Context: context,
					Identity: []*Document{d}, ResourcePolicy: d, ResourcePolicyDecides: decides,
				}
				got := Evaluate(q)
				if got != Evaluate(q) || got.Allowed != (got.Reason == "") || got.Allowed && got.Explicit {
					t.Fatalf("%s: %+v", name, got)
				}
				for _, f := range d.Explain(q) {
					if f.Deny && got.Allowed {
						t.Fatalf("%s is allowed although: %s", name, f)
					}
				}
			}
		}
		for _, k := range []Kind{Identity, Resource, Trust} {
			_ = d.Check(k)
		}
	})
}

// FuzzGlob compares glob with a definition of it that is slow but plain.
func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("***", "")
	f.Add("*a*a*a*", "aaab")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(pattern)+len(value) > 40 || strings.Count(pattern, "*") > 6 { // the definition takes for ever
			return
		}
		text := wildcards.Replace(pattern)
		if got, want := glob(text, value, false), slowGlob(text, value); got != want {
			t.Errorf("%q %q: %v", pattern, value, got)
		}
	})
}

func slowGlob(text, value string) bool {
	switch {
	case text == "":
		return value == ""
	case text[0] == anyRun:
		return slowGlob(text[1:], value) || value != "" && slowGlob(text, value[1:])
	case value == "":
		return false
	}
	return (text[0] == anyByte || text[0] == value[0]) && slowGlob(text[1:], value[1:])
}

func BenchmarkEvaluate(b *testing.B) {
	identity := []*Document{rules(b, "Allow iam:*,s3:ListBucket on *; Allow s3:GetObject,s3:PutObject on logs/*; Deny s3:Delete* on *")}
	bucket := rules(b, "Deny s3:* on logs,logs/* to * if Bool aws:SecureTransport false; Allow s3:PutObject on logs/AWSLogs/* to trail if StringEquals aws:SourceArn x")
	context := Context{"aws:securetransport": {"true"}, "aws:sourcearn": {"x"}}
	for name, q := range map[string]*Query{
		"identity": {Principal: cast["alice"], Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a", Identity: identity},
		"both":     {Principal: cast["alice"], Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a", ResourceAccount: ours, Identity: identity, ResourcePolicy: bucket, Context: context},
		"service":  {Principal: cast["trail"], Action: "s3:PutObject", Resource: "arn:aws:s3:::logs/AWSLogs/a", ResourceAccount: ours, ResourcePolicy: bucket, Context: context},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !Evaluate(q).Allowed {
					b.Fatal("refused")
				}
			}
		})
	}
}

// TestEvaluateAllocates keeps simple decisions free of garbage.
func TestEvaluateAllocates(t *testing.T) {
	q := &Query{
		Principal: cast["alice"], Action: "s3:GetObject", Resource: "arn:aws:s3:::logs/a",
		Identity: []*Document{rules(t, "Deny s3:Delete* on *; Allow s3:Get* on logs/* if Bool aws:SecureTransport true")},
		Context:  Context{"aws:securetransport": {"true"}},
	}
	if n := testing.AllocsPerRun(100, func() { Evaluate(q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
