package wire

import (
	"reflect"
	"slices"
	"strings"
	"time"
)

// kind is what a value is on the wire.
type kind uint8

const (
	foreign   kind = iota // what no protocol here carries: unions, event streams
	text                  // string
	enum                  // string type with known values
	boolean               // true, false
	integer               // 32 or 64 bits
	float                 // 32 or 64 bits
	instant               // time.Time
	blob                  // []byte
	list                  // slice
	dict                  // map with string keys
	structure             // struct
)

// layout is everything the codec has to know of a Go type, worked out once. It
// is immutable once layout() has returned it.
type layout struct {
	kind kind
	// ptr is true where the value is a pointer to typ.
	ptr bool
	typ reflect.Type
	// elem is the layout of a list's elements or a dict's values.
	elem *layout
	// values are an enum's, in the SDK's order.
	values []string

	// The following belong to structures.
	members  []member       // in struct order
	byName   map[string]int // name in requests -> index in members
	recorded []int          // members that records hold, in their order
}

// member is one field of a structure.
type member struct {
	index int // of the Go field
	// in, out and record are the names in requests, replies and records.
	in, out, record string
	lay             *layout

	// listKey is the key records put a list under; "" is a plain array. wrap,
	// nest, hide and always are what Spelling says about the member.
	listKey, wrap, nest string
	hide                string
	always              bool
	// sparse leaves a zero value out of records: a plain bool or number of an
	// input, where zero says nothing about whether it was sent.
	sparse bool
}

// layout returns the layout of a struct type.
func (c *Codec) layout(t reflect.Type) *layout {
	if l, ok := c.layouts.Load(t); ok {
		return l.(*layout)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	made := map[reflect.Type]*layout{}
	c.structLayout(t, made)
	// Published only now: until here a layout may point to unfinished ones.
	for t, l := range made {
		c.layouts.LoadOrStore(t, l)
	}
	l, _ := c.layouts.Load(t)
	return l.(*layout)
}

var (
	timeType = reflect.TypeFor[time.Time]()
	byteType = reflect.TypeFor[byte]()
)

// layoutOf returns the layout of a field or element type.
func (c *Codec) layoutOf(t reflect.Type, made map[reflect.Type]*layout) *layout {
	l := &layout{typ: t}
	if t.Kind() == reflect.Pointer {
		l.ptr, l.typ = true, t.Elem()
	}
	switch {
	case l.typ == timeType:
		l.kind = instant
	case l.typ.Kind() == reflect.String:
		l.kind = text
		if l.values = enumValues(l.typ); l.values != nil {
			l.kind = enum
		}
	case l.typ.Kind() == reflect.Bool:
		l.kind = boolean
	case l.typ.Kind() == reflect.Int32 || l.typ.Kind() == reflect.Int64:
		l.kind = integer
	case l.typ.Kind() == reflect.Float32 || l.typ.Kind() == reflect.Float64:
		l.kind = float
	case l.typ.Kind() == reflect.Slice && l.typ.Elem() == byteType:
		l.kind = blob
	case l.typ.Kind() == reflect.Slice:
		l.kind, l.elem = list, c.layoutOf(l.typ.Elem(), made)
	case l.typ.Kind() == reflect.Map && l.typ.Key().Kind() == reflect.String:
		l.kind, l.elem = dict, c.layoutOf(l.typ.Elem(), made)
	case l.typ.Kind() == reflect.Struct:
		s := c.structLayout(l.typ, made)
		if !l.ptr {
			return s
		}
		// A copy would miss members of a struct that contains itself.
		l.kind, l.elem = structure, s
	}
	return l
}

// body returns the layout that holds a structure's members.
func (l *layout) body() *layout {
	if l.ptr && l.kind == structure {
		return l.elem
	}
	return l
}

// structLayout returns the layout of a struct, making it and all it contains.
func (c *Codec) structLayout(t reflect.Type, made map[reflect.Type]*layout) *layout {
	if l, ok := c.layouts.Load(t); ok {
		return l.(*layout)
	}
	if l, ok := made[t]; ok {
		return l
	}
	l := &layout{kind: structure, typ: t, byName: map[string]int{}}
	made[t] = l
	for i := range t.NumField() {
		f := t.Field(i)
		// ResultMetadata and unexported fields are the SDK's own.
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		m := c.member(t.Name(), f.Name)
		m.index, m.lay = i, c.layoutOf(f.Type, made)
		switch m.lay.kind {
		case boolean, integer, float:
			m.sparse = !m.lay.ptr && strings.HasSuffix(t.Name(), "Input")
		case foreign, text, enum, instant, blob, list, dict, structure:
		}
		l.byName[m.in] = len(l.members)
		l.members = append(l.members, m)
	}
	l.recorded = c.recordOrder(t, l)
	return l
}

// member spells one field.
func (c *Codec) member(typ, field string) member {
	path, s := typ+"."+field, &c.Records
	m := member{in: field, out: field, wrap: s.Wrap[path], nest: s.Nest[path], hide: s.Hide[path], always: s.Always[path], sparse: s.Sparse[path]}
	name, named := c.Names[path]
	switch {
	case c.Protocol == EC2:
		if !named {
			name = lowerFirst(field)
		}
		m.in, m.out = upperFirst(name), name
	case named:
		m.in, m.out = name, name
	case c.LowerCamel:
		m.in, m.out = lowerFirst(field), lowerFirst(field)
	}
	m.record = lowerFirst(m.out)
	if name, ok := s.Names[field]; ok {
		m.record = name
	}
	if name, ok := s.Names[path]; ok {
		m.record = name
	}
	if s.Items {
		m.listKey = "items"
	}
	if key, ok := s.Lists[path]; ok {
		m.listKey = key
	}
	return m
}

// recordOrder returns the members records hold, in the order of Spelling.Order.
func (c *Codec) recordOrder(t reflect.Type, l *layout) []int {
	rank := map[string]int{}
	for i, f := range c.Records.Order[t.Name()] {
		rank[f] = i - len(c.Records.Order[t.Name()])
	}
	var order []int
	for i := range l.members {
		if !c.Records.Omit[t.Name()+"."+t.Field(l.members[i].index).Name] {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return rank[t.Field(l.members[a].index).Name] - rank[t.Field(l.members[b].index).Name]
	})
	return order
}

// enumValues returns the values an SDK enum type declares, nil for other
// strings.
func enumValues(t reflect.Type) []string {
	m, ok := t.MethodByName("Values")
	if !ok || m.Type.NumIn() != 1 || m.Type.NumOut() != 1 || m.Type.Out(0).Kind() != reflect.Slice {
		return nil
	}
	known := m.Func.Call([]reflect.Value{reflect.Zero(t)})[0]
	values := make([]string, known.Len())
	for i := range values {
		values[i] = known.Index(i).String()
	}
	return values
}

func lowerFirst(s string) string {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return s
	}
	return string(s[0]+'a'-'A') + s[1:]
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-('a'-'A')) + s[1:]
}
