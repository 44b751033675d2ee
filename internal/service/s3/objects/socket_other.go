//go:build !linux

package objects

import (
	"os"
	"path/filepath"
)

// socketPath names the socket in dir. The path is limited to about 100 bytes.
func socketPath(dir string, _ *os.File) string { return filepath.Join(dir, "s3.sock") }
