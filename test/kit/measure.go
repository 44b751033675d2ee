package kit

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Usage is what a program took.
type Usage struct {
	// Wall is how long it ran.
	Wall time.Duration
	// Peak is the resident memory of the largest process of its tree, in bytes.
	Peak int64
}

// Measure runs a program that has to succeed and says what it took.
func (c Client) Measure(t testing.TB, name string, args ...string) Usage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return Usage{Wall: took, Peak: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10}
}

// StartMoto runs moto_server on a free port, waits until it answers, and
// returns its URL.
func StartMoto(t testing.TB) string {
	t.Helper()
	path := Tool(t, "moto_server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, "-H", "127.0.0.1", "-p", port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it may be a wrapper with children
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait() // ends by the signal just sent
	})
	Eventually(t, "moto_server answers", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "http://" + addr
}
