package needle

import (
	"regexp"
	"regexp/syntax"
)

// Required returns text that every match of a regular expression has.
func Required(re *regexp.Regexp) Literals {
	tree, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return nil // written in another syntax
	}
	return requiredOf(tree)
}

func requiredOf(re *syntax.Regexp) (out Literals) {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return nil
		}
		return Literals{{{Text: string(re.Rune)}}}
	case syntax.OpCapture, syntax.OpPlus:
		return requiredOf(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return requiredOf(re.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			out = append(out, requiredOf(sub)...)
		}
		return out
	case syntax.OpAlternate:
		var any []Literal
		for _, sub := range re.Sub {
			found := requiredOf(sub)
			if len(found) == 0 {
				return nil
			}
			any = append(any, found.longest()...)
		}
		return Literals{any}
	default:
	}
	return nil
}

// longest returns the alternatives of which the shortest is longest.
func (l Literals) longest() []Literal {
	best, most := l[0], -1
	for _, alternatives := range l {
		least := 1 << 30
		for _, a := range alternatives {
			least = min(least, len(a.Text))
		}
		if least > most {
			best, most = alternatives, least
		}
	}
	return best
}
