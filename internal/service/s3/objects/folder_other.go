//go:build !linux

package objects

import (
	"errors"
	"os"
	"sync"
)

// process remembers the one folder that the whole process stands in. It
// mirrors a property of the process, which is why it is not part of any value.
var process struct {
	sync.Mutex
	dir string
}

// enter makes dir the current folder of the process: threads have none of
// their own here, so a second engine in the same process is refused.
func enter(dir string) error {
	process.Lock()
	defer process.Unlock()
	if process.dir != "" && process.dir != dir {
		return errors.New("a process can serve one data folder only on this system; it already serves " + process.dir)
	}
	process.dir = dir
	return os.Chdir(dir)
}
