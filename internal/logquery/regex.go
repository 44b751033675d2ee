package logquery

import (
	"regexp"
	"strings"
)

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
	re, err := regexp.Compile(expr)
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
