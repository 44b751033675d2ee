package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const full = `{
  "Version": "2012-10-17",
  "Id": "logs",
  "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:user/a"], "Service": "cloudtrail.amazonaws.com"},
     "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::b"},
    {"Sid": "Plain http", "Effect": "Deny", "Principal": "*", "NotAction": ["s3:Get*"], "NotResource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
     "Condition": {"Bool": {"aws:SecureTransport": false}, "NumericLessThan": {"s3:max-keys": [10, "20"]}}},
    {"Effect": "Deny", "NotPrincipal": {"Federated": "accounts.google.com", "CanonicalUser": "79a59df9"}, "Action": "*", "Resource": "*", "Condition": {}}
  ]
}
`

func TestParse(t *testing.T) {
	d, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if d.String() != full || d.Version() != "2012-10-17" || d.ID() != "logs" {
		t.Errorf("got %q, %s, %s", d, d.Version(), d.ID())
	}
	want := []Statement{
		{
			Sid: "Read", Allow: true,
			Principals: &Principals{AWS: []string{"111122223333", "arn:aws:iam::111122223333:user/a"}, Service: []string{"cloudtrail.amazonaws.com"}},
			Actions:    []string{"s3:GetBucketAcl"}, Resources: []string{"arn:aws:s3:::b"},
		},
		{
			Sid: "Plain http", Principals: &Principals{Any: true},
			Actions: []string{"s3:Get*"}, NotAction: true, Resources: []string{"arn:aws:s3:::b", "arn:aws:s3:::b/*"}, NotResource: true,
			Conditions: []Condition{
				{Operator: "Bool", Key: "aws:SecureTransport", Values: []string{"false"}},
				{Operator: "NumericLessThan", Key: "s3:max-keys", Values: []string{"10", "20"}},
			},
		},
		{
			Principals: &Principals{Federated: []string{"accounts.google.com"}, CanonicalUser: []string{"79a59df9"}}, NotPrincipal: true,
			Actions: []string{"*"}, Resources: []string{"*"},
		},
	}
	if diff := cmp.Diff(want, d.Statements(), cmpopts.IgnoreUnexported(Statement{}, Condition{})); diff != "" {
		t.Error(diff)
	}
}

