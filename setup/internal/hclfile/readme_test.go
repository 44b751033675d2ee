package hclfile

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"cairn/setup/internal/module"
)

var update = flag.Bool("update", false, "write the tables of the modules' READMEs anew")

// The tables stand between these two lines.
const (
	tablesBegin = "<!-- inputs and outputs: made from variables.tf and outputs.tf by `go test ./setup/internal/hclfile -run READMEs -update` -->\n"
	tablesEnd   = "<!-- end of inputs and outputs -->\n"
)

// TestREADMEs checks that the tables of inputs and outputs in the modules'
// READMEs say what their variables and outputs say; -update writes them.
func TestREADMEs(t *testing.T) {
	for _, m := range module.All() {
		path := modulePath(m.Name, "README.md")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := strings.Cut(string(text), tablesBegin)
		_, after, ended := strings.Cut(rest, tablesEnd)
		if !ok || !ended {
			t.Fatalf("%s has no place for the tables: the lines\n%s%s", path, tablesBegin, tablesEnd)
		}
		current := before + tablesBegin + tables(t, m) + tablesEnd + after
		if current == string(text) {
			continue
		}
		if !*update {
			t.Errorf("%s is not current: run go test ./setup/internal/hclfile -run READMEs -update", path)
			continue
		}
		if err := os.WriteFile(path, []byte(current), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// tables makes the two tables of a module.
func tables(t *testing.T, m *module.Module) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n| input | type | default | what it is |\n| --- | --- | --- | --- |\n")
	for _, v := range moduleBody(t, m.Name, "variables.tf").Blocks {
		input, ok := m.Input(v.Labels[0])
		if !ok {
			t.Fatalf("%s: variable %q is no input", m.Name, v.Labels[0])
		}
		def := "required"
		if a := v.Body.Attributes["default"]; a != nil {
			def = "`" + source(t, m.Name, "variables.tf", a.Expr) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", input.Name, typeName(input), def, description(t, v))
	}
	b.WriteString("\n| output | what it is |\n| --- | --- |\n")
	for _, o := range moduleBody(t, m.Name, "outputs.tf").Blocks {
		fmt.Fprintf(&b, "| `%s` | %s |\n", o.Labels[0], description(t, o))
	}
	b.WriteByte('\n')
	return b.String()
}

// typeName is the input's type as people write it; the selectors' members are
// told where their fields are documented, in AWS's reference.
func typeName(in module.Input) string {
	switch name := in.Type.WithoutOptionalAttributesDeep().FriendlyName(); name {
	case "list of string":
		return "list(string)"
	case "map of string":
		return "map(string)"
	case "list of object":
		return "list(object)"
	default:
		return name
	}
}

func description(t *testing.T, b *hclsyntax.Block) string {
	t.Helper()
	a := b.Body.Attributes["description"]
	if a == nil {
		t.Fatalf("%s %q has no description", b.Type, b.Labels[0])
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return strings.ReplaceAll(v.AsString(), "|", `\|`)
}

// source is an expression as it is written.
func source(t *testing.T, name, file string, x hclsyntax.Expression) string {
	t.Helper()
	text, err := os.ReadFile(modulePath(name, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(x.Range().SliceBytes(text))
}
