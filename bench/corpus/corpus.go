// Package corpus makes log files in CloudTrail's layout, as many as asked for,
// that are like genuine ones in what matters to readers: which fields there are
// and how long, how records and files are distributed in size and time, and how
// well they compress. Nothing in it is copied from genuine records. The same
// options make the same files.
package corpus

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Options are the size and shape of a corpus.
type Options struct {
	// Records is how many to make.
	Records int
	// Median and Spread are those of the logarithmic normal distribution of the
	// records in a file; Largest is the most a file has.
	Median, Spread float64
	Largest        int
	// Days is how many days, from Start, the files were delivered on.
	Days int
	// Seed makes another corpus of the same shape.
	Seed uint64
	// Formatting, if set, writes the content of a file in a way of its own
	// instead of CloudTrail's, which has no white space.
	Formatting func(r *rand.Rand, records [][]byte) []byte
}

// Large is a corpus of an account with much traffic: 2 million records of it
// are 2.7 GB in 5,400 files.
func Large(records int) Options {
	return Options{Records: records, Median: 220, Spread: 1.03, Largest: 2000, Days: 60}
}

// Small is a corpus as most trails are, with a few records in a file: 200,000
// records of it are in 58,000 files.
func Small(records int) Options {
	return Options{Records: records, Median: 2.4, Spread: 0.85, Largest: 60, Days: 60}
}

// Start is when the first files were delivered.
var Start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

const (
	// RareUser is an IAM user of few records, one in 150,000.
	RareUser = "arn:aws:iam::111122223333:user/rare.carol"
	// RareIP is an address of few records, one in 38,000.
	RareIP = "203.0.113.77"

	rareUser, rareIP = 153_846, 38_461
)

// Summary is what was made.
type Summary struct {
	Files, Records      int
	Content, Compressed int64 // bytes
	RareUser, RareIP    int   // records of them
}

// add adds a file's.
func (s *Summary) add(o Summary) {
	s.Files += o.Files
	s.Records += o.Records
	s.Content += o.Content
	s.Compressed += o.Compressed
	s.RareUser += o.RareUser
	s.RareIP += o.RareIP
}

// file is one file of the plan.
type file struct {
	number, first, records int
}

// plan divides the records among files.
func (o *Options) plan() (files []file) {
	r := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // it has to be repeatable
	for done := 0; done < o.Records; {
		n := int(math.Round(o.Median * math.Exp(o.Spread*r.NormFloat64())))
		n = min(max(n, 1), o.Largest, o.Records-done)
		files = append(files, file{len(files), done, n})
		done += n
	}
	return files
}

// Write makes a corpus below a folder, as a bucket with prefix trail has it, on
// all cores.
func Write(dir string, o Options) (Summary, error) {
	files := make(chan file)
	var mu sync.Mutex
	var sum Summary
	var failed error
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			w := newWriter(&o)
			for f := range files {
				one, err := w.write(dir, f)
				mu.Lock()
				if sum.add(one); failed == nil {
					failed = err
				}
				mu.Unlock()
			}
		})
	}
	for _, f := range o.plan() {
		files <- f
	}
	close(files)
	wg.Wait()
	if failed != nil {
		return sum, fmt.Errorf("write corpus: %w", failed)
	}
	return sum, nil
}

// writer makes files, one after the other.
type writer struct {
	o       *Options
	content bytes.Buffer
	stored  bytes.Buffer
	gzip    *gzip.Writer
}

func newWriter(o *Options) *writer { return &writer{o: o, gzip: gzip.NewWriter(nil)} }

// Each calls do with the key and the content of each file of a corpus, in the
// order they are planned in.
func Each(o Options, do func(key string, content []byte) error) (sum Summary, err error) {
	w := newWriter(&o)
	for _, f := range o.plan() {
		key, one := w.make(f)
		sum.add(one)
		if err := do(key, w.content.Bytes()); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// make puts a file's content into w.content.
func (w *writer) make(f file) (key string, sum Summary) {
	g := newGenerator(w.o, f)
	records := make([][]byte, f.records)
	for i := range records {
		records[i] = g.record(f.first + i)
	}
	sum = Summary{Files: 1, Records: f.records, RareUser: g.rareUsers, RareIP: g.rareIPs}
	w.content.Reset()
	if w.o.Formatting != nil {
		w.content.Write(w.o.Formatting(g.r, records))
	} else {
		w.content.WriteString(`{"Records":[`)
		w.content.Write(bytes.Join(records, []byte{','}))
		w.content.WriteString(`]}`)
	}
	sum.Content = int64(w.content.Len())
	return g.key(), sum
}

func (w *writer) write(dir string, f file) (Summary, error) {
	key, sum := w.make(f)
	w.stored.Reset()
	w.gzip.Reset(&w.stored)
	if _, err := w.gzip.Write(w.content.Bytes()); err != nil {
		return sum, err
	}
	if err := w.gzip.Close(); err != nil {
		return sum, err
	}
	sum.Compressed = int64(w.stored.Len())
	name := filepath.Join(dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return sum, err
	}
	return sum, os.WriteFile(name, w.stored.Bytes(), 0o600)
}
