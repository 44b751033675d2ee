//go:build crash

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cairn/test/kit"
)

// streams are JetStream's streams whose files are hit on purpose. Other files
// have names that are not known beforehand.
var streams = []string{"JOURNAL", "JOURNAL_MARK", "KV_STATE"}

// TestInject makes one system call of the engine fail at a time: a write, an
// fsync, a rename, an open. Then the engine is killed and started again, and
// everything has to be as after any other crash. Which call it is follows from
// the seed as far as threads allow: strace counts the calls of each on its own.
func TestInject(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		kit.Missing(t, "strace")
	}
	const each = 25
	for done := 0; done < *inject; done += each {
		w := newWorld(t, t.TempDir())
		w.rng = rand.New(rand.NewPCG(w.rng.Uint64(), uint64(done))) // else all would be alike
		w.engine.kill()
		for range min(each, *inject-done) {
			w.injected(strace)
		}
		w.wrap = nil
		w.start()
		w.loadFor(500 * time.Millisecond) // it may have started with none of them
		w.settle()
	}
}

// injected is a life in which one system call fails.
func (w *world) injected(strace string) {
	w.Helper()
	name := pickOne(w, []string{"write", "write", "pwrite64", "fsync", "fsync", "renameat", "openat", "openat", "mkdirat", "unlinkat", "ftruncate", "fsetxattr", "linkat"})
	code := pickOne(w, []string{"EIO", "ENOSPC"})
	nth := 1 + w.rng.IntN(1<<w.rng.IntN(6))
	trace := filepath.Join(w.TempDir(), "strace")
	w.wrap = []string{strace, "-f", "--seccomp-bpf", "-y", "-o", trace, "-e", "trace=" + name, "-e", fmt.Sprintf("inject=%s:error=%s:when=%d", name, code, nth)}
	if name == "write" || name == "fsync" {
		if stream := pickOne(w, append([]string{""}, streams...)); stream != "" {
			for block := 1; block <= 60; block++ {
				w.wrap = append(w.wrap, "-P", filepath.Join(w.dir, "nats", "jetstream", "$G", "streams", stream, "msgs", fmt.Sprintf("%d.blk", block)))
			}
		}
	}
	state := "did not start"
	if w.try() {
		state = "worked on"
		w.loadFor(700 * time.Millisecond)
		if !w.workers[0].alive() {
			state = "ended by itself"
		}
	}
	said := lastLine(w.engine.said())
	w.engine.kill()
	w.Logf("%s of call %d to %s: engine %s; hit %s", code, nth, name, state, hits(w, trace))
	if state != "worked on" {
		w.Logf("  it said %.200s", said)
	}
}

func pickOne[T any](w *world, list []T) T { return list[w.rng.IntN(len(list))] }

var (
	hit  = regexp.MustCompile(`\(INJECTED\)`)
	path = regexp.MustCompile(`[<"](/[^>"]*)[>"]`)
)

// hits tells which files the injected errors met.
func hits(w *world, trace string) string {
	text, err := os.ReadFile(trace)
	if err != nil {
		w.Fatal(err)
	}
	var all []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if !hit.MatchString(line) {
			continue
		}
		where := "something else"
		if m := path.FindAllStringSubmatch(line, -1); m != nil {
			where = strings.TrimPrefix(m[len(m)-1][1], w.dir)
		}
		all = append(all, where)
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}
