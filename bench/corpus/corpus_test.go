package corpus

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// TestShape holds the generator to the distribution of genuine records (readers
// 3 and 4), with room for what it leaves out.
func TestShape(t *testing.T) {
	var sizes []int
	names := map[string]int{}
	sum, err := Each(Large(20000), func(_ string, content []byte) error {
		var file struct{ Records []json.RawMessage }
		if err := json.Unmarshal(content, &file); err != nil {
			return err
		}
		for _, raw := range file.Records {
			sizes = append(sizes, len(raw))
			var r struct{ EventName string }
			if err := json.Unmarshal(raw, &r); err != nil {
				return err
			}
			names[r.EventName]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(sizes)
	at := func(p float64) int { return sizes[int(p*float64(len(sizes)-1))] }
	mean := int(sum.Content) / sum.Records
	t.Logf("mean %d min %d p5 %d p25 %d p50 %d p75 %d p95 %d p99 %d max %d, %d names, PutObject %d", mean, at(0), at(.05), at(.25), at(.5), at(.75), at(.95), at(.99), at(1), len(names), names["PutObject"])
	for _, c := range []struct {
		name          string
		got, min, max int
	}{
		{"mean", mean, 1200, 1500},
		{"p5", at(.05), 700, 1100},
		{"p50", at(.5), 1100, 1650},
		{"p95", at(.95), 1600, 2600},
		{"names", len(names), 500, 900},
		{"records of the most frequent", slices.Max(slices.Collect(maps.Values(names))), 4000, 10000},
	} {
		if c.got < c.min || c.got > c.max {
			t.Errorf("%s is %d, not within %d to %d", c.name, c.got, c.min, c.max)
		}
	}
	if sum.RareUser == 0 || sum.RareIP == 0 || sum.Records != 20000 {
		t.Errorf("summary %+v", sum)
	}
}
