package policy

import (
	"slices"
	"strconv"
	"strings"
)

// Finding says how one statement bears on a query.
type Finding struct {
	// Index is the statement's place in the document, from 0; Sid its id.
	Index int
	Sid   string
	// Deny is true for a Deny statement that matches.
	Deny bool
	// Misses are the parts of an Allow statement that do not match; none if it
	// does.
	Misses []Miss
}

// Miss is one part of a statement that does not match.
type Miss struct {
	// Element is Principal, Action, Resource, or Condition with operator and
	// key.
	Element string
	// Wanted is what the statement says; Got is what the query says.
	Wanted string
	Got    string
}

// String says it in a sentence, such as
//
//	Statement[1] (Write): Resource wants arn:aws:s3:::logs/AWSLogs/*, got arn:aws:s3:::logs/x
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(where(f.Index, f.Sid))
	switch {
	case f.Deny:
		b.WriteString(" denies it")
	case len(f.Misses) == 0:
		b.WriteString(" allows it")
	}
	for i, m := range f.Misses {
		b.WriteString([...]string{": ", "; "}[min(i, 1)])
		b.WriteString(m.Element + " wants " + m.Wanted + ", got " + m.Got)
	}
	return b.String()
}

// Explain says what the document's statements make of a query: first the Deny
// statements that match, then the Allow statements, those that miss least
// first. It judges this document alone and is for texts that tell a person
// what to change; Evaluate decides.
func (d *Document) Explain(q *Query) []Finding {
	var list []Finding
	for i := range d.statements {
		s := &d.statements[i]
		switch {
		case s.Allow:
			list = append(list, Finding{Index: i, Sid: s.Sid, Misses: s.misses(q)})
		case s.matches(q) && s.hits(q):
			list = append(list, Finding{Index: i, Sid: s.Sid, Deny: true})
		}
	}
	slices.SortStableFunc(list, func(a, b Finding) int {
		if a.Deny != b.Deny {
			return map[bool]int{true: -1, false: 1}[a.Deny]
		}
		return len(a.Misses) - len(b.Misses)
	})
	return list
}

func (s *Statement) misses(q *Query) []Miss {
	var list []Miss
	add := func(element, wanted, got string) { list = append(list, Miss{element, wanted, got}) }
	if s.Principals != nil && s.Principals.grant(&q.Principal) == noGrant {
		add("Principal", s.Principals.text(), q.Principal.text())
	}
	if !s.matchesAction(q) {
		add("Action", inverted(s.NotAction, s.Actions), q.Action)
	}
	if !s.matchesResource(q) {
		add("Resource", inverted(s.NotResource, s.Resources), q.Resource)
	}
	for i := range s.Conditions {
		if c := &s.Conditions[i]; !c.holds(q.Context) {
			got := "nothing"
			if given := q.Context[c.key]; len(given) > 0 {
				got = oneOf(given)
			}
			add("Condition "+c.Operator+" "+c.Key, oneOf(c.Values), got)
		}
	}
	return list
}

func inverted(not bool, patterns []string) string {
	if not {
		return "anything but " + oneOf(patterns)
	}
	return oneOf(patterns)
}

// oneOf lists values, the first few of many.
func oneOf(values []string) string {
	const few = 3
	if len(values) > few {
		return strings.Join(values[:few], " or ") + " or " + strconv.Itoa(len(values)-few) + " others"
	}
	return strings.Join(values, " or ")
}

func (p *Principals) text() string {
	return oneOf(slices.Concat(p.AWS, p.Service, p.Federated, p.CanonicalUser))
}

func (p *Principal) text() string {
	switch {
	case p.Service != "":
		return p.Service
	case p.Federated != "":
		return p.Federated
	case p.ARN != "":
		return p.ARN
	}
	return "an anonymous caller"
}
