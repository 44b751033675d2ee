package objects

import (
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// process remembers the one folder that the whole process stands in where
// threads cannot have their own. It mirrors a property of the process, which
// is why it is not part of any value.
var process struct {
	sync.Mutex
	dir string
}

// enter makes dir the current folder of the calling thread alone. The thread
// must be locked to its goroutine.
//
// Some container runtimes forbid unshare(2). There the folder of the whole
// process changes, and a second engine in the same process is refused.
func enter(dir string) error {
	err := unix.Unshare(unix.CLONE_FS)
	if err == nil {
		return unix.Chdir(dir)
	}
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSYS) {
		return os.NewSyscallError("unshare", err)
	}
	process.Lock()
	defer process.Unlock()
	if process.dir != "" && process.dir != dir {
		return errors.New("this system forbids unshare(2), so a process can serve one data folder only; it already serves " + process.dir)
	}
	process.dir = dir
	return unix.Chdir(dir)
}
