package history

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"cairn/internal/lake"
	"cairn/internal/logquery"
)

// Attribute is what LookupEvents calls an attribute key.
type Attribute string

// The attributes records can be looked up by.
const (
	EventID      Attribute = "EventId"
	EventName    Attribute = "EventName"
	ReadOnly     Attribute = "ReadOnly"
	Username     Attribute = "Username"
	ResourceType Attribute = "ResourceType"
	ResourceName Attribute = "ResourceName"
	EventSource  Attribute = "EventSource"
	AccessKeyID  Attribute = "AccessKeyId"
)

// match is the condition of a query; it implements lake.Predicate.
type match struct {
	holds func(e *Event, value string) bool
	value string
	// needles are nil if nothing can be said.
	needles [][][]byte
}

// Match implements lake.Predicate.
func (m *match) Match(text []byte) bool {
	for _, any := range m.needles { // reading a record takes longer than looking for a text
		if !slices.ContainsFunc(any, func(n []byte) bool { return bytes.Contains(text, n) }) {
			return false
		}
	}
	e, err := Describe(text)
	return err == nil && m.holds(e, m.value)
}

// Needles implements lake.Predicate.
func (m *match) Needles() [][][]byte { return m.needles }

// match returns the condition of a query, or nil if it selects everything.
func (q *Query) match() (lake.Predicate, error) {
	if q.Attribute == "" {
		return nil, nil
	}
	holds, ok := tests[q.Attribute]
	if !ok {
		return nil, fmt.Errorf("%w: there is no attribute %s", ErrQuery, q.Attribute)
	}
	m := &match{holds: holds, value: q.Value}
	switch {
	case q.Attribute == ResourceType:
		m.needles = [][][]byte{signsOf(q.Value)}
	case q.inText():
		m.needles = logquery.Compile(logquery.Text(q.Value)).Needles()
	}
	return m, nil
}

// tests says what each attribute means, of an event as it is answered: what is
// found is what is shown.
var tests = map[Attribute]func(e *Event, value string) bool{
	EventID:     func(e *Event, v string) bool { return e.ID == v },
	EventName:   func(e *Event, v string) bool { return e.Name == v },
	EventSource: func(e *Event, v string) bool { return e.Source == v },
	ReadOnly:    func(e *Event, v string) bool { return e.ReadOnly == v },
	Username:    func(e *Event, v string) bool { return e.Username == v },
	AccessKeyID: func(e *Event, v string) bool { return e.AccessKeyID == v },
	ResourceType: func(e *Event, v string) bool {
		return slices.ContainsFunc(e.Resources, func(r Resource) bool { return r.Type == v })
	},
	ResourceName: func(e *Event, v string) bool {
		return slices.ContainsFunc(e.Resources, func(r Resource) bool { return r.Name == v })
	},
}

// inText reports whether every record that matches has the value in its text, and
// it is worth looking for: pages of the table without it are not read. What an
// event shows for most attributes is text of the record itself, as long as its
// characters have one spelling in JSON.
func (q *Query) inText() bool {
	switch q.Attribute {
	case ResourceType, ReadOnly: // the former are not in the record, and half of the records are read-only
		return false
	case Username:
		if q.Value == rootUser {
			return false
		}
	case EventID, EventName, EventSource, ResourceName, AccessKeyID:
	}
	return q.Value != "" && strings.Trim(q.Value, oneSpelling) == ""
}

// oneSpelling are characters that no encoder of records escapes.
const oneSpelling = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/+=,@#$ "
