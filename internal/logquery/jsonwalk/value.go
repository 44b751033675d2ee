package jsonwalk

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// Kind is what sort of value a message holds at a path.
type Kind uint8

// The kinds of value. The zero Kind is that of a value that is not there.
const (
	Absent Kind = iota
	Plain       // text that stands outside JSON: a field of a space-delimited message
	String      // Raw includes the quotes
	Number
	True
	False
	Null
	Object
	Array
)

// Value is a value as bytes of the message it was found in; it is valid as long
// as these are.
type Value struct {
	Kind Kind
	Raw  []byte
}

// Exists reports whether the message has the value; null is one.
func (v *Value) Exists() bool { return v.Kind != Absent }

// Text returns the value as text: a string decoded, a number as written, true
// or false. ok is false for absent values, null, objects and arrays: AWS
// documents that a selector which points at an object or array does not match;
// that null does not compare with anything either is our choice.
//
// The text is valid UTF-8: like encoding/json, it has U+FFFD in place of each
// byte that is not, and of each half of a surrogate pair.
func (v *Value) Text() (b []byte, ok bool) {
	switch v.Kind {
	case Number, True, False:
		return v.Raw, true
	case Plain:
		if utf8.Valid(v.Raw) {
			return v.Raw, true
		}
		return []byte(string([]rune(string(v.Raw)))), true // ToValidUTF8 would join them
	case String:
		return Unquote(v.Raw), true
	case Absent, Null, Object, Array:
	}
	return nil, false
}

// Number returns the value as a number. A JSON string never is one, even if it
// holds digits; a field of a space-delimited message is one if it looks so.
func (v *Value) Number() (float64, bool) {
	if v.Kind != Number && v.Kind != Plain {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.Raw), 64)
	return f, err == nil
}

// Unquote decodes a JSON string, quotes included, that a walk has found.
func Unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return inner
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	return inner
}

// String returns the kind's name.
func (k Kind) String() string {
	return [...]string{"absent", "plain", "string", "number", "true", "false", "null", "object", "array"}[k]
}
