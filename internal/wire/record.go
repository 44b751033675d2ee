package wire

import (
	"reflect"
	"strconv"

	"cairn/event"
)

// Record returns an SDK input or output as records spell it, a JSON object, or
// nil if no member is set (records then say null). It writes no secret that
// Records.Omit and Records.Hide name.
func (c *Codec) Record(v any) ([]byte, error) {
	l, value, err := c.root(v)
	if err != nil {
		return nil, err
	}
	r := &recordWriter{times: c.Records.Times}
	b, err := r.structure(make([]byte, 0, 256), l, value)
	if err != nil {
		return nil, err
	}
	if len(b) == len("{}") {
		return nil, nil
	}
	return b, nil
}

// recordWriter writes values as records spell them.
type recordWriter struct{ times TimeStyle }

// structure writes an object. Members with the same name stand next to each
// other and are lists: they share one.
func (r *recordWriter) structure(dst []byte, l *layout, v reflect.Value) ([]byte, error) {
	dst = append(dst, '{')
	for rest := l.recorded; len(rest) > 0; {
		first := &l.members[rest[0]]
		n := 1
		for n < len(rest) && first.joins(&l.members[rest[n]]) {
			n++
		}
		var err error
		switch {
		case first.nest != "":
			dst, err = r.nested(dst, l, rest[:n], v)
		case n > 1:
			dst, err = r.joined(dst, l, rest[:n], v)
		default:
			dst, err = r.member(dst, first, v)
		}
		if err != nil {
			return nil, within(err, first.record)
		}
		rest = rest[n:]
	}
	return append(dst, '}'), nil
}

// joins says whether two neighbours are written as one: members of the same
// nest, or lists of the same name.
func (m *member) joins(next *member) bool {
	if m.nest != "" || next.nest != "" {
		return m.nest == next.nest
	}
	return m.record == next.record && m.lay.kind == list && next.lay.kind == list
}

// member writes one member, if it is there.
func (r *recordWriter) member(dst []byte, m *member, v reflect.Value) ([]byte, error) {
	f, ok := m.present(v)
	switch {
	case ok && m.hide != "":
		return event.AppendString(appendKey(dst, m.record), m.hide), nil
	case ok:
		return r.value(appendKey(dst, m.record), m, m.lay, f)
	case m.always:
		f = reflect.Zero(m.lay.typ)
		return r.value(appendKey(dst, m.record), m, m.lay, f)
	}
	return dst, nil
}

// present returns the member's value, and whether records hold it.
func (m *member) present(v reflect.Value) (reflect.Value, bool) {
	f, ok := present(m.lay, v.Field(m.index))
	if ok && m.sparse && f.IsZero() {
		ok = false
	}
	return f, ok
}

// nested writes neighbouring members as the one element of a list.
func (r *recordWriter) nested(dst []byte, l *layout, group []int, v reflect.Value) ([]byte, error) {
	inner := []byte{'{'}
	for _, i := range group {
		var err error
		if inner, err = r.member(inner, &l.members[i], v); err != nil {
			return nil, err
		}
	}
	if len(inner) == 1 {
		return dst, nil
	}
	m := &l.members[group[0]]
	dst = append(appendKey(dst, m.nest), `{"items":[`...)
	dst = append(dst, inner...)
	return append(dst, "}]}"...), nil
}

// joined writes neighbouring lists of the same name as one.
func (r *recordWriter) joined(dst []byte, l *layout, group []int, v reflect.Value) ([]byte, error) {
	var inner []byte
	there := false
	for _, i := range group {
		m := &l.members[i]
		f, ok := m.present(v)
		there = there || ok || m.always
		if !ok {
			continue
		}
		var err error
		if inner, err = r.elements(inner, m, m.lay, f); err != nil {
			return nil, err
		}
	}
	if !there {
		return dst, nil
	}
	m := &l.members[group[0]]
	return appendList(appendKey(dst, m.record), m, inner), nil
}

// appendList writes a list around its written elements.
func appendList(dst []byte, m *member, elements []byte) []byte {
	switch {
	case m.listKey == "":
		dst = append(append(dst, '['), elements...)
		return append(dst, ']')
	case len(elements) == 0:
		return append(dst, '{', '}')
	}
	dst = appendKey(append(dst, '{'), m.listKey)
	dst = append(append(dst, '['), elements...)
	return append(dst, ']', '}')
}

// elements writes a list's elements with commas between them, and before the
// first if dst already holds some.
func (r *recordWriter) elements(dst []byte, m *member, l *layout, v reflect.Value) ([]byte, error) {
	for i := range v.Len() {
		if len(dst) > 0 {
			dst = append(dst, ',')
		}
		if m.wrap != "" {
			dst = appendKey(append(dst, '{'), m.wrap)
		}
		var err error
		if dst, err = r.value(dst, m, l.elem, v.Index(i)); err != nil {
			return nil, within(err, strconv.Itoa(i+1))
		}
		if m.wrap != "" {
			dst = append(dst, '}')
		}
	}
	return dst, nil
}

// value writes a value that is present, behind any pointer.
func (r *recordWriter) value(dst []byte, m *member, l *layout, v reflect.Value) ([]byte, error) {
	switch l.kind {
	case instant:
		return r.times.append(dst, timeOf(v)), nil
	case list:
		inner, err := r.elements(nil, m, l, v)
		if err != nil {
			return nil, err
		}
		return appendList(dst, m, inner), nil
	case dict:
		return appendDict(dst, l, v, func(dst []byte, l *layout, v reflect.Value) ([]byte, error) {
			return r.value(dst, m, l, v)
		})
	case structure:
		return r.structure(dst, l.body(), v)
	case text, enum, boolean, integer, float, blob, foreign:
	}
	return appendJSONValue(dst, l, v)
}
