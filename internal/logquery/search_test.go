package logquery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn/internal/logquery"
)

// Records that searches are tried on, by name.
var searched = map[string]string{
	"joe":     `{"userIdentity":{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::111122223333:user/team/joe","accessKeyId":"AKIA1","userName":"joe"},"eventTime":"2026-01-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"10.1.2.3","requestParameters":{"bucketName":"logs","key":"a/b.csv"},"requestID":"R1","eventID":"E1","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::logs/a/b.csv"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::logs"}],"recipientAccountId":"111122223333"}`,
	"session": `{"userIdentity":{"type":"AssumedRole","principalId":"AROA1:joe","arn":"arn:aws:sts::111122223333:assumed-role/deployer/joe","accessKeyId":"ASIA1","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/ci/deployer","userName":"deployer"}}},"eventTime":"2026-01-01T11:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"2001:DB8:0::7","errorCode":"Client.UnauthorizedOperation","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/x"},"eventID":"E2","readOnly":false,"recipientAccountId":"444455556666"}`,
	"root":    `{"userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root"},"eventTime":"2026-01-01T12:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","sourceIPAddress":"!odd","errorMessage":"Failed authentication","eventID":"E3","readOnly":false}`,
	"service": `{"userIdentity":{"type":"AWSService","invokedBy":"config.amazonaws.com"},"eventTime":"2026-01-01T12:00:00.5Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","sourceIPAddress":"config.amazonaws.com","eventID":"E4","readOnly":true}`,
}

func TestSearch(t *testing.T) {
	at := func(s string) time.Time {
		x, err := time.Parse(time.TimeOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return x.AddDate(2026, 0, 0)
	}
	yes, no := true, false
	for _, tt := range []struct {
		search logquery.Search
		want   string // names of the records that match
	}{
		{logquery.Search{}, "joe root service session"},
		{logquery.Search{From: at("11:00:00")}, "root service session"},
		{logquery.Search{From: at("11:00:00"), To: at("12:00:00")}, "session"},
		{logquery.Search{To: at("12:00:01")}, "joe root service session"},
		{logquery.Search{Accounts: []string{"111122223333"}}, "joe"},
		{logquery.Search{Accounts: []string{"111122223333", "4444*"}}, "joe session"},
		{logquery.Search{Regions: []string{"!us-*"}}, "joe root service"},
		{logquery.Search{Names: []string{"*", "!Run*", "!Console*"}}, "joe service"},
		{logquery.Search{Names: []string{"getobject"}}, ""},
		{logquery.Search{Sources: []string{"s3", "ec2.amazonaws.com"}}, "joe session"},
		{logquery.Search{Sources: []string{"s*"}}, "joe root service"},
		{logquery.Search{Users: []string{"joe"}}, "joe session"},
		{logquery.Search{Users: []string{"root"}}, "root"},
		{logquery.Search{Users: []string{"arn:aws:iam::111122223333:user/team/joe"}}, "joe"},
		{logquery.Search{Users: []string{"arn:aws:iam::*:role/ci/deployer"}}, "session"},
		{logquery.Search{Keys: []string{"AKIA1"}}, "joe"},
		{logquery.Search{Roles: []string{"deployer"}}, "session"},
		{logquery.Search{Roles: []string{"arn:aws:iam::111122223333:role/ci/*"}}, "session"},
		{logquery.Search{Sessions: []string{"joe"}}, "session"},
		{logquery.Search{IPs: []string{"10.1.2.3"}}, "joe"},
		{logquery.Search{IPs: []string{"10.0.0.0/8", "config.*"}}, "joe service"},
		{logquery.Search{IPs: []string{"2001:db8::7"}}, "session"},
		{logquery.Search{IPs: []string{"2001:db8::/32"}}, "session"},
		{logquery.Search{IPs: []string{"!10.0.0.0/8"}}, "root service session"},
		{logquery.Search{IPs: []string{`\!odd`}}, "root"},
		{logquery.Search{IPs: []string{`!!odd`}}, "joe service session"},
		{logquery.Search{Errors: []string{"*Unauthorized*"}}, "session"},
		{logquery.Search{Failed: true}, "root session"},
		{logquery.Search{ReadOnly: &yes}, "joe service"},
		{logquery.Search{ReadOnly: &no, Failed: true, Names: []string{"Run*"}}, "session"},
		{logquery.Search{Resources: []string{"logs"}}, "joe"},
		{logquery.Search{Resources: []string{"a/b.csv"}}, "joe"},
		{logquery.Search{Resources: []string{"b.csv"}}, "joe"},
		{logquery.Search{Resources: []string{"arn:aws:s3:::logs/*"}}, "joe"},
		{logquery.Search{Resources: []string{"arn:aws:iam::111122223333:role/x"}}, "session"},
		{logquery.Search{RequestIDs: []string{"R1"}}, "joe"},
		{logquery.Search{EventIDs: []string{"E2", "E3"}}, "root session"},
		{logquery.Search{Fields: []string{"userIdentity.type=Root"}}, "root"},
		{logquery.Search{Fields: []string{"userIdentity.type=Root", "userIdentity.type=AWS*", "readOnly=true"}}, "service"},
		{logquery.Search{Fields: []string{"userIdentity.type!=Root"}}, "joe service session"},
		{logquery.Search{Fields: []string{"userIdentity.type=!Root", "resources[*].type=AWS::S3::Bucket"}}, "joe"},
		{logquery.Search{Fields: []string{"requestParameters['bucketName']=logs"}}, "joe"},
		{logquery.Search{Patterns: []string{`{ $.errorCode NOT EXISTS }`}}, "joe root service"},
		{logquery.Search{Patterns: []string{`{ $.errorCode NOT EXISTS }`, `!Root`, `!Unauthorized`}}, "joe service"},
		{logquery.Search{Texts: []string{"AROA1", "b.csv"}}, "joe session"},
		{logquery.Search{Texts: []string{"!joe"}}, "root service"},
		{logquery.Search{Texts: []string{`\!odd`}}, "root"},
		{logquery.Search{Regexps: []string{`(?i)FAILED\s`}}, "root"},
		{logquery.Search{Regexps: []string{`\!odd`}}, "root"},
	} {
		e, err := tt.search.Expr()
		if err != nil {
			t.Errorf("%+v: %v", tt.search, err)
			continue
		}
		p := logquery.Compile(e)
		var got []string
		for _, name := range []string{"joe", "root", "service", "session"} {
			if p.Match([]byte(searched[name])) {
				got = append(got, name)
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%+v matches %q, want %q", tt.search, s, tt.want)
		}
	}
}

func TestSearchErrors(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		search logquery.Search
		why    string
	}{
		{logquery.Search{From: now, To: now}, "not after the start"},
		{logquery.Search{Names: []string{""}}, "search for event name \"\": the value is empty"},
		{logquery.Search{Users: []string{"!"}}, "search for user \"\": the value is empty"},
		{logquery.Search{IPs: []string{"10.0.0.0/33"}}, "no range such as 10.0.0.0/8"},
		{logquery.Search{IPs: []string{"10.0.0"}}, "write 10.0.0.* or 10.0.0.0/24"},
		{logquery.Search{IPs: []string{"10.0.0.256"}}, "no whole address"},
		{logquery.Search{Fields: []string{"userIdentity.type"}}, "PATH=VALUE"},
		{logquery.Search{Fields: []string{"a..b=c"}}, "member name is missing"},
		{logquery.Search{Fields: []string{"a="}}, "search for field a=\"\": the value is empty"},
		{logquery.Search{Fields: []string{"a['b=c"}}, "has no end"},
		{logquery.Search{Patterns: []string{"{"}}, "Invalid filter pattern at column 2"},
		{logquery.Search{Regexps: []string{"("}}, "missing closing )"},
	} {
		if _, err := tt.search.Expr(); err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%+v: %v, want an error with %q", tt.search, err, tt.why)
		}
	}
}

