// Package logquery says which records and log events are meant: CloudWatch Logs
// filter patterns and the flags of searches become one expression tree, which
// runs over a record's bytes, tells what bytes to look for before that, and says
// itself in SQL. It is pure: no state, no clock, no I/O.
//
// A pattern is one of three kinds, told apart by its first character: JSON
// ("{ $.eventName = X }"), space-delimited ("[ip, user, status = 4*]"), or
// unstructured terms ("ERROR -debug").
//
// Source: "Filter pattern syntax for metric filters, subscription filters,
// filter log events, and Live Tail" in the CloudWatch Logs User Guide (spec
// 6.1-6.5). Where that page is silent, the choice made here is written down
// beside the code that makes it.
package logquery

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cairn/internal/logquery/jsonwalk"
)

// Limits on a pattern (spec 6.1-6.3). The nesting limit is ours.
const (
	// MaxLength is the length of the longest pattern, in characters.
	MaxLength = 1024

	maxRegexes           = 2
	maxWildcards         = 3 // selectors with a wildcard, in a whole pattern
	maxSelectorWildcards = 1
	maxParens            = 64
)

// Pattern is a parsed filter pattern. It is immutable and safe for concurrent
// use.
type Pattern struct {
	source    string
	expr      Expr
	predicate *Predicate
	// What Extract looks for: selectors of a JSON pattern and their values, or
	// the slots of a space-delimited one.
	selectors []selector
	values    *Projection
	slots     *delimited
}

// selector is a path as a pattern writes it.
type selector struct {
	source string
	path   jsonwalk.Path
}

// SyntaxError says where and why a pattern cannot be read. Its text is fit to
// be sent to the caller as an InvalidParameterException.
type SyntaxError struct {
	// Column is the position of the fault in characters, from 1.
	Column int
	// Text says what was expected and what was found.
	Text string
}

// Error returns the fault as a sentence.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Invalid filter pattern at column %d: %s.", e.Column, e.Text)
}

// Parse reads a filter pattern. The empty pattern, and one of white space only,
// match every message. The error is a *SyntaxError.
func Parse(pattern string) (*Pattern, error) {
	if !utf8.ValidString(pattern) {
		return nil, &SyntaxError{Column: 1, Text: "expected text in UTF-8"}
	}
	if n := utf8.RuneCountInString(pattern); n > MaxLength {
		return nil, &SyntaxError{
			Column: MaxLength + 1,
			Text:   fmt.Sprintf("expected at most %d characters, found %d", MaxLength, n),
		}
	}
	p := &parser{src: pattern}
	out := &Pattern{source: pattern}
	p.space()
	var err error
	switch p.peek() {
	case '{':
		out.expr, err = p.json()
	case '[':
		out.slots, err = p.delimited()
		out.expr = out.slots
	default:
		out.expr, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	out.predicate = Compile(out.expr)
	out.selectors = p.selectors
	out.values = project(paths(p.selectors))
	return out, nil
}

// Expr returns the pattern as a condition, to be joined with others.
func (p *Pattern) Expr() Expr { return p.expr }

// Match reports whether a log event's message matches. It takes time
// proportional to the message's length and does not keep the message.
func (p *Pattern) Match(message []byte) bool { return p.predicate.Match(message) }

// Extract returns the values that a matching message has in the fields the
// pattern names: "$.a.b" for JSON patterns, "$name" for space-delimited ones.
// Unstructured patterns name none. A field without a value is left out; of
// several values the first is taken.
func (p *Pattern) Extract(message []byte) map[string]string {
	if p.slots != nil {
		return p.slots.extract(message)
	}
	if len(p.selectors) == 0 {
		return nil
	}
	out := map[string]string{}
	for i, v := range p.values.Values(message, nil) {
		if text, ok := v.Text(); ok {
			out[p.selectors[i].source] = string(text)
		}
	}
	return out
}

// String returns the pattern as it was given to Parse.
func (p *Pattern) String() string { return p.source }

// parser walks over a pattern. Each operator family adds its own methods.
type parser struct {
	src string
	pos int

	selectors []selector
	wildcards int
	regexes   int
}

// peek returns the byte at the current position, or 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// space skips white space.
func (p *parser) space() {
	for p.pos < len(p.src) && isSpace(p.src[p.pos]) {
		p.pos++
	}
}

// take skips white space and then s, if s is next.
func (p *parser) take(s string) bool {
	p.space()
	if !strings.HasPrefix(p.src[p.pos:], s) {
		return false
	}
	p.pos += len(s)
	return true
}

// word skips white space and then the keyword w in any case, if it is next and
// ends there.
func (p *parser) word(w string) bool {
	p.space()
	end := p.pos + len(w)
	if end > len(p.src) || !strings.EqualFold(p.src[p.pos:end], w) || end < len(p.src) && isAlnum(p.src[end]) {
		return false
	}
	p.pos = end
	return true
}

// expected makes the error for the current position.
func (p *parser) expected(what string) error { return p.expectedAt(p.pos, what) }

func (p *parser) expectedAt(pos int, what string) error {
	return &SyntaxError{
		Column: utf8.RuneCountInString(p.src[:pos]) + 1,
		Text:   "expected " + what + ", found " + found(p.src[pos:]),
	}
}

// found describes the text at a fault, shortened.
func found(rest string) string {
	if rest == "" {
		return "the end of the pattern"
	}
	const most = 20
	n := 0
	for i := range rest {
		if n == most {
			return fmt.Sprintf("%q...", rest[:i])
		}
		n++
	}
	return fmt.Sprintf("%q", rest)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isAlnum(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
}

func paths(selectors []selector) []jsonwalk.Path {
	out := make([]jsonwalk.Path, len(selectors))
	for i := range selectors {
		out[i] = selectors[i].path
	}
	return out
}

// knows reports whether a selector with this path was read before.
func (p *parser) knows(path jsonwalk.Path) bool {
	return slices.ContainsFunc(p.selectors, func(s selector) bool { return slices.Equal(s.path, path) })
}
