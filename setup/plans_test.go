package setup_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cairn/setup/internal/hclfile"
	"cairn/setup/internal/module"
	"cairn/setup/internal/render"
	"cairn/setup/internal/resource"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGoldenPlans shows the plan that each change of an input gives. An archive
// in testdata/plans is named after its module. Its base.tf is a module block
// with one input a line; create.plan and destroy.plan are the plans to make and
// remove it; NAME.tf holds the lines that change the input NAME, and NAME.plan
// the plan to get there from base.tf. Every input of the module has its file.
// go test -update writes the plans anew.
func TestGoldenPlans(t *testing.T) {
	for _, m := range module.All() {
		t.Run(m.Name, func(t *testing.T) {
			path := filepath.Join("testdata", "plans", m.Name+".txtar")
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files, plans := map[string]string{}, map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			base := resources(t, files["base.tf"])
			plans["create.plan"] = rendered(t, resource.Diff(base, nil), false)
			plans["destroy.plan"] = rendered(t, resource.Removal(base, found(base, base)), true)
			for _, in := range m.Inputs {
				lines, ok := files[in.Name+".tf"]
				if !ok {
					t.Errorf("%s has no %s.tf: a change of every input is to be seen", path, in.Name)
					continue
				}
				wanted := resources(t, changed(files["base.tf"], lines))
				plans[in.Name+".plan"] = rendered(t, resource.Diff(wanted, found(wanted, base)), false)
			}
			if *update {
				writeGolden(t, path, archive, plans)
				return
			}
			for name, got := range plans {
				if d := cmp.Diff(files[name], got); d != "" {
					t.Errorf("%s (-golden +got):\n%s", name, d)
				}
			}
		})
	}
}

// resources evaluates a file for an account of the tests.
func resources(t *testing.T, text string) []resource.Resource {
	t.Helper()
	folder, err := hclfile.Parse("main.tf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	acc := module.Account{ID: "111122223333", Partition: "aws", Region: "eu-west-1"}
	wanted, err := folder.Evaluate(nil, func(string) string { return "" }, map[string]module.Account{"aws": acc})
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return wanted.Resources
}

// found is what is found of wanted where base was applied: things are found by
// their names.
func found(wanted, base []resource.Resource) map[string]resource.Spec {
	there := map[string]resource.Spec{}
	for _, r := range base {
		same := func(w resource.Resource) bool {
			return w.Address == r.Address && resource.ID(w.Spec) == resource.ID(r.Spec)
		}
		if !r.Absent && slices.ContainsFunc(wanted, same) {
			there[r.Address] = r.Spec
		}
	}
	return there
}

// changed puts lines into a module block, in place of those that set the same
// inputs.
func changed(base, lines string) string {
	named := map[string]bool{}
	for line := range strings.Lines(lines) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		named[name] = true
	}
	var out strings.Builder
	for line := range strings.Lines(base) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "}":
			out.WriteString(lines + line)
		case !named[name]:
			out.WriteString(line)
		}
	}
	return out.String()
}

func rendered(t *testing.T, changes []resource.Change, destroy bool) string {
	t.Helper()
	var b strings.Builder
	if err := render.Plan(&b, changes, destroy, render.Style{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// writeGolden writes the archive with new plans, each behind its .tf.
func writeGolden(t *testing.T, path string, old *txtar.Archive, plans map[string]string) {
	t.Helper()
	out := &txtar.Archive{Comment: old.Comment}
	add := func(name string) {
		if text, ok := plans[name]; ok {
			out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
		}
	}
	for _, f := range old.Files {
		if !strings.HasSuffix(f.Name, ".tf") {
			continue
		}
		out.Files = append(out.Files, f)
		if f.Name == "base.tf" {
			add("create.plan")
			add("destroy.plan")
		}
		add(strings.TrimSuffix(f.Name, ".tf") + ".plan")
	}
	if err := os.WriteFile(path, txtar.Format(out), 0o600); err != nil {
		t.Fatal(err)
	}
}
