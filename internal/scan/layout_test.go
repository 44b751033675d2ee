package scan

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keys lists a source.
func keys(t *testing.T, src Source, w Window, newest bool) (keys []string) {
	t.Helper()
	if err := src.List(t.Context(), w, newest, func(f File) error {
		keys = append(keys, f.Key)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return keys
}

var dayFolder = regexp.MustCompile(`/\d{4}/\d\d/\d\d/$`)

// TestWindow lists what can hold a window's records, and looks into no folder
// that cannot.
func TestWindow(t *testing.T) {
	const a, b, org = "111122223333", "444455556666", "o-ab12/444455556666"
	files := map[string][]byte{}
	for day := 1; day <= 6; day++ {
		for _, hour := range []int{0, 12} {
			for _, account := range []string{a, b, org} {
				for _, region := range []string{"us-east-1", "eu-west-1"} {
					files[key("", account, region, date(day, hour, 5), "ABCD")] = nil
				}
			}
		}
	}
	files["AWSLogs/"+a+"/CloudTrail-Digest/us-east-1/2026/05/03/"+a+"_CloudTrail-Digest_us-east-1_t_us-east-1_20260503T000000Z.json.gz"] = nil
	files["AWSLogs/"+a+"/CloudTrail-Insight/us-east-1/2026/05/03/"+a+"_CloudTrail-Insight_us-east-1_20260503T0005Z_X.json.gz"] = nil
	files["AWSLogs/"+a+"/CloudTrail-NetworkActivity/us-east-1/2026/05/03/"+a+"_CloudTrail-NetworkActivity_us-east-1_20260503T0005Z_X.json.gz"] = nil
	files["AWSLogs/"+a+"/elasticloadbalancing/us-east-1/2026/05/03/x.json.gz"] = nil
	files["AWSLogs/"+a+"/CloudTrail/us-east-1/2026/05/03/readme.txt"] = nil

	one := Window{Accounts: []string{a}, Regions: []string{"us-east-1"}}
	day3 := one
	day3.From, day3.To = date(3, 0, 0), date(4, 0, 0)
	hour := one
	hour.From, hour.To, hour.Late = date(3, 13, 0), date(3, 14, 0), time.Hour
	insights := day3
	insights.Insights = true
	since := Window{From: date(6, 12, 30)}
	at := func(day, hour int) string { return key("", a, "us-east-1", date(day, hour, 5), "ABCD") }
	beside := func(kind string) string {
		return "AWSLogs/" + a + "/" + kind + "/us-east-1/2026/05/03/" + a + "_" + kind + "_us-east-1_20260503T0005Z_X.json.gz"
	}
	for _, c := range []struct {
		name   string
		window Window
		want   []string
		only   string // folders that may be listed below CloudTrail
	}{
		// The first file of the day after the next is named after To plus Late.
		{"a day", day3, []string{beside("CloudTrail-NetworkActivity"), at(3, 0), at(3, 12), at(4, 0), at(4, 12)}, "2026/05/02 2026/05/03 2026/05/04 2026/05/05"},
		{"an hour", hour, []string{at(3, 12)}, "2026/05/03"},
		{"with insights", insights, []string{beside("CloudTrail-Insight"), beside("CloudTrail-NetworkActivity"), at(3, 0), at(3, 12), at(4, 0), at(4, 12)}, ""},
		{"since, everywhere", since, []string{
			key("", a, "eu-west-1", date(6, 12, 5), "ABCD"), at(6, 12),
			key("", b, "eu-west-1", date(6, 12, 5), "ABCD"), key("", b, "us-east-1", date(6, 12, 5), "ABCD"),
			key("", org, "eu-west-1", date(6, 12, 5), "ABCD"), key("", org, "us-east-1", date(6, 12, 5), "ABCD"),
		}, "2026/05/06"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &memoryStore{files: files}
			got := keys(t, m.source(), c.window, false)
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("files (-want +got):\n%s", d)
			}
			for _, folder := range m.listed {
				if c.only != "" && dayFolder.MatchString(folder) && !slices.ContainsFunc(strings.Fields(c.only), func(day string) bool { return strings.Contains(folder, day) }) ||
					strings.Contains(folder, "Digest/") || strings.Contains(folder, "elastic") || strings.Contains(folder, b) && c.window.Accounts != nil {
					t.Errorf("listed %s", folder)
				}
			}
			slices.Reverse(c.want)
			if d := cmp.Diff(c.want, keys(t, (&memoryStore{files: files}).source(), c.window, true)); d != "" {
				t.Errorf("files, newest first (-want +got):\n%s", d)
			}
		})
	}
}

