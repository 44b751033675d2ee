package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"cairn/event"
)

// appendJSON writes a structure as awsJson: absent members left out, empty
// lists and maps kept.
func appendJSON(dst []byte, l *layout, v reflect.Value) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for i := range l.members {
		m := &l.members[i]
		f, ok := present(m.lay, v.Field(m.index))
		if !ok {
			continue
		}
		dst = appendKey(dst, m.out)
		if dst, err = appendJSONValue(dst, m.lay, f); err != nil {
			return nil, within(err, m.out)
		}
	}
	return append(dst, '}'), nil
}

// present returns the value behind a pointer, and whether there is one: nil
// pointers, lists and maps and empty enum values are absent.
func present(l *layout, v reflect.Value) (reflect.Value, bool) {
	if l.ptr {
		if v.IsNil() {
			return v, false
		}
		return v.Elem(), true
	}
	switch l.kind {
	case list, dict, blob:
		return v, !v.IsNil()
	case foreign:
		return v, !v.IsZero()
	case enum, text:
		return v, v.Len() > 0
	case instant:
		return v, !v.IsZero()
	case boolean, integer, float, structure:
	}
	return v, true
}

// appendKey begins a member of an object; a key is plain ASCII.
func appendKey(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, '"')
	dst = append(dst, name...)
	return append(dst, '"', ':')
}

// appendJSONValue writes a value that is present, behind any pointer.
func appendJSONValue(dst []byte, l *layout, v reflect.Value) ([]byte, error) {
	switch l.kind {
	case text, enum:
		return event.AppendString(dst, v.String()), nil
	case boolean:
		return strconv.AppendBool(dst, v.Bool()), nil
	case integer:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case float:
		return appendFloat(dst, v.Float(), l.typ.Bits()), nil
	case instant:
		ms := timeOf(v).UnixMilli()
		return strconv.AppendFloat(dst, float64(ms)/1000, 'f', -1, 64), nil
	case blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"'), nil
	case list:
		return appendElements(dst, l, v, appendJSONValue)
	case dict:
		return appendDict(dst, l, v, appendJSONValue)
	case structure:
		return appendJSON(dst, l.body(), v)
	case foreign:
	}
	return nil, errForeign(l)
}

// appendFloat writes a number; what JSON has no number for is a string, as in
// AWS's protocols.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

// appendElements writes a list as an array, each element with value.
func appendElements(dst []byte, l *layout, v reflect.Value,
	value func([]byte, *layout, reflect.Value) ([]byte, error),
) ([]byte, error) {
	dst = append(dst, '[')
	var err error
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		e := v.Index(i)
		if l.elem.ptr {
			e = e.Elem()
		}
		if dst, err = value(dst, l.elem, e); err != nil {
			return nil, within(err, strconv.Itoa(i+1))
		}
	}
	return append(dst, ']'), nil
}

// appendDict writes a map as an object with sorted keys, each value with value.
func appendDict(dst []byte, l *layout, v reflect.Value,
	value func([]byte, *layout, reflect.Value) ([]byte, error),
) ([]byte, error) {
	dst = append(dst, '{')
	var err error
	for _, k := range sortedKeys(v) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = event.AppendString(dst, k.String())
		dst = append(dst, ':')
		e := v.MapIndex(k)
		if l.elem.ptr {
			e = e.Elem()
		}
		if dst, err = value(dst, l.elem, e); err != nil {
			return nil, within(err, k.String())
		}
	}
	return append(dst, '}'), nil
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	return keys
}

// timeOf returns the time in v without copying it to the heap where it can.
func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}
