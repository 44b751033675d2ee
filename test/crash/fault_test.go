//go:build crash

package crash

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

// restart kills the engine and starts it again.
func (w *world) restart() {
	w.Helper()
	w.engine.kill()
	w.start()
}

// during runs f while all clients call, and ends when both have.
func (w *world) during(least time.Duration, f func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	loaded := make(chan struct{})
	go func() { defer close(loaded); w.load(ctx) }()
	begun := time.Now()
	f()
	time.Sleep(least - time.Since(begun))
	cancel()
	<-loaded
}

// TestTerminate stops the engine politely under load, in the middle of deliveries.
func TestTerminate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	for range max(3, *kills/10) {
		w.during(0, func() {
			time.Sleep(time.Duration(200+w.rng.IntN(600)) * time.Millisecond)
			begun := time.Now()
			if err := w.engine.stop(); err != nil {
				t.Errorf("SIGTERM: %v\n%s", err, w.engine.said())
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("it took %s to stop", took)
			}
		})
		w.start()
	}
	w.settle()
}

// TestSecondEngine starts a second engine on the folder of one that works: it has
// to refuse, and to leave the first alone.
func TestSecondEngine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.during(time.Second, func() {
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			out, err := exec.CommandContext(ctx, kit.Binary(t), "serve", "--data", w.dir, "--listen", "127.0.0.1:0").CombinedOutput()
			cancel()
			if err == nil || !strings.Contains(string(out), "another engine is using it") {
				t.Errorf("a second engine on the folder: %v\n%s", err, out)
			}
		}
	})
	w.settle()
}

// TestBucketRefuses has a trail's bucket refuse log files for a while, by its
// policy, across a kill.
func TestBucketRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	c := w.caller(homeRegion)
	set := func(effect string) {
		for _, tr := range w.trails {
			must(c, "s3 PutBucketPolicy", c.s3().PutBucketPolicy, &s3.PutBucketPolicyInput{
				Bucket: aws.String(tr.bucket()), Policy: aws.String(policy(tr.bucket(), effect)),
			})
		}
	}
	w.during(time.Second, func() { set("Deny") })
	w.restart()
	w.loadFor(time.Second)
	if seen := w.inBucket(w.trails[0].bucket()); len(Compare(w.book.Calls(), w.trails[0].verdict(), seen).Missing) == 0 {
		t.Error("the bucket refuses log files, and none is missing: this shows nothing")
	}
	w.during(time.Second, func() { set("Allow") })
	w.settle()
}

// TestBucketUnreachable makes the disk under the trails' buckets read-only for a
// while, as a file system does that has met an error, across a kill.
func TestBucketUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	var fixed []string
	fix := func() {
		for _, dir := range fixed {
			command(t, "umount", "-l", dir)
		}
		fixed = nil
	}
	t.Cleanup(fix)
	fail := func() {
		for _, tr := range w.trails {
			at := filepath.Join(w.dir, "objects", "objects", tr.bucket())
			if out, err := exec.Command("mount", "--bind", at, at).CombinedOutput(); err != nil {
				t.Skipf("skipped: to make a disk read-only needs root: %v %s", err, out)
			}
			fixed = append(fixed, at)
			for tries := 0; ; tries++ { // a file may be open for writing just now
				out, err := exec.Command("mount", "-o", "remount,bind,ro", at).CombinedOutput()
				if err == nil {
					break
				}
				if time.Sleep(5 * time.Millisecond); tries == 1000 {
					t.Fatalf("remount: %v %s", err, out)
				}
			}
		}
	}
	w.during(1500*time.Millisecond, func() {
		time.Sleep(300 * time.Millisecond)
		fail()
		time.Sleep(time.Second)
		fix()
	})
	w.during(time.Second, fail)
	w.restart()
	w.loadFor(500 * time.Millisecond)
	fix()
	w.settle()
}

// TestLogGroupDeleted deletes the log group that a trail exports to, and makes it
// again after a while: what was exported is gone with it, what was not waits.
func TestLogGroupDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.loadFor(500 * time.Millisecond)
	w.delivered(false)
	kept := w.inGroup()
	c := w.caller(homeRegion)
	logs := cloudwatchlogs.NewFromConfig(c.config)
	must(c, "logs DeleteLogGroup", logs.DeleteLogGroup, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String(exportGroup)})
	w.loadFor(time.Second)
	w.restart()
	w.loadFor(500 * time.Millisecond)
	must(c, "logs CreateLogGroup", logs.CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(exportGroup)})
	w.exported = kept
	w.settle()
}

// TestDiskFull fills the disk under load, across a kill, and frees it. The engine
// must not answer what it cannot keep, and must go on when there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := mount(t, "tmpfs", "size=96m")
	w := newWorld(t, filepath.Join(dir, "data"))
	filler := filepath.Join(dir, "filler")
	full := func() { fill(t, filler) }
	free := func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	w.during(0, func() {
		time.Sleep(300 * time.Millisecond)
		full()
		w.refused("while the disk is full")
		free()
		w.recover()
		time.Sleep(500 * time.Millisecond)
	})
	w.during(0, func() {
		full()
		time.Sleep(time.Duration(w.rng.IntN(1000)) * time.Millisecond)
		w.engine.kill()
	})
	if !w.try() {
		t.Logf("on a full disk the engine does not start: %s", lastLine(w.engine.said()))
	}
	free()
	w.recover()
	w.loadFor(500 * time.Millisecond)
	w.settle()
}

// refused waits until the engine refuses a call, or ends: else the fault was none.
func (w *world) refused(when string) {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, _, failed := w.book.Count(); failed > 0 || !w.workers[0].alive() {
			return
		}
	}
	w.Errorf("no call failed %s: this shows nothing", when)
}

// recover makes sure that the engine answers now that the fault is over: by
// itself within seconds, or because it had ended and is started again.
func (w *world) recover() {
	w.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if !w.workers[0].alive() {
			w.Logf("the engine had ended by itself: %s", lastLine(w.engine.said()))
			w.start()
		}
		if w.caller(homeRegion).works() {
			return
		}
	}
	w.Fatalf("20 s after the fault is over the engine does not work\n%s", w.engine.said())
}

// works reports whether a change is answered.
func (c *caller) works() bool {
	_, a := ask(c, "s3 PutObject", c.s3().PutObject, &s3.PutObjectInput{Bucket: aws.String(objects), Key: aws.String("works"), Body: strings.NewReader("yes")})
	return a.done
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// fill writes a file until the disk is full.
func fill(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// mount mounts a file system for the time of the test, or skips the test by name
// where that is not allowed.
func mount(t testing.TB, kind, options string, source ...string) string {
	t.Helper()
	dir := t.TempDir()
	from := kind
	if len(source) > 0 {
		from = source[0]
	}
	args := []string{"-t", kind, "-o", options, from, dir}
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		t.Skipf("skipped: mount -t %s needs root: %v %s", kind, err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// TestFewFiles runs the engine with as few open files as it can start with, and
// then takes more connections than it has.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.engine.kill()
	w.wrap = []string{kit.Tool(t, "prlimit"), "--nofile=80"}
	w.start()
	w.during(2*time.Second, func() {
		for range 300 {
			conn, err := dial(w.address)
			if err != nil {
				break
			}
			defer conn.Close()
		}
		time.Sleep(1500 * time.Millisecond)
	})
	w.engine.kill()
	w.wrap = nil
	w.start()
	w.settle()
}
