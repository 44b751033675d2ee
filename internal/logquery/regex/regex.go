// Package regex compiles the regular expressions of callers, bounded in what they
// cost.
package regex

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// MaxSteps is how many instructions an expression may have once its repetitions
// are written out. Matching takes time in proportion to it, times the text: an
// expression of a few bytes, such as x{0,1000} ten times over, would otherwise
// keep a processor busy for minutes with one message, and nothing can stop it.
const MaxSteps = 1000

// ErrTooLarge says that an expression has more than MaxSteps instructions.
var ErrTooLarge = errors.New("it is too large when its repetitions are written out; ask for fewer")

// Compile compiles an expression in RE2's syntax. The error is ErrTooLarge, or of
// package regexp/syntax.
func Compile(expr string) (*regexp.Regexp, error) {
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, err //nolint:wrapcheck // callers quote it as it is
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, fmt.Errorf("compile %q: %w", expr, err)
	}
	if len(program.Inst) > MaxSteps {
		return nil, ErrTooLarge
	}
	return regexp.Compile(expr)
}
