package hclfile

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/module"
)

// Description is what files could say, as Go values.
type Description struct {
	// Providers are the provider blocks by their alias; the empty alias is the
	// default one. Their names and places are not looked at.
	Providers map[string]Provider
	// Calls are the module blocks.
	Calls []Call
	// Outputs are the output blocks' values by name; each may hold references.
	Outputs map[string]string
}

// Call is a module block.
type Call struct {
	// Label is the block's name, Module the last element of its source.
	Label, Module string
	// Provider is an alias, empty for the default.
	Provider string
	// Inputs are the arguments: string, bool, int, []any and map[string]any of
	// such. A string may hold references, written ${module.LABEL.OUTPUT};
	// everything else in it stands for itself.
	Inputs map[string]any
}

// Describe builds the folder that files with the same contents would be. It
// makes the very syntax tree a parser would, so that all that is known of
// files (checks, messages, order, references) holds for Go values too. The
// problems it finds, and those of Evaluate, have no file and are in the order
// of the calls.
func Describe(d Description) (*Folder, error) {
	if len(d.Calls) == 0 {
		return nil, errors.New("nothing to set up: the description holds no module")
	}
	b := &builder{folder: newFolder("."), modules: map[string]*module.Module{}}
	b.checkNames(d)
	for _, alias := range sorted(d.Providers) {
		b.provider(alias, d.Providers[alias])
	}
	for _, c := range d.Calls {
		b.call(c)
	}
	for _, name := range sorted(d.Outputs) {
		b.folder.block(b.block("output", name, map[string]any{"value": d.Outputs[name]}), &b.p)
	}
	return b.folder, b.p.err()
}

// builder makes syntax trees. Their places are consecutive lines of no file:
// they keep problems in order and expressions apart.
type builder struct {
	folder  *Folder
	modules map[string]*module.Module
	line    int
	p       Problems
}

// checkNames finds what would be told with a place in a file, and says it
// without.
func (b *builder) checkNames(d Description) {
	for _, c := range d.Calls {
		if _, twice := b.modules[c.Label]; twice {
			b.p.addText("two modules are called %q: give each a label of its own", c.Label)
		}
		at := slices.IndexFunc(module.All(), func(m *module.Module) bool { return m.Name == c.Module })
		if at < 0 {
			b.p.addText("there is no module %q", c.Module)
			continue
		}
		b.modules[c.Label] = module.All()[at]
		if _, ok := d.Providers[c.Provider]; !ok && c.Provider != "" {
			b.p.addText("module %q: there is no provider with the alias %q%s", c.Label, c.Provider, didYouMean(c.Provider, sorted(d.Providers)))
		}
	}
}

func (b *builder) provider(alias string, p Provider) {
	list := func(texts []string) []any {
		var out []any
		for _, s := range texts {
			out = append(out, s)
		}
		return out
	}
	attrs := map[string]any{"s3_use_path_style": p.PathStyle}
	for name, text := range map[string]string{"alias": alias, "region": p.Region, "profile": p.Profile} {
		if text != "" {
			attrs[name] = text
		}
	}
	for name, ids := range map[string][]string{"allowed_account_ids": p.AllowedAccounts, "forbidden_account_ids": p.ForbiddenAccounts} {
		if len(ids) > 0 {
			attrs[name] = list(ids)
		}
	}
	block := b.block("provider", "aws", attrs)
	if r := p.Role; r != nil {
		role := map[string]any{"role_arn": r.ARN, "session_name": r.SessionName, "external_id": r.ExternalID}
		if r.Duration != 0 {
			role["duration"] = r.Duration.String()
		}
		block.Body.Blocks = append(block.Body.Blocks, b.block("assume_role", "", role))
	}
	if len(p.DefaultTags) > 0 {
		tags := map[string]any{}
		for key, value := range p.DefaultTags {
			tags[key] = value
		}
		block.Body.Blocks = append(block.Body.Blocks, b.block("default_tags", "", map[string]any{"tags": tags}))
	}
	b.folder.block(block, &b.p)
}

