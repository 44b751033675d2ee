package wire

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/spell"
)

// errNoBody is a programming error: S3's bodies are not this package's.
var errNoBody = errors.New("wire: codec of S3 asked to read or write a body; S3 requests are the gateway's")

func errNotStruct(v any) error {
	return fmt.Errorf("wire: %T is no pointer to an SDK input or output", v)
}

// reason says in which way an input is wrong.
type reason uint8

const (
	malformed reason = iota // not JSON, not a form, wrong type
	unknown                 // a member the operation does not have
	badEnum                 // a value the enum does not have
)

// inputError is a flaw found in an input, before it is spelled as the
// protocol's error. Members on the way out are put in front of path.
type inputError struct {
	why  reason
	path string
	// text says what is wrong; of a badEnum it is the value that was sent.
	text   string
	values []string
}

// Error returns the flaw and where it is.
func (e *inputError) Error() string {
	if e.path == "" {
		return e.text
	}
	return e.path + ": " + e.text
}

func malformedf(format string, args ...any) error {
	return &inputError{why: malformed, text: fmt.Sprintf(format, args...)}
}

// within puts a member in front of the path of a flaw.
func within(err error, name string) error {
	var e *inputError
	if !errors.As(err, &e) {
		return err
	}
	if e.path != "" {
		name += "." + e.path
	}
	e.path = name
	return e
}

// refusal spells a flaw as the protocol's error reply.
func (c *Codec) refusal(err error) error {
	var e *inputError
	if !errors.As(err, &e) {
		return err
	}
	if e.why == badEnum {
		if c.Protocol == EC2 {
			return c.Refuse("Invalid value '%s' for %s.", e.text, e.path)
		}
		return c.Refuse("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [%s]", e.text, memberPath(e.path), strings.Join(e.values, ", "))
	}
	code := "SerializationException"
	switch {
	case c.Protocol == Query:
		code = "ValidationError"
	case c.Protocol == EC2 && e.why == unknown:
		code = "UnknownParameter"
	case c.Protocol == EC2:
		code = "InvalidParameterValue"
	}
	if e.why == malformed && e.path != "" {
		return awserr.New(http.StatusBadRequest, code, "The value of %s cannot be read: %s", e.path, e.text)
	}
	return awserr.New(http.StatusBadRequest, code, "%s", e.text)
}

// Missing makes the error for a required member that is not there; name is its
// wire name.
func (c *Codec) Missing(name string) *awserr.Error {
	if c.Protocol == EC2 {
		return awserr.New(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter %s", name)
	}
	return c.Refuse("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
		lowerFirst(name))
}

// Refuse makes the error for an input value that breaks a constraint, with the
// service's code for that. The message follows fmt.Sprintf.
func (c *Codec) Refuse(format string, args ...any) *awserr.Error {
	code := c.Invalid
	if code == "" {
		switch c.Protocol {
		case Query:
			code = "ValidationError"
		case EC2:
			code = "InvalidParameterValue"
		case JSON10, JSON11, RESTXML:
			code = "ValidationException"
		}
	}
	return awserr.New(http.StatusBadRequest, code, format, args...)
}

// memberPath spells a path as AWS's validation messages do: first letters
// lower, and ".member" after an index ("eventSelectors.1.member.readWriteType").
func memberPath(path string) string {
	parts := strings.Split(path, ".")
	for i, p := range parts {
		parts[i] = lowerFirst(p)
		if p != "" && p[0] >= '0' && p[0] <= '9' {
			parts[i] = p + ".member"
		}
	}
	return strings.Join(parts, ".")
}

// unknownMember refuses a member the structure does not have, and names the
// one that was probably meant.
func unknownMember(l *layout, name string) error {
	e := &inputError{why: unknown, text: fmt.Sprintf("The parameter %s is not recognized by %s", clip(name), l.typ.Name())}
	if near := nearest(name, l.byName); near != "" {
		e.text += "; did you mean " + near + "?"
	}
	return e
}

// clip bounds text a caller sent before it is sent back.
func clip(s string) string {
	const limit = 128
	if len(s) > limit {
		s = s[:limit] + "..."
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// nearest returns the known name closest to name: the same but for case, or at
// most a third of its letters away. It returns "" if none is that close.
func nearest(name string, known map[string]int) string {
	if len(name) > 128 {
		return ""
	}
	best, distance := "", len(name)/3+1
	for k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
		if d := spell.Distance(name, k); d < distance || d == distance && best != "" && k < best {
			best, distance = k, d
		}
	}
	return best
}

// errForeign is the error for an output that holds what no protocol here
// carries: the service must not set it.
func errForeign(l *layout) error {
	return fmt.Errorf("wire: a member of type %v cannot be written; leave it unset", l.typ)
}
