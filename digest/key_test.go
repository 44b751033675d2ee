package digest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	end   = time.Date(2025, 3, 1, 11, 4, 4, 0, time.UTC)
	place = Place{Account: "111122223333", Region: "eu-west-1"}
)

func TestKey(t *testing.T) {
	deep := Place{Prefix: "a/AWSLogs/b", Organization: "o-1a2b3c4d5e", Account: "111122223333", Region: "us-gov-west-1"}
	for key, want := range map[string]Name{
		"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2025/03/01/111122223333_CloudTrail-Digest_eu-west-1_t1_us-east-1_20250301T110404Z.json.gz":                                      {Place: place, Trail: "t1", HomeRegion: "us-east-1", End: end},
		"AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2025/03/01/111122223333_CloudTrail-Digest_eu-west-1_my_trail_eu-west-1_20250301T110404Z_backfill.json.gz":                       {Place: place, Trail: "my_trail", HomeRegion: "eu-west-1", End: end, Backfill: true},
		"a/AWSLogs/b/AWSLogs/o-1a2b3c4d5e/111122223333/CloudTrail-Digest/us-gov-west-1/2025/03/01/111122223333_CloudTrail-Digest_us-gov-west-1_t1_us-gov-west-1_20250301T110404Z.json.gz": {Place: deep, Trail: "t1", HomeRegion: "us-gov-west-1", End: end},
	} {
		got, err := ParseKey(key)
		if err != nil {
			t.Error(err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", key, d)
		}
		if got.Key() != key {
			t.Errorf("written again it is %s", got.Key())
		}
	}
}

func TestKeyRefused(t *testing.T) {
	good := Name{Place: place, Trail: "t1", HomeRegion: "eu-west-1", End: end}.Key()
	for name, change := range map[string][2]string{
		"another account in the name":  {"/111122223333_", "/111122223334_"},
		"another region in the name":   {"Digest_eu-west-1", "Digest_eu-west-2"},
		"another day's folder":         {"/03/01/", "/03/02/"},
		"no AWSLogs":                   {"AWSLogs/", "Logs/"},
		"a log folder":                 {"/CloudTrail-Digest/", "/CloudTrail/"},
		"no trail":                     {"_t1_", "_"},
		"no time":                      {"20250301T110404Z", "today"},
		"a time that does not exist":   {"20250301T110404Z", "20250301T250404Z"},
		"another ending":               {".json.gz", ".json"},
		"a short account":              {"111122223333", "1111"},
		"an empty folder":              {"AWSLogs/", "/AWSLogs/"},
		"another suffix than backfill": {"Z.json", "Z_late.json"},
	} {
		key := strings.ReplaceAll(good, change[0], change[1])
		if n, err := ParseKey(key); err == nil {
			t.Errorf("%s: %s was taken for %+v", name, key, n)
		}
	}
}

func TestLogKey(t *testing.T) {
	const key = "p/AWSLogs/111122223333/CloudTrail/eu-west-1/2025/03/01/111122223333_CloudTrail_eu-west-1_20250301T1105Z_0123456789abcDEF.json.gz"
	got, err := ParseLogKey(key)
	if err != nil {
		t.Fatal(err)
	}
	want := LogName{
		Place: Place{Prefix: "p", Account: "111122223333", Region: "eu-west-1"},
		Time:  time.Date(2025, 3, 1, 11, 5, 0, 0, time.UTC), Unique: "0123456789abcDEF",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, bad := range []string{
		"", "x", strings.Replace(key, "/01/", "/02/", 1), strings.Replace(key, "_0123456789abcDEF", "", 1),
		strings.Replace(key, "/CloudTrail/", "/CloudTrail-Insight/", 1), strings.Replace(key, "T1105Z", "T110504Z", 1),
		strings.Replace(key, ".gz", ".bz2", 1), strings.Replace(key, "_CloudTrail_", "_CloudTrail-Insight_", 1),
	} {
		if n, err := ParseLogKey(bad); err == nil {
			t.Errorf("%s was taken for %+v", bad, n)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(Name{Place: place, Trail: "t_1", HomeRegion: "eu-west-1", End: end, Backfill: true}.Key())
	f.Add(LogName{Place: place, Time: end, Unique: "x"}.Key())
	f.Fuzz(func(t *testing.T, key string) {
		if n, err := ParseKey(key); err == nil && n.Key() != key {
			t.Errorf("%q is read as %+v, whose key is %q", key, n, n.Key())
		}
		if n, err := ParseLogKey(key); err == nil && n.Key() != key {
			t.Errorf("%q is read as %+v, whose key is %q", key, n, n.Key())
		}
	})
}