// TestPlaces lists the same files from wherever a user points at, and files in
// layouts nobody knows.
func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	late, early := key("", "o-ab12/111122223333", "us-east-1", date(4, 0, 5), "B"), key("", "o-ab12/111122223333", "us-east-1", date(3, 0, 5), "A")
	write := func(name string) {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, logFile(record(date(3, 0, 0), "A")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"some/prefix/" + late, "some/prefix/" + early, "flat/" + filepath.Base(late), "flat/" + filepath.Base(early), "flat/more/export.ndjson", "flat/notes.md"} {
		write(name)
	}
	w := Window{To: date(3, 0, 0)}
	for _, c := range []struct {
		at   string
		want []string // base names
	}{
		{".", []string{"export.ndjson", filepath.Base(early), filepath.Base(early)}},
		{"some", []string{filepath.Base(early)}},
		{"some/prefix/AWSLogs", []string{filepath.Base(early)}},
		{"some/prefix/AWSLogs/o-ab12/111122223333/CloudTrail", []string{filepath.Base(early)}},
		{"some/prefix/AWSLogs/o-ab12/111122223333/CloudTrail/us-east-1/2026", []string{filepath.Base(early)}},
		{"some/prefix/AWSLogs/o-ab12/111122223333/CloudTrail/us-east-1/2026/05/03", []string{filepath.Base(early)}},
		{"flat", []string{"export.ndjson", filepath.Base(early)}},
		{"flat/" + filepath.Base(late), []string{filepath.Base(late)}}, // who names a file wants it read
	} {
		src, err := Open(t.Context(), filepath.Join(dir, c.at), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range keys(t, src, w, false) {
			got = append(got, filepath.Base(k))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.at, d)
		}
		if ids, r := findIn(t, src, Query{}); len(ids) == 0 || len(r.Damaged) > 0 {
			t.Errorf("%s: %d records, damaged %v", c.at, len(ids), r.Damaged)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "nowhere"), Options{}); err == nil {
		t.Error("a folder that is not there was opened")
	}
}

// TestManyFolders lists all at once what lies below a folder with very many.
func TestManyFolders(t *testing.T) {
	m := &memoryStore{files: map[string][]byte{}}
	for i := range maxFolders + 1 {
		m.files["hash/"+time.Duration(i).String()+"/x/records.json"] = nil
	}
	if got := keys(t, m.source(), Window{}, false); len(got) != len(m.files) || len(m.listed) > 3 {
		t.Errorf("%d of %d files, by listing %d times", len(got), len(m.files), len(m.listed))
	}
}

// FuzzName reads names that others have made.
func FuzzName(f *testing.F) {
	f.Add("AWSLogs/111122223333/CloudTrail/us-east-1/2026/05/03/111122223333_CloudTrail_us-east-1_20260503T0005Z_AbCdEf0123456789.json.gz")
	f.Add("111122223333_CloudTrail-Insight_us-gov-west-1_20260230T9999Z_x")
	f.Add("_CloudTrail___")
	f.Fuzz(func(t *testing.T, name string) {
		got := named(File{Key: name})
		if got.Time.IsZero() {
			return
		}
		base := name[strings.LastIndexByte(name, '/')+1:]
		if again := got.Account + "_" + got.Kind + "_" + got.Region + "_" + got.Time.Format("20060102T1504Z"); !strings.HasPrefix(base, again) && got.Time.Day() <= 28 {
			t.Errorf("%q was read as %+v", name, got)
		}
	})
}
