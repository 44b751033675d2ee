package policy

import "testing"

// TestTwoTags has tags whose keys differ in case alone, of which a condition may
// mean either: nothing is allowed by one, and a Deny is not got round with it.
func TestTwoTags(t *testing.T) {
	one, two := Context{"aws:tagkeys": {"Team"}}, Context{"aws:tagkeys": {"team", "TEAM"}}
	one.AddTag("aws:requesttag/", "Team", "own")
	two.AddTag("aws:requesttag/", "team", "own")
	two.AddTag("aws:requesttag/", "TEAM", "admins")
	for condition, want := range map[string]struct{ allowOne, allowTwo, denyOne, denyTwo bool }{
		`{"StringEquals":{"aws:RequestTag/team":"own"}}`:                       {true, false, true, true},
		`{"StringEquals":{"aws:RequestTag/team":"admins"}}`:                    {false, false, false, true},
		`{"StringNotEquals":{"aws:RequestTag/team":"own"}}`:                    {false, false, false, true},
		`{"StringNotEqualsIfExists":{"aws:RequestTag/team":"x"}}`:              {true, false, true, true},
		`{"ForAnyValue:StringEquals":{"aws:RequestTag/team":"own"}}`:           {true, false, true, true},
		`{"Null":{"aws:RequestTag/team":"false"}}`:                             {true, true, true, true},
		`{"StringEquals":{"aws:RequestTag/other":"own"}}`:                      {false, false, false, false},
		`{"ForAllValues:StringEquals":{"aws:TagKeys":["Team","team","TEAM"]}}`: {true, true, true, true},
		`{"StringNotEquals":{"aws:RequestTag/team":["own","admins","x"]}}`:     {false, false, false, true},
	} {
		holds := func(effect string, context Context) bool {
			d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Action":"*","Resource":"*","Condition":` + condition + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			dec := Evaluate(&Query{
				Principal: Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ann"}, Action: "logs:TagResource",
				Resource: "*", Context: context, Identity: []*Document{d},
			})
			return dec.Allowed || dec.Explicit
		}
		if got := holds("Allow", one); got != want.allowOne {
			t.Errorf("%s: one tag allowed: %v", condition, got)
		}
		if got := holds("Allow", two); got != want.allowTwo {
			t.Errorf("%s: two tags allowed: %v", condition, got)
		}
		if got := holds("Deny", one); got != want.denyOne {
			t.Errorf("%s: one tag denied: %v", condition, got)
		}
		if got := holds("Deny", two); got != want.denyTwo {
			t.Errorf("%s: two tags denied: %v", condition, got)
		}
	}
}
