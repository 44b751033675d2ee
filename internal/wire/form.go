package wire

import (
	"cmp"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parameter is one name=value of a form.
type parameter struct{ name, value string }

// decodeForm reads a form, or the raw query of a GET, into a struct.
//
// Source: "AWS Query protocol" and "AWS EC2 query protocol" in the Smithy
// specification.
func (c *Codec) decodeForm(body string, l *layout, v reflect.Value) error {
	params, err := parseForm(body)
	if err != nil {
		return err
	}
	f := &formDecoder{ec2: c.Protocol == EC2}
	return f.structure(params, 0, l, v, 0)
}

// parseForm splits a form into its parameters and sorts them so that those of
// one member stand together and indexes count up. Which operation is called
// (Action, Version) and the signature of a presigned request are not part of
// the input.
func parseForm(body string) ([]parameter, error) {
	var params []parameter
	for part := range strings.SplitSeq(body, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, malformedf("the form has a broken escape in a parameter's name")
		}
		if name == "Action" || name == "Version" || strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, within(malformedf("the form has a broken escape in it"), clip(name))
		}
		if len(params) == maxElements {
			return nil, malformedf("the form has more than %d parameters", maxElements)
		}
		params = append(params, parameter{name, strings.ToValidUTF8(value, "\ufffd")})
	}
	slices.SortFunc(params, func(a, b parameter) int { return compareNames(a.name, b.name) })
	for i := 1; i < len(params); i++ {
		if params[i].name == params[i-1].name {
			return nil, within(malformedf("the parameter is there twice"), clip(params[i].name))
		}
	}
	return params, nil
}

// compareNames orders parameter names segment by segment, indexes by number.
func compareNames(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if x == y {
			continue
		}
		if i, ok := index(x); ok {
			if j, ok := index(y); ok && i != j {
				return cmp.Compare(i, j)
			}
		}
		return cmp.Compare(x, y)
	}
	return 0
}

// index returns the number a segment stands for: 1 and up, without leading zeros.
func index(s string) (int, bool) {
	if s == "" || len(s) > 9 || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// formDecoder spreads sorted parameters over a struct. Every method gets the
// parameters below one member, and how much of their names is done with.
type formDecoder struct{ ec2 bool }

// segment returns the segment of a name that starts at off.
func segment(name string, off int) string {
	if off > len(name) {
		return ""
	}
	s, _, _ := strings.Cut(name[off:], ".")
	return s
}

// group returns how many of the parameters share the first one's segment at off.
func group(params []parameter, off int) (seg string, n int) {
	seg = segment(params[0].name, off)
	n = 1
	for n < len(params) && segment(params[n].name, off) == seg {
		n++
	}
	return seg, n
}

func (f *formDecoder) structure(params []parameter, off int, l *layout, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return malformedf("the parameters are nested deeper than %d levels", maxDepth)
	}
	for len(params) > 0 {
		seg, n := group(params, off)
		i, ok := l.byName[seg]
		if !ok {
			return unknownMember(l, params[0].name)
		}
		m := &l.members[i]
		if err := f.value(params[:n], off+len(seg)+1, m.lay, v.Field(m.index), depth); err != nil {
			return within(err, seg)
		}
		params = params[n:]
	}
	return nil
}

// value reads the parameters below one member into v, making what a pointer
// points to.
func (f *formDecoder) value(params []parameter, off int, l *layout, v reflect.Value, depth int) error {
	if l.ptr {
		p := reflect.New(l.typ)
		v.Set(p)
		v = p.Elem()
	}
	switch l.kind {
	case structure:
		// A lone empty value stands for a structure without members.
		if leaf(params, off) && params[0].value == "" {
			return nil
		}
		return f.structure(params, off, l.body(), v, depth+1)
	case list:
		return f.list(params, off, l, v, depth+1)
	case dict:
		return f.dict(params, off, l, v, depth+1)
	case foreign:
		return malformedf("this engine does not support members of this kind")
	case text, enum, boolean, integer, float, instant, blob:
	}
	if !leaf(params, off) {
		return &inputError{why: unknown, text: "The parameter " + clip(params[len(params)-1].name) + " is not recognized: its value has no members"}
	}
	return setScalar(l, v, params[0].value)
}

// leaf is true if there is one parameter and its name ends where off says.
func leaf(params []parameter, off int) bool {
	return len(params) == 1 && off == len(params[0].name)+1
}

// elements calls each for every index of a list or map in order, which must be
// 1, 2, 3 without a gap.
func (f *formDecoder) elements(params []parameter, off int, each func(params []parameter, off, i int) error) error {
	for i := 1; len(params) > 0; i++ {
		seg, n := group(params, off)
		at, ok := index(seg)
		if !ok || at > maxList {
			return malformedf("%q is not an index from 1 to %d", clip(seg), maxList)
		}
		if at != i {
			return malformedf("index %d is there without index %d", at, i)
		}
		if err := each(params[:n], off+len(seg)+1, i); err != nil {
			return within(err, seg)
		}
		params = params[n:]
	}
	return nil
}

func (f *formDecoder) list(params []parameter, off int, l *layout, v reflect.Value, depth int) error {
	v.Set(reflect.MakeSlice(l.typ, 0, 0))
	// "Tags=" is how clients send an empty list.
	if leaf(params, off) && params[0].value == "" {
		return nil
	}
	if !f.ec2 {
		var err error
		if off, err = skip(params, off, "member"); err != nil {
			return err
		}
	}
	return f.elements(params, off, func(params []parameter, off, i int) error {
		v.Grow(1)
		v.SetLen(i)
		return f.value(params, off, l.elem, v.Index(i-1), depth)
	})
}

// skip steps over a segment that all the names must have at off.
func skip(params []parameter, off int, word string) (int, error) {
	for _, p := range params {
		if segment(p.name, off) != word {
			return 0, malformedf("%s should go on with .%s.1", clip(p.name), word)
		}
	}
	return off + len(word) + 1, nil
}

func (f *formDecoder) dict(params []parameter, off int, l *layout, v reflect.Value, depth int) error {
	v.Set(reflect.MakeMap(l.typ))
	off, err := skip(params, off, "entry")
	if err != nil {
		return err
	}
	return f.elements(params, off, func(params []parameter, off, _ int) error {
		if len(params) == 1 || !leaf(params[:1], off+len("key")+1) || segment(params[0].name, off) != "key" {
			return malformedf("an entry of a map has one key and one value")
		}
		key := reflect.New(l.typ.Key()).Elem()
		key.SetString(params[0].value)
		if v.MapIndex(key).IsValid() {
			return malformedf("the key is there twice")
		}
		off, err := skip(params[1:], off, "value")
		if err != nil {
			return err
		}
		value := reflect.New(l.typ.Elem()).Elem()
		if err := f.value(params[1:], off, l.elem, value, depth); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
		return nil
	})
}

// setScalar reads the text form of a value that is no list, map or structure.
func setScalar(l *layout, v reflect.Value, t string) error {
	switch l.kind {
	case boolean:
		if t != "true" && t != "false" {
			return malformedf("%q is neither true nor false", clip(t))
		}
		v.SetBool(t == "true")
		return nil
	case integer, float:
		return setNumber(l, v, t)
	case instant:
		at, err := time.Parse(time.RFC3339Nano, t)
		if err != nil {
			return malformedf("%q is not a time such as 2006-01-02T15:04:05Z", clip(t))
		}
		v.Set(reflect.ValueOf(at.UTC()))
		return nil
	case text, enum, blob, list, dict, structure, foreign:
	}
	return setText(l, v, t)
}
