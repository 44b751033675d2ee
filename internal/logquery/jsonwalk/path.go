package jsonwalk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Step is one part of a path: a member by name, an element by index, or every
// one of them.
type Step struct {
	Array    bool
	Wildcard bool
	Key      string
	Index    int
}

// Path leads from a message's object to values in it. The path without steps
// is the object itself.
type Path []Step

// Single reports whether the path leads to at most one value: it has no
// wildcard. Of members with the same name the first counts.
func (p Path) Single() bool {
	return !slices.ContainsFunc(p, func(s Step) bool { return s.Wildcard })
}

// String returns the path in the form Parse reads.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Array && s.Wildcard:
			b.WriteString("[*]")
		case s.Array:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case s.Wildcard || plain(s.Key) && s.Key[0] != '$':
			if i > 0 {
				b.WriteByte('.')
			}
			if s.Wildcard {
				b.WriteByte('*')
			}
			b.WriteString(s.Key)
		default:
			b.WriteString("['" + s.Key + "']")
		}
	}
	return b.String()
}

// plain reports whether a name can stand in a path without quotes.
func plain(key string) bool { return key != "" && key != "*" && !strings.ContainsAny(key, ".[]'") }

// maxSteps bounds a path; no record nests as deep.
const maxSteps = 64

// Parse reads a path such as userIdentity.arn, resources[0].ARN,
// resources[*].ARN, requestParameters.* or requestParameters['x.y']; a leading
// "$." is allowed. At most one step may be a wildcard.
func Parse(text string) (Path, error) {
	fail := func(why string) (Path, error) {
		return nil, fmt.Errorf("path %q: %s; write it like userIdentity.arn, resources[*].ARN or requestParameters['a.b']", text, why)
	}
	rest := strings.TrimPrefix(text, "$")
	if rest != text && rest != "" && rest[0] != '.' && rest[0] != '[' {
		rest = text // a member whose name begins with $
	}
	var p Path
	wildcards := 0
	for first := true; rest != "" || first; first = false {
		step, n, err := parseStep(rest, first && rest == text)
		if err != nil {
			return fail(err.Error())
		}
		if step.Wildcard {
			wildcards++
		}
		p, rest = append(p, step), rest[n:]
	}
	if wildcards > 1 {
		return fail("it has more than one wildcard")
	}
	if len(p) > maxSteps {
		return fail(fmt.Sprintf("it has more than %d steps", maxSteps))
	}
	return p, nil
}

// parseStep reads a step at the front of s and returns its length. The first
// step of a path needs no dot.
func parseStep(s string, first bool) (Step, int, error) {
	if strings.HasPrefix(s, "[") {
		return ParseBracket(s)
	}
	name := s
	if !first {
		var ok bool
		if name, ok = strings.CutPrefix(s, "."); !ok {
			return Step{}, 0, errors.New("a dot or a bracket is missing after ]")
		}
		if strings.HasPrefix(name, "['") {
			step, n, err := ParseBracket(name)
			return step, n + 1, err
		}
	}
	if i := strings.IndexAny(name, ".["); i >= 0 {
		name = name[:i]
	}
	n := len(s) - len(strings.TrimPrefix(s, ".")) + len(name)
	if name == "*" {
		return Step{Wildcard: true}, n, nil
	}
	if !plain(name) {
		return Step{}, 0, errors.New("a member name is missing or has ] or ' in it")
	}
	return Step{Key: name}, n, nil
}

// ParseBracket reads ['name'], [3] or [*] at the front of s and returns its
// length.
func ParseBracket(s string) (Step, int, error) {
	if name, ok := strings.CutPrefix(s, "['"); ok {
		n := strings.Index(name, "']")
		if n <= 0 {
			return Step{}, 0, errors.New("a quoted member name has no end")
		}
		return Step{Key: name[:n]}, n + len("['']"), nil
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return Step{}, 0, errors.New("a bracket has no end")
	}
	inner := s[1:end]
	if inner == "*" {
		return Step{Array: true, Wildcard: true}, end + 1, nil
	}
	index, err := strconv.ParseUint(inner, 10, 31)
	if err != nil {
		return Step{}, 0, errors.New("what stands in brackets is no index, * or quoted member name")
	}
	return Step{Array: true, Index: int(index)}, end + 1, nil
}
