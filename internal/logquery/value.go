package logquery

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// kind is what sort of value a message holds in a field.
type kind uint8

const (
	plainText  kind = iota // a field of a space-delimited message
	jsonString             // raw includes the quotes
	jsonNumber
	jsonTrue
	jsonFalse
	jsonNull
	jsonContainer // an object or an array
)

// value is a field's value, as bytes of the message.
type value struct {
	field int // index of the selector or slot
	kind  kind
	raw   []byte
}

// fields are the values a message has in the fields a pattern names.
type fields []value

// text returns the value as text: a string decoded, a number as written, true
// or false. ok is false for null, objects and arrays: AWS documents that a
// selector which points at an object or array does not match; that null does
// not compare with anything either is our choice.
func (v *value) text() (b []byte, ok bool) {
	switch v.kind {
	case plainText, jsonNumber, jsonTrue, jsonFalse:
		return v.raw, true
	case jsonString:
		return unquote(v.raw), true
	case jsonNull, jsonContainer:
	}
	return nil, false
}

// number returns the value as a number. A JSON string never is one, even if it
// holds digits; a field of a space-delimited message is one if it looks so.
func (v *value) number() (float64, bool) {
	if v.kind != jsonNumber && v.kind != plainText {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v.raw), 64)
	return f, err == nil
}

// unquote decodes a JSON string that the scanner has checked.
func unquote(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= utf8.RuneSelf {
			var s string
			if json.Unmarshal(raw, &s) == nil {
				return []byte(s)
			}
			return inner
		}
	}
	return inner
}
