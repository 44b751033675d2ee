package hclfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"cairn/setup/internal/module"
	"cairn/setup/internal/resource"
)

// Wanted is what the files describe.
type Wanted struct {
	// Providers are those the modules use, in the order of their first use.
	Providers []Provider
	// Resources are in an order in which each comes after what it needs.
	// There are none if the account was not given.
	Resources []resource.Resource
	// Outputs are sorted by name.
	Outputs []Output
	// Secrets are texts of sensitive variables, not to be shown.
	Secrets []string
}

// Output is one output value.
type Output struct {
	Name string
	// Value is the value; unknown as long as the account is.
	Value     cty.Value
	Sensitive bool
}

// Evaluate works out what the files describe on accounts, given by the name of
// the provider that leads to each. With no account it finds everything that is
// wrong with the files alone and returns the providers; module outputs are
// unknown then. The error is of type Problems.
func (f *Folder) Evaluate(flags []Flag, getenv func(string) string, accounts map[string]module.Account) (*Wanted, error) {
	e := &evaluator{
		f: f, accounts: map[string]module.Account{}, functions: &hcl.EvalContext{Functions: functions()},
		vars: map[string]cty.Value{}, locals: map[string]cty.Value{}, modules: map[string]cty.Value{}, inputs: map[string]module.Values{},
		needs: map[string][]string{}, bad: map[hcl.Range]bool{},
	}
	values := f.values(flags, getenv, &e.p)
	for _, name := range sorted(f.variables) {
		v := f.variables[name]
		g, ok := values[name]
		before := len(e.p)
		value := v.value(g, ok, &e.p)
		e.vars[name] = value
		if len(e.p) == before {
			v.validate(value, g.describe(), e.functions, &e.p)
		}
		e.collectSecrets(value)
	}
	w := &Wanted{}
	providers := e.evalProviders()
	for name, acc := range accounts {
		acc.DefaultTags = providers[name].DefaultTags
		e.accounts[name] = acc
	}
	for _, name := range f.order {
		used := providers[f.modules[name].provider]
		if !slices.ContainsFunc(w.Providers, func(p Provider) bool { return p.Name == used.Name }) {
			w.Providers = append(w.Providers, used)
		}
	}
	for _, name := range sorted(f.locals) {
		e.local(name)
	}
	for _, name := range f.order {
		e.module(name)
	}
	w.Outputs = e.outputs()
	if err := e.p.err(); err != nil {
		return nil, err
	}
	if len(accounts) > 0 {
		w.Resources = e.resources()
	}
	w.Secrets = e.secrets
	return w, e.p.err()
}

// evaluator evaluates names when they are first asked for, so that blocks may
// stand in any order.
type evaluator struct {
	f         *Folder
	accounts  map[string]module.Account
	functions *hcl.EvalContext
	p         Problems

	vars, locals, modules map[string]cty.Value
	inputs                map[string]module.Values
	// needs says which modules a module refers to, directly or by locals.
	needs map[string][]string
	// done holds the modules in the order in which they were evaluated.
	done []string
	// path is what is being evaluated, outermost first.
	path []string
	// bad holds expressions that already gave a problem.
	bad     map[hcl.Range]bool
	secrets []string
}

func (e *evaluator) failed(x hclsyntax.Expression) bool { return e.bad[x.Range()] }

// expr evaluates an expression; an expression with a problem is unknown.
func (e *evaluator) expr(x hclsyntax.Expression) cty.Value {
	ctx := e.functions.NewChild()
	ctx.Variables = map[string]cty.Value{
		"path":      cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal(e.f.dir), "root": cty.StringVal(e.f.dir), "cwd": cty.StringVal(".")}),
		"terraform": cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal("default")}),
	}
	scopes := map[string]map[string]cty.Value{}
	ok := true
	for _, t := range x.Variables() {
		kind, name, value := e.reference(t)
		if kind == "" {
			ok = false
			continue
		}
		if name != "" {
			if scopes[kind] == nil {
				scopes[kind] = map[string]cty.Value{}
			}
			scopes[kind][name] = value
		}
	}
	if !ok {
		e.bad[x.Range()] = true
		return cty.DynamicVal
	}
	for kind, members := range scopes {
		ctx.Variables[kind] = cty.ObjectVal(members)
	}
	v, diags := x.Value(ctx)
	if diags.HasErrors() {
		e.p.addDiags(diags)
		e.bad[x.Range()] = true
		return cty.DynamicVal
	}
	return v
}

