package arn

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]ARN{
		"arn:aws:s3:::bucket/key":                                      {"aws", "s3", "", "", "bucket/key"},
		"arn:aws:iam::111122223333:root":                               {"aws", "iam", "", "111122223333", "root"},
		"arn:aws:logs:eu-west-1:111122223333:log-group:g:log-stream:s": {"aws", "logs", "eu-west-1", "111122223333", "log-group:g:log-stream:s"},
		"arn:aws-cn:sts::111122223333:assumed-role/r/s":                {"aws-cn", "sts", "", "111122223333", "assumed-role/r/s"},
	} {
		got, err := Parse(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "arn", "arn:aws:s3:::", "arn:aws::::x", "arn::s3:::x", "ARN:aws:s3:::x", "aws:s3:::x:y", "arn:aws:s3:x", "x",
	} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), "want arn:partition:service:region:account:resource") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if got := New("s3", "", "", "b").String(); got != "arn:aws:s3:::b" {
		t.Error(got)
	}
}

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		pattern, value string
		want           bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "a:b/c", true},
		{"?", "", false},
		{"?", "a", true},
		{"a", "A", false},
		{"a*", "ab", true},
		{"a*b", "acb", true},
		{"a*b", "acbx", false},
		{"*a*b*", "xaybz", true},
		{"a?c", "abc", true},
		{"a**", "a", true},
		{"*.gz", "a.gz.gz", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b", false},
		{"arn:aws:s3:::b/*/x", "arn:aws:s3:::b/1/2/x", true},
	} {
		if got := Match(tc.pattern, tc.value); got != tc.want {
			t.Errorf("%q %q: %v", tc.pattern, tc.value, got)
		}
	}
}

// FuzzParse shows that what is parsed is written again as it was.
func FuzzParse(f *testing.F) {
	f.Add("arn:aws:s3:::bucket/key")
	f.Add("arn:aws:logs:eu-west-1:111122223333:log-group:g:*")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err == nil && a.String() != text {
			t.Errorf("%q: %q", text, a.String())
		}
	})
}

// FuzzMatch compares Match with a definition of it that is slow but plain.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*a*a*", "aaab")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(pattern)+len(value) > 40 || strings.Count(pattern, "*") > 6 { // the definition takes for ever
			return
		}
		if got := Match(pattern, value); got != slowMatch(pattern, value) {
			t.Errorf("%q %q: %v", pattern, value, got)
		}
	})
}

func slowMatch(pattern, value string) bool {
	switch {
	case pattern == "":
		return value == ""
	case pattern[0] == '*':
		return slowMatch(pattern[1:], value) || value != "" && slowMatch(pattern, value[1:])
	case value == "":
		return false
	}
	return (pattern[0] == '?' || pattern[0] == value[0]) && slowMatch(pattern[1:], value[1:])
}
