package natsd_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd/natsdtest"
)

// big makes a folder with streams ONE, which keeps all, and TWO, which keeps the
// last of each subject, both of some files, and returns it.
func big(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := natsdtest.StartDir(t, dir)
	defer s.Close()
	for _, c := range []jetstream.StreamConfig{{Name: "ONE"}, {Name: "TWO", MaxMsgsPerSubject: 1}} {
		c.Subjects, c.Storage = []string{c.Name + ".*"}, jetstream.FileStorage
		if _, err := s.JetStream().CreateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for i := range 10 {
			if _, err := s.JetStream().Publish(t.Context(), fmt.Sprintf("%s.%d", c.Name, i%8), bytes.Repeat([]byte{byte(i)}, 1<<20)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// held returns how many messages the streams of a folder have.
func held(t *testing.T, dir string) string {
	t.Helper()
	s := natsdtest.StartDir(t, dir)
	defer s.Close()
	var text strings.Builder
	for _, name := range []string{"ONE", "TWO"} {
		st, err := s.JetStream().Stream(t.Context(), name)
		if err != nil {
			t.Error(err)
			continue
		}
		state := st.CachedInfo().State
		fmt.Fprintf(&text, "%s %d-%d %d ", name, state.FirstSeq, state.LastSeq, state.Msgs)
	}
	return text.String()
}

const allHeld = "ONE 1-10 10 TWO 3-10 8 "

// TestPutBack leaves what a start leaves that died when the server had dropped a
// file, and a whole stream: second names. All is put back, and those names go.
func TestPutBack(t *testing.T) {
	dir := big(t)
	streams := filepath.Join(dir, "jetstream", "$G", "streams")
	second := filepath.Join(dir, "kept", "$G", "streams")
	for _, pattern := range []string{"*/meta.inf", "*/meta.sum", "*/msgs/*.blk"} {
		files, err := filepath.Glob(filepath.Join(streams, pattern))
		if err != nil || len(files) < 2 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			name := filepath.Join(second, strings.TrimPrefix(file, streams))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(file, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove(t, filepath.Join(streams, "ONE", "msgs", "1.blk"))
	if err := os.RemoveAll(filepath.Join(streams, "TWO")); err != nil {
		t.Fatal(err)
	}
	if got := held(t, dir); got != allHeld {
		t.Errorf("the streams have %s, want %s", got, allHeld)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "kept*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// TestMeant starts a server that drops files because it means to: a limit was set
// to two messages, and a crash kept it from being applied.
func TestMeant(t *testing.T) {
	dir := big(t)
	meta := filepath.Join(dir, "jetstream", "$G", "streams", "ONE", "meta.inf")
	change(t, meta, func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"max_msgs":-1`), []byte(`"max_msgs":2`), 1)
	})
	later := time.Now().Add(time.Second) // than its checksum
	if err := os.Chtimes(meta, later, later); err != nil {
		t.Fatal(err)
	}
	if got, want := held(t, dir), "ONE 9-10 2 TWO 3-10 8 "; got != want {
		t.Errorf("the streams have %s, want %s", got, want)
	}
}

// TestAged starts a server that drops what has aged: that takes one start.
func TestAged(t *testing.T) {
	dir := t.TempDir()
	s := natsdtest.StartDir(t, dir)
	config := jetstream.StreamConfig{
		Name: "ONE", Subjects: []string{"ONE"}, Storage: jetstream.FileStorage, MaxAge: 500 * time.Millisecond, Duplicates: 100 * time.Millisecond,
	}
	if _, err := s.JetStream().CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := s.JetStream().Publish(t.Context(), "ONE", bytes.Repeat([]byte("x"), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	time.Sleep(config.MaxAge) // of the disk's clock, not ours
	if log, err := start(t, dir); err != nil || strings.Contains(log, "trying to open it again") {
		t.Errorf("start: %v\n%s", err, log)
	}
}

// TestReadError lets one call that reads the store fail while it is opened, each
// in turn: the start is refused, or all is there, and a start without an error
// finds everything.
func TestReadError(t *testing.T) {
	if dir := os.Getenv("NATSD_READ_ERROR"); dir != "" { // this runs under strace
		fmt.Println("streams", held(t, dir))
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("skipped: strace is not installed")
	}
	if testing.Short() {
		t.Skip("skipped: it starts many servers")
	}
	whole := big(t)
	injected := 0
	// strace counts the calls of each thread on its own: more than one may fail.
	for _, call := range []string{"pread64", "read"} {
		for nth := 1; nth <= 5; nth += 2 {
			dir, trace := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "trace")
			if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			args := []string{"-f", "--seccomp-bpf", "-o", trace, "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:error=EIO:when=%d", call, nth)}
			for _, file := range []string{"ONE/msgs/1.blk", "ONE/msgs/2.blk", "TWO/msgs/2.blk", "TWO/msgs/3.blk"} {
				args = append(args, "-P", filepath.Join(dir, "jetstream", "$G", "streams", file))
			}
			cmd := exec.CommandContext(t.Context(), strace, append(args, os.Args[0], "-test.run=^TestReadError$", "-test.v")...)
			cmd.Env = append(os.Environ(), "NATSD_READ_ERROR="+dir)
			out, err := cmd.CombinedOutput()
			if err == nil && !bytes.Contains(out, []byte("streams "+allHeld)) {
				t.Errorf("%s %d fails: started with less:\n%s", call, nth, out)
			}
			calls, rerr := os.ReadFile(trace)
			if rerr != nil {
				t.Fatal(rerr)
			}
			injected += len(regexp.MustCompile(`\(INJECTED\)`).FindAll(calls, -1))
			if got := held(t, dir); got != allHeld {
				t.Errorf("%s %d failed once: the streams have %s, want %s", call, nth, got, allHeld)
			}
		}
	}
	if injected < 3 {
		t.Errorf("%d errors were injected: this shows nothing", injected)
	}
}
