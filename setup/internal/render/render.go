// Package render shows plans in Terraform's form, as text and as JSON.
package render

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"cairn/setup/internal/hclfile"
	"cairn/setup/internal/resource"
)

// Style says how to show.
type Style struct {
	// Color uses ANSI colours, for terminals.
	Color bool
	// Secrets are texts not to be shown.
	Secrets []string
}

const (
	green  = "32"
	yellow = "33"
	red    = "31"
	bold   = "1"
)

func (s Style) paint(code, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// hide replaces secrets in a text.
func (s Style) hide(text string) (string, bool) {
	for _, secret := range s.Secrets {
		if strings.Contains(text, secret) {
			return "(sensitive value)", true
		}
	}
	return text, false
}

// Plan writes the changes and their count. destroy says the plan is to
// remove everything.
func Plan(w io.Writer, changes []resource.Change, destroy bool, s Style) error {
	n := resource.Tally(changes)
	if n == (resource.Count{}) {
		text := "Your infrastructure matches the configuration."
		if destroy {
			text = "Nothing of what the files describe is there to destroy."
		}
		_, err := fmt.Fprintf(w, "%s %s\n", s.paint(bold+";"+green, "No changes."), text)
		return err
	}
	var b strings.Builder
	b.WriteString("Cairn will perform the following actions:\n\n")
	for _, c := range changes {
		if c.Action != resource.NoOp {
			s.change(&b, c)
			b.WriteByte('\n')
		}
	}
	fmt.Fprintf(&b, "%s %d to add, %d to change, %d to destroy.\n", s.paint(bold, "Plan:"), n.Add, n.Change, n.Destroy)
	_, err := io.WriteString(w, b.String())
	return err
}

// Left tells what destroying leaves alone, and why.
func Left(w io.Writer, left []resource.Change) error {
	for _, c := range left {
		if c.Part != "" {
			continue // goes with the resource it is a part of
		}
		_, err := fmt.Fprintf(w, "Left alone: %s, %s %q: it was not made by this module (it has no tag %s = %s).\n",
			c.Address, c.Spec.Kind(), resource.ID(c.Spec), resource.OwnerTag, resource.OwnerOf(c.Spec))
		if err != nil {
			return err
		}
	}
	return nil
}

func (s Style) change(b *strings.Builder, c resource.Change) {
	var what, mark string
	switch c.Action {
	case resource.Create:
		what, mark = "will be created", s.paint(green, "+")
	case resource.Update:
		what, mark = "will be updated in-place", s.paint(yellow, "~")
	case resource.Replace:
		what, mark = "must be "+s.paint(bold+";"+red, "replaced"), s.paint(red, "-")+"/"+s.paint(green, "+")
	default:
		what, mark = "will be "+s.paint(bold+";"+red, "destroyed"), s.paint(red, "-")
	}
	kind, name := c.Spec.Kind(), c.Address[strings.LastIndex(c.Address, ".")+1:]
	name, _, _ = strings.Cut(name, "[")
	fmt.Fprintf(b, "  # %s %s\n%s resource %q %q {\n", s.paint(bold, c.Address), what, pad(mark, c.Action), kind, name)
	width, hidden := 0, 0
	for _, a := range c.Attrs {
		if a.Before != nil || a.After != nil {
			width = max(width, len(a.Name))
		}
	}
	for i, a := range c.Attrs {
		if a.Before == nil && a.After == nil {
			continue
		}
		if !a.Changed && c.Action == resource.Update && i > 0 {
			hidden++
			continue
		}
		s.attr(b, c.Action, a, width)
	}
	if hidden > 0 {
		fmt.Fprintf(b, "        # (%d unchanged %s hidden)\n", hidden, plural(hidden, "attribute"))
	}
	b.WriteString("    }\n")
}

// pad puts the mark where Terraform puts it: -/+ starts one column earlier.
func pad(mark string, a resource.Action) string {
	if a == resource.Replace {
		return mark
	}
	return "  " + mark
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func (s Style) attr(b *strings.Builder, action resource.Action, a resource.AttrChange, width int) {
	before, after := s.value(a.Before), s.value(a.After)
	mark := " "
	switch {
	case !a.Changed:
	case a.Before == nil:
		mark = s.paint(green, "+")
	case a.After == nil:
		mark = s.paint(red, "-")
	default:
		mark = s.paint(yellow, "~")
	}
	fmt.Fprintf(b, "      %s %-*s = ", mark, width, a.Name)
	switch {
	case !a.Changed && a.After == nil:
		b.WriteString(before)
	case !a.Changed || a.Before == nil:
		b.WriteString(after)
	case a.After == nil && action == resource.Delete:
		b.WriteString(before + " -> null")
	case a.After == nil:
		b.WriteString(before + " -> null")
	case strings.Contains(before+after, "\n"):
		b.WriteString(s.lines(before, after))
	default:
		b.WriteString(before + " -> " + after)
	}
	if a.Replace {
		b.WriteString(s.paint(red, " # forces replacement"))
	}
	b.WriteByte('\n')
}

// value shows an attribute value as HCL; lines after the first are indented
// to stand inside a resource.
func (s Style) value(v any) string {
	var text string
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		text = strconv.Quote(v)
	case resource.Policy:
		text = "jsonencode(\n" + indent(v.Pretty(), "    ") + "\n  )"
	case resource.JSON:
		text = "jsonencode(\n" + indent(v.Pretty(), "    ") + "\n  )"
	case []string:
		var lines []string
		for _, e := range v {
			lines = append(lines, "    "+strconv.Quote(e)+",")
		}
		text = "[\n" + strings.Join(lines, "\n") + "\n  ]"
	case map[string]string:
		var lines []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			lines = append(lines, fmt.Sprintf("    %q = %q", k, v[k]))
		}
		text = "{\n" + strings.Join(lines, "\n") + "\n  }"
	default:
		text = fmt.Sprint(v)
	}
	if hidden, ok := s.hide(text); ok {
		return hidden
	}
	return strings.ReplaceAll(text, "\n", "\n      ")
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }

