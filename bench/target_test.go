//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cairn/test/kit"
)

// targets prints what was measured beside what it should be, a line each. The
// testing package cuts off long logs, so they go to standard output.
type targets struct{ b *testing.B }

// atMost wants a value that is no more than a limit, atLeast no less.
func (t targets) atMost(name string, got, limit float64, unit string) {
	t.print(name, got, "at most", limit, unit, got <= limit)
}

func (t targets) atLeast(name string, got, limit float64, unit string) {
	t.print(name, got, "at least", limit, unit, got >= limit)
}

func (targets) print(name string, got float64, how string, limit float64, unit string, ok bool) {
	verdict := "pass"
	if !ok {
		verdict = "MISS"
	}
	fmt.Fprintf(os.Stdout, "target  %-4s  %-58s %9.2f  (%s %.4g) %s\n", verdict, name, got, how, limit, unit)
}

// missing says why a target cannot be measured here.
func (targets) missing(name string, why error) {
	fmt.Fprintf(os.Stdout, "target  none  %-58s %v\n", name, why)
}

// median returns the middle one of some values.
func median(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

// used is what a program took.
type used struct {
	wall, cpu time.Duration
	peak      int64 // resident memory in bytes
}

// cairn runs the built program, which has to succeed. Its memory is asked for
// while it runs: what the kernel says at its end is also that of the process it
// was started from.
func cairn(b *testing.B, args ...string) (u used) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), kit.Binary(b), args...)
	var errs bytes.Buffer
	cmd.Stderr, cmd.Dir = &errs, b.TempDir()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if u.wall = time.Since(began); err != nil {
				b.Fatalf("cairn %s: %v\n%s", strings.Join(args, " "), err, errs.Bytes())
			}
			r := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			u.cpu = time.Duration(r.Utime.Nano() + r.Stime.Nano())
			return u
		case <-tick.C:
			u.peak = max(u.peak, peakOf(cmd.Process.Pid))
		}
	}
}

// peakOf returns the most resident memory a process has had, 0 if it is gone.
func peakOf(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	var kib int64
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return 0
	}
	return kib << 10
}
