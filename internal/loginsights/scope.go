package loginsights

import (
	"maps"
	"slices"
	"strings"

	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
)

// scope is the names that expressions can use, and the slots of a row that hold
// their values. The first scope is that of events; each stats command begins
// another, which knows its columns only.
type scope struct {
	events bool
	size   int // slots in a row
	// names are the slots of all names used so far. defined are those that a
	// command gave to a value: they stand before the fields of the event.
	names   map[string]int
	defined map[string]bool
	// json finds the fields of messages; system are slots with what is known of
	// every event.
	json   value.Finder
	system []systemSlot
	// columns are the columns of stats by the expression that made them.
	columns map[string]int
}

type systemSlot struct {
	slot int
	of   func(e *Event) value.Value
}

// systemFields are the fields that every event has.
var systemFields = map[string]func(e *Event) value.Value{
	"@timestamp":     func(e *Event) value.Value { return value.OfInstant(float64(e.Pos.Timestamp)) },
	"@ingestionTime": func(e *Event) value.Value { return value.OfInstant(float64(e.Ingestion)) },
	"@message":       func(e *Event) value.Value { return value.OfText(value.View(e.Message)) },
	"@logStream":     func(e *Event) value.Value { return value.OfText(e.Stream) },
	"@log":           func(e *Event) value.Value { return value.OfText(e.Group.Account + ":" + e.Group.Name) },
	"@ptr":           func(e *Event) value.Value { return value.OfText(Pointer(e)) },
}

func newScope(events bool) *scope {
	return &scope{events: events, names: map[string]int{}, defined: map[string]bool{}, columns: map[string]int{}}
}

// define makes a slot for a name that a command gives.
func (s *scope) define(name string) int {
	slot := s.size
	s.size++
	s.names[name], s.defined[name] = slot, true
	return slot
}

// column returns the slot of a column of stats by the expression that made it.
func (s *scope) column(n *syntax.Node) (int, bool) {
	if len(s.columns) == 0 {
		return 0, false
	}
	slot, ok := s.columns[n.Key()]
	return slot, ok
}

// load fills a row with an event's fields.
func (s *scope) load(r *row, e *Event) {
	r.event = e
	clear(r.slots)
	for i := range s.system {
		r.slots[s.system[i].slot] = s.system[i].of(e)
	}
	s.json.Find(e.Message, r.slots)
}

func slotOf(slot int) eval { return func(r *row) value.Value { return r.slots[slot] } }

// field compiles a name: what a command defined, an attribute of that, or a
// field of the event.
func (c *compiler) field(n *syntax.Node) (eval, error) {
	if c.group != nil {
		return c.group.field(c, n)
	}
	if slot, ok := c.scope.names[n.Name]; ok {
		return slotOf(slot), nil
	}
	for i := strings.LastIndexByte(n.Name, '.'); i > 0; i = strings.LastIndexByte(n.Name[:i], '.') {
		if c.scope.defined[n.Name[:i]] {
			slot, find := c.scope.names[n.Name[:i]], value.NewAttribute(n.Name[i+1:])
			return func(r *row) value.Value {
				v := r.slots[slot]
				if v.Kind != value.Structure {
					return value.Value{}
				}
				return value.Attribute(v.Str, find)
			}, nil
		}
	}
	slot, err := c.discover(n)
	if err != nil {
		return nil, err
	}
	return slotOf(slot), nil
}

// discover makes a slot for a field of the event.
func (c *compiler) discover(n *syntax.Node) (int, error) {
	s := c.scope
	if !s.events {
		known := slices.Sorted(maps.Keys(s.names))
		return 0, syntax.Fault(c.src, n.Start, n.End, "unknown field "+n.Name, "after stats there is only "+strings.Join(known, ", "))
	}
	slot := s.size
	s.size++
	s.names[n.Name] = slot
	if of := systemFields[n.Name]; of != nil {
		s.system = append(s.system, systemSlot{slot, of})
		return slot, nil
	}
	if strings.HasPrefix(n.Name, "@") && !strings.HasPrefix(n.Name, "@@") {
		if hint := syntax.Nearest(n.Name, slices.Collect(maps.Keys(systemFields))); hint != "" {
			return 0, syntax.Fault(c.src, n.Start, n.End, "unknown field "+n.Name, hint)
		}
	}
	// A member whose name begins with @ is shown with another @ before it.
	name, parts := n.Name, slices.Clone(n.Parts)
	if strings.HasPrefix(name, "@@") {
		name, parts[0] = name[1:], strings.TrimPrefix(parts[0], "@")
	}
	s.json.Add(name, parts, slot)
	return slot, nil
}