// TestParseRefuses lists what is no policy document, and what the error must
// name. S stands for a good rest of a statement.
func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 50) + strings.Repeat("]", 50)
	for _, tc := range []struct{ text, want string }{
		{``, "is not JSON"},
		{`{`, "is not JSON"},
		{`[]`, "is a list; want an object"},
		{`"x"`, "is a string"},
		{`null`, "is null"},
		{"\xff", "not UTF-8"},
		{`{"Statement":[{S}]} x`, "goes on after its end"},
		{`{"Statement":[{S}]}{}`, "goes on after its end"},
		{`{"Statement":` + deep + `}`, "nested more than 8 levels"},
		{`{"Statement":[{S}],"Id":"` + strings.Repeat("x", MaxSize) + `"}`, "the limit is 32768"},
		{`{"Statement":[{S}],"Statement":[{S}]}`, `member "Statement" twice`},
		{`{"Statement":[{S,"Effect":"Deny"}]}`, `member "Effect" twice`},
		{`{"Statement":[{S,"Condition":{"Bool":{"a:b":"true","a:b":"false"}}}]}`, `member "a:b" twice`},
		{`{"Statement":[{S,"Condition":{"Bool":{"a:b":"true","A:B":"false"}}}]}`, `key "A:B" twice`},
		{`{}`, "Statement is missing or empty"},
		{`{"Statement":[]}`, "Statement is missing or empty"},
		{`{"Statement":"x"}`, "Statement is missing or empty"},
		{`{"Statement":[{S}],"Statements":[]}`, `unknown element "Statements"`},
		{`{"statement":[{S}]}`, `unknown element "statement"`},
		{`{"Version":"2012-10-18","Statement":[{S}]}`, `Version is "2012-10-18"`},
		{`{"Version":2012,"Statement":[{S}]}`, `Version is "2012"`},
		{`{"Id":1,"Statement":[{S}]}`, "Id is a number"},
		{`{"Statement":[1]}`, "Statement[0]: is a number"},
		{`{"Statement":[{S},{S,"Sid":"W","Resorce":"*"}]}`, `Statement[1] (W): unknown element "Resorce"`},
		{`{"Statement":[{S,"Sid":"A"},{S,"Sid":"A"}]}`, "must be unique"},
		{`{"Statement":[{S,"Sid":1}]}`, "Sid is a number"},
		{`{"Statement":[{"Action":"*","Resource":"*"}]}`, "missing required field Effect"},
		{`{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`, `Effect is "allow"`},
		{`{"Statement":[{"Effect":"Allow","Resource":"*"}]}`, "missing required field Action"},
		{`{"Statement":[{S,"NotAction":"*"}]}`, "has both Action and NotAction"},
		{`{"Statement":[{S,"NotResource":"*"}]}`, "has both Resource and NotResource"},
		{`{"Statement":[{S,"Principal":"*","NotPrincipal":"*"}]}`, "has both Principal and NotPrincipal"},
		{`{"Statement":[{S,"NotPrincipal":{"AWS":"111122223333"}}]}`, "NotPrincipal may only be used with Effect Deny"},
		{`{"Statement":[{"Effect":"Deny","Action":"GetObject","Resource":"*"}]}`, "prefaced by a vendor"},
		{`{"Statement":[{"Effect":"Deny","Action":"*:GetObject","Resource":"*"}]}`, "prefaced by a vendor"},
		{`{"Statement":[{"Effect":"Deny","Action":[],"Resource":"*"}]}`, "Action is empty"},
		{`{"Statement":[{"Effect":"Deny","Action":[""],"Resource":"*"}]}`, "Action holds an empty string"},
		{`{"Statement":[{"Effect":"Deny","Action":[1],"Resource":"*"}]}`, "Action is a number"},
		{`{"Statement":[{"Effect":"Deny","Action":{"a":"b"},"Resource":"*"}]}`, "Action is an object"},
		{`{"Statement":[{"Effect":"Deny","Action":"*","Resource":"b/*"}]}`, "must be in ARN format"},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::${aws:username"}]}`, "no closing brace"},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::${username}"}]}`, "names no condition key"},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::${a:b, x}"}]}`, "not in single quotes"},
		{`{"Statement":[{S,"Principal":"111122223333"}]}`, "Principal is a string"},
		{`{"Statement":[{S,"Principal":{}}]}`, "Principal is an object"},
		{`{"Statement":[{S,"Principal":{"Aws":"*"}}]}`, `unknown principal type "Aws"`},
		{`{"Statement":[{S,"Principal":{"AWS":"1111"}}]}`, "invalid principal"},
		{`{"Statement":[{S,"Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}}]}`, "invalid principal"},
		{`{"Statement":[{S,"Principal":{"AWS":"arn:aws:iam::111122223333:group/g"}}]}`, "invalid principal"},
		{`{"Statement":[{S,"Principal":{"AWS":"arn:aws:s3:::b"}}]}`, "invalid principal"},
		{`{"Statement":[{S,"Principal":{"Service":"cloudtrail"}}]}`, "invalid principal"},
		{`{"Statement":[{S,"Principal":{"Service":"*.amazonaws.com"}}]}`, "invalid principal"},
		{`{"Statement":[{S,"Condition":[]}]}`, "Condition is a list"},
		{`{"Statement":[{S,"Condition":{"Bool":true}}]}`, "Condition.Bool is a boolean"},
		{`{"Statement":[{S,"Condition":{"StringEqual":{"a:b":"c"}}}]}`, `unknown condition operator "StringEqual"`},
		{`{"Statement":[{S,"Condition":{"ForSomeValues:StringEquals":{"a:b":"c"}}}]}`, "unknown condition operator"},
		{`{"Statement":[{S,"Condition":{"NullIfExists":{"a:b":"true"}}}]}`, "unknown condition operator"},
		{`{"Statement":[{S,"Condition":{"ForAnyValue:Null":{"a:b":"true"}}}]}`, "unknown condition operator"},
		{`{"Statement":[{S,"Condition":{"NumericAbout":{"a:b":"1"}}}]}`, "unknown condition operator"},
		{`{"Statement":[{S,"Condition":{"StringEquals":{"b":"c"}}}]}`, "prefaced by a vendor"},
		{`{"Statement":[{S,"Condition":{"StringEquals":{"a:b":[]}}}]}`, "list of values is empty"},
		{`{"Statement":[{S,"Condition":{"StringEquals":{"a:b":{}}}}]}`, "a value is an object"},
		{`{"Statement":[{S,"Condition":{"StringEquals":{"a:b":[null]}}}]}`, "a value is null"},
		{`{"Statement":[{S,"Condition":{"Bool":{"a:b":"yes"}}}]}`, "not true or false"},
		{`{"Statement":[{S,"Condition":{"NumericEquals":{"a:b":"ten"}}}]}`, "not a number"},
		{`{"Statement":[{S,"Condition":{"NumericEquals":{"a:b":"NaN"}}}]}`, "not a number"},
		{`{"Statement":[{S,"Condition":{"DateEquals":{"a:b":"today"}}}]}`, "not a date"},
		{`{"Statement":[{S,"Condition":{"BinaryEquals":{"a:b":"!"}}}]}`, "not base64"},
		{`{"Statement":[{S,"Condition":{"IpAddress":{"a:b":"10.0.0.0/33"}}}]}`, "not an IP address"},
	} {
		text := strings.ReplaceAll(tc.text, "{S", `{"Effect":"Allow","Action":"s3:*","Resource":"*"`)
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.120s\n\tgot  %v\n\twant %s", tc.text, err, tc.want)
		}
	}
}

