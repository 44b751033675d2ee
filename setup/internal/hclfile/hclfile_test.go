package hclfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"cairn/setup/internal/module"
	"cairn/setup/internal/resource"
)

func none(string) string { return "" }

// TestBadFiles runs testdata/bad.txtar: each file is a configuration, whose
// first lines, as comments, are the problems it must give.
func TestBadFiles(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		t.Run(file.Name, func(t *testing.T) {
			var want []string
			for line := range strings.Lines(string(file.Data)) {
				if text, ok := strings.CutPrefix(line, "#! "); ok {
					want = append(want, strings.TrimSpace(text))
				}
			}
			folder, err := Parse("main.tf", file.Data)
			if err == nil {
				_, err = folder.Evaluate(nil, none, nil)
			}
			var p Problems
			if !errors.As(err, &p) {
				t.Fatalf("no problem found (%v), want %q", err, want)
			}
			var got []string
			for _, x := range p {
				got = append(got, x.String())
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("problems (-want +got):\n%s", d)
			}
		})
	}
}

func TestExamples(t *testing.T) {
	acc := map[string]module.Account{"aws": {ID: "123456789012", Partition: "aws", Region: "eu-west-1"}}
	for dir, want := range map[string]int{"own-bucket": 9, "someone-elses-bucket": 1} {
		folder, err := Load(filepath.Join("..", "..", "..", "examples", dir))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := folder.Evaluate(nil, none, nil); err == nil || !strings.Contains(err.Error(), "--var account_id=VALUE") {
			t.Errorf("%s without an account id: %v", dir, err)
		}
		w, err := folder.Evaluate([]Flag{{Var: "account_id=123456789012"}}, none, acc)
		if err != nil {
			t.Fatal(err)
		}
		present := slices.DeleteFunc(w.Resources, func(r resource.Resource) bool { return r.Absent })
		if len(present) != want || w.Providers[0].Region != "eu-west-1" {
			t.Errorf("%s: %d resources in %q, want %d", dir, len(present), w.Providers[0].Region, want)
		}
	}
}

// TestValues gives one variable in every way, each stronger than those before.
func TestValues(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("main.tf", `
variable "name" { default = "from-default" }
variable "ids" {
  type    = list(string)
  default = []
}
module "m" {
  source         = "./cloudtrail-bucket"
  s3_bucket_name = var.name
  account_ids    = var.ids
}
output "name" { value = module.m.s3_bucket_name }
output "ids" { value = join(",", var.ids) }
`)
	env := map[string]string{}
	var flags []Flag
	check := func(name, ids string) {
		t.Helper()
		folder, err := Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		w, err := folder.Evaluate(flags, func(k string) string { return env[k] }, map[string]module.Account{"aws": {ID: "123456789012", Partition: "aws", Region: "eu-west-1"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Outputs[1].Value.AsString(); got != name {
			t.Errorf("name %q, want %q", got, name)
		}
		if got := w.Outputs[0].Value.AsString(); got != ids {
			t.Errorf("ids %q, want %q", got, ids)
		}
	}
	check("from-default", "")
	env["TF_VAR_name"], env["TF_VAR_ids"] = "from-env", `["111111111111", "222222222222"]`
	check("from-env", "111111111111,222222222222")
	write("terraform.tfvars", `name = "from-tfvars"`)
	check("from-tfvars", "111111111111,222222222222")
	write("z.auto.tfvars", `name = "from-auto"`)
	check("from-auto", "111111111111,222222222222")
	flags = append(flags, Flag{Var: "name=from-flag"}, Flag{Var: `ids=["333333333333"]`})
	check("from-flag", "333333333333")
	write("more.vars", `name = "from-file"`)
	flags = append(flags, Flag{File: filepath.Join(dir, "more.vars")})
	check("from-file", "333333333333")
}

func TestFunctionsAndReferences(t *testing.T) {
	folder, err := Parse("main.tf", []byte(`
locals {
  b     = { name = lower("TRAIL"), tags = merge({ a = "1" }, { b = tostring(2) }) }
  a     = "${local.b.name}-${length([1, 2])}"
  list  = [for s in split(",", "x,y") : upper(s) if s != "y"]
  null  = try(local.b.nothing, coalesce("", "fallback"))
  re    = replace("a1b2", "/[0-9]/", "-")
  plain = replace("a.b", ".", "-")
  json  = jsonencode({ k = contains(["p"], "p") })
  any   = anytrue([false, can(regex("^t", local.a))])
  pick  = lookup({ k = "v" }, "k", "none")
}
module "m" {
  source      = "../modules/cloudtrail/cloudtrail"
  trail_name  = local.a
  bucket_name = module.bucket.s3_bucket_name
  tags        = local.b.tags
  depends_on  = [module.bucket]
}
module "bucket" {
  source         = "../modules/cloudtrail/cloudtrail-bucket"
  s3_bucket_name = "bucket"
}
output "all" { value = [local.a, local.list[0], local.null, local.re, local.plain, local.json, tostring(local.any), local.pick, module.m.home_region] }
`))
	if err != nil {
		t.Fatal(err)
	}
	w, err := folder.Evaluate(nil, none, map[string]module.Account{"aws": {ID: "123456789012", Partition: "aws", Region: "eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range w.Outputs[0].Value.AsValueSlice() {
		got = append(got, v.AsString())
	}
	want := []string{"trail-2", "X", "fallback", "a-b-", "a-b", `{"k":true}`, "true", "v", "eu-west-1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	last := w.Resources[len(w.Resources)-1]
	if last.Address != "module.m.aws_cloudtrail.this" || len(last.Needs) != 8 {
		t.Errorf("the trail must come last and need all of the bucket's 8 resources: %s needs %v", last.Address, last.Needs)
	}
}

func TestSensitive(t *testing.T) {
	src := `
variable "key" {
  default   = "secret-prefix"
  sensitive = true
}
module "m" {
  source               = "./cloudtrail"
  trail_name           = "trail"
  bucket_name          = "bucket"
  s3_bucket_key_prefix = "x-${var.key}"
}
`
	folder, err := Parse("main.tf", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	w, err := folder.Evaluate(nil, none, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"secret-prefix", "x-secret-prefix"}, w.Secrets); d != "" {
		t.Error(d)
	}
	folder, err = Parse("main.tf", []byte(src+"output \"o\" { value = var.key }\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = folder.Evaluate(nil, none, nil); err == nil || !strings.Contains(err.Error(), "sensitive = true") {
		t.Errorf("output of a sensitive value: %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"cloudtrail-bucket", "cloudtrail-cloudwatch", "cloudtrail"}
	for name, want := range map[string]string{
		"cloudtrail_bucket": "cloudtrail-bucket", "cloudtrial": "cloudtrail", "clodtrail-cloudwach": "cloudtrail-cloudwatch", "vpc": "",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"own-bucket", "someone-elses-bucket"} {
		src, err := os.ReadFile(filepath.Join("..", "..", "..", "examples", dir, "main.tf"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(src))
	}
	archive, err := txtar.ParseFile("testdata/bad.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		f.Add(string(file.Data))
	}
	f.Fuzz(func(t *testing.T, src string) {
		folder, err := Parse("main.tf", []byte(src))
		if err != nil {
			return
		}
		flags := []Flag{{Var: "account_id=123456789012"}}
		if _, err := folder.Evaluate(flags, none, nil); err != nil {
			return
		}
		// What is right without an account must also be right with one, or
		// be refused; it must not crash.
		_, _ = folder.Evaluate(flags, none, map[string]module.Account{"aws": {ID: "123456789012", Partition: "aws", Region: "eu-west-1"}})
	})
}