// reference evaluates what a reference names. It returns the empty kind if
// there is no such thing, which it has reported then.
func (e *evaluator) reference(t hcl.Traversal) (kind, name string, value cty.Value) {
	kind = t.RootName()
	r := t.SourceRange()
	switch kind {
	case "path", "terraform":
		return kind, "", cty.NilVal
	case "var", "local", "module":
	case "data":
		e.p.add(r, "data sources are not supported: pass the value in as a variable (--var NAME=VALUE)")
		return "", "", cty.NilVal
	default:
		e.p.add(r, "there is no %q here%s; a reference begins with var., local. or module.", kind, didYouMean(kind, []string{"var", "local", "module"}))
		return "", "", cty.NilVal
	}
	step, ok := member(t)
	if !ok {
		e.p.add(r, "a reference goes on with a name: %s.NAME", kind)
		return "", "", cty.NilVal
	}
	switch kind {
	case "var":
		if v, ok := e.vars[step]; ok {
			return kind, step, v
		}
		e.missing(r, "var."+step, step, keys(e.f.variables), func(n string) string {
			return fmt.Sprintf("var.%s, declared at %s", n, at(e.f.variables[n].block.DefRange()))
		}, fmt.Sprintf("declare it: variable %q {}", step))
	case "local":
		if e.f.locals[step] != nil {
			return kind, step, e.local(step)
		}
		e.missing(r, "local."+step, step, keys(e.f.locals), func(n string) string {
			return fmt.Sprintf("local.%s, declared at %s", n, at(e.f.locals[n].NameRange))
		}, "declare it in a locals block")
	case "module":
		if c := e.f.modules[step]; c != nil {
			return e.moduleReference(t, c)
		}
		e.missing(r, "module."+step, step, e.f.order, func(n string) string {
			return fmt.Sprintf("module.%s, declared at %s", n, at(e.f.modules[n].block.DefRange()))
		}, fmt.Sprintf("declare it: module %q {", step))
	}
	return "", "", cty.NilVal
}

func (e *evaluator) missing(r hcl.Range, what, name string, names []string, describe func(string) string, otherwise string) {
	names = slices.Sorted(slices.Values(names))
	if n := Nearest(name, names); n != "" {
		e.p.add(r, "there is no %s; did you mean %s?", what, describe(n))
		return
	}
	e.p.add(r, "there is no %s: %s", what, otherwise)
}

func (e *evaluator) moduleReference(t hcl.Traversal, c *call) (kind, name string, value cty.Value) {
	if c.module != nil && len(t) > 2 {
		if out, ok := t[2].(hcl.TraverseAttr); ok && !slices.Contains(c.module.Outputs, out.Name) {
			e.p.add(t.SourceRange(), "module %q (%s) has no output %q%s (its outputs are %s)",
				c.name, c.module.Name, out.Name, didYouMean(out.Name, c.module.Outputs), strings.Join(c.module.Outputs, ", "))
			return "", "", cty.NilVal
		}
	}
	return "module", c.name, e.module(c.name)
}

// member returns the name after the root of a reference.
func member(t hcl.Traversal) (string, bool) {
	if len(t) < 2 {
		return "", false
	}
	switch s := t[1].(type) {
	case hcl.TraverseAttr:
		return s.Name, true
	case hcl.TraverseIndex:
		if isText(s.Key) {
			return s.Key.AsString(), true
		}
	}
	return "", false
}

// enter guards against names that depend on themselves.
func (e *evaluator) enter(name string, r hcl.Range) bool {
	if i := slices.Index(e.path, name); i >= 0 {
		e.p.add(r, "%s depends on itself: %s", name, strings.Join(append(slices.Clone(e.path[i:]), name), " -> "))
		return false
	}
	e.path = append(e.path, name)
	return true
}

func (e *evaluator) leave() { e.path = e.path[:len(e.path)-1] }

func (e *evaluator) local(name string) cty.Value {
	if v, ok := e.locals[name]; ok {
		return v
	}
	a := e.f.locals[name]
	if !e.enter("local."+name, a.NameRange) {
		return cty.DynamicVal
	}
	defer e.leave()
	e.locals[name] = e.expr(a.Expr)
	return e.locals[name]
}

// module evaluates a module block's inputs and returns its outputs.
func (e *evaluator) module(name string) cty.Value {
	if v, ok := e.modules[name]; ok {
		return v
	}
	c := e.f.modules[name]
	if c.module == nil {
		return cty.DynamicVal
	}
	if !e.enter("module."+name, c.block.DefRange()) {
		return cty.DynamicVal
	}
	defer e.leave()
	before := len(e.p)
	in := module.Values{}
	for _, input := range c.module.Inputs {
		in[input.Name] = e.input(c, input)
	}
	needs := map[string]bool{}
	for _, a := range sortedAttributes(c.block.Body) {
		if a.Name == "depends_on" {
			e.expr(a.Expr)
		}
		e.modulesIn(a.Expr, needs, map[string]bool{})
	}
	if len(e.p) == before {
		for _, problem := range c.module.Check(in) {
			r := c.block.DefRange()
			if a := c.block.Body.Attributes[problem.Input]; a != nil {
				r = a.Expr.Range()
			}
			e.p.add(r, "module %q: %s", name, problem.Text)
		}
	}
	e.inputs[name] = in
	e.needs[name] = slices.Sorted(maps.Keys(needs))
	e.done = append(e.done, name)
	e.modules[name] = c.module.Output(in, e.usableAccount(c, before))
	return e.modules[name]
}

