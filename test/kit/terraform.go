package kit

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const awsProvider = "registry.terraform.io/hashicorp/aws"

// PluginDir finds a folder of Terraform plugins that has the AWS provider: the
// one TF_PLUGIN_DIR names, or one in the places packages put them. Without one
// it skips the test.
func PluginDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("TF_PLUGIN_DIR"); dir != "" {
		return dir
	}
	for _, root := range []string{"/opt", "/usr/local/share", "/usr/share", "/usr/lib", os.Getenv("HOME")} {
		if found := findProvider(root); found != "" {
			return found
		}
	}
	Missing(t, "Terraform's AWS provider")
	return ""
}

func findProvider(root string) (found string) {
	const deepest = 6
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir // not ours to read
		case strings.HasSuffix(path, "/"+awsProvider):
			found = strings.TrimSuffix(path, awsProvider)
			return fs.SkipAll
		case d.IsDir() && strings.Count(strings.TrimPrefix(path, root), "/") > deepest:
			return fs.SkipDir
		}
		return nil
	})
	return found
}

// CopyExamples copies the modules and examples to a folder Terraform may write
// in, and returns it.
func CopyExamples(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"modules", "examples"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(Repository(t, name))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
