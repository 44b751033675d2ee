// Package hclfile reads the Terraform files of one folder, as far as they
// use the CloudTrail modules: variables, locals, the aws provider,
// module blocks and outputs. What it does not support it refuses, by file,
// line and column, and says what to do instead.
//
// Source: "Terraform language" documentation, and the HCL native syntax
// specification.
package hclfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"cairn/setup/internal/module"
)

// Folder is what the files of one folder declare, not yet evaluated.
type Folder struct {
	dir       string
	variables map[string]*variable
	locals    map[string]*hclsyntax.Attribute
	modules   map[string]*call
	outputs   map[string]*output
	providers map[string]*provider
	// order holds the module names as they are declared.
	order []string
	// auto holds the folder's terraform.tfvars and *.auto.tfvars values.
	auto []given
}

type call struct {
	name     string
	block    *hclsyntax.Block
	module   *module.Module
	provider string
}

type output struct {
	name      string
	block     *hclsyntax.Block
	value     hclsyntax.Expression
	sensitive hclsyntax.Expression
}

func newFolder(dir string) *Folder {
	return &Folder{
		dir: dir, variables: map[string]*variable{}, locals: map[string]*hclsyntax.Attribute{},
		modules: map[string]*call{}, outputs: map[string]*output{}, providers: map[string]*provider{},
	}
}

// Load reads all *.tf files and automatic variable files of dir. The error is
// of type Problems if the files are to blame.
func Load(dir string) (*Folder, error) {
	f := newFolder(dir)
	names, err := configFiles(dir)
	if err != nil {
		return nil, err
	}
	var p Problems
	for _, name := range names {
		path := filepath.Join(dir, name)
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		if strings.HasSuffix(name, ".tf") {
			f.parse(path, src, &p)
		} else {
			f.auto = append(f.auto, readVarFile(path, src, &p)...)
		}
	}
	f.checkProviders(&p)
	if len(p) == 0 && len(f.modules) == 0 {
		return nil, fmt.Errorf("nothing to set up in %s: its files hold no module block; name the folder whose main.tf uses the cloudtrail modules", show(dir))
	}
	return f, p.err()
}

// Parse reads one file's text, as Load does from a folder.
func Parse(filename string, src []byte) (*Folder, error) {
	f := newFolder(filepath.Dir(filename))
	var p Problems
	f.parse(filename, src, &p)
	f.checkProviders(&p)
	return f, p.err()
}

// configFiles lists the files to read: configuration first, then variable
// files in the order in which later ones win.
func configFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no folder %s: name the folder that holds main.tf", show(dir))
	case err != nil:
		if info, statErr := os.Stat(dir); statErr == nil && !info.IsDir() {
			return nil, fmt.Errorf("%s is a file: name the folder it is in, %s", dir, filepath.Dir(dir))
		}
		return nil, fmt.Errorf("read folder %s: %w", show(dir), err)
	}
	var config, vars []string
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~"):
		case strings.HasSuffix(name, ".tf.json") || strings.HasSuffix(name, ".tfvars.json"):
			return nil, fmt.Errorf("%s: JSON configuration is not supported; write it in HCL", filepath.Join(dir, name))
		case name == "override.tf" || strings.HasSuffix(name, "_override.tf"):
			return nil, fmt.Errorf("%s: override files are not supported; put the values into the file they override", filepath.Join(dir, name))
		case strings.HasSuffix(name, ".tf"):
			config = append(config, name)
		case strings.HasSuffix(name, ".auto.tfvars"):
			vars = append(vars, name)
		case name == "terraform.tfvars":
			vars = slices.Insert(vars, 0, name)
		}
	}
	if len(config) == 0 {
		return nil, fmt.Errorf("there is no .tf file in %s: name the folder that holds main.tf", show(dir))
	}
	return append(config, vars...), nil
}

func show(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil && dir == "." {
		return abs
	}
	return dir
}

