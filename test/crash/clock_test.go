//go:build crash

package crash

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn/test/kit"
)

// shifted is a file of package time that adds to the wall clock what a file says,
// and leaves the monotonic clock alone, as setting the clock does.
const shifted = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var clockShift = func() *int64 {
	path, _ := syscall.Getenv("CLOCK_SHIFT")
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	if err != nil {
		return new(int64)
	}
	page, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	return (*int64)(unsafe.Pointer(&page[0]))
}()

func shiftedNow() (sec int64, nsec int32, mono int64) {
	sec, nsec, mono = runtimeNow()
	if clockShift != nil {
		sec += atomic.LoadInt64(clockShift)
	}
	return sec, nsec, mono
}
`

// clockProgram builds the program with a clock that can be set, and returns it.
// Neither a time namespace nor a preloaded library reaches the wall clock of a Go
// program, and the machine's own is others' too.
func clockProgram(t testing.TB, dir string) string {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("skipped: building with another clock needs go: %v", err)
	}
	source := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	const call = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()"
	if !strings.Contains(string(text), call) {
		t.Fatalf("time.Now of this Go release is not %q: bring this test up to date", call)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(source, "time.go"):    write("time.go", strings.Replace(string(text), call, strings.Replace(call, "runtimeNow", "shiftedNow", 1), 1)),
		filepath.Join(source, "shifted.go"): write("shifted.go", shifted),
	}})
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "cairn")
	cmd := exec.Command("go", "build", "-overlay", write("overlay.json", string(overlay)), "-o", program, "./cmd/cairn")
	cmd.Dir = filepath.Dir(kit.Repository(t)) // the parent of test
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with another clock: %v\n%s", err, out)
	}
	return program
}

// TestClock sets the engine's clock back and forward under load: by up to 14
// minutes while clients call, who sign with the true time, and by more than a day
// while they do not.
func TestClock(t *testing.T) {
	if !*clock {
		t.Skip("skipped: the clock needs a program built for it; `make crash` does that")
	}
	dir := t.TempDir()
	shift := filepath.Join(dir, "shift")
	set := func(d time.Duration) {
		t.Helper()
		f, err := os.OpenFile(shift, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Write(binary.NativeEndian.AppendUint64(nil, uint64(int64(d/time.Second)))); err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	t.Setenv("CLOCK_SHIFT", shift)
	t.Setenv("CAIRN_BIN", clockProgram(t, dir))
	w := newWorld(t, filepath.Join(dir, "data"))
	for _, minutes := range []int{14, -14, 3, -9, 14, 0} {
		w.during(time.Second, func() {
			time.Sleep(200 * time.Millisecond)
			set(time.Duration(minutes) * time.Minute)
		})
		if w.rng.IntN(2) == 0 {
			w.restart()
		}
	}
	for _, hours := range []int{26, 0, -26, 0} {
		w.loadFor(300 * time.Millisecond)
		set(time.Duration(hours) * time.Hour)
		time.Sleep(3 * time.Second) // deliveries and digests go on
		set(0)
	}
	w.settle()
}