func TestCheck(t *testing.T) {
	const (
		noPrincipal = `"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"`
		both        = noPrincipal + `,"Principal":"*"`
		trust       = `"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"`
	)
	for _, tc := range []struct {
		kind            Kind
		statement, want string
	}{
		{Identity, noPrincipal, ""},
		{Identity, both, "should not specify a principal"},
		{Identity, trust, "should not specify a principal"},
		{Identity, `"Effect":"Allow","Action":"s3:*"`, "missing required field Resource"},
		{Identity, noPrincipal + `,"Sid":"a b"`, "must be alpha-numeric"},
		{Resource, both, ""},
		{Resource, both + `,"Sid":"a b"`, ""},
		{Resource, noPrincipal, "missing required field Principal"},
		{Resource, trust, "missing required field Resource"},
		{Trust, trust, ""},
		{Trust, both, "has prohibited field Resource"},
		{Trust, noPrincipal, "missing required field Principal"},
		{Trust, `"Effect":"Allow","Action":"s3:*","Principal":"*"`, "STS AssumeRole actions"},
		{Trust, `"Effect":"Deny","Action":"sts:*","NotPrincipal":{"AWS":"111122223333"}`, "prohibited field NotPrincipal"},
	} {
		d, err := Parse([]byte(`{"Statement":{` + tc.statement + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		switch err := d.Check(tc.kind); {
		case tc.want == "" && err != nil, tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("kind %d, %s: %v, want %q", tc.kind, tc.statement, err, tc.want)
		}
	}
}

func TestExplain(t *testing.T) {
	d := rules(t, "Allow s3:GetBucketAcl on b to config; "+
		"Allow s3:PutObject on b/AWSLogs/* to trail if StringEquals aws:SourceArn x if StringEquals s3:x-amz-acl y; "+
		"Deny s3:* on * to * if Bool aws:SecureTransport false; "+
		"Allow s3:Get*,s3:List*,s3:Put*,s3:Delete*,s3:Abort* on not b to alice,trail")
	q := &Query{
		Principal: cast["trail"], Action: "s3:PutObject", Resource: "arn:aws:s3:::b/x",
		Context: Context{"aws:sourcearn": {"z"}, "aws:securetransport": {"false"}},
	}
	var got []string
	for _, f := range d.Explain(q) {
		got = append(got, f.String())
	}
	want := []string{
		"Statement[2] denies it",
		"Statement[3] allows it",
		"Statement[0]: Principal wants config.amazonaws.com, got cloudtrail.amazonaws.com; Action wants s3:GetBucketAcl, got s3:PutObject; Resource wants arn:aws:s3:::b, got arn:aws:s3:::b/x",
		"Statement[1]: Resource wants arn:aws:s3:::b/AWSLogs/*, got arn:aws:s3:::b/x; Condition StringEquals aws:SourceArn wants x, got z; Condition StringEquals s3:x-amz-acl wants y, got nothing",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
