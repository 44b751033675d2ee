//go:build bench

package bench

import (
	"os"
	"path/filepath"
	"testing"

	"cairn/test/kit"
)

const account = "111122223333"

// BenchmarkApply compares `cairn apply` with `terraform apply` of the own-bucket
// example, each on a fresh engine.
func BenchmarkApply(b *testing.B) {
	terraform, plugins := kit.Tool(b, "terraform"), kit.PluginDir(b)
	example := filepath.Join(kit.CopyExamples(b), "examples", "own-bucket")
	for b.Loop() {
		c := kit.Client{Dir: example, Env: kit.StartEngine(b, b.TempDir(), "--account", account).Environment(b, "")}
		ours := c.Measure(b, kit.Binary(b), "apply", "--auto-approve", "--var", "account_id="+account, example)

		c.Env = append(kit.StartEngine(b, b.TempDir(), "--account", account).Environment(b, ""),
			"TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_VAR_account_id="+account)
		c.Must(b, terraform, "init", "-input=false", "-plugin-dir="+plugins)
		theirs := c.Measure(b, terraform, "apply", "-input=false", "-auto-approve")
		if err := os.Remove(filepath.Join(example, "terraform.tfstate")); err != nil {
			b.Fatal(err)
		}

		b.Logf("apply own-bucket: cairn %.2f s, %d MB; terraform %.2f s, %d MB",
			ours.Wall.Seconds(), ours.Peak>>20, theirs.Wall.Seconds(), theirs.Peak>>20)
		b.ReportMetric(theirs.Wall.Seconds()/ours.Wall.Seconds(), "times-faster")
		b.ReportMetric(float64(theirs.Peak)/float64(ours.Peak), "times-less-memory")
	}
}
