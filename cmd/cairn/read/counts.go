package read

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/internal/scan"
)

// steps are the lengths of time a histogram counts by if nobody says. Each is a
// multiple of those before it but the last.
var steps = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// lines is how many lines a histogram may have.
const lines = 50

// stepFor returns the shortest step that divides a span into few enough.
func stepFor(span time.Duration) time.Duration {
	for _, step := range steps {
		if span/step <= lines {
			return step
		}
	}
	return steps[len(steps)-1]
}

// step returns the length of time a histogram first counts by: short enough to
// be put together to any that suits what is found, and long enough that a year
// is not more groups than are kept.
func (s *statistics) step() time.Duration {
	w := s.window()
	if end := w.To; !w.From.IsZero() {
		if end.IsZero() {
			end = s.now
		}
		if end.Sub(w.From) > 365*24*time.Hour {
			return time.Hour
		}
	}
	return time.Minute
}

// print prints counts. A group has a time if every is not zero.
func (s *statistics) print(c *scan.Counts, every time.Duration, as form) error {
	if s.histogram {
		if s.over == 0 {
			c, every = coarser(c, every)
		}
		c = &scan.Counts{Groups: filled(c.Groups, every), Other: c.Other}
	}
	groups, rest := c.Groups, c.Other
	if !s.all && !s.histogram && int64(len(groups)) > s.top {
		for _, g := range groups[s.top:] {
			rest += g.Count
		}
		groups = groups[:s.top]
	}
	if every > 0 {
		slices.SortStableFunc(groups, func(a, b scan.Group) int { return a.Time.Compare(b.Time) })
	}
	var err error
	w := bufio.NewWriter(s.env.Stdout)
	switch {
	case as == asJSON:
		err = s.printJSON(w, groups, rest, every)
	case as == asCSV:
		err = s.printCSV(w, groups, rest, every)
	case s.histogram:
		err = s.printBars(w, groups, every)
	default:
		err = s.printTable(w, groups, rest, every)
	}
	if err = errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("print counts: %w", err)
	}
	return nil
}

// coarser puts counts over time together until they are few enough lines.
func coarser(c *scan.Counts, every time.Duration) (*scan.Counts, time.Duration) {
	first, last := bounds(c.Groups)
	step := max(every, stepFor(last.Sub(first)))
	if step == every {
		return c, every
	}
	sums := map[time.Time]int64{}
	for _, g := range c.Groups {
		sums[g.Time.Truncate(step)] += g.Count
	}
	out := &scan.Counts{Other: c.Other}
	for t, n := range sums {
		out.Groups = append(out.Groups, scan.Group{Time: t, Count: n})
	}
	return out, step
}

func bounds(groups []scan.Group) (first, last time.Time) {
	for i, g := range groups {
		if i == 0 || g.Time.Before(first) {
			first = g.Time
		}
		if g.Time.After(last) {
			last = g.Time
		}
	}
	return first, last
}

// filled adds the times between the first and the last in which nothing was,
// unless they are too many to be drawn.
func filled(groups []scan.Group, every time.Duration) []scan.Group {
	const most = 10_000
	first, last := bounds(groups)
	if len(groups) == 0 || first.IsZero() || last.Sub(first)/every > most {
		return groups
	}
	there := map[int64]bool{}
	for _, g := range groups {
		there[g.Time.UnixNano()] = true
	}
	for t := first; t.Before(last); t = t.Add(every) {
		if !there[t.UnixNano()] {
			groups = append(groups, scan.Group{Time: t})
		}
	}
	return groups
}

// names are the heads of the fields counted by, as they were asked for.
func (s *statistics) names() []string {
	if s.by == "" {
		return nil
	}
	names := strings.Split(s.by, ",")
	for i, n := range names {
		names[i] = strings.TrimSpace(n)
	}
	return names
}

// member is a member of a JSON object.
type member struct {
	name  string
	value any
}

func (s *statistics) printJSON(w *bufio.Writer, groups []scan.Group, rest int64, every time.Duration) error {
	terminal := cli.IsTerminal(s.env.Stdout)
	names := s.names()
	for _, g := range groups {
		var members []member
		if every > 0 {
			members = append(members, member{"time", g.Time.UTC()})
		}
		for i, v := range g.Values {
			members = append(members, member{names[i], v})
		}
		if err := printObject(w, terminal, append(members, member{"count", g.Count})); err != nil {
			return err
		}
	}
	if rest > 0 {
		return printObject(w, terminal, []member{{"others", true}, {"count", rest}})
	}
	return nil
}

// printObject prints a JSON object with its members in this order.
func printObject(w *bufio.Writer, terminal bool, members []member) error {
	text := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			text = append(text, ',')
		}
		value, err := marshal(m.value)
		if err != nil {
			return err
		}
		text = append(append(strconv.AppendQuote(text, m.name), ':'), value...)
	}
	text = append(text, '}')
	if terminal {
		text = show.JSON(nil, text)
	}
	_, err := w.Write(append(text, '\n'))
	return err
}

func (s *statistics) printCSV(out *bufio.Writer, groups []scan.Group, rest int64, every time.Duration) error {
	w := csv.NewWriter(out)
	head := s.names()
	if every > 0 {
		head = append([]string{"time"}, head...)
	}
	_ = w.Write(append(head, "count")) // an error stays, and Flush tells it
	for _, g := range groups {
		row := s.row(g, every, show.Cell)
		_ = w.Write(append(row, strconv.FormatInt(g.Count, 10)))
	}
	if rest > 0 {
		row := make([]string, len(head))
		row[0] = "(others)"
		_ = w.Write(append(row, strconv.FormatInt(rest, 10)))
	}
	w.Flush()
	return w.Error()
}

// row returns a group's time, if it has one, and values.
func (s *statistics) row(g scan.Group, every time.Duration, safe func(string) string) []string {
	var row []string
	if every > 0 {
		row = append(row, show.Time(g.Time, every))
	}
	for _, v := range g.Values {
		row = append(row, safe(v))
	}
	return row
}

func (s *statistics) printTable(w *bufio.Writer, groups []scan.Group, rest int64, every time.Duration) error {
	heads := []string{">count"}
	if every > 0 {
		heads = append(heads, "time")
	}
	t := show.NewTable(w, look(s.env), append(heads, s.names()...)...)
	for _, g := range groups {
		row := s.row(g, every, func(v string) string {
			if v == "" {
				return "-"
			}
			return v
		})
		t.Add(append([]string{count(g.Count)}, row...))
	}
	if rest > 0 {
		row := make([]string, len(heads)+len(s.paths))
		row[0], row[1] = count(rest), "(others)"
		t.Add(row, show.Plain, show.Dim)
	}
	return t.Flush()
}

func (s *statistics) printBars(w *bufio.Writer, groups []scan.Group, every time.Duration) error {
	bars := make([]show.Bar, len(groups))
	for i, g := range groups {
		bars[i] = show.Bar{Start: g.Time, Count: g.Count}
	}
	return show.Bars(w, look(s.env), every, bars)
}

// marshal is JSON without HTML's escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
