package logquery

import (
	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/needle"
)

// is is FIELD IS NULL, IS TRUE or IS FALSE.
type is struct{ kind jsonwalk.Kind }

// IsTrue is passed by true, IsFalse by false and IsNull by null, not by strings
// of these letters.
func IsTrue() Test { return is{jsonwalk.True} }

// IsFalse is passed by false.
func IsFalse() Test { return is{jsonwalk.False} }

// IsNull is passed by null. A value that is absent is not null.
func IsNull() Test { return is{jsonwalk.Null} }

func (t is) holds(v *Value) bool { return v.Kind == t.kind }

func (t is) literals() needle.Literals { return nil }

func (t is) sql(x operand) (string, bool) {
	switch t.kind {
	case jsonwalk.True:
		return x.ofType("BOOLEAN", "true")
	case jsonwalk.False:
		return x.ofType("BOOLEAN", "false")
	default:
		return x.ofType("NULL", "")
	}
}

// exists and notExists are whether a message has a value; null is one.
type (
	exists    struct{}
	notExists struct{}
)

// Exists is passed by every value, null, objects and arrays too.
func Exists() Test { return exists{} }

// NotExists is true of a field that a message, which is a JSON object, does not
// have.
func NotExists() Test { return notExists{} }

func (exists) holds(v *Value) bool { return v.Exists() }

func (exists) literals() needle.Literals { return nil }

func (exists) sql(x operand) (string, bool) { return x.exists() }

func (notExists) holds(v *Value) bool { return !v.Exists() }

func (notExists) literals() needle.Literals { return nil }

func (notExists) sql(x operand) (string, bool) {
	where, exact := x.exists()
	if !exact {
		return "TRUE", false
	}
	return "(" + where + ") IS NOT TRUE", true
}

// presence reads what follows a field in words: IS ... or NOT EXISTS. Neither
// IS NOT nor EXISTS alone is part of the language.
func (p *parser) presence() (Test, error) {
	switch {
	case p.word("IS"):
		switch {
		case p.word("NULL"):
			return IsNull(), nil
		case p.word("TRUE"):
			return IsTrue(), nil
		case p.word("FALSE"):
			return IsFalse(), nil
		}
		return nil, p.expected("NULL, TRUE or FALSE after IS")
	case p.word("NOT"):
		if p.word("EXISTS") {
			return NotExists(), nil
		}
		return nil, p.expected("EXISTS after NOT")
	}
	return nil, p.expected("one of = != < <= > >= IS, NOT EXISTS")
}
