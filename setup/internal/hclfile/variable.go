package hclfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// sensitive marks values of sensitive variables.
const sensitive = "sensitive"

type variable struct {
	name      string
	block     *hclsyntax.Block
	typ       cty.Type
	defaults  *typeexpr.Defaults
	def       cty.Value // NilVal: must be given
	nullable  bool
	sensitive bool
	checks    []*hclsyntax.Block
}

func (f *Folder) addVariable(name string, b *hclsyntax.Block, p *Problems) {
	if old, ok := f.variables[name]; ok {
		p.add(b.DefRange(), "variable %q is declared twice: first at %s", name, at(old.block.DefRange()))
		return
	}
	v := &variable{name: name, block: b, typ: cty.DynamicPseudoType, nullable: true}
	f.variables[name] = v
	onlyAttributes(b, p, "type", "default", "description", "sensitive", "nullable", "ephemeral")
	for _, inner := range b.Body.Blocks {
		if inner.Type != "validation" {
			p.add(inner.DefRange(), "a variable block has no %q block inside%s", inner.Type, didYouMean(inner.Type, []string{"validation"}))
			continue
		}
		if inner.Body.Attributes["condition"] == nil || inner.Body.Attributes["error_message"] == nil {
			p.add(inner.DefRange(), "a validation block has a condition and an error_message")
			continue
		}
		v.checks = append(v.checks, inner)
	}
	if a := b.Body.Attributes["type"]; a != nil {
		typ, defaults, diags := typeexpr.TypeConstraintWithDefaults(a.Expr)
		p.addDiags(diags)
		if !diags.HasErrors() {
			v.typ, v.defaults = typ, defaults
		}
	}
	v.nullable = constantBool(b, "nullable", true, p)
	v.sensitive = constantBool(b, "sensitive", false, p)
	if a := b.Body.Attributes["default"]; a != nil {
		value, diags := a.Expr.Value(nil)
		p.addDiags(diags)
		if diags.HasErrors() {
			v.def = cty.DynamicVal
			return
		}
		var err error
		if v.def, err = v.convert(value); err != nil {
			p.add(a.Expr.Range(), "the default of variable %q does not fit its type: %s", name, err)
			v.def = cty.DynamicVal
		}
	}
}

func constantBool(b *hclsyntax.Block, name string, otherwise bool, p *Problems) bool {
	a := b.Body.Attributes[name]
	if a == nil {
		return otherwise
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.Bool {
		p.add(a.Expr.Range(), "%s is true or false", name)
		return otherwise
	}
	return v.True()
}

// convert makes v fit the variable's type.
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.defaults != nil && !value.IsNull() {
		value = v.defaults.Apply(value)
	}
	typ := v.typ
	out, err := convert.Convert(value, typ.WithoutOptionalAttributesDeep())
	if err != nil {
		// The type with its optional members tells better what is missing.
		if out, err = convert.Convert(value, typ); err != nil {
			return cty.NilVal, err
		}
	}
	return out, nil
}

// given is a value given to a variable from outside.
type given struct {
	name string
	// from says where the value was given, for messages: "--var", a file.
	from string
	// raw is the text, if it came from a flag or the environment; expr is
	// the value in a variable file.
	raw  string
	expr hclsyntax.Expression
}

// Flag is one --var or --var-file, in the order of the command line: later
// ones win.
type Flag struct {
	// Var is NAME=VALUE; empty if File is set.
	Var string
	// File is a variable file to read.
	File string
}

// readVarFile reads the NAME = VALUE lines of a .tfvars file.
func readVarFile(path string, src []byte, p *Problems) []given {
	file, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	if diags.HasErrors() {
		p.addSyntax(diags)
		return nil
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil
	}
	for _, b := range body.Blocks {
		p.add(b.DefRange(), "a variable file holds NAME = VALUE lines only, no blocks; %s blocks belong into a .tf file", b.Type)
	}
	var values []given
	for _, a := range sortedAttributes(body) {
		values = append(values, given{name: a.Name, from: at(a.SrcRange), expr: a.Expr})
	}
	return values
}

