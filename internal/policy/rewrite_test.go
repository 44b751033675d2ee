package policy

import (
	"strings"
	"testing"
)

func TestRewritePrincipals(t *testing.T) {
	upper := func(p string) string {
		if strings.HasPrefix(p, "arn:aws:iam::111122223333:user/") {
			return "AIDAQQQQQQQQQQQQQQQQQ"
		}
		return p
	}
	const user = `"arn:aws:iam::111122223333:user/ann"`
	const id = `"AIDAQQQQQQQQQQQQQQQQQ"`
	for text, want := range map[string]string{
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":` + user + `},"Action":"s3:*","Resource":"*"}}`:                                                                          `{"Statement":{"Effect":"Allow","Principal":{"AWS":` + id + `},"Action":"s3:*","Resource":"*"}}`,
		`{ "Statement" : [ {"Effect":"Deny","NotPrincipal":{"AWS":[ "*", ` + user + ` , "111122223333"],"Service":"a.b"},"Action":"s3:*","Resource":"*"} ] }`:                       `{ "Statement" : [ {"Effect":"Deny","NotPrincipal":{"AWS":[ "*", ` + id + ` , "111122223333"],"Service":"a.b"},"Action":"s3:*","Resource":"*"} ] }`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":` + user + `,"Condition":{"StringEquals":{"aws:PrincipalArn":` + user + `}}},"Id":` + user + `}`: "",
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:\u0075ser/ann"},"Action":"s3:*","Resource":"*"}}`:                                             `{"Statement":{"Effect":"Allow","Principal":{"AWS":` + id + `},"Action":"s3:*","Resource":"*"}}`,
		`not a policy`: "",
	} {
		if want == "" {
			want = text
		}
		if got := RewritePrincipals(text, upper); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// FuzzRewritePrincipals checks that a policy rewritten is a policy, and that
// rewriting without a change changes nothing.
func FuzzRewritePrincipals(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":["*","111122223333"]},"Action":"s3:*","Resource":"*"}]}`)
	f.Add(`{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user\/a"},"Action":"a:b"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := RewritePrincipals(text, func(p string) string { return p }); got != text {
			t.Fatalf("%q became %q", text, got)
		}
		if _, err := Parse([]byte(text)); err != nil {
			return
		}
		got := RewritePrincipals(text, func(string) string { return "AIDAQQQQQQQQQQQQQQQQQ" })
		if _, err := Parse([]byte(got)); err != nil {
			t.Fatalf("%q became %q: %v", text, got, err)
		}
	})
}
