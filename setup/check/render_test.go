package check

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// troubled is an account with a bit of everything.
func troubled(t *testing.T) *Report {
	s := perfect(t)
	trail, bucket := &s.Trails[0], s.Trails[0].BucketSeen
	trail.MultiRegion, trail.KMSKey, trail.Prefix = false, "", "here"
	bucket.Policy.Seen = policyOf(tlsText, without(aclText))
	bucket.Versioning.Not = &Unseen{Permission: "s3:GetBucketVersioning", Why: "AccessDenied: Access Denied"}
	trail.Group.Filters.Not = &Unseen{Permission: "logs:DescribeMetricFilters", Why: "the endpoint does not offer it", NotOffered: true}
	s.Absent = []string{"wanted"}
	s.Endpoint = "http://127.0.0.1:4566"
	return Find(s).AtLeast(Low)
}

func TestWriteText(t *testing.T) {
	for name, style := range map[string]Style{"pipe": {}, "terminal": {Color: true, Width: 120}, "narrow": {Width: 40}} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := troubled(t).WriteText(&b, style); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), b.String()); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
			if strings.Contains(b.String(), "\x1b") != style.Color {
				t.Error("colours where there should be none, or the other way round")
			}
		})
	}
}

func TestWrap(t *testing.T) {
	text := strings.Repeat("word ", 40) + strings.Repeat("x", 60)
	for line := range strings.SplitSeq(Style{Width: 80}.wrap(text, 10), "\n") {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 70 {
			t.Errorf("%d columns in %q", n, line)
		}
	}
	if got := (Style{}).wrap("s3:\x1b[2J*", 10); got != "s3:\uFFFD[2J*" {
		t.Errorf("control characters came through: %q", got)
	}
	if got := (Style{}).wrap(text, 10); got != text {
		t.Errorf("wrapped for a pipe: %q", got)
	}
}