// lines shows what changed between two texts of several lines.
func (s Style) lines(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	common := longest(a, b)
	var out []string
	mark := func(code, m, line string) string {
		if len(line) > 2 {
			rest := strings.TrimLeft(line, " ")
			return line[:len(line)-len(rest)-2] + s.paint(code, m) + " " + rest
		}
		return s.paint(code, m) + " " + line
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, a[i])
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			out = append(out, mark(red, "-", a[i]))
			i++
		default:
			out = append(out, mark(green, "+", b[j]))
			j++
		}
	}
	return strings.Join(out, "\n")
}

// longest returns the lengths of the longest common subsequences of a[i:] and
// b[j:].
func longest(a, b []string) [][]int {
	n := make([][]int, len(a)+1)
	for i := range n {
		n[i] = make([]int, len(b)+1)
	}
	for i, x := range slices.Backward(a) {
		for j, y := range slices.Backward(b) {
			if x == y {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	return n
}

// Outputs writes the output values.
func Outputs(w io.Writer, outs []hclfile.Output, s Style) error {
	if len(outs) == 0 {
		return nil
	}
	width := 0
	for _, o := range outs {
		width = max(width, len(o.Name))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n", s.paint(bold+";"+green, "Outputs:"))
	for _, o := range outs {
		fmt.Fprintf(&b, "%-*s = %s\n", width, o.Name, outputText(o))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func outputText(o hclfile.Output) string {
	switch {
	case o.Sensitive:
		return "<sensitive>"
	case !o.Value.IsWhollyKnown():
		return "(known after apply)"
	case o.Value.IsNull():
		return "null"
	case o.Value.Type() == cty.String:
		return strconv.Quote(o.Value.AsString())
	}
	text, err := ctyjson.Marshal(o.Value, o.Value.Type())
	if err != nil {
		return "(not shown: " + err.Error() + ")"
	}
	return resource.JSON(text).Pretty()
}

// JSON is a plan for programs. Its members follow `terraform show -json`.
type JSON struct {
	FormatVersion   string         `json:"format_version"`
	ResourceChanges []jsonChange   `json:"resource_changes"`
	OutputValues    map[string]any `json:"output_values"`
	Summary         map[string]int `json:"summary"`
	// Warnings say what AWS would refuse, and why.
	Warnings []string `json:"warnings"`
}

type jsonChange struct {
	Address string     `json:"address"`
	Type    string     `json:"type"`
	Change  jsonDetail `json:"change"`
}

type jsonDetail struct {
	Actions []string       `json:"actions"`
	Before  map[string]any `json:"before"`
	After   map[string]any `json:"after"`
}

// ToJSON turns a plan into what programs read. Sensitive values are left out.
func ToJSON(changes []resource.Change, outs []hclfile.Output, s Style) JSON {
	n := resource.Tally(changes)
	j := JSON{
		FormatVersion: "1.0", ResourceChanges: []jsonChange{}, OutputValues: map[string]any{},
		Warnings: []string{}, Summary: map[string]int{"add": n.Add, "change": n.Change, "destroy": n.Destroy},
	}
	for _, c := range changes {
		d := jsonDetail{Actions: []string{string(c.Action)}}
		if c.Action == resource.Replace {
			d.Actions = []string{"delete", "create"}
		}
		for _, a := range c.Attrs {
			if c.Found != nil {
				d.Before = s.put(d.Before, a.Name, a.Before)
			}
			if c.Action != resource.Delete {
				d.After = s.put(d.After, a.Name, a.After)
			}
		}
		j.ResourceChanges = append(j.ResourceChanges, jsonChange{Address: c.Address, Type: c.Spec.Kind(), Change: d})
	}
	for _, o := range outs {
		if o.Sensitive || !o.Value.IsWhollyKnown() {
			j.OutputValues[o.Name] = nil
			continue
		}
		if text, err := ctyjson.Marshal(o.Value, o.Value.Type()); err == nil {
			j.OutputValues[o.Name] = json.RawMessage(text)
		}
	}
	return j
}

func (s Style) put(m map[string]any, name string, v any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	switch x := v.(type) {
	case resource.JSON:
		v = json.RawMessage(x)
	case resource.Policy:
		v = string(x)
	}
	if text, err := json.Marshal(v); err == nil {
		if hidden, ok := s.hide(string(text)); ok {
			v = hidden
		}
	}
	m[name] = v
	return m
}
