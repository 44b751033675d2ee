package logquery

import (
	"fmt"
	"regexp"
	"strings"

	"cairn/internal/logquery/needle"
	"cairn/internal/logquery/regex"
)

// matching is a message in which a regular expression matches somewhere.
type matching struct{ regex *regexp.Regexp }

// Regexp is true of messages in which a regular expression, in Go's syntax,
// matches somewhere: ^ and $ are the message's ends unless it says (?m).
func Regexp(re string) (Expr, error) {
	r, err := regexp.Compile(re)
	if err != nil {
		return nil, fmt.Errorf("read regular expression %q: %w", re, err)
	}
	return matching{r}, nil
}

func (m matching) bind(*compiler) cond { return m }

func (m matching) eval(f *view) bool { return m.regex.Match(f.message) }

func (m matching) needles() needle.Clauses { return needle.Required(m.regex).Plain() }

// sql: the table does not have a record in one piece.
func (m matching) sql(bool) (string, bool) { return "TRUE", false }

// like is FIELD = %regex% or FIELD != %regex%.
type like struct {
	regex  *regexp.Regexp
	negate bool
}

// Like is passed by values in whose text a regular expression matches somewhere.
func Like(re *regexp.Regexp) Test { return &like{regex: re} }

func (l *like) holds(v *Value) bool {
	text, ok := v.Text()
	return ok && l.regex.Match(text) != l.negate
}

func (l *like) literals() needle.Literals {
	if l.negate {
		return nil
	}
	return needle.Required(l.regex)
}

// sql asks only for the text that every match has: DuckDB's regular expressions
// differ from Go's in details.
func (l *like) sql(x operand) (string, bool) {
	return x.contains(l.literals()), false
}

// regex reads %...%. The syntax is the subset that CloudWatch Logs allows (spec
// 6.2): no groups, no multi-byte characters, two to a pattern. It matches
// anywhere in the text and runs in time linear in it.
func (p *parser) regex() (*regexp.Regexp, error) {
	start := p.pos
	p.pos++
	end := strings.IndexByte(p.src[p.pos:], '%')
	if end < 0 {
		return nil, p.expectedAt(len(p.src), "a closing % for the regular expression "+found(p.src[start:]))
	}
	if end == 0 {
		return nil, p.expected("a regular expression between the two %")
	}
	if p.regexes++; p.regexes > maxRegexes {
		return nil, p.expectedAt(start, "at most two regular expressions")
	}
	expr := p.src[p.pos : p.pos+end]
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case isAlnum(c) || strings.IndexByte(`:_#=@/;,-^$?[]{}|*+.`, c) >= 0:
		case c == '\\' && i+1 < len(expr) && regexEscape(expr[i+1:]):
			i++
		default:
			return nil, p.expectedAt(p.pos+i, `a character that regular expressions may hold (letters, digits, : _ # = @ / ; , - ^ $ ? [ ] { } | * + . and \d \D \s \S \w \W \xhh)`)
		}
	}
	re, err := regex.Compile(expr)
	if err != nil {
		return nil, p.expected("a valid regular expression (" + err.Error() + ")")
	}
	p.pos += end + 1
	return re, nil
}

// regexEscape reports whether a backslash may stand before s: before a class,
// two hexadecimal digits, or any symbol, which then means itself.
func regexEscape(s string) bool {
	switch c := s[0]; {
	case strings.IndexByte("dDsSwW", c) >= 0:
		return true
	case c == 'x':
		return len(s) >= 3 && isHex(s[1]) && isHex(s[2])
	default:
		return !isAlnum(c) && c > ' ' && c < 0x7f
	}
}

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
