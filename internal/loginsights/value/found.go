package value

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"cairn/internal/logquery/jsonwalk"
)

// Finder finds the fields of JSON messages that a query names, all in one
// walk over the message. A message that is not one JSON object has none, or
// those before the fault.
type Finder struct {
	paths []jsonwalk.Path
	slots []int // by path: where the value goes
	tree  *jsonwalk.Tree

	into []Value // during a walk
}

// Add finds the field named by parts joined with dots in a slot. Arrays are
// reached by index as the service flattens them: resources.0.ARN. A name in
// backticks may hold dots of its own.
func (d *Finder) Add(name string, parts []string, slot int) {
	ways := waysTo(strings.Split(name, "."))
	if strings.Count(name, ".") >= len(parts) {
		ways = append(ways, waysTo(parts)...)
	}
	for _, p := range ways {
		d.paths = append(d.paths, p)
		d.slots = append(d.slots, slot)
	}
	d.tree = nil
}

// waysTo returns the paths a name may mean: a number is an index or, in an
// object, a key.
func waysTo(parts []string) []jsonwalk.Path {
	const most = 3 // numbers with two meanings, so that there are no more than 8 paths
	ways := []jsonwalk.Path{nil}
	numbers := 0
	for _, part := range parts {
		n := len(ways)
		index, err := strconv.ParseUint(part, 10, 31)
		if err == nil && numbers < most {
			numbers++
			for _, w := range ways[:n] {
				ways = append(ways, append(slices.Clone(w), jsonwalk.Step{Array: true, Index: int(index)}))
			}
		}
		for i := range n {
			ways[i] = append(ways[i], jsonwalk.Step{Key: part})
		}
	}
	return ways
}

// Find fills the slots from a message. The values' text is a part of the
// message's bytes: it changes with them, and Keep makes copies.
func (d *Finder) Find(message []byte, into []Value) {
	if len(d.paths) == 0 {
		return
	}
	if d.tree == nil {
		d.tree = jsonwalk.NewTree(d.paths)
	}
	d.into = into
	d.tree.Find(message, d)
	d.into = nil
}

// View returns bytes as a text without copying them. It changes with them.
func View(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // a copy of each message would cost as much as the query; what is kept is copied
}

// Value implements jsonwalk.Visitor.
func (d *Finder) Value(path int, v jsonwalk.Value) bool {
	if slot := d.slots[path]; d.into[slot].Kind == Missing {
		d.into[slot] = fromJSON(v)
	}
	return true
}

// fromJSON turns a value in a message into one of ours, without copying it if
// it can. null is no value.
func fromJSON(v jsonwalk.Value) Value {
	raw := View(v.Raw)
	switch v.Kind {
	case jsonwalk.String:
		if inner := raw[1 : len(raw)-1]; strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
			return OfText(inner)
		}
		return OfText(string(jsonwalk.Unquote(v.Raw)))
	case jsonwalk.Number:
		return Value{Kind: NumberText, Str: raw}
	case jsonwalk.True, jsonwalk.False:
		return OfBool(v.Kind == jsonwalk.True)
	case jsonwalk.Object, jsonwalk.Array:
		return Value{Kind: Structure, Str: raw}
	case jsonwalk.Absent, jsonwalk.Null, jsonwalk.Plain:
	}
	return Value{}
}

// scanValue reads a text as one JSON value.
func scanValue(s string) (v Value, ok bool) {
	if !json.Valid([]byte(s)) {
		return v, false
	}
	return Attribute(s, NewAttribute("")), true
}

// NewAttribute makes what finds an attribute of a structure by its dotted name;
// the structure itself if the name is empty.
func NewAttribute(name string) *Finder {
	d := &Finder{}
	if name != "" {
		name = "." + name
	}
	d.Add("v"+name, nil, 0)
	return d
}

// Attribute finds an attribute in JSON.
func Attribute(structure string, d *Finder) Value {
	var found [1]Value
	d.Find([]byte(`{"v":`+structure+`}`), found[:])
	return found[0]
}

// Field is a field with its name.
type Field struct {
	Name, Value string
}

// Fields returns all fields of a message as GetLogRecord shows them: a member of
// a JSON message by its dotted name, if it is neither an object nor an array.
// Nothing is returned of a message that is not a JSON object.
func Fields(message string) []Field {
	const most = 1000 // the service finds 200 (spec 6.6)
	d := json.NewDecoder(bytes.NewReader([]byte(message)))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil || d.More() {
		return nil
	}
	var list []Field
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		if len(list) == most {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(prefix+"."+k, v[k])
			}
		case []any:
			for i := range v {
				walk(prefix+"."+strconv.Itoa(i), v[i])
			}
		case string:
			list = append(list, Field{prefix[1:], v})
		case json.Number:
			list = append(list, Field{prefix[1:], v.String()})
		case bool:
			b := OfBool(v)
			list = append(list, Field{prefix[1:], b.Text()})
		}
	}
	walk("", object)
	return list
}
