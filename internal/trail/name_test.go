package trail

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cairn/internal/awserr"
)

func TestCheckName(t *testing.T) {
	tests := []struct{ name, want string }{
		{"abc", ""},
		{"My.trail_1-x", ""},
		{strings.Repeat("a", 128), ""},
		{"", "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 0 characters."},
		{"ab", "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters."},
		{strings.Repeat("a", 129), "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters."},
		{"-abc", "Trail name must starts with a letter or number."},
		{"abc.", "Trail name must ends with a letter or number."},
		{"my trail", "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_)."},
		{"trail-é", "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_)."},
		{"my-_x", "Trail name must not contain adjacent periods (.), hyphens (-), or underscores (_)."},
		{"192.168.5.4", "Trail name must not be an IP address."},
	}
	for _, tt := range tests {
		err := CheckName(tt.name)
		var e *awserr.Error
		if tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &e) || e.Code != "InvalidTrailNameException" || e.Message != tt.want) {
			t.Errorf("CheckName(%.20q) = %v", tt.name, err)
		}
	}
}

func TestParseRef(t *testing.T) {
	tests := []struct {
		text string
		want Ref
		code string
	}{
		{"audit", Ref{"1", "r", "audit", false}, ""},
		{"arn:aws:cloudtrail:eu-west-1:2:trail/audit", Ref{"2", "eu-west-1", "audit", true}, ""},
		{"no", Ref{}, "InvalidTrailNameException"},
		{"arn:aws:cloudtrail:eu-west-1:2:trail/no", Ref{}, "InvalidTrailNameException"},
		{"arn:aws:cloudtrail:eu-west-1:2:audit", Ref{}, "CloudTrailARNInvalidException"},
		{"arn:aws:s3:eu-west-1:2:trail/audit", Ref{}, "CloudTrailARNInvalidException"},
		{"arn:aws:cloudtrail::2:trail/audit", Ref{}, "CloudTrailARNInvalidException"},
		{"arn:x", Ref{}, "CloudTrailARNInvalidException"},
	}
	for _, tt := range tests {
		got, err := ParseRef(tt.text, "1", "r")
		if tt.code == "" && (err != nil || got != tt.want) || tt.code != "" && !awserr.Is(err, tt.code) {
			t.Errorf("ParseRef(%q) = %+v, %v", tt.text, got, err)
		}
	}
}

// FuzzParseRef checks that every accepted ARN is spelled back as it was, and
// that an accepted name makes an ARN that is accepted.
func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"audit", "a.b-c", "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit", "arn:aws:cloudtrail:::trail/", "1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRef(s, "111122223333", "us-east-1")
		if err != nil {
			return
		}
		if r.ByARN && r.ARN() != s {
			t.Errorf("%q became %q", s, r.ARN())
		}
		again, err := ParseRef(r.ARN(), "1", "r")
		if err != nil || again.Name != r.Name || again.Region != r.Region || again.Account != r.Account {
			t.Errorf("%q became %+v, %v", r.ARN(), again, err)
		}
	})
}

func TestCheckPrefix(t *testing.T) {
	for prefix, ok := range map[string]bool{
		"": true, "111122223333": true, "a/b": true, strings.Repeat("é", 200): true,
		strings.Repeat("a", 201): false, "a/": false, "/a": false, "a/AWSLogs/b": false, "AWSLogs": false, "a\nb": false, "\xff": false,
		"a//b": false, ".": false, "..": false, "a/./b": false, "a/../b": false, "../a": false, "a/..": false, "a..b/.c": true,
	} {
		err := CheckPrefix(prefix)
		if ok != (err == nil) || err != nil && !awserr.Is(err, "InvalidS3PrefixException") {
			t.Errorf("CheckPrefix(%.20q) = %v", prefix, err)
		}
	}
}

func TestCheckBucket(t *testing.T) {
	for name, ok := range map[string]bool{
		"gds-audit-cloudtrails": true, "a.b": true, "ab": false, "Bucket": false, "a..b": false, "-ab": false, "a/b": false,
		strings.Repeat("a", 64): false,
	} {
		if err := CheckBucket(name); ok != (err == nil) || err != nil && !awserr.Is(err, "InvalidS3BucketNameException") {
			t.Errorf("CheckBucket(%.20q) = %v", name, err)
		}
	}
}

func TestLogFileKey(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) // still February in UTC
	const name = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/28/111122223333_CloudTrail_eu-west-1_20260228T2330Z_abcdefghijklmnop.json.gz"
	for prefix, want := range map[string]string{"": name, "team/a": "team/a/" + name} {
		if got := (File{Prefix: prefix, Account: "111122223333", Region: "eu-west-1", Time: at, Unique: "abcdefghijklmnop"}).Key(); got != want {
			t.Errorf("got %s", got)
		}
	}
}

func TestNameTime(t *testing.T) {
	at := func(hour, minute, second int) time.Time {
		return time.Date(2026, 3, 1, hour, minute, second, 0, time.UTC)
	}
	tests := []struct {
		at       time.Time
		interval time.Duration
		want     time.Time
	}{
		{at(12, 1, 1), 5 * time.Minute, at(12, 5, 0)},
		{at(12, 5, 0), 5 * time.Minute, at(12, 5, 0)},
		{at(23, 57, 0), 5 * time.Minute, at(24, 0, 0)},
		{at(12, 1, 1), 5 * time.Second, at(12, 2, 0)},
		{at(12, 1, 1), 90 * time.Second, at(12, 2, 0)},
	}
	for _, tt := range tests {
		if got := NameTime(tt.at, tt.interval); !got.Equal(tt.want) {
			t.Errorf("NameTime(%v, %v) = %v", tt.at, tt.interval, got)
		}
	}
}

func TestUnique(t *testing.T) {
	seen := map[string]bool{}
	add := func(s string) {
		if len(s) != 16 || strings.Trim(s, alphabet) != "" || seen[s] {
			t.Errorf("bad or repeated: %q", s)
		}
		seen[s] = true
	}
	from, to, at := Mark{1, 2}, Mark{3, 4}, time.Unix(1, 2)
	add(Unique("arn", "id", "1", "r", from, to, at))
	add(Unique("arni", "d", "1", "r", from, to, at))
	add(Unique("arn", "id2", "1", "r", from, to, at))
	add(Unique("arn", "id", "2", "r", from, to, at))
	add(Unique("arn", "id", "1", "r2", from, to, at))
	add(Unique("arn", "id", "1", "r", to, to, at))
	add(Unique("arn", "id", "1", "r", from, from, at))
	add(Unique("arn", "id", "1", "r", from, to, at.Add(1)))
	if !seen[Unique("arn", "id", "1", "r", from, to, at)] {
		t.Error("differs when repeated")
	}
}
