// Package syntax reads Logs Insights queries: words, expressions, and where and
// why a query cannot be understood. What commands there are is not its matter.
package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxLength is the length of the longest query, in characters (spec 6.6).
const MaxLength = 10_000

// maxNesting bounds expressions; ours.
const maxNesting = 100

// Parser walks over a query, one token ahead. Each command adds its own method.
type Parser struct {
	// Src is the query; Tok the token that is next; Last is where the one before
	// it ends.
	Src  string
	Tok  Token
	Last int

	depth int
}

// New begins to read a query.
func New(src string) (*Parser, error) {
	if !utf8.ValidString(src) {
		return nil, Fault("", 0, 0, "the query is not text in UTF-8", "")
	}
	if n := utf8.RuneCountInString(src); n > MaxLength {
		return nil, Fault("", 0, 0, fmt.Sprintf("the query has %d characters, more than %d", n, MaxLength), "")
	}
	p := &Parser{Src: src}
	p.Next()
	return p, nil
}

// Next passes the current token.
func (p *Parser) Next() {
	p.Last = p.Tok.End
	p.Tok = lex(p.Src, p.Tok.End)
}

// Take passes the keyword or symbol if it is next.
func (p *Parser) Take(word string) bool {
	if !p.Tok.Is(word) {
		return false
	}
	p.Next()
	return true
}

// Expected makes the error for the current token.
func (p *Parser) Expected(what string) error {
	found := "the end of the query"
	switch {
	case p.Tok.Kind == Bad && p.Tok.End == len(p.Src) && strings.IndexByte("\"'`", p.Src[p.Tok.Start]) >= 0:
		found, what = p.Src[p.Tok.Start:p.Tok.Start+1], "a closing quote"
	case p.Tok.Kind != End:
		found = shortened(p.Src[p.Tok.Start:p.Tok.End])
	}
	return Fault(p.Src, p.Tok.Start, p.Tok.End, "unexpected symbol found "+found, "expected "+what)
}

func shortened(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "..."
}

// Name reads a name that is to be given to a field.
func (p *Parser) Name(what string) (string, *Node, error) {
	if p.Tok.Kind != Word {
		return "", nil, p.Expected(what)
	}
	n := &Node{Kind: Field, Name: p.Tok.Text, Parts: p.Tok.Parts, Start: p.Tok.Start, End: p.Tok.End}
	p.Next()
	return n.Name, n, nil
}

// Item is an expression with the name its value gets.
type Item struct {
	Expr *Node
	Name string
	// Alias is where the name was given with "as"; nil if it was not.
	Alias *Node
}

// Items reads expressions separated by commas.
func (p *Parser) Items() ([]Item, error) {
	var list []Item
	for {
		e, err := p.Expr()
		if err != nil {
			return nil, err
		}
		it := Item{Expr: e, Name: e.Label(p.Src)}
		if p.Take("as") {
			if it.Name, it.Alias, err = p.Name("a name after as"); err != nil {
				return nil, err
			}
		}
		if list = append(list, it); !p.Take(",") {
			return list, nil
		}
	}
}