// usableAccount is the account if the module just evaluated has no problem.
func (e *evaluator) usableAccount(c *call, before int) *module.Account {
	acc, ok := e.accounts[c.provider]
	if !ok || len(e.p) != before {
		return nil
	}
	return &acc
}

// input evaluates one input of a module block.
func (e *evaluator) input(c *call, input module.Input) cty.Value {
	a := c.block.Body.Attributes[input.Name]
	plain := input.Type.WithoutOptionalAttributesDeep()
	if a == nil {
		if input.Required() {
			return cty.UnknownVal(plain) // reported when the block was read
		}
		return input.Default
	}
	v, marks := e.expr(a.Expr).UnmarkDeep()
	if len(marks) > 0 {
		e.collectSecrets(v.Mark(sensitive))
	}
	converted, err := convert.Convert(v, input.Type)
	if err != nil {
		e.p.add(a.Expr.Range(), "module %q: the input %q does not fit: %s", c.name, input.Name, err)
		return cty.UnknownVal(plain)
	}
	if converted.IsNull() {
		if input.Required() {
			e.p.add(a.Expr.Range(), "module %q: the input %q must not be null", c.name, input.Name)
			return cty.UnknownVal(plain)
		}
		return input.Default
	}
	return converted
}

// modulesIn collects the modules an expression depends on.
func (e *evaluator) modulesIn(x hclsyntax.Expression, found, seen map[string]bool) {
	for _, t := range x.Variables() {
		name, ok := member(t)
		if !ok {
			continue
		}
		switch t.RootName() {
		case "module":
			found[name] = true
		case "local":
			if a := e.f.locals[name]; a != nil && !seen[name] {
				seen[name] = true
				e.modulesIn(a.Expr, found, seen)
			}
		}
	}
}

func (e *evaluator) outputs() []Output {
	var outs []Output
	for _, name := range sorted(e.f.outputs) {
		o := e.f.outputs[name]
		v, marks := e.expr(o.value).UnmarkDeep()
		out := Output{Name: name, Value: v, Sensitive: constantBool(o.block, "sensitive", false, &e.p)}
		if len(marks) > 0 && !out.Sensitive {
			e.p.add(o.value.Range(), "output %q shows a sensitive value: add sensitive = true to keep it from being printed", name)
		}
		outs = append(outs, out)
	}
	return outs
}

// collectSecrets remembers the texts inside a sensitive value.
func (e *evaluator) collectSecrets(v cty.Value) {
	if !v.ContainsMarked() {
		return
	}
	plain, _ := v.UnmarkDeep()
	_ = cty.Walk(plain, func(_ cty.Path, x cty.Value) (bool, error) {
		if x.IsKnown() && !x.IsNull() && x.Type() == cty.String && x.AsString() != "" {
			e.secrets = append(e.secrets, x.AsString())
		}
		return true, nil
	})
}

// resources builds the modules' resources, each module after those it needs.
func (e *evaluator) resources() []resource.Resource {
	var all []resource.Resource
	made := map[string][]string{}
	owner := map[string]string{}
	for _, name := range e.done {
		c := e.f.modules[name]
		acc := e.accounts[c.provider]
		for _, r := range c.module.Build(name, e.inputs[name], acc) {
			r.Provider = c.provider
			for _, n := range e.needs[name] {
				r.Needs = append(r.Needs, made[n]...)
			}
			made[name] = append(made[name], r.Address)
			if r.Part == "" {
				key := identity(r.Spec, acc)
				if other := owner[key]; other != "" {
					e.p.add(c.block.DefRange(), "%s and %s are the same %s %q: give one of them another name", other, r.Address, r.Spec.Kind(), resource.ID(r.Spec))
				}
				owner[key] = r.Address
			}
			all = append(all, r)
		}
	}
	return all
}

// identity is what only one resource can have: names of buckets are shared by
// all accounts, those of roles by all regions of one.
func identity(s resource.Spec, acc module.Account) string {
	scope := acc.ID + " " + acc.Region
	switch s.(type) {
	case *resource.Bucket:
		scope = ""
	case *resource.Role:
		scope = acc.ID
	}
	return s.Kind() + " " + resource.ID(s) + " " + scope
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func contains(list []string, s string) bool { return slices.Contains(list, s) }
