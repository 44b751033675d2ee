// Package members writes the JSON objects of S3's records: member by member, in
// the order genuine records have them.
package members

import (
	"strconv"

	"cairn/event"
)

// Object writes a JSON object; its zero value has no members.
type Object struct{ b []byte }

func (o *Object) key(name string) {
	if len(o.b) == 0 {
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
	o.b = append(event.AppendString(o.b, name), ':')
}

// String adds a text.
func (o *Object) String(name, value string) {
	o.key(name)
	o.b = event.AppendString(o.b, value)
}

// Int adds a number.
func (o *Object) Int(name string, value int64) {
	o.key(name)
	o.b = strconv.AppendInt(o.b, value, 10)
}

// JSON returns the object; nil if it has no members. It is to be called once.
func (o *Object) JSON() []byte {
	if len(o.b) == 0 {
		return nil
	}
	return append(o.b, '}')
}

// Parameters collects members before they are put in order. Of two with one name
// the later stays, in the place of the first.
type Parameters struct {
	names  []string
	values map[string][]byte
}

// Set adds a member whose value is JSON.
func (p *Parameters) Set(name string, value []byte) {
	if p.values == nil {
		p.values = map[string][]byte{}
	}
	if _, ok := p.values[name]; !ok {
		p.names = append(p.names, name)
	}
	p.values[name] = value
}

// String adds a text.
func (p *Parameters) String(name, value string) { p.Set(name, event.AppendString(nil, value)) }

// JSON returns the object of all members, in the order of ParameterTable; nil if
// there are none.
func (p *Parameters) JSON() []byte {
	Sort(p.names, ParameterTable)
	var o Object
	for _, name := range p.names {
		o.key(name)
		o.b = append(o.b, p.values[name]...)
	}
	return o.JSON()
}
