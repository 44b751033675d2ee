package check

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style says how to show a report.
type Style struct {
	// Color uses ANSI colours, for terminals.
	Color bool
	// Width is how many columns there are; lines are wrapped to it. 0 wraps
	// nothing: for pipes.
	Width int
}

// WriteText writes the report for a person: per trail a table with what
// failed, most severe first, then what could not be looked at, then what is
// right.
func (r *Report) WriteText(w io.Writer, s Style) error {
	var b strings.Builder
	where := ""
	if r.Endpoint != "" {
		where = " at " + r.Endpoint
	}
	fmt.Fprintf(&b, "Account %s in %s%s\n", r.Account, r.Region, where)
	if own := r.of("", ""); len(own) > 0 {
		b.WriteByte('\n')
		s.table(&b, own)
	}
	for _, t := range r.Trails {
		to := strings.Join(t.Destinations, " and ")
		if to != "" {
			to = ", to " + to
		}
		home := ""
		if t.HomeRegion != "" {
			home = " of " + t.HomeRegion
		}
		fmt.Fprintf(&b, "\n%s\n", s.paint("1", "Trail "+t.Name)+home+to)
		s.table(&b, r.of(t.Name, t.ARN))
	}
	fmt.Fprintf(&b, "\n%s: %s failed, %d passed, %d could not be looked at.\n",
		count(len(r.Findings), "check"), s.paint(map[bool]string{true: "1;31", false: "1;32"}[r.Failed()], fmt.Sprint(r.Summary.Fail)), r.Summary.Pass, r.Summary.Unknown)
	_, err := io.WriteString(w, b.String())
	return err
}

// of returns a trail's findings, or the account's.
func (r *Report) of(trail, trailARN string) []Finding {
	var list []Finding
	for _, f := range r.Findings {
		if f.Trail == trail && f.TrailARN == trailARN {
			list = append(list, f)
		}
	}
	return list
}

// order is the order of the table's parts.
func order(f Finding) int {
	return slices.Index([]Result{Fail, Unknown, Pass}, f.Status)
}

// The widths of the first columns: the longest of their words and two spaces.
const (
	resultWidth   = 9
	severityWidth = 10
	// detailColumn is where lines below a finding begin.
	detailColumn = 2 + resultWidth
)

func (s Style) table(b *strings.Builder, list []Finding) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y Finding) int {
		if d := order(x) - order(y); d != 0 {
			return d
		}
		if x.Status == Fail {
			return int(y.Severity - x.Severity)
		}
		return 0
	})
	width := 0
	for _, f := range list {
		width = max(width, len(f.ID))
	}
	column := 2 + resultWidth + severityWidth + width + 2
	// Where little room is left beside the first columns, what was seen goes
	// below them.
	below := s.Width > 0 && s.Width-column < 50
	for i := 0; i < len(list); i++ {
		f := list[i]
		text := f.Evidence
		if same := alike(list[i:]); len(same) > 0 {
			i += len(same)
			text += "; the same for " + strings.Join(same, ", ")
		}
		mark := map[Result]string{Pass: "32", Fail: "1;31", Unknown: "33"}[f.Status]
		fmt.Fprintf(b, "  %s%-*s", s.paint(mark, fmt.Sprintf("%-*s", resultWidth, f.Status)), severityWidth, f.Severity)
		if below {
			fmt.Fprintf(b, "%s\n%*s%s\n", f.ID, detailColumn, "", s.wrap(text, detailColumn))
		} else {
			fmt.Fprintf(b, "%-*s%s\n", width+2, f.ID, s.wrap(text, column))
		}
		if f.Status != Fail {
			continue
		}
		fmt.Fprintf(b, "%*s%s\n", detailColumn, "", s.wrap("mend: "+f.Remedy, detailColumn))
		if len(f.Controls) > 0 {
			fmt.Fprintf(b, "%*s%s\n", detailColumn, "", s.paint("2", s.wrap("asked by: "+controlText(f.Controls), detailColumn)))
		}
	}
}

// alike returns the ids of the findings that follow the first and say the same
// of what could not be looked at: one answer may leave many questions open.
func alike(list []Finding) []string {
	var ids []string
	for _, f := range list[1:] {
		if list[0].Status != Unknown || f.Status != Unknown || f.Evidence != list[0].Evidence {
			break
		}
		ids = append(ids, f.ID)
	}
	return ids
}

// controlText lists controls by framework. A question mark stands behind ids
// that are not verified.
func controlText(list []Control) string {
	var parts []string
	last := ""
	for _, c := range list {
		text := c.ID
		if !c.Verified {
			text += "?"
		}
		version, isCIS := strings.CutPrefix(c.Framework, "CIS AWS ")
		switch {
		case isCIS && strings.HasPrefix(last, "CIS AWS "):
			text = version + " " + text
		case c.Framework != last:
			text = c.Framework + " " + text
		}
		last = c.Framework
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// wrap breaks a text into lines that begin at a column. Control characters,
// which a policy's author could have put there for the terminal, are replaced.
func (s Style) wrap(text string, indent int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, text)
	const least = 30 // narrower columns are harder to read than long lines
	room := s.Width - indent
	if s.Width == 0 {
		return text
	}
	room = max(room, least)
	var b strings.Builder
	used := 0
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case used+1+n > room:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = 0
		default:
			b.WriteByte(' ')
			used++
		}
		b.WriteString(word)
		used += n
	}
	return b.String()
}