// values gathers what is given to each variable: the environment first
// (TF_VAR_name), then the folder's files, then the flags; later ones win, as
// in Terraform.
func (f *Folder) values(flags []Flag, getenv func(string) string, p *Problems) map[string]given {
	all := map[string]given{}
	for name := range f.variables {
		if raw := getenv("TF_VAR_" + name); raw != "" {
			all[name] = given{name: name, from: "TF_VAR_" + name, raw: raw}
		}
	}
	list := append([]given{}, f.auto...)
	for _, flag := range flags {
		if flag.File != "" {
			src, err := os.ReadFile(flag.File)
			if errors.Is(err, fs.ErrNotExist) {
				p.addText("--var-file %s: there is no such file", flag.File)
				continue
			}
			if err != nil {
				p.addText("--var-file: %s", err)
				continue
			}
			list = append(list, readVarFile(flag.File, src, p)...)
			continue
		}
		name, raw, ok := strings.Cut(flag.Var, "=")
		if !ok || name == "" {
			p.addText("--var %s: want NAME=VALUE", flag.Var)
			continue
		}
		list = append(list, given{name: strings.TrimSpace(name), from: "--var " + name, raw: raw})
	}
	for _, g := range list {
		if f.variables[g.name] == nil {
			p.addText("%s: no file of %s declares a variable %q%s", g.from, show(f.dir), g.name, didYouMean(g.name, keys(f.variables)))
			continue
		}
		all[g.name] = g
	}
	return all
}

// value turns what was given into the variable's value.
func (v *variable) value(g given, ok bool, p *Problems) cty.Value {
	value := v.def
	switch {
	case ok:
		value = v.from(g, p)
		if value.IsNull() && !v.nullable && v.def != cty.NilVal {
			value = v.def
		}
	case v.def == cty.NilVal:
		p.add(v.block.DefRange(), "variable %q has no value: give --var %s=VALUE, set TF_VAR_%s, or write it into terraform.tfvars", v.name, v.name, v.name)
		return cty.DynamicVal
	}
	if !v.nullable && value.IsNull() {
		p.add(v.block.DefRange(), "variable %q must not be null", v.name)
		return cty.DynamicVal
	}
	if v.sensitive {
		value = value.Mark(sensitive)
	}
	return value
}

func (v *variable) from(g given, p *Problems) cty.Value {
	var raw cty.Value
	switch {
	case g.expr != nil:
		value, diags := g.expr.Value(nil)
		p.addDiags(diags)
		if diags.HasErrors() {
			return cty.DynamicVal
		}
		raw = value
	case v.typ.IsPrimitiveType() || v.typ == cty.DynamicPseudoType:
		raw = cty.StringVal(g.raw)
	default:
		expr, diags := hclsyntax.ParseExpression([]byte(g.raw), g.from, hcl.InitialPos)
		if !diags.HasErrors() {
			raw, diags = expr.Value(nil)
		}
		if diags.HasErrors() {
			p.addText("%s: the value of a %s is written as in a file, such as '[\"a\", \"b\"]'", g.from, v.typ.FriendlyName())
			return cty.DynamicVal
		}
	}
	value, err := v.convert(raw)
	if err != nil {
		p.addText("%s: the value does not fit variable %q (%s): %s", g.from, v.name, at(v.block.DefRange()), err)
		return cty.DynamicVal
	}
	return value
}

// validate runs the variable's validation blocks.
func (v *variable) validate(value cty.Value, from string, funcs *hcl.EvalContext, p *Problems) {
	ctx := funcs.NewChild()
	ctx.Variables = map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{v.name: value})}
	for _, b := range v.checks {
		cond, diags := b.Body.Attributes["condition"].Expr.Value(ctx)
		p.addDiags(diags)
		if diags.HasErrors() {
			continue
		}
		cond, _ = cond.Unmark()
		cond, err := convert.Convert(cond, cty.Bool)
		if err != nil || cond.IsNull() {
			p.add(b.Body.Attributes["condition"].Expr.Range(), "the condition of a validation is true or false")
			continue
		}
		if !cond.IsKnown() || cond.True() {
			continue
		}
		text := "the validation at " + at(b.DefRange()) + " fails"
		if m, diags := b.Body.Attributes["error_message"].Expr.Value(ctx); !diags.HasErrors() && isText(m) {
			text = m.AsString()
		}
		p.add(v.block.DefRange(), "variable %q%s is refused: %s", v.name, from, text)
	}
}

// describe says where a value came from, for messages.
func (g given) describe() string {
	if g.from == "" {
		return ""
	}
	return fmt.Sprintf(" (given by %s)", g.from)
}
