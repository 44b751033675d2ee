//go:build crash

package crash

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestDamage damages one file of the store at a time, in a copy of a data folder:
// flips a bit, cuts the end off, zeroes a page, or removes the file. The engine
// has to name what it lost, at its start or when it reads it, or to have lost
// nothing; and in no case may it serve what it was not told to keep.
func TestDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir())
	w.loadFor(1500 * time.Millisecond)
	w.delivered(false)
	w.things() // what is in doubt is settled before anything is damaged
	w.refuse("Deny")
	w.loadFor(500 * time.Millisecond) // this waits in the journal
	w.things()
	if err := w.engine.stop(); err != nil {
		t.Error(err)
	}
	for i := range *damages {
		w.damaged(i)
	}
}

// refuse sets the policy of the bucket of the first trail.
func (w *world) refuse(effect string) {
	w.Helper()
	c, bucket := w.caller(homeRegion), w.trails[0].bucket()
	must(c, "s3 PutBucketPolicy", c.s3().PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(policy(bucket, effect))})
}

// damaged runs the engine on a damaged copy of the folder.
func (w *world) damaged(i int) {
	w.Helper()
	whole := w.dir
	defer func() { w.dir = whole }()
	w.dir = filepath.Join(w.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", whole, w.dir).CombinedOutput(); err != nil { // with extended attributes
		w.Fatalf("%v %s", err, out)
	}
	defer os.RemoveAll(w.dir)
	what := w.damage(i)
	defer func() { w.engine.kill() }()
	if !w.try() {
		said := lastLine(w.engine.said())
		w.Logf("%s: refused: %.250s", what, said)
		if said == "" {
			w.Errorf("%s: the engine did not start, and did not say why", what)
		}
		return
	}
	lost := w.losses()
	w.even(what)
	named := strings.Contains(w.engine.said(), "level=ERROR")
	switch {
	case len(lost) == 0:
		w.Logf("%s: nothing lost (named: %v)", what, named)
	case !named:
		w.Errorf("%s: %d things were lost, and nothing was said of it: %s", what, len(lost), strings.Join(lost[:min(3, len(lost))], "; "))
	default:
		w.Logf("%s: %d things lost, and named", what, len(lost))
	}
}

// losses returns what is not there any more, and complains of what should not be
// there at all.
func (w *world) losses() (lost []string) {
	w.Helper()
	c, bucket := w.caller(homeRegion), w.trails[0].bucket()
	c.silent = true
	_, a := ask(c, "s3 PutBucketPolicy", c.s3().PutBucketPolicy, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: aws.String(policy(bucket, "Allow"))})
	if a.err != nil {
		return []string{a.err.Error()}
	}
	_, problems := w.problems()
	if found := Compare(w.book.Calls(), w.trails[0].verdict(), w.inGroup()); len(found.Missing) > 0 {
		lost = append(lost, found.Missing...)
	}
	for _, p := range problems {
		lost = append(lost, p.Error())
	}
	// One read is enough to see what is there twice; what is missing may take a moment.
	for _, t := range w.trails {
		for deadline := time.Now().Add(w.wait()); ; time.Sleep(200 * time.Millisecond) {
			found := Compare(w.book.Calls(), t.verdict(), w.inBucket(t.bucket()))
			for _, wrong := range found.Wrong {
				if !strings.Contains(wrong, "nobody made") { // the call above
					w.Errorf("trail %s: %s", t.name, wrong)
				}
			}
			if len(found.Missing) == 0 {
				break
			}
			if time.Now().After(deadline) {
				lost = append(lost, found.Missing...)
				break
			}
		}
	}
	return lost
}

// wait is how long deliveries may take: long, unless something is known to be lost.
func (w *world) wait() time.Duration {
	if strings.Contains(w.engine.said(), "level=ERROR") {
		return 1500 * time.Millisecond
	}
	return 5 * time.Second
}

// damage does something to one file and says what.
func (w *world) damage(i int) string {
	w.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(w.dir, "nats"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "LOCK" {
			return err
		}
		if info, err := d.Info(); err != nil || info.Size() == 0 {
			return err
		}
		files = append(files, path)
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
	for _, name := range []string{"cairn.json", "seal.key"} {
		files = append(files, filepath.Join(w.dir, name))
	}
	if *damageOf != "" {
		files = slices.DeleteFunc(files, func(path string) bool { return !strings.Contains(path, *damageOf) })
	}
	file := pickOne(w, files)
	// Blocks of messages are most of what there is, and most of what can be lost.
	for range 3 {
		if !strings.HasSuffix(file, ".blk") {
			file = pickOne(w, files)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		w.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		w.Fatal(err)
	}
	at, name := w.rng.IntN(len(text)), strings.TrimPrefix(file, w.dir)
	var what string
	switch i % 4 {
	case 0:
		what = fmt.Sprintf("%s: bit %d flipped at %d of %d", name, at%8, at, len(text))
		text[at] ^= 1 << (at % 8)
	case 1:
		what = fmt.Sprintf("%s: cut at %d of %d", name, at, len(text))
		text = text[:at]
	case 2:
		what = fmt.Sprintf("%s: 512 bytes zeroed at %d of %d", name, at, len(text))
		clear(text[at:min(at+512, len(text))])
	default:
		if err := os.Remove(file); err != nil {
			w.Fatal(err)
		}
		return name + ": removed"
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		w.Fatal(err)
	}
	// Files that rot keep their times.
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		w.Fatal(err)
	}
	return what
}
