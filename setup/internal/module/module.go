// Package module holds the CloudTrail modules as Go: what inputs they
// take, what they refuse, what resources they make, and what they put out. It
// is pure. The same modules stand as Terraform configuration in
// modules/cloudtrail; a test compares the two.
package module

import (
	"errors"
	"maps"

	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/resource"
)

// Account is where the resources are to be made.
type Account struct {
	// ID is the 12-digit account id.
	ID string
	// Partition is aws, aws-cn, aws-us-gov, ...
	Partition string
	// Region is the provider's region.
	Region string
	// DefaultTags are the provider's default tags.
	DefaultTags map[string]string
}

// Input is one input of a module.
type Input struct {
	Name string
	Type cty.Type
	// Default is cty.NilVal for an input that must be given.
	Default cty.Value
	// Check refuses values AWS would refuse. It gets known values only.
	Check func(v cty.Value) error
}

// Problem is what is wrong with a module's inputs.
type Problem struct {
	// Input names the input to point at; empty means the block itself.
	Input string
	Text  string
}

// Module is one of the modules.
type Module struct {
	// Name is the last element of the module's source.
	Name string
	// Inputs lists what a block may set.
	Inputs []Input
	// Outputs lists what a block puts out; all are strings.
	Outputs []string

	check   func(in Values) []Problem
	outputs func(in Values, acc Account) map[string]string
	build   func(in Values, acc Account) []resource.Resource
}

// All returns the modules there are.
func All() []*Module {
	return []*Module{bucketModule(), cloudWatchModule(), trailModule(), validateModule()}
}

// Input finds an input by name.
func (m *Module) Input(name string) (Input, bool) {
	for _, in := range m.Inputs {
		if in.Name == name {
			return in, true
		}
	}
	return Input{}, false
}

// Check looks at the inputs together. Inputs not yet known are not judged.
func (m *Module) Check(in Values) []Problem {
	var problems []Problem
	for _, input := range m.Inputs {
		v := in[input.Name]
		if input.Check == nil || !v.IsWhollyKnown() {
			continue
		}
		if err := input.Check(v); err != nil {
			problems = append(problems, Problem{Input: input.Name, Text: err.Error()})
		}
	}
	if m.check != nil {
		problems = append(problems, m.check(in)...)
	}
	return problems
}

// Output returns the module's outputs. They are unknown as long as the
// account or an input is: give a nil account to ask before it is known.
func (m *Module) Output(in Values, acc *Account) cty.Value {
	out := make(map[string]cty.Value, len(m.Outputs))
	for _, name := range m.Outputs {
		out[name] = cty.UnknownVal(cty.String)
	}
	if acc != nil && in.known() {
		for name, text := range m.outputs(in, *acc) {
			out[name] = cty.StringVal(text)
		}
	}
	return cty.ObjectVal(out)
}

// Build returns the resources of a block called name, in the order they are
// needed in. The inputs must be known and have passed Check.
func (m *Module) Build(name string, in Values, acc Account) []resource.Resource {
	res := m.build(in, acc)
	prefix := "module." + name + "."
	for i := range res {
		res[i].Address = prefix + res[i].Address
		if res[i].Part != "" {
			res[i].Part = prefix + res[i].Part
		}
		for j := range res[i].Needs {
			res[i].Needs[j] = prefix + res[i].Needs[j]
		}
	}
	return res
}

// Values are a module's inputs by name, converted to the inputs' types,
// defaults filled in, never null.
type Values map[string]cty.Value

func (v Values) known() bool {
	for _, x := range v {
		if !x.IsWhollyKnown() {
			return false
		}
	}
	return true
}

// given reports whether a string input is set. One that is not known yet
// will be: it comes from another module's output.
func (v Values) given(name string) bool {
	return !v[name].IsKnown() || v[name].AsString() != ""
}

// isBool reports whether the input is known to be b.
func (v Values) isBool(name string, b bool) bool {
	return v[name].IsKnown() && v[name].True() == b
}

func (v Values) text(name string) string { return v[name].AsString() }

func (v Values) yes(name string) bool { return v[name].True() }

// number returns a number input; each has a Check that keeps it within 32 bits.
func (v Values) number(name string) int32 {
	n, _ := v[name].AsBigFloat().Int64()
	return int32(n)
}

func (v Values) strings(name string) []string { return stringList(v[name]) }

// tags are the provider's default tags, the block's own, and the one that says
// whose the resource is.
func (v Values) tags(acc Account, module string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, acc.DefaultTags)
	for key, value := range v["tags"].AsValueMap() {
		all[key] = value.AsString()
	}
	all[resource.OwnerTag] = module
	return all
}

func stringList(v cty.Value) []string {
	var out []string
	for _, e := range v.AsValueSlice() {
		out = append(out, e.AsString())
	}
	return out
}

// The inputs' common shapes.

func required(name string, rules []rule) Input {
	return Input{Name: name, Type: cty.String, Check: textCheck(rules)}
}

// optionalText is a text that may be empty, which needs no rule.
func optionalText(name string, rules []rule) Input {
	check := textCheck(rules)
	return Input{Name: name, Type: cty.String, Default: cty.StringVal(""), Check: func(v cty.Value) error {
		if v.AsString() == "" {
			return nil
		}
		return check(v)
	}}
}

func textCheck(rules []rule) func(cty.Value) error {
	return func(v cty.Value) error {
		for _, r := range rules {
			if err := r.of(v.AsString()); err != nil {
				return err
			}
		}
		return nil
	}
}

func optionalBool(name string, def bool) Input {
	return Input{Name: name, Type: cty.Bool, Default: cty.BoolVal(def)}
}

func optionalNumber(name string, def int64, check func(cty.Value) error) Input {
	return Input{Name: name, Type: cty.Number, Default: cty.NumberIntVal(def), Check: check}
}

func optionalList(name string, rules []rule) Input {
	return Input{Name: name, Type: cty.List(cty.String), Default: cty.ListValEmpty(cty.String), Check: func(v cty.Value) error {
		for _, e := range v.AsValueSlice() {
			if e.IsNull() {
				return errors.New("the list holds a null")
			}
		}
		for _, r := range rules {
			if err := r.of(stringList(v)...); err != nil {
				return err
			}
		}
		return nil
	}}
}

func tagsInput() Input {
	return Input{Name: "tags", Type: cty.Map(cty.String), Default: cty.MapValEmpty(cty.String), Check: checkTags}
}

// Required reports whether a block must set the input.
func (i Input) Required() bool { return i.Default == cty.NilVal }
