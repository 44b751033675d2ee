package kit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// JSON is a JSON value that remembers the order of its members.
type JSON struct {
	// Kind is object, array, string, number, boolean or null.
	Kind string
	// Names are an object's members in order; Kids their values, or an array's
	// elements.
	Names []string
	Kids  []JSON
	// Text is the value of a string, number or boolean.
	Text string
}

// ParseJSON reads one JSON value.
func ParseJSON(t testing.TB, text []byte) JSON {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := parseJSON(d)
	if err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	return v
}

func parseJSON(d *json.Decoder) (JSON, error) {
	token, err := d.Token()
	if err != nil {
		return JSON{}, err
	}
	switch token := token.(type) {
	case json.Delim:
		v := JSON{Kind: "object"}
		if token == '[' {
			v.Kind = "array"
		}
		for d.More() {
			if v.Kind == "object" {
				name, err := d.Token()
				if err != nil {
					return v, err
				}
				v.Names = append(v.Names, name.(string))
			}
			kid, err := parseJSON(d)
			if err != nil {
				return v, err
			}
			v.Kids = append(v.Kids, kid)
		}
		_, err = d.Token() // the closing delimiter
		return v, err
	case string:
		return JSON{Kind: "string", Text: token}, nil
	case json.Number:
		return JSON{Kind: "number", Text: token.String()}, nil
	case bool:
		return JSON{Kind: "boolean", Text: fmt.Sprint(token)}, nil
	}
	return JSON{Kind: "null"}, nil
}

// Get follows member names down; ok is false if one is missing.
func (v JSON) Get(names ...string) (found JSON, ok bool) {
	for _, name := range names {
		if v, ok = v.member(name); !ok {
			return v, false
		}
	}
	return v, true
}

func (v JSON) member(name string) (JSON, bool) {
	for i, n := range v.Names {
		if n == name {
			return v.Kids[i], true
		}
	}
	return JSON{}, false
}

// At returns the text of the member the names lead to, or "".
func (v JSON) At(names ...string) string {
	found, _ := v.Get(names...)
	return found.Text
}

// Walk calls visit for the value and everything in it. Array elements share
// the path of their array and "[]".
func (v JSON) Walk(path string, visit func(path string, v JSON)) {
	visit(path, v)
	for i, kid := range v.Kids {
		switch {
		case v.Kind == "array":
			kid.Walk(path+"[]", visit)
		case path == "":
			kid.Walk(v.Names[i], visit)
		default:
			kid.Walk(path+"."+v.Names[i], visit)
		}
	}
}
