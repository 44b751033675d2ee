package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// decodeJSON reads an awsJson body into a struct. An empty body is an input
// without members.
func decodeJSON(body []byte, l *layout, v reflect.Value) error {
	s := &scanner{b: body}
	if s.peek() == 0 && s.i >= len(body) {
		return nil
	}
	if err := jsonStruct(s, l, v, 0); err != nil {
		return err
	}
	if s.peek(); s.i < len(s.b) {
		return s.unexpected("the end")
	}
	return nil
}

// jsonValue reads one value. v is settable; null leaves it as it is.
func jsonValue(s *scanner, l *layout, v reflect.Value, depth int) error {
	if s.peek() == 'n' && s.word("null") {
		return nil
	}
	if l.ptr {
		p := reflect.New(l.typ)
		if err := jsonInto(s, l, p.Elem(), depth); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
	return jsonInto(s, l, v, depth)
}

// jsonInto reads a value that is not null into v, behind any pointer.
func jsonInto(s *scanner, l *layout, v reflect.Value, depth int) error {
	switch l.kind {
	case text, enum, blob:
		return jsonText(s, l, v)
	case boolean:
		switch {
		case s.word("true"):
			v.SetBool(true)
		case s.word("false"):
			v.SetBool(false)
		default:
			return jsonType(s, "a boolean")
		}
		return nil
	case integer, float, instant:
		return jsonNumber(s, l, v)
	case list:
		return jsonList(s, l, v, depth+1)
	case dict:
		return jsonDict(s, l, v, depth+1)
	case structure:
		return jsonStruct(s, l.body(), v, depth+1)
	case foreign:
	}
	return malformedf("this engine does not support members of this kind")
}

// jsonType refuses a value of the wrong type. The value itself is not
// repeated: it may be a secret.
func jsonType(s *scanner, wanted string) error {
	return malformedf("%s can not be converted to %s", s.found(), wanted)
}

func jsonText(s *scanner, l *layout, v reflect.Value) error {
	if s.peek() != '"' {
		return jsonType(s, "a string")
	}
	t, err := s.str()
	if err != nil {
		return err
	}
	return setText(l, v, t)
}

// setText stores a string, an enum value or a base64 blob.
func setText(l *layout, v reflect.Value, t string) error {
	switch l.kind {
	case blob:
		b, err := base64.StdEncoding.DecodeString(t)
		if err != nil {
			return malformedf("it is not base64")
		}
		v.SetBytes(b)
	case enum:
		if !slices.Contains(l.values, t) {
			return &inputError{why: badEnum, text: clip(t), values: l.values}
		}
		v.SetString(t)
	default:
		v.SetString(t)
	}
	return nil
}

func jsonNumber(s *scanner, l *layout, v reflect.Value) error {
	if c := s.peek(); c != '-' && (c < '0' || c > '9') {
		return jsonType(s, "a number")
	}
	token, whole, err := s.number()
	if err != nil {
		return err
	}
	if l.kind == integer && !whole {
		return malformedf("%s is not a whole number", clip(token))
	}
	if l.kind == instant {
		f, err := strconv.ParseFloat(token, 64)
		// The years 1 to 9999, which every text form of a time can hold.
		if err != nil || f < -62135596800 || f >= 253402300800 {
			return malformedf("%s is not a time in seconds since 1970", clip(token))
		}
		// Milliseconds are what AWS's own clients send and keep.
		v.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(f * 1000))).UTC()))
		return nil
	}
	return setNumber(l, v, token)
}

// setNumber stores an integer or a float, refusing what does not fit.
func setNumber(l *layout, v reflect.Value, token string) error {
	if l.kind == integer {
		n, err := strconv.ParseInt(token, 10, l.typ.Bits())
		if err != nil {
			return malformedf("%s is not a whole number of %d bits", clip(token), l.typ.Bits())
		}
		v.SetInt(n)
		return nil
	}
	f, err := strconv.ParseFloat(token, l.typ.Bits())
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return malformedf("%s is not a number of %d bits", clip(token), l.typ.Bits())
	}
	v.SetFloat(f)
	return nil
}

func jsonList(s *scanner, l *layout, v reflect.Value, depth int) error {
	if s.peek() != '[' {
		return jsonType(s, "a list")
	}
	if depth > maxDepth {
		return malformedf("the JSON is nested deeper than %d levels", maxDepth)
	}
	s.i++
	v.Set(reflect.MakeSlice(l.typ, 0, 0))
	if s.take(']') {
		return nil
	}
	for {
		n := v.Len()
		if s.peek() == 'n' {
			return within(malformedf("null can not be an element of a list"), strconv.Itoa(n+1))
		}
		if err := s.count(); err != nil {
			return err
		}
		v.Grow(1)
		v.SetLen(n + 1)
		if err := jsonValue(s, l.elem, v.Index(n), depth); err != nil {
			return within(err, strconv.Itoa(n+1))
		}
		if s.take(']') {
			return nil
		}
		if err := s.want(','); err != nil {
			return err
		}
	}
}

// count bounds the elements of one body: a few bytes each to send, but as much
// memory as the element's type takes.
func (s *scanner) count() error {
	if s.elements++; s.elements > maxElements {
		return malformedf("there are more than %d elements in lists and maps", maxElements)
	}
	return nil
}

func jsonDict(s *scanner, l *layout, v reflect.Value, depth int) error {
	if s.peek() != '{' {
		return jsonType(s, "an object")
	}
	v.Set(reflect.MakeMap(l.typ))
	return jsonObject(s, depth, func(name string) error {
		key := reflect.New(l.typ.Key()).Elem()
		key.SetString(name)
		if v.MapIndex(key).IsValid() {
			return malformedf("the key is there twice")
		}
		if s.peek() == 'n' {
			return malformedf("null can not be a value of a map")
		}
		if err := s.count(); err != nil {
			return err
		}
		value := reflect.New(l.typ.Elem()).Elem()
		if err := jsonValue(s, l.elem, value, depth); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
		return nil
	})
}

func jsonStruct(s *scanner, l *layout, v reflect.Value, depth int) error {
	if s.peek() != '{' {
		return jsonType(s, "an object")
	}
	return jsonObject(s, depth, func(name string) error {
		i, ok := l.byName[name]
		if !ok {
			return unknownMember(l, name)
		}
		m := &l.members[i]
		f := v.Field(m.index)
		if !f.IsZero() {
			// Which of the two counts is nothing to guess about.
			return malformedf("the member is there twice")
		}
		return jsonValue(s, m.lay, f, depth)
	})
}

// jsonObject reads an object; value reads the value of each member. Flaws in a
// value get the member's name in their path.
func jsonObject(s *scanner, depth int, value func(name string) error) error {
	if depth > maxDepth {
		return malformedf("the JSON is nested deeper than %d levels", maxDepth)
	}
	s.i++
	if s.take('}') {
		return nil
	}
	for {
		name, err := s.str()
		if err != nil {
			return err
		}
		if err := s.want(':'); err != nil {
			return err
		}
		if err := value(name); err != nil {
			return within(err, name)
		}
		if s.take('}') {
			return nil
		}
		if err := s.want(','); err != nil {
			return err
		}
	}
}
