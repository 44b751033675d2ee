package wire_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cairn/internal/wire"
)

// genuine is what this test reads of a real CloudTrail record.
type genuine struct {
	EventSource, EventName, ErrorCode   string
	RequestParameters, ResponseElements json.RawMessage
}

// beyond are members of genuine records that the SDK's types do not have, so
// that no record of ours can.
var beyond = []string{
	"requestId", "_return", // added by the recorder; EC2's answer without members
	"instancesSet.items.networkInterfaceSet.items.tagSet",
	"instancesSet.items.metadataOptions.httpProtocolIpv4",
}

// TestGenuineRecords compares our spelling with real records, where there are
// any at hand: every member they have we have, under the same name, and those
// that were not sorted by whoever published them stand in the same order.
func TestGenuineRecords(t *testing.T) {
	files, err := filepath.Glob("../../../shared/data/*.ndjson.gz")
	if err != nil || len(files) == 0 {
		t.Skip("no genuine records in ../../../shared/data")
	}
	byName := map[string]*service{}
	for _, s := range services() {
		byName[s.name+".amazonaws.com"] = s
	}
	compared := 0
	for _, file := range files {
		for _, g := range readGenuine(t, file) {
			s := byName[g.EventSource]
			if s == nil || s.only != nil && !slices.Contains(s.only, g.EventName) {
				continue
			}
			op, ok := s.client.Type().MethodByName(g.EventName)
			if !ok || s.without[g.EventName] != "" {
				continue
			}
			// One of the files was sorted by its publisher, and IAM's records
			// differ in order among themselves: those say nothing about order.
			ordered := strings.Contains(file, "invictus") && s.name != "iam"
			compared++
			compareGenuine(t, s.codec, op.Name+"Input", op.Type.In(2).Elem(), g.RequestParameters, ordered)
			compareGenuine(t, s.codec, op.Name+"Output", op.Type.Out(0).Elem(), g.ResponseElements, ordered)
		}
	}
	if compared < 100 {
		t.Errorf("compared only %d records", compared)
	}
}

func readGenuine(t *testing.T, file string) []genuine {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []genuine
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var g genuine
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, g)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// compareGenuine checks the members of a genuine object against those of a
// record of the type with everything set.
func compareGenuine(t *testing.T, c *wire.Codec, name string, typ reflect.Type, want json.RawMessage, ordered bool) {
	t.Helper()
	if len(want) == 0 || string(want) == "null" {
		return
	}
	full := reflect.New(typ)
	(&filler{r: rand.New(rand.NewPCG(7, 7)), ec2: true}).fill(full.Elem(), 0)
	rec, err := c.Record(full.Interface())
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := members(t, rec), members(t, want)
	at := map[string]int{}
	for i, m := range ours {
		if _, ok := at[m]; !ok {
			at[m] = i
		}
	}
	last := map[string]int{} // by parent, the place of the member before
	for _, m := range theirs {
		i, ok := at[m]
		if !ok {
			if !slices.Contains(beyond, m) && !strings.Contains(m, "tags.") {
				t.Errorf("%s: genuine records have %s, ours have not", name, m)
			}
			continue
		}
		parent := m[:strings.LastIndexByte("."+m, '.')]
		if ordered && i < last[parent] {
			t.Errorf("%s: %s stands later in genuine records", name, m)
		}
		last[parent] = i
	}
}

// members returns the paths of all members of a JSON object in order; list
// elements share the path of their list, and count only once.
func members(t *testing.T, b []byte) []string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	var paths []string
	var value func(path string, note bool)
	value = func(path string, note bool) {
		tok, err := d.Token()
		if err != nil {
			if err != io.EOF {
				t.Fatal(err)
			}
			return
		}
		switch tok {
		case json.Delim('{'):
			for d.More() {
				key, _ := d.Token()
				p := strings.TrimPrefix(path+"."+key.(string), ".")
				if note {
					paths = append(paths, p)
				}
				value(p, note)
			}
			_, _ = d.Token()
		case json.Delim('['):
			for i := 0; d.More(); i++ {
				value(path, note && i == 0)
			}
			_, _ = d.Token()
		}
	}
	value("", true)
	return paths
}
