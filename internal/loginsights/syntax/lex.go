package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// TokenKind is what sort of word it is.
type TokenKind uint8

// The kinds of word.
const (
	End        TokenKind = iota
	Word                 // eventName, @message, userIdentity.arn, `foo-bar`
	NumberWord           // 12, 1.5, 1e3
	PeriodWord           // 5m, 1h: a number and letters
	Quoted               // "text" or 'text'; text is decoded
	Symbol               // an operator or a bracket
	Bad                  // a character no query has, or a quote that is not closed
)

// Token is a word of a query: src[start:end].
type Token struct {
	Kind       TokenKind
	Text       string
	Quoted     bool     // a name in backticks is never a keyword
	Parts      []string // of a name: what stands between dots outside backticks
	Start, End int
}

// Is reports whether the token is the keyword or symbol; keywords in any case.
func (t *Token) Is(word string) bool {
	switch t.Kind {
	case Word:
		return !t.Quoted && strings.EqualFold(t.Text, word)
	case Symbol:
		return t.Text == word
	case End, NumberWord, PeriodWord, Quoted, Bad:
	}
	return false
}

// symbols are the operators and brackets, the longer ones first.
var symbols = [...]string{"!=", "<=", ">=", "=~", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")", "[", "]", ",", "|"}

// lex returns the token at or after pos. Comments go from # to the end of the
// line.
func lex(src string, pos int) Token {
	pos = skip(src, pos)
	t := Token{Start: pos, End: pos}
	if pos == len(src) {
		return t
	}
	switch c := src[pos]; {
	case c == '"' || c == '\'':
		return lexString(src, t)
	case isDigit(c) || c == '.' && pos+1 < len(src) && isDigit(src[pos+1]):
		return lexNumber(src, t)
	case c == '`' || isName(src[pos:]) > 0:
		return lexName(src, t)
	}
	for _, s := range symbols {
		if strings.HasPrefix(src[pos:], s) {
			t.Kind, t.Text, t.End = Symbol, s, pos+len(s)
			return t
		}
	}
	_, n := utf8.DecodeRuneInString(src[pos:])
	t.Kind, t.End = Bad, pos+n
	return t
}

// skip passes over white space and comments.
func skip(src string, pos int) int {
	for pos < len(src) {
		if src[pos] == '#' {
			end := strings.IndexByte(src[pos:], '\n')
			if end < 0 {
				return len(src)
			}
			pos += end
			continue
		}
		r, n := utf8.DecodeRuneInString(src[pos:])
		if !unicode.IsSpace(r) {
			return pos
		}
		pos += n
	}
	return pos
}

// lexString reads a text in quotes. \" \' \\ stand for the second character,
// \n, \t and \r for what they do elsewhere; any other backslash is itself.
func lexString(src string, t Token) Token {
	quote := src[t.Start]
	var b strings.Builder
	for i := t.Start + 1; i < len(src); i++ {
		c := src[i]
		switch {
		case c == quote:
			t.Kind, t.Text, t.End = Quoted, b.String(), i+1
			return t
		case c == '\\' && i+1 < len(src):
			i++
			if at := strings.IndexByte(`"'\ntr`, src[i]); at >= 0 {
				b.WriteByte("\"'\\\n\t\r"[at])
				continue
			}
			b.WriteByte(c)
			b.WriteByte(src[i])
		default:
			b.WriteByte(c)
		}
	}
	t.Kind, t.End = Bad, len(src)
	return t
}

func lexNumber(src string, t Token) Token {
	i := t.Start
	digits := func() {
		for i < len(src) && isDigit(src[i]) {
			i++
		}
	}
	digits()
	if i+1 < len(src) && src[i] == '.' && isDigit(src[i+1]) {
		i++
		digits()
	}
	t.Kind = NumberWord
	if exponent := i; i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		i++
		if i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		from := i
		if digits(); i == from {
			i = exponent
		}
	}
	for i < len(src) && isLetter(src[i]) {
		t.Kind = PeriodWord
		i++
	}
	t.Text, t.End = src[t.Start:i], i
	return t
}

// lexName reads the name of a field, function, command or keyword. Parts with
// other characters stand in backticks: requestParameters.`my-key`.
func lexName(src string, t Token) Token {
	var part strings.Builder
	i := t.Start
	for i < len(src) {
		if src[i] == '`' {
			end := strings.IndexByte(src[i+1:], '`')
			if end < 0 {
				t.Kind, t.End = Bad, len(src)
				return t
			}
			part.WriteString(src[i+1 : i+1+end])
			t.Quoted = true
			i += end + 2
			continue
		}
		n := isName(src[i:])
		if n == 0 {
			break
		}
		if src[i] == '.' {
			t.Parts = append(t.Parts, part.String())
			part.Reset()
		} else {
			part.WriteString(src[i : i+n])
		}
		i += n
	}
	t.Parts = append(t.Parts, part.String())
	t.Kind, t.Text, t.End = Word, strings.Join(t.Parts, "."), i
	return t
}

// isName returns the length of the character s begins with if a name may hold
// it without backticks, or 0.
func isName(s string) int {
	if s == "" {
		return 0
	}
	if c := s[0]; c < utf8.RuneSelf {
		if isLetter(c) || isDigit(c) || c == '_' || c == '@' || c == '.' || c == '$' {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return n
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// LexRegex reads /regex/ that begins at pos and returns the expression and
// where it ends. \/ stands for a slash.
func LexRegex(src string, pos int) (expr string, end int, ok bool) {
	var b strings.Builder
	for i := pos + 1; i < len(src); i++ {
		switch c := src[i]; {
		case c == '/':
			return b.String(), i + 1, true
		case c == '\\' && i+1 < len(src):
			i++
			if src[i] != '/' {
				b.WriteByte('\\')
			}
			b.WriteByte(src[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", len(src), false
}
