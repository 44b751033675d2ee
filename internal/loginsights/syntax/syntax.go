package syntax

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cairn/internal/spell"
)

// Error says where and why a query cannot be understood. Its text is fit
// to be sent to the caller as a MalformedQueryException: it begins as the
// service's does ("unexpected symbol found") and says what was expected.
type Error struct {
	// Start and End delimit the fault, in characters from 0.
	Start, End int
	// Line and Column are where it begins, from 1.
	Line, Column int
	// Text says what is wrong.
	Text string
}

// Error returns the fault as a sentence.
func (e *Error) Error() string { return e.Text }

// Fault makes the error about src[start:end]: what is wrong, the place, and how
// it could be right.
func Fault(src string, start, end int, what, how string) error {
	before := src[:start]
	e := &Error{
		Start:  utf8.RuneCountInString(before),
		Line:   1 + strings.Count(before, "\n"),
		Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
	}
	e.End = e.Start + utf8.RuneCountInString(src[start:end])
	e.Text = fmt.Sprintf("%s at line %d and position %d", what, e.Line, e.Column)
	if how != "" {
		e.Text += ": " + how
	}
	return e
}

// Wrong makes the error about a part of the query that can be read but not
// meant.
func Wrong(src string, n *Node, format string, args ...any) error {
	return Fault(src, n.Start, n.End, fmt.Sprintf(format, args...), "")
}

// Unknown makes the error about a name that is not known, with the known one it
// may stand for.
func Unknown(src string, n *Node, what string, known []string) error {
	return Fault(src, n.Start, n.End, "unknown "+what+" "+shortened(n.Name), Nearest(n.Name, known))
}

// Nearest asks whether a misspelt name stands for the known one closest to it;
// empty if none is close. Names are compared in lower case.
func Nearest(name string, known []string) string {
	const most = 64 // longer than any name known
	if len(name) > most {
		return ""
	}
	best, distance := "", 3
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := spell.Distance(strings.ToLower(name), strings.ToLower(k)); d < distance && d < len(name) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}
