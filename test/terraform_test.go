//go:build e2e

package test

import (
	"path/filepath"
	"strings"
	"testing"

	"cairn/test/kit"
)

// TestTerraform sets the own-bucket example up with Terraform and the real AWS
// provider, sees that neither Terraform nor cairn wants a change after it, and
// destroys it.
func TestTerraform(t *testing.T) {
	t.Parallel()
	terraform, plugins := kit.Tool(t, "terraform"), kit.PluginDir(t)
	e := kit.StartEngine(t, t.TempDir(), "--account", "111122223333")
	c := kit.Client{Env: e.Environment(t, ""), Dir: filepath.Join(kit.CopyExamples(t), "examples", "own-bucket")}
	c.Env = append(c.Env, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_VAR_account_id=111122223333")

	c.Must(t, terraform, "init", "-input=false", "-plugin-dir="+plugins)
	c.Must(t, terraform, "apply", "-input=false", "-auto-approve", "-no-color")
	if out, code := c.Run(t, terraform, "plan", "-input=false", "-no-color", "-detailed-exitcode"); code != 0 {
		t.Errorf("terraform wants changes right after its own apply (exit code %d):\n%s", code, out)
	}
	if out, code := c.Run(t, kit.Binary(t), "plan", "--detailed-exitcode", c.Dir); code != 0 {
		t.Errorf("cairn wants changes after terraform's apply (exit code %d):\n%s", code, out)
	}
	// What delivery put into the bucket has to go first: the example does not
	// let Terraform delete log files.
	c.Must(t, terraform, "destroy", "-input=false", "-auto-approve", "-no-color", "-target=module.cloudtrail")
	awsCLI := kit.Tool(t, "aws")
	emptyBucket(t, c, awsCLI, "digitalmarketplaces-account-cloudtrail-bucket")
	c.Must(t, terraform, "destroy", "-input=false", "-auto-approve", "-no-color")
}

// emptyBucket deletes all versions of all objects of a bucket.
func emptyBucket(t testing.TB, c kit.Client, awsCLI, bucket string) {
	t.Helper()
	type version struct{ Key, VersionId string }
	var list struct{ Versions, DeleteMarkers []version }
	out := c.Must(t, awsCLI, "s3api", "list-object-versions", "--bucket", bucket)
	if strings.TrimSpace(out) == "" {
		return
	}
	c.JSON(t, &list, awsCLI, "s3api", "list-object-versions", "--bucket", bucket)
	for _, v := range append(list.Versions, list.DeleteMarkers...) {
		c.Must(t, awsCLI, "s3api", "delete-object", "--bucket", bucket, "--key", v.Key, "--version-id", v.VersionId)
	}
}