// FuzzSearch: flags are read or refused, and mean the same in each form.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{"joe", "!x", `\!x`, "10.0.0.0/8", "a['b=c'].d!=e*", "arn:aws:iam::1:role/r", "{ $.a = b }", "::1", "a[*].b=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		one := []string{v}
		for i, s := range []logquery.Search{
			{Names: one}, {Sources: one}, {Users: one}, {Roles: one}, {Sessions: one}, {IPs: one}, {Resources: one}, {Fields: one}, {Patterns: one}, {Texts: one}, {Regexps: one},
		} {
			e, err := s.Expr()
			if err != nil {
				continue
			}
			p := logquery.Compile(e)
			where, _ := p.SQL()
			checkSQL(t, where)
			for name, record := range searched {
				if !p.Match([]byte(record)) {
					continue
				}
				for _, clause := range p.Needles() {
					if !containsOne([]byte(record), clause) {
						t.Errorf("%d: %q matches %s, which has none of %q", i, v, name, clause)
					}
				}
			}
		}
	})
}

func ExampleSearch() {
	s := logquery.Search{Users: []string{"joe"}, Names: []string{"Get*", "!GetObject"}}
	e, err := s.Expr()
	if err != nil {
		fmt.Println(err)
		return
	}
	p := logquery.Compile(e)
	where, exact := p.SQL()
	fmt.Println(where, exact)
	fmt.Println(p.Match([]byte(searched["joe"])))
	// Output:
	// ((user_name = 'joe' OR user_principal_id LIKE '%:joe' ESCAPE '\') AND (event_name LIKE 'Get%' ESCAPE '\' AND event_name >= 'Get' AND event_name < 'Geu') AND (event_name = 'GetObject') IS NOT TRUE) true
	// false
}
