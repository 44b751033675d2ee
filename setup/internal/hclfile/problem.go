package hclfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"cairn/internal/spell"
)

// Problem is one thing wrong with the files.
type Problem struct {
	// File, Line and Column say where; Line and Column count from 1. File is
	// empty for values that do not come from a file.
	File         string
	Line, Column int
	// Text says what is wrong and what to do.
	Text string
}

// String returns "FILE:LINE:COLUMN: TEXT".
func (p Problem) String() string {
	if p.File == "" {
		return p.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems is everything wrong with the files, in the order of the files.
type Problems []Problem

// Error returns the problems, one a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(r hcl.Range, format string, args ...any) {
	*p = append(*p, Problem{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column, Text: fmt.Sprintf(format, args...)})
}

// addText adds a problem that has no place in a file.
func (p *Problems) addText(format string, args ...any) {
	*p = append(*p, Problem{Text: fmt.Sprintf(format, args...)})
}

func (p *Problems) addDiags(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		text := strings.Join(strings.Fields(d.Detail), " ")
		if text == "" {
			text = d.Summary
		}
		switch d.Summary {
		case "Call to unknown function":
			text += " cairn knows Terraform's functions on texts, numbers and collections, and reads no files."
		case "Invalid multi-line string":
			text = "the text in quotes on this line has no closing quote"
		case "Invalid block definition":
			text = strings.TrimSuffix(text, ".") + "; an input is written NAME = VALUE"
		}
		var r hcl.Range
		if d.Subject != nil {
			r = *d.Subject
		}
		p.add(r, "%s", strings.TrimSuffix(text, "."))
	}
}

// addSyntax adds the first of a parser's errors: what follows it is mostly
// the parser having lost its way.
func (p *Problems) addSyntax(diags hcl.Diagnostics) {
	for i, d := range diags {
		if d.Severity == hcl.DiagError {
			p.addDiags(diags[i : i+1])
			return
		}
	}
}

// err returns the problems sorted and without repetitions, nil if there are
// none.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	return slices.Compact(p)
}

// at returns a range as "FILE:LINE".
func at(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// didYouMean returns "; did you mean "X"?" if one of names is near, else "".
func didYouMean(name string, names []string) string {
	if n := Nearest(name, names); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return ""
}

// Nearest returns the one of names that name was probably meant to be, or ""
// if none is near: the one with the fewest letters changed, or else the
// shortest that name is a part of. Upper and lower case, - and _ count as the
// same.
func Nearest(name string, names []string) string {
	best, bestDistance := "", max(len(name)/3, 2)+1
	for _, n := range names {
		if d := spell.Distance(fold(name), fold(n)); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	if best != "" || len(name) < 4 {
		return best
	}
	for _, n := range names {
		if strings.Contains(fold(n), fold(name)) && (best == "" || len(n) < len(best)) {
			best = n
		}
	}
	return best
}

func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

func sortedAttributes(b *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(b.Attributes))
	for _, a := range b.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	return attrs
}

func onlyAttributes(b *hclsyntax.Block, p *Problems, names ...string) {
	for _, a := range sortedAttributes(b.Body) {
		if !slices.Contains(names, a.Name) {
			p.add(a.NameRange, "%s %s block has no %q%s", article(b.Type), b.Type, a.Name, didYouMean(a.Name, names))
		}
	}
}

func article(word string) string {
	if strings.ContainsAny(word[:1], "aeiou") {
		return "an"
	}
	return "a"
}

func noBlocks(b *hclsyntax.Block, p *Problems) {
	for _, inner := range b.Body.Blocks {
		p.add(inner.DefRange(), "%s %s block has no %q block inside: write %s = …", article(b.Type), b.Type, inner.Type, inner.Type)
	}
}

func isText(v cty.Value) bool {
	return v.IsKnown() && !v.IsNull() && v.Type() == cty.String && !v.IsMarked()
}

func (p Problem) place() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }
