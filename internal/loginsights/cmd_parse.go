package loginsights

import (
	"regexp"
	"strings"

	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
	"cairn/internal/logquery/regex"
)

// parseCommand is parse FIELD "glob * *" as NAME, NAME, or parse FIELD /regex/
// with named groups, or with groups and "as". FIELD may be left out for
// @message. A row that does not match is kept; its fields have no value.
type parseCommand struct {
	of    *syntax.Node
	match matcher
	names []string
	at    []*syntax.Node
}

// matcher finds the texts of the fields; ok is false if the whole does not
// match. A group that took no part has no text.
type matcher func(s string) (texts []string, present []bool, ok bool)

func readParse(p *syntax.Parser) (command, error) {
	c := &parseCommand{of: &syntax.Node{Kind: syntax.Field, Name: "@message", Parts: []string{"@message"}, Start: p.Tok.Start, End: p.Tok.Start}}
	if p.Tok.Kind == syntax.Word {
		var err error
		if c.of, err = p.Primary(); err != nil {
			return nil, err
		}
	}
	pattern := p.Tok
	switch {
	case p.Tok.Is("/"):
		return c, parseRegex(p, c)
	case p.Tok.Kind != syntax.Quoted:
		return nil, p.Expected(`a pattern: a text in quotes with * for what is wanted, or a /regular expression/`)
	}
	p.Next()
	stars := strings.Count(pattern.Text, "*")
	if stars == 0 {
		p.Tok = pattern
		return nil, p.Expected("a pattern with * for what is wanted")
	}
	if !p.Tok.Is("as") {
		return nil, p.Expected("as and the names of the fields")
	}
	c.match = glob(strings.Split(pattern.Text, "*"))
	return c, parseNames(p, c, stars)
}

// parseNames reads "as NAME, NAME".
func parseNames(p *syntax.Parser, c *parseCommand, want int) error {
	p.Next()
	for {
		name, at, err := p.Name("the name of a field")
		if err != nil {
			return err
		}
		c.names, c.at = append(c.names, name), append(c.at, at)
		if len(c.names) == want {
			if p.Tok.Is(",") {
				return p.Expected("as many names as the pattern has * or groups")
			}
			return nil
		}
		if !p.Take(",") {
			return p.Expected("a comma and another name: as many as the pattern has * or groups")
		}
	}
}

func parseRegex(p *syntax.Parser, c *parseCommand) error {
	expr, end, ok := syntax.LexRegex(p.Src, p.Tok.Start)
	if !ok {
		return p.Expected("a slash that closes the regular expression")
	}
	start := p.Tok
	start.End = end
	expr, groups := nameGroups(expr)
	re, err := regex.Compile(expr)
	if err != nil {
		p.Tok.End = end
		return p.Expected("a regular expression without look-around or back-references (" + err.Error() + ")")
	}
	p.Tok = syntax.Token{Kind: syntax.Symbol, Start: start.Start, End: end}
	p.Next()
	var numbers []int // the groups that become fields
	for i, name := range groups {
		if name != "" {
			numbers = append(numbers, i+1)
			c.names = append(c.names, name)
			c.at = append(c.at, &syntax.Node{Start: start.Start, End: end})
		}
	}
	if len(numbers) == 0 && len(groups) > 0 && p.Tok.Is("as") {
		for i := range groups {
			numbers = append(numbers, i+1)
		}
		err = parseNames(p, c, len(groups))
	}
	if len(numbers) == 0 {
		p.Tok = start
		return p.Expected("a regular expression with groups that have names, such as (?<user>[a-z]+)")
	}
	c.match = groupsOf(re, numbers)
	return err
}

// nameGroups takes the names from the groups of an expression, since they may
// hold an @ here and not in RE2, and returns them by group.
func nameGroups(expr string) (plain string, names []string) {
	var b strings.Builder
	class := false
	for i := 0; i < len(expr); i++ {
		c := expr[i]
		b.WriteByte(c)
		switch {
		case c == '\\' && i+1 < len(expr):
			i++
			b.WriteByte(expr[i])
		case class:
			class = c != ']'
		case c == '[':
			class = true
			// A ] at once after [ or [^ is a member of the class.
			rest := strings.TrimPrefix(strings.TrimPrefix(expr[i+1:], "^"), "]")
			n := len(expr) - i - 1 - len(rest)
			b.WriteString(expr[i+1 : i+1+n])
			i += n
		case c == '(':
			rest := expr[i+1:]
			if !strings.HasPrefix(rest, "?") {
				names = append(names, "")
				continue
			}
			name, ok := strings.CutPrefix(strings.Replace(rest, "?P<", "?<", 1), "?<")
			end := strings.IndexByte(name, '>')
			if ok && end > 0 && name[0] != '=' && name[0] != '!' {
				names = append(names, name[:end])
				i += strings.IndexByte(rest, '>') + 1
			}
		}
	}
	return b.String(), names
}

func groupsOf(re *regexp.Regexp, numbers []int) matcher {
	return func(s string) ([]string, []bool, bool) {
		texts, present := make([]string, len(numbers)), make([]bool, len(numbers))
		m := re.FindStringSubmatchIndex(s)
		if m == nil {
			return nil, nil, false
		}
		for i, n := range numbers {
			if present[i] = m[2*n] >= 0; present[i] {
				texts[i] = s[m[2*n]:m[2*n+1]]
			}
		}
		return texts, present, true
	}
}

// glob makes the matcher of a text with *: the first place where the parts
// between follow each other, each * as short as it can be. A * at the front
// begins with the text, one at the end goes to its end.
func glob(parts []string) matcher {
	n := len(parts) - 1
	return func(s string) ([]string, []bool, bool) {
		texts, present := make([]string, n), make([]bool, n)
		at := strings.Index(s, parts[0])
		if at < 0 {
			return nil, nil, false
		}
		s = s[at+len(parts[0]):]
		for i, part := range parts[1:] {
			end := strings.Index(s, part)
			if i == n-1 && part == "" {
				end = len(s)
			}
			if end < 0 {
				return nil, nil, false
			}
			texts[i], present[i] = s[:end], true
			s = s[end+len(part):]
		}
		return texts, present, true
	}
}

func (p *parseCommand) compile(c *compiler) error {
	if err := c.afterDedup("parse"); err != nil {
		return err
	}
	of, err := c.expr(p.of)
	if err != nil {
		return err
	}
	slots := make([]int, len(p.names))
	for i, name := range p.names {
		if slots[i], err = c.define(name, p.at[i]); err != nil {
			return err
		}
	}
	s := c.last()
	s.ops = append(s.ops, func(r *row) bool {
		v := of(r)
		if v.Kind == value.Missing {
			return true
		}
		texts, present, ok := p.match(v.Text())
		for i, slot := range slots {
			if ok && present[i] {
				r.slots[slot] = value.OfText(texts[i])
			}
		}
		return true
	})
	return nil
}