func (b *builder) call(c Call) {
	if b.folder.modules[c.Label] != nil {
		return // reported by checkNames
	}
	block := b.block("module", c.Label, c.Inputs)
	b.attribute(block.Body, "source", "./"+c.Module)
	b.folder.block(block, &b.p)
	if made := b.folder.modules[c.Label]; made != nil && c.Provider != "" {
		made.provider = defaultProvider + "." + c.Provider
	}
}

// next is the place of the next thing.
func (b *builder) next() hcl.Range {
	b.line++
	at := hcl.Pos{Line: b.line, Column: 1, Byte: b.line}
	return hcl.Range{Start: at, End: at}
}

func (b *builder) block(kind, label string, attrs map[string]any) *hclsyntax.Block {
	out := &hclsyntax.Block{Type: kind, TypeRange: b.next(), Body: &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}}
	if label != "" || kind == "module" {
		out.Labels = []string{label}
	}
	for _, name := range sorted(attrs) {
		b.attribute(out.Body, name, attrs[name])
	}
	return out
}

func (b *builder) attribute(body *hclsyntax.Body, name string, value any) {
	r := b.next()
	body.Attributes[name] = &hclsyntax.Attribute{Name: name, Expr: b.expr(value), SrcRange: r, NameRange: r}
}

func (b *builder) expr(value any) hclsyntax.Expression {
	literal := func(v cty.Value) hclsyntax.Expression {
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: b.next()}
	}
	switch v := value.(type) {
	case string:
		return b.text(v)
	case bool:
		return literal(cty.BoolVal(v))
	case int:
		return literal(cty.NumberIntVal(int64(v)))
	case []any:
		list := &hclsyntax.TupleConsExpr{SrcRange: b.next()}
		for _, e := range v {
			list.Exprs = append(list.Exprs, b.expr(e))
		}
		return list
	case map[string]any:
		object := &hclsyntax.ObjectConsExpr{SrcRange: b.next()}
		for _, key := range sorted(v) {
			object.Items = append(object.Items, hclsyntax.ObjectConsItem{KeyExpr: literal(cty.StringVal(key)), ValueExpr: b.expr(v[key])})
		}
		return object
	}
	b.p.addText("a value of type %T cannot be an input", value)
	return literal(cty.DynamicVal)
}

// references finds ${module.LABEL.OUTPUT} in texts.
var references = regexp.MustCompile(`\$\{module\.([A-Za-z_][A-Za-z0-9_-]*)\.([A-Za-z0-9_]+)\}`)

// text turns a text with references into the expression its HCL form has.
func (b *builder) text(s string) hclsyntax.Expression {
	var parts []hclsyntax.Expression
	plain := func(text string) {
		if i := strings.Index(text, "${module."); i >= 0 {
			b.p.addText("%q is not a reference to an output of a module: those are written ${module.LABEL.OUTPUT}", text[i:])
		}
		parts = append(parts, &hclsyntax.LiteralValueExpr{Val: cty.StringVal(text), SrcRange: b.next()})
	}
	from := 0
	for _, m := range references.FindAllStringSubmatchIndex(s, -1) {
		if m[0] > from {
			plain(s[from:m[0]])
		}
		parts = append(parts, b.reference(s[m[2]:m[3]], s[m[4]:m[5]]))
		from = m[1]
	}
	if from < len(s) || s == "" {
		plain(s[from:])
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return &hclsyntax.TemplateExpr{Parts: parts, SrcRange: b.next()}
}

func (b *builder) reference(label, out string) hclsyntax.Expression {
	if b.modules[label] == nil {
		b.p.addText("there is no module.%s in the description%s", label, hintOrList(label, sorted(b.modules)))
	}
	r := b.next()
	return &hclsyntax.ScopeTraversalExpr{SrcRange: r, Traversal: hcl.Traversal{
		hcl.TraverseRoot{Name: "module", SrcRange: r}, hcl.TraverseAttr{Name: label, SrcRange: r}, hcl.TraverseAttr{Name: out, SrcRange: r},
	}}
}

func hintOrList(name string, names []string) string {
	if hint := didYouMean(name, names); hint != "" {
		return hint
	}
	return fmt.Sprintf(" (its modules are %s)", strings.Join(names, ", "))
}
