package querytest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Genuine reads the genuine records in a folder's files, and skips the test if
// there are none.
func Genuine(tb testing.TB, dir string) []*Message {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	if len(files) == 0 {
		tb.Skipf("no genuine records in %s", dir)
	}
	var messages []*Message
	for _, name := range files {
		if messages, err = readLines(name, messages); err != nil {
			tb.Fatal(err)
		}
	}
	return messages
}

// readLines appends the messages of a file, one a line.
func readLines(name string, to []*Message) (_ []*Message, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		to = append(to, Read(bytes.Clone(s.Bytes())))
	}
	return to, s.Err()
}
