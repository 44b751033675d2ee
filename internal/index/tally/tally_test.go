package tally

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/scan"
)

func TestCounts(t *testing.T) {
	c := New([]string{"name", "region"})
	for _, v := range []string{"b", "b", "", "a", "b", ""} {
		c.Add(0, []byte(v))
	}
	c.Add(1, []byte("eu-west-1"))
	path := filepath.Join(t.TempDir(), "x"+Extension)
	if err := os.WriteFile(path, c.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"name": `"":2 "a":1 "b":3 `, "region": `"eu-west-1":1 `, "another": ""} {
		got := ""
		ok, err := Read(path, name, func(value []byte, count int64) { got += fmt.Sprintf("%q:%d ", value, count) })
		if err != nil || ok != (want != "") {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestTooMany demands that a column with too many values, or too long ones, has
// no tally, rather than a wrong one.
func TestTooMany(t *testing.T) {
	c := New([]string{"many", "most", "long"})
	for i := range maxValues + 1 {
		c.Add(0, fmt.Append(nil, i))
		c.Add(1, fmt.Append(nil, i%maxValues))
	}
	for i := range 3 {
		c.Add(2, []byte(strings.Repeat(fmt.Sprint(i), maxBytes/2)))
		c.Add(2, []byte("0"))
	}
	b := c.Encode()
	for name, want := range map[string]bool{"many": false, "most": true, "long": false} {
		values := 0
		if ok, err := Decode(b, name, func([]byte, int64) { values++ }); ok != want || err != nil || ok && values != maxValues {
			t.Errorf("%s: %v, %d values, %v", name, ok, values, err)
		}
	}
}

func ignore([]byte, int64) {}

func TestDamaged(t *testing.T) {
	c := New([]string{"name"})
	c.Add(0, []byte("a"))
	whole := c.Encode()
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1
		if _, err := Decode(b, "name", ignore); err == nil {
			t.Errorf("a bit of byte %d was flipped, and nothing said", i)
		}
		if _, err := Decode(whole[:i], "name", ignore); err == nil {
			t.Errorf("cut off at byte %d, and nothing said", i)
		}
	}
}

func TestSum(t *testing.T) {
	var s Sum
	day := time.Date(2026, 5, 20, 0, 0, 0, 0, time.UTC)
	group := func(at time.Time, n int64, values ...string) scan.Group {
		return scan.Group{Time: at, Values: values, Count: n}
	}
	s.Add(group(day, 1, "a", "b"))
	s.Add(group(day, 2, "ab", ""))
	s.Add(group(day.Add(time.Hour), 4, "a", "b"))
	s.AddValue(day.Add(time.Hour), []byte("a"), 3)
	s.AddValue(day, []byte("a"), 5)
	s.Add(group(day.Add(time.Hour), 7, "a"))
	s.AddOnce(group(day, 7, "c", "d"))
	s.Add(group(day, 8, "a", "b"))
	want := &scan.Counts{Groups: []scan.Group{group(day.Add(time.Hour), 10, "a"), group(day, 9, "a", "b"), group(day, 7, "c", "d")}, Other: 11}
	if d := cmp.Diff(want, s.Counts(3)); d != "" {
		t.Error(d)
	}
}

func FuzzDecode(f *testing.F) {
	c := New([]string{"name", "other"})
	c.Add(0, []byte("a"))
	c.Add(1, nil)
	f.Add(c.Encode(), "other")
	f.Add([]byte(magic+"\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "a")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if len(b) > summed { // the checksum would hide what is behind it
			copy(b, magic)
			binary.LittleEndian.PutUint32(b[len(magic):], crc32.Checksum(b[summed:], castagnoli))
		}
		size := 0
		ok, err := Decode(b, name, func(value []byte, count int64) {
			if size += len(value) + 1; count <= 0 {
				t.Errorf("%.100q is counted %d times", value, count)
			}
		})
		if err != nil && ok || size > len(b) {
			t.Errorf("%v, %v, %d bytes of values in %d", ok, err, size, len(b))
		}
	})
}
