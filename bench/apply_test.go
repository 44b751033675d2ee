//go:build bench

package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn/test/kit"
)

const account = "111122223333"

// BenchmarkSetUp compares cairn with Terraform on the own-bucket example, each
// on a fresh engine: apply, a plan that finds nothing to change, and destroy.
func BenchmarkSetUp(b *testing.B) {
	terraform, plugins := kit.Tool(b, "terraform"), kit.PluginDir(b)
	example := filepath.Join(kit.CopyExamples(b), "examples", "own-bucket")
	allowDestroy(b, filepath.Join(example, "main.tf"))
	for b.Loop() {
		ours := kit.Client{Dir: example, Env: kit.StartEngine(b, b.TempDir(), "--account", account).Environment(b, "")}
		theirs := kit.Client{Dir: example, Env: append(kit.StartEngine(b, b.TempDir(), "--account", account).Environment(b, ""),
			"TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_VAR_account_id="+account)}
		theirs.Must(b, terraform, "init", "-input=false", "-plugin-dir="+plugins)
		for _, step := range []struct {
			name         string
			ours, theirs []string
		}{
			{"apply", []string{"apply", "--auto-approve"}, []string{"apply", "-input=false", "-auto-approve"}},
			{"no-change-plan", []string{"plan", "--detailed-exitcode"}, []string{"plan", "-input=false", "-detailed-exitcode"}},
			{"destroy", []string{"destroy", "--auto-approve"}, []string{"destroy", "-input=false", "-auto-approve"}},
		} {
			we := ours.Measure(b, kit.Binary(b), append(step.ours, "--var", "account_id="+account, example)...)
			they := theirs.Measure(b, terraform, step.theirs...)
			b.Logf("%s own-bucket: cairn %.2f s, %d MB; terraform %.2f s, %d MB", step.name,
				we.Wall.Seconds(), we.Peak>>20, they.Wall.Seconds(), they.Peak>>20)
			b.ReportMetric(they.Wall.Seconds()/we.Wall.Seconds(), step.name+"-times-faster")
			b.ReportMetric(float64(they.Peak)/float64(we.Peak), step.name+"-times-less-memory")
		}
		if err := os.Remove(filepath.Join(example, "terraform.tfstate")); err != nil {
			b.Fatal(err)
		}
	}
}

// allowDestroy lets the example's bucket go with the log files delivered to it.
func allowDestroy(b *testing.B, file string) {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	const name = "module \"cloudtrail-bucket\" {\n"
	changed := strings.Replace(string(text), name, name+"  force_destroy = true\n", 1)
	if changed == string(text) {
		b.Fatalf("%s has no %q", file, name)
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		b.Fatal(err)
	}
}
