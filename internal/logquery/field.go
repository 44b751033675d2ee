package logquery

import (
	"fmt"
	"slices"

	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/needle"
)

// Test is a condition on a value, such as Equal("x"). A Field with it is true
// if the message has a value at the path that passes.
type Test interface {
	// holds reports whether a value passes.
	holds(v *Value) bool
	// literals returns text that every value that passes has.
	literals() needle.Literals
	// sql returns a condition on a value of the events table, true of every
	// value that passes; exact if of no other. NULL counts as false.
	sql(x operand) (where string, exact bool)
}

// Field is a condition on the value at a path, such as "userIdentity.arn",
// "resources[*].ARN" or "requestParameters['a.b']" (jsonwalk.Parse). It panics
// if the path cannot be read: check one that a user gives with CheckPath.
func Field(path string, test Test) Expr {
	p, err := jsonwalk.Parse(path)
	if err != nil {
		panic("logquery: " + err.Error())
	}
	return field{path: p, test: test}
}

// CheckPath tells whether Field and Select can read a path.
func CheckPath(path string) error {
	if _, err := jsonwalk.Parse(path); err != nil {
		return fmt.Errorf("read a path into records: %w", err)
	}
	return nil
}

type field struct {
	path jsonwalk.Path
	test Test
	// slot is whether the path is the index of a part of a space-delimited
	// message.
	slot bool
}

type fieldCond struct {
	path int
	test Test
}

func (l field) bind(c *compiler) cond {
	i := c.path(l.path)
	if _, ok := l.test.(notExists); ok {
		return absentCond(i)
	}
	return fieldCond{i, l.test}
}

func (l fieldCond) eval(f *view) bool { return f.some(l.path, l.test) }

// absentCond is a field that the message does not have.
type absentCond int

func (i absentCond) eval(f *view) bool {
	return f.object && f.one[i].Kind == jsonwalk.Absent
}

func (l field) needles() needle.Clauses {
	if l.slot {
		return l.test.literals().Plain()
	}
	if found := l.test.literals().JSON(); found != nil {
		return found
	}
	if _, ok := l.test.(notExists); ok {
		return nil
	}
	// Every other test is passed by values only, and so the member is there.
	for _, step := range slices.Backward(l.path) {
		if !step.Array && !step.Wildcard {
			return needle.Member(step.Key)
		}
	}
	return nil
}

func (l field) sql(not bool) (string, bool) {
	if l.slot {
		return "TRUE", false
	}
	where, exact := locate(l.path).test(l.test)
	switch {
	case !not:
		return where, exact
	case exact:
		return "(" + where + ") IS NOT TRUE", true
	}
	return "TRUE", false
}
