package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Document is a parsed policy document. It is immutable and safe for
// concurrent use.
type Document struct {
	source     string
	version    string
	id         string
	statements []Statement
}

// String returns the document's exact source text.
func (d *Document) String() string { return d.source }

// Version returns "2012-10-17" or "2008-10-17", which is also what a document
// without a version means.
func (d *Document) Version() string { return d.version }

// ID returns the document's Id; empty if it has none.
func (d *Document) ID() string { return d.id }

// Statements returns the document's statements, in order. The slice is shared:
// do not change it.
func (d *Document) Statements() []Statement { return d.statements }

// Mentions reports whether a condition or variable of the document uses a key that
// begins with prefix, in lower case. What it does not mention need not be found out.
func (d *Document) Mentions(prefix string) bool {
	if d == nil {
		return false
	}
	for i := range d.statements {
		s := &d.statements[i]
		for j := range s.resources {
			if s.resources[j].mentions(prefix) {
				return true
			}
		}
		for j := range s.Conditions {
			c := &s.Conditions[j]
			if strings.HasPrefix(c.key, prefix) || slices.ContainsFunc(c.operands, func(o operand) bool { return o.mentions(prefix) }) {
				return true
			}
		}
	}
	return false
}

// Statement is one statement of a document, as it was written. It is
// immutable.
type Statement struct {
	// Sid is the statement's id; empty if it has none.
	Sid string
	// Allow is true for Effect "Allow", false for "Deny".
	Allow bool
	// Principals is nil where the document does not name any: in identity
	// policies. NotPrincipal turns their meaning round (Deny only).
	Principals   *Principals
	NotPrincipal bool
	// Actions are patterns; NotAction turns their meaning round.
	Actions   []string
	NotAction bool
	// Resources are ARN patterns; nil where the document names none: in trust
	// policies. NotResource turns their meaning round.
	Resources   []string
	NotResource bool
	// Conditions must all hold.
	Conditions []Condition

	actions   []pattern
	resources []pattern
}

// Principals are the principals a statement names.
type Principals struct {
	// Any is true for "*" and {"AWS": "*"}: everybody, anonymous callers and
	// services included.
	Any bool
	// AWS holds account ids and ARNs, Service the names of services, Federated
	// the ARNs of identity providers. CanonicalUser is kept, but matches no
	// caller the engine knows.
	AWS           []string
	Service       []string
	Federated     []string
	CanonicalUser []string
}

// Condition is one condition: an operator, a key, and the values wanted.
type Condition struct {
	// Operator is as written, such as "ForAnyValue:StringLikeIfExists".
	Operator string
	// Key is as written, such as "aws:SourceArn".
	Key string
	// Values are the values as written; booleans and numbers become text.
	Values []string

	key      string // lower case
	op       operator
	operands []operand
}

// Kind says what a document is attached to.
type Kind int

// The kinds of policy.
const (
	// Identity policies belong to users and roles, and are boundaries and
	// session policies.
	Identity Kind = iota
	// Resource policies belong to buckets and the like.
	Resource
	// Trust policies say who may assume a role.
	Trust
)

// Check reports what a document of this kind must have and does not, or has
// and must not have.
//
// Source: "Grammar of the IAM JSON policy language" in the IAM User Guide, and
// the texts of IAM and S3 where they are known.
func (d *Document) Check(k Kind) error {
	for i := range d.statements {
		if err := d.statements[i].check(k); err != nil {
			return fmt.Errorf("policy document: %s: %w", where(i, d.statements[i].Sid), err)
		}
	}
	return nil
}

func (s *Statement) check(k Kind) error {
	switch k {
	case Identity:
		if s.Principals != nil {
			return errors.New("policy document should not specify a principal")
		}
	case Resource, Trust:
		if s.Principals == nil {
			return errors.New("missing required field Principal")
		}
	}
	switch {
	case k == Trust && s.Resources != nil:
		return errors.New("has prohibited field Resource")
	case k == Trust && s.NotPrincipal:
		return errors.New("has prohibited field NotPrincipal")
	case k != Trust && s.Resources == nil:
		return errors.New("missing required field Resource")
	case k != Resource && strings.ContainsFunc(s.Sid, notAlphanumeric):
		return fmt.Errorf("statement IDs (SID) must be alpha-numeric: %q", s.Sid)
	case k == Trust && slices.ContainsFunc(s.Actions, notSTS):
		return errors.New("AssumeRole policy may only specify STS AssumeRole actions")
	}
	return nil
}

func notSTS(action string) bool { return !strings.HasPrefix(strings.ToLower(action), "sts:") }

func notAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

// where names a statement in errors.
func where(index int, sid string) string {
	if sid == "" {
		return fmt.Sprintf("Statement[%d]", index)
	}
	return fmt.Sprintf("Statement[%d] (%s)", index, sid)
}
