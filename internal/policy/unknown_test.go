package policy

import "testing"

// TestUnknown has keys of which nobody can tell what they are, if they are there:
// nothing is allowed by them, and no Deny is got round.
func TestUnknown(t *testing.T) {
	tag, all := Context{}, Context{"a:b": {"x"}}
	tag.SetUnknown("s3:existingobjecttag/team")
	all.SetUnknown("s3:existingobjecttag/")
	for statement, depends := range map[string]bool{
		`"Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"own"}}`:              true,
		`"Resource":"*","Condition":{"StringNotEquals":{"s3:ExistingObjectTag/team":"own"}}`:           true,
		`"Resource":"*","Condition":{"StringEqualsIfExists":{"s3:ExistingObjectTag/team":"own"}}`:      true,
		`"Resource":"*","Condition":{"Null":{"s3:ExistingObjectTag/team":"true"}}`:                     true,
		`"Resource":"*","Condition":{"Null":{"s3:ExistingObjectTag/team":"false"}}`:                    true,
		`"Resource":"*","Condition":{"ForAllValues:StringEquals":{"s3:ExistingObjectTag/team":"own"}}`: true,
		`"Resource":"*","Condition":{"StringEquals":{"a:b":"${s3:ExistingObjectTag/team}"}}`:           true,
		`"Resource":"*","Condition":{"StringNotEquals":{"a:b":"${s3:ExistingObjectTag/team, 'x'}"}}`:   true,
		`"Resource":"arn:aws:s3:::home/${s3:ExistingObjectTag/team}/k"`:                                true,
		`"Resource":"arn:aws:s3:::home/${s3:ExistingObjectTag/team, 'own'}/k"`:                         true,
		`"NotResource":"arn:aws:s3:::home/${s3:ExistingObjectTag/team}/k"`:                             true,
		`"Resource":"*","Condition":{"StringNotEquals":{"s3:prefix":"own"}}`:                           false,
		`"Resource":"arn:aws:s3:::home/own/*"`:                                                         false,
	} {
		for name, context := range map[string]Context{"one": tag, "all": all} {
			for _, effect := range []string{"Allow", "Deny"} {
				d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Action":"*",` + statement + `}}`))
				if err != nil {
					t.Fatal(err)
				}
				got := Evaluate(&Query{
					Principal: Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ann"}, Action: "s3:GetObject",
					Resource: "arn:aws:s3:::home/own/k", Context: context, Identity: []*Document{d},
				})
				if want := effect == "Deny" || !depends; (got.Allowed || got.Explicit) != want {
					t.Errorf("%s %s: %s is unknown: it holds: %v", effect, statement, name, !want)
				}
				if d.Mentions("s3:existingobjecttag/") != depends {
					t.Errorf("%s: whether it asks for a tag: %v", statement, !depends)
				}
			}
		}
	}
	if (*Document)(nil).Mentions("s3:") {
		t.Error("no document asks for something")
	}
}
