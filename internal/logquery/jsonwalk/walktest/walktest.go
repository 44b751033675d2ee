// Package walktest reads JSON the slow and obvious way, by encoding/json, to
// compare walks with.
package walktest

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"

	"cairn/internal/logquery/jsonwalk"
)

// Object is a decoded JSON object with its members in order, repeated ones too.
type Object []Member

// Member is a member of an object. Its value is an Object, []any, string,
// json.Number, bool or nil.
type Member struct {
	Name  string
	Value any
}

// Decode reads a message that is one JSON object. ok is false of any other, and
// of one that nests deeper than jsonwalk.MaxDepth.
func Decode(message []byte) (o Object, ok bool) {
	if !json.Valid(message) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(message))
	d.UseNumber()
	v, err := decode(d, 0)
	if err != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	o, ok = v.(Object)
	return o, ok
}

func decode(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	delim, nested := t.(json.Delim)
	if err != nil || !nested {
		return t, err
	}
	if depth == jsonwalk.MaxDepth {
		return nil, strconv.ErrRange
	}
	o, list := Object{}, []any{}
	for d.More() {
		var name string
		if delim == '{' {
			t, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ = t.(string)
		}
		v, err := decode(d, depth+1)
		if err != nil {
			return nil, err
		}
		o, list = append(o, Member{name, v}), append(list, v)
	}
	if _, err = d.Token(); err != nil { // the closing delimiter
		return nil, err
	}
	if delim == '{' {
		return o, nil
	}
	return list, nil
}

// Find returns the values at a path.
func Find(v any, path jsonwalk.Path) (out []any) {
	if len(path) == 0 {
		return []any{v}
	}
	step := path[0]
	switch v := v.(type) {
	case Object:
		for _, m := range v {
			if step.Array || !step.Wildcard && m.Name != step.Key {
				continue
			}
			out = append(out, Find(m.Value, path[1:])...)
			if !step.Wildcard {
				break // the first counts
			}
		}
	case []any:
		for i, x := range v {
			if step.Array && (step.Wildcard || step.Index == i) {
				out = append(out, Find(x, path[1:])...)
			}
		}
	}
	return out
}

// Text returns a value as text, as jsonwalk.Value.Text does.
func Text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}