func (f *Folder) parse(path string, src []byte, p *Problems) {
	file, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	if diags.HasErrors() {
		p.addSyntax(diags)
		return
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok { // ParseConfig always returns a native syntax body
		p.add(hcl.Range{Filename: path}, "%s is not HCL native syntax", path)
		return
	}
	for _, a := range sortedAttributes(body) {
		p.add(a.NameRange, "%q stands outside a block: values belong into a locals, variable or module block", a.Name)
	}
	for _, b := range body.Blocks {
		f.block(b, p)
	}
}

func (f *Folder) block(b *hclsyntax.Block, p *Problems) {
	switch b.Type {
	case "terraform":
		// Which Terraform and provider versions, and where Terraform keeps its
		// state: cairn is neither and keeps none, so nothing here concerns it.
	case "variable":
		if name, ok := oneLabel(b, p); ok {
			f.addVariable(name, b, p)
		}
	case "locals":
		f.addLocals(b, p)
	case "module":
		if name, ok := oneLabel(b, p); ok {
			f.addModule(name, b, p)
		}
	case "output":
		if name, ok := oneLabel(b, p); ok {
			f.addOutput(name, b, p)
		}
	case "provider":
		if name, ok := oneLabel(b, p); ok {
			f.addProvider(name, b, p)
		}
	case "resource", "data":
		p.add(b.DefRange(), "%s blocks are not supported: cairn sets up the cloudtrail modules and nothing else; manage %s with terraform in a folder of its own, and pass what the trail needs in as a variable (%s)",
			b.Type, strings.Join(b.Labels, "."), "--var NAME=VALUE")
	default:
		known := []string{"terraform", "provider", "variable", "locals", "module", "output"}
		p.add(b.DefRange(), "%s blocks are not supported%s (a file may have %s blocks)", b.Type, didYouMean(b.Type, known), strings.Join(known, ", "))
	}
}

func oneLabel(b *hclsyntax.Block, p *Problems) (string, bool) {
	if len(b.Labels) == 1 && hclsyntax.ValidIdentifier(b.Labels[0]) {
		return b.Labels[0], true
	}
	p.add(b.DefRange(), "a %s block has one name of letters, digits, _ and -: %s \"NAME\" {", b.Type, b.Type)
	return "", false
}

func (f *Folder) addLocals(b *hclsyntax.Block, p *Problems) {
	noBlocks(b, p)
	for _, a := range sortedAttributes(b.Body) {
		if old, ok := f.locals[a.Name]; ok {
			p.add(a.NameRange, "local.%s is declared twice: first at %s", a.Name, at(old.NameRange))
			continue
		}
		f.locals[a.Name] = a
	}
}

func (f *Folder) addOutput(name string, b *hclsyntax.Block, p *Problems) {
	if old, ok := f.outputs[name]; ok {
		p.add(b.DefRange(), "output %q is declared twice: first at %s", name, at(old.block.DefRange()))
		return
	}
	o := &output{name: name, block: b}
	onlyAttributes(b, p, "value", "description", "sensitive", "depends_on", "ephemeral")
	noBlocks(b, p)
	if a := b.Body.Attributes["value"]; a != nil {
		o.value = a.Expr
	} else {
		p.add(b.DefRange(), "output %q has no value", name)
		return
	}
	if a := b.Body.Attributes["sensitive"]; a != nil {
		o.sensitive = a.Expr
	}
	f.outputs[name] = o
}

func (f *Folder) addModule(name string, b *hclsyntax.Block, p *Problems) {
	if old, ok := f.modules[name]; ok {
		p.add(b.DefRange(), "module %q is declared twice: first at %s", name, at(old.block.DefRange()))
		return
	}
	c := &call{name: name, block: b}
	f.modules[name] = c // also when it is wrong, so that references to it are not errors too
	f.order = append(f.order, name)
	noBlocks(b, p)
	c.provider = providerOf(b, p)
	c.module = moduleOf(b, p)
	if c.module == nil {
		return
	}
	var inputs []string
	meant := map[string]bool{} // inputs that are there, misspelt
	for _, in := range c.module.Inputs {
		inputs = append(inputs, in.Name)
	}
	for _, a := range sortedAttributes(b.Body) {
		switch a.Name {
		case "source", "depends_on", "providers":
		case "version":
			p.add(a.NameRange, "version goes with modules from a registry; this module is a folder, remove the line")
		case "count", "for_each":
			p.add(a.NameRange, "%s is not supported in a module block: write one block for each trail", a.Name)
		default:
			if !slices.Contains(inputs, a.Name) {
				meant[Nearest(a.Name, inputs)] = true
				hint := didYouMean(a.Name, inputs)
				if hint == "" {
					hint = ": its inputs are " + strings.Join(inputs, ", ")
				}
				p.add(a.NameRange, "module %q (%s) has no input %q%s", name, c.module.Name, a.Name, hint)
			}
		}
	}
	for _, in := range c.module.Inputs {
		if b.Body.Attributes[in.Name] == nil && in.Required() && !meant[in.Name] {
			p.add(b.DefRange(), "module %q (%s) lacks the input %q, which it cannot do without", name, c.module.Name, in.Name)
		}
	}
}

// moduleOf finds the module a block's source means: it must be a folder, and
// its last element is the module's name.
func moduleOf(b *hclsyntax.Block, p *Problems) *module.Module {
	var names, sources []string
	for _, m := range module.All() {
		names = append(names, m.Name)
		sources = append(sources, "../../modules/cloudtrail/"+m.Name)
	}
	a := b.Body.Attributes["source"]
	if a == nil {
		p.add(b.DefRange(), "module %q has no source; it is one of %s", b.Labels[0], strings.Join(sources, ", "))
		return nil
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || !isText(v) {
		p.add(a.Expr.Range(), "the source of a module is a text in quotes, without references")
		return nil
	}
	source := v.AsString()
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") && !filepath.IsAbs(source) {
		p.add(a.Expr.Range(), "the source %q is not a folder (./… or ../…): cairn fetches nothing from registries or repositories; use one of %s", source, strings.Join(sources, ", "))
		return nil
	}
	last := filepath.Base(filepath.Clean(source))
	for _, m := range module.All() {
		if m.Name == last {
			return m
		}
	}
	p.add(a.Expr.Range(), "there is no module %q%s (the modules are %s)", last, didYouMean(last, names), strings.Join(names, ", "))
	return nil
}
