package policy

import (
	"fmt"
	"strings"
	"testing"
)

// TestConditions gives every operator values it wants and values it gets. The
// key is x:k; "-" means that the request does not have it, and values are
// separated by a space.
func TestConditions(t *testing.T) {
	for _, tc := range []struct {
		operator, wanted, given string
		want                    bool
	}{
		{"StringEquals", `"a"`, "a", true},
		{"StringEquals", `"a"`, "A", false},
		{"StringEquals", `["a","b"]`, "b", true},
		{"StringEquals", `"a"`, "-", false},
		{"StringEquals", `"a*"`, "ab", false},
		{"StringEquals", `"a*"`, "a*", true},
		{"StringEquals", `"${x:user}"`, "alice", true},
		{"StringEquals", `"${x:none}"`, "alice", false},
		{"StringEquals", `"${x:none,'alice'}"`, "alice", true},
		{"StringEquals", `"a"`, "b a", true}, // one of several
		{"StringNotEquals", `"a"`, "b", true},
		{"StringNotEquals", `"a"`, "a", false},
		{"StringNotEquals", `["a","b"]`, "b", false},
		{"StringNotEquals", `"a"`, "-", true},
		{"StringNotEquals", `"a"`, "b a", false},
		{"StringNotEquals", `"${x:none}"`, "alice", true},
		{"StringEqualsIgnoreCase", `"a"`, "A", true},
		{"StringEqualsIgnoreCase", `"a"`, "b", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "A", false},
		{"StringNotEqualsIgnoreCase", `"a"`, "b", true},
		{"StringNotEqualsIgnoreCase", `"a"`, "-", true},
		{"StringLike", `"a*"`, "abc", true},
		{"StringLike", `"a?c"`, "abc", true},
		{"StringLike", `"A*"`, "abc", false},
		{"StringLike", `"*"`, "-", false},
		{"StringLike", `["x","*c"]`, "abc", true},
		{"StringLike", `"home/${x:user}/*"`, "home/alice/x", true},
		{"StringLike", `"${*}"`, "x", false},
		{"StringNotLike", `"a*"`, "abc", false},
		{"StringNotLike", `"a*"`, "x", true},
		{"StringNotLike", `"a*"`, "-", true},
		{"StringEqualsIfExists", `"a"`, "-", true},
		{"StringEqualsIfExists", `"a"`, "b", false},
		{"StringNotEqualsIfExists", `"a"`, "-", true},
		{"StringNotEqualsIfExists", `"a"`, "a", false},
		{"StringLikeIfExists", `"a*"`, "-", true},

		{"NumericEquals", `"10"`, "10", true},
		{"NumericEquals", `10`, "10.0", true},
		{"NumericEquals", `"10"`, "ten", false},
		{"NumericNotEquals", `"10"`, "9", true},
		{"NumericNotEquals", `"10"`, "10", false},
		{"NumericNotEquals", `"10"`, "ten", true},
		{"NumericLessThan", `"10"`, "9", true},
		{"NumericLessThan", `"10"`, "10", false},
		{"NumericLessThanEquals", `"10"`, "10", true},
		{"NumericGreaterThan", `"10"`, "10", false},
		{"NumericGreaterThan", `"10"`, "10.5", true},
		{"NumericGreaterThanEquals", `"10"`, "10", true},
		{"NumericGreaterThanEquals", `"-1"`, "-2", false},
		{"NumericLessThanIfExists", `"10"`, "-", true},
		{"NumericLessThan", `"10"`, "NaN", false},

		{"DateEquals", `"2026-01-02T03:04:05Z"`, "2026-01-02T03:04:05Z", true},
		{"DateEquals", `"2026-01-02T03:04:05Z"`, "2026-01-02T04:04:05+01:00", true},
		{"DateEquals", `"1767323045"`, "2026-01-02T03:04:05Z", true},
		{"DateNotEquals", `"2026-01-02"`, "2026-01-02T00:00:00Z", false},
		{"DateLessThan", `"2026-01-02"`, "2026-01-01T23:59:59Z", true},
		{"DateLessThan", `"2026-01-02"`, "2026-01-02T00:00:00Z", false},
		{"DateLessThanEquals", `"2026-01-02"`, "2026-01-02T00:00:00Z", true},
		{"DateGreaterThan", `"2026-01-02T00:00Z"`, "2026-01-02T00:00:01Z", true},
		{"DateGreaterThanEquals", `"2026-01-02"`, "2026-01-01T00:00:00Z", false},
		{"DateGreaterThan", `"2026-01-02"`, "later", false},

		{"Bool", `"true"`, "true", true},
		{"Bool", `true`, "true", true},
		{"Bool", `"false"`, "true", false},
		{"Bool", `"false"`, "false", true},
		{"Bool", `"FALSE"`, "False", true},
		{"Bool", `"false"`, "-", false},
		{"BoolIfExists", `"false"`, "-", true},

		{"BinaryEquals", `"aGk="`, "aGk=", true},
		{"BinaryEquals", `"aGk="`, "aGo=", false},
		{"BinaryEquals", `"aGk="`, "hi!", false},

		{"IpAddress", `"192.0.2.0/24"`, "192.0.2.7", true},
		{"IpAddress", `"192.0.2.7"`, "192.0.2.7", true},
		{"IpAddress", `"192.0.2.7/24"`, "192.0.2.9", true},
		{"IpAddress", `["10.0.0.0/8","192.0.2.0/24"]`, "192.0.2.7", true},
		{"IpAddress", `"192.0.2.0/24"`, "192.0.3.7", false},
		{"IpAddress", `"192.0.2.0/24"`, "::ffff:192.0.2.7", true},
		{"IpAddress", `"2001:db8::/32"`, "2001:db8::1", true},
		{"IpAddress", `"2001:db8::/32"`, "192.0.2.7", false},
		{"IpAddress", `"192.0.2.0/24"`, "cloudtrail.amazonaws.com", false},
		{"IpAddress", `"192.0.2.0/24"`, "-", false},
		{"NotIpAddress", `"192.0.2.0/24"`, "192.0.2.7", false},
		{"NotIpAddress", `"192.0.2.0/24"`, "192.0.3.7", true},
		{"NotIpAddress", `"192.0.2.0/24"`, "-", true},
		{"NotIpAddressIfExists", `"192.0.2.0/24"`, "192.0.2.7", false},

		{"ArnEquals", `"arn:aws:s3:::b"`, "arn:aws:s3:::b", true},
		{"ArnEquals", `"arn:aws:s3:::*"`, "arn:aws:s3:::b", true},
		{"ArnLike", `"arn:aws:cloudtrail:*:111122223333:trail/*"`, "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", true},
		{"ArnLike", `"arn:aws:cloudtrail:*:111122223333:trail/*"`, "arn:aws:cloudtrail:eu-west-1:444455556666:trail/t", false},
		{"ArnLike", `"arn:aws:*:trail/t"`, "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", false},
		{"ArnLike", `"arn:aws:logs:*:*:log-group:*"`, "arn:aws:logs:eu-west-1:111122223333:log-group:g:x", true},
		{"ArnLike", `"*"`, "arn:aws:s3:::b", false},
		{"ArnLike", `"arn:aws:s3:::b"`, "no ARN", false},
		{"ArnLike", `"arn:aws:iam::*:user/${x:user}"`, "arn:aws:iam::111122223333:user/alice", true},
		{"ArnNotEquals", `"arn:aws:s3:::b"`, "arn:aws:s3:::c", true},
		{"ArnNotLike", `"arn:aws:s3:::*"`, "arn:aws:s3:::b", false},
		{"ArnNotLike", `"arn:aws:s3:::*"`, "-", true},

		{"Null", `"true"`, "-", true},
		{"Null", `"true"`, "a", false},
		{"Null", `"false"`, "a", true},
		{"Null", `false`, "-", false},

		{"ForAnyValue:StringEquals", `["a","b"]`, "x b", true},
		{"ForAnyValue:StringEquals", `["a","b"]`, "x y", false},
		{"ForAnyValue:StringEquals", `"a"`, "-", false},
		{"ForAnyValue:StringNotEquals", `"a"`, "a b", true},
		{"ForAnyValue:StringNotEquals", `"a"`, "a", false},
		{"ForAnyValue:StringNotEquals", `"a"`, "-", false},
		{"ForAnyValue:StringLikeIfExists", `"a*"`, "-", true},
		{"ForAllValues:StringEquals", `["a","b"]`, "a b", true},
		{"ForAllValues:StringEquals", `["a","b"]`, "a x", false},
		{"ForAllValues:StringEquals", `["a","b"]`, "-", true},
		{"ForAllValues:StringNotEquals", `["a","b"]`, "x y", true},
		{"ForAllValues:StringNotEquals", `["a","b"]`, "x a", false},
		{"ForAllValues:StringLike", `"a*"`, "ab ac", true},
	} {
		text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{%q:{"X:K":%s}}}}`, tc.operator, tc.wanted)
		d, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%s %s: %v", tc.operator, tc.wanted, err)
			continue
		}
		q := &Query{Principal: cast["alice"], Action: "s3:GetObject", Resource: "*", Identity: []*Document{d}, Context: Context{"x:user": {"alice"}}}
		if tc.given != "-" {
			q.Context["x:k"] = []string{tc.given}
			if tc.given != "no ARN" {
				q.Context["x:k"] = strings.Fields(tc.given)
			}
		}
		if got := Evaluate(q).Allowed; got != tc.want {
			t.Errorf("%-28s wants %-30s gets %-30s: %v", tc.operator, tc.wanted, tc.given, got)
		}
	}
}

// TestSeveralConditions shows that all conditions, and all keys, must hold.
func TestSeveralConditions(t *testing.T) {
	d := rules(t, "Allow s3:* on * if StringEquals x:a 1 if Bool x:b true")
	for _, tc := range []struct {
		context Context
		want    bool
	}{
		{Context{"x:a": {"1"}, "x:b": {"true"}}, true},
		{Context{"x:a": {"1"}, "x:b": {"false"}}, false},
		{Context{"x:a": {"2"}, "x:b": {"true"}}, false},
		{Context{"x:a": {"1"}}, false},
		{nil, false},
	} {
		q := &Query{Principal: cast["alice"], Action: "s3:GetObject", Resource: "*", Identity: []*Document{d}, Context: tc.context}
		if got := Evaluate(q).Allowed; got != tc.want {
			t.Errorf("%v: %v", tc.context, got)
		}
	}
}

// TestTrailBucket is the policy a trail's bucket has, asked as CloudTrail and
// others ask.
func TestTrailBucket(t *testing.T) {
	const trail = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t"
	d := rules(t, "Allow s3:GetBucketAcl on b to trail if StringEquals aws:SourceArn "+trail+
		"; Allow s3:PutObject on b/p/AWSLogs/111122223333/* to trail if StringEquals aws:SourceArn "+trail+
		"; Deny s3:* on b,b/* to * if Bool aws:SecureTransport false")
	for _, tc := range []struct {
		who, action, resource, source, secure, want string
	}{
		{"trail", "s3:GetBucketAcl", "b", trail, "true", "yes"},
		{"trail", "s3:PutObject", "b/p/AWSLogs/111122223333/x", trail, "true", "yes"},
		{"trail", "s3:PutObject", "b/p/AWSLogs/111122223333/x", trail, "false", "deny resource"},
		{"trail", "s3:PutObject", "b/p/AWSLogs/111122223333/x", trail + "2", "true", "no resource"},
		{"trail", "s3:PutObject", "b/p/AWSLogs/111122223333/x", "", "true", "no resource"},
		{"trail", "s3:PutObject", "b/AWSLogs/111122223333/x", trail, "true", "no resource"},
		{"trail", "s3:PutObject", "b/p/AWSLogs/444455556666/x", trail, "true", "no resource"},
		{"trail", "s3:GetObject", "b/p/AWSLogs/111122223333/x", trail, "true", "no resource"},
		{"config", "s3:GetBucketAcl", "b", trail, "true", "no resource"},
		{"root", "s3:GetObject", "b/x", "", "true", "yes"},
		{"root", "s3:GetObject", "b/x", "", "false", "deny resource"},
		{"nobody", "s3:GetObject", "b/x", "", "true", "no resource"},
	} {
		q := &Query{
			Principal: cast[tc.who], Action: tc.action, Resource: bucket(tc.resource), ResourceAccount: ours,
			ResourcePolicy: d, Context: Context{"aws:securetransport": {tc.secure}},
		}
		if tc.source != "" {
			q.Context["aws:sourcearn"] = []string{tc.source}
		}
		if got := answer(Evaluate(q)); got != tc.want {
			t.Errorf("%v: %s", tc, got)
		}
	}
}
