//go:build crash

package crash

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cairn/test/kit"
)

const account = "111122223333"

// engine is a running `cairn serve`, perhaps within another program.
type engine struct {
	cmd    *exec.Cmd
	log    string        // file of its standard error
	ready  chan struct{} // closed when it answers
	ended  chan struct{} // closed when it has ended
	failed error         // how; read after ended
}

// ports are the numbers that freeAddress has given out.
var ports atomic.Int64

// freeAddress returns a loopback address for an engine to listen on, again after
// each restart. Its port is below those the system gives to others who ask for any,
// and no other test of this process has it.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+(int64(os.Getpid()%500)*20+ports.Add(1))%12000)
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// spawn starts an engine on a data folder; wrap is a program and its arguments
// to run it with, such as prlimit.
func spawn(t testing.TB, dir, address string, wrap []string, flags ...string) *engine {
	t.Helper()
	args := append(append([]string{}, wrap...), kit.Binary(t), "serve", "--data", dir, "--listen", address, "--account", account,
		"--delivery-interval", "300ms", "--digest-interval", "2s")
	args = append(args, flags...)
	log, err := os.CreateTemp(t.TempDir(), "engine-*.log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	e := &engine{cmd: exec.Command(args[0], args[1:]...), log: log.Name(), ready: make(chan struct{}), ended: make(chan struct{})}
	e.cmd.Stderr = log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that a wrapper's child is killed with it
	stdout, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if strings.Contains(lines.Text(), "point AWS clients here") {
				close(e.ready)
			}
		}
		e.failed = e.cmd.Wait()
		close(e.ended)
	}()
	t.Cleanup(func() { e.signal(syscall.SIGKILL); <-e.ended })
	return e
}

// up waits until the engine answers, and reports whether it does.
func (e *engine) up() bool {
	select {
	case <-e.ready:
		return true
	case <-e.ended:
	case <-time.After(30 * time.Second):
	}
	return false
}

// signal sends a signal to the engine and to what it runs in.
func (e *engine) signal(sig syscall.Signal) {
	_ = syscall.Kill(-e.cmd.Process.Pid, sig) // fails only if it has ended
}

// kill ends the engine with kill -9.
func (e *engine) kill() {
	e.signal(syscall.SIGKILL)
	<-e.ended
}

// stop ends the engine politely.
func (e *engine) stop() error {
	e.signal(syscall.SIGTERM)
	select {
	case <-e.ended:
		return e.failed
	case <-time.After(45 * time.Second):
		e.kill()
		return errors.New("the engine did not end within 45 s of SIGTERM")
	}
}

// said returns the end of what the engine wrote to its log, without the calls that
// failed: clients have written those down.
func (e *engine) said() string {
	text, err := os.ReadFile(e.log)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		if !strings.Contains(line, " msg=call ") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-60):], "\n")
}

// credentials returns the root keys of the account of a data folder.
func credentials(t testing.TB, dir string) (id, secret string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "credentials"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		name, value, _ := strings.Cut(line, " = ")
		switch {
		case name == "aws_access_key_id" && id == "":
			id = value
		case name == "aws_secret_access_key" && secret == "":
			secret = value
		}
	}
	return id, secret
}

// dial opens a connection that says nothing.
func dial(address string) (net.Conn, error) {
	return net.DialTimeout("tcp", address, 200*time.Millisecond)
}
