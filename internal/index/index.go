// Package index keeps the records of a source's log files in Parquet, so that
// questions are answered from it in place of the files.
//
//	DIR/day=2026-05-20/NAME.parquet  a part: records of one UTC day, sorted by time (package part)
//	DIR/_cairn/NAME.pages            which byte strings each page of a part may have
//	DIR/_cairn/NAME.counts           how often each value of a column occurs in a part (package tally)
//	DIR/_cairn/log                   what belongs to the index: one line a commit (log.go)
//	DIR/_cairn/lock                  held while the index is changed
//
// The folders of days are Hive partitions that every Parquet reader can read;
// names that begin with _ are left alone by them. The log files stay the
// evidence: an index can be deleted and built again at any time.
//
// # What a crash leaves
//
// [Build] reads log files it has not read before, and adds what they hold in
// commits. A commit is
//
//  1. parts, maps of pages and tallies are written to DIR/_cairn and synced, then that
//     folder is. A crash leaves files that no line of the log names; the next
//     Build deletes them.
//  2. one line is added to the log and synced: it names the parts, those they
//     take the place of, and the log files that were read for them. From here on
//     the commit has happened. A crash leaves the parts in DIR/_cairn, where
//     readers find them, and which the next Build carries on with; half a line
//     at the end of the log counts as none.
//  3. the parts are moved to the folders of their days, and those that others
//     took the place of back to DIR/_cairn. A crash leaves some of this to the
//     next Build, which does it before anything else.
//
// So a record is in the index exactly if the line is, with the fact that its log
// file was read. Readers go by the log as it was when they opened the index:
// parts that were replaced since are still in DIR/_cairn, until the Build after
// the one that replaced them deletes them.
package index

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"cairn/internal/duck"
	"cairn/internal/index/home"
	"cairn/internal/scan"
)

// Index is an index as it is when it is opened; it does not change while others
// add to it. Its methods may be called concurrently.
type Index struct {
	dir    string
	source string
	log    *state

	mu sync.Mutex // guards db
	db *duck.DB   // opened when it is first needed
}

// ErrNone says that there is no index.
var ErrNone = errors.New("there is no index")

// Open opens the index in a folder for reading. The error wraps [ErrNone] if
// there is none.
func Open(dir string) (*Index, error) {
	b, err := os.ReadFile(logPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open index %s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("open index %s: %w", dir, err)
	}
	s, _, err := readLog(b)
	if err != nil {
		return nil, fmt.Errorf("open index %s: %w", dir, err)
	}
	return &Index{dir: dir, source: s.source, log: s}, nil
}

// Close gives back what searching has taken.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db == nil {
		return nil
	}
	err := x.db.Close()
	x.db = nil
	return err
}

// duck returns the index's database. It may read parts where they are, and
// where they will be.
func (x *Index) duck(ctx context.Context) (*duck.DB, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db != nil {
		return x.db, nil
	}
	var files []string
	for _, p := range x.log.parts {
		files = append(files, partPath(x.dir, p), stagedPath(x.dir, p))
	}
	db, err := duck.Open(ctx, duck.Options{Files: files})
	if err != nil {
		return nil, err
	}
	x.db = db
	return db, nil
}

// Dir returns the index's folder.
func (x *Index) Dir() string { return x.dir }

// Source returns the identity of the source whose log files are in the index.
func (x *Index) Source() string { return x.source }

// Has says whether the index holds the records of a log file. It does not if
// the file is another than the one that was read: of other size or age.
func (x *Index) Has(f scan.File) bool {
	stamp, ok := x.log.read[keyOf(f.Key)]
	return ok && stamp == stampOf(f)
}

// Outdated says whether the index holds records of a log file that is another by
// now. Whoever reads such a file must leave out what the index has of it:
// [Query.Except].
func (x *Index) Outdated(f scan.File) bool {
	stamp, ok := x.log.read[keyOf(f.Key)]
	return ok && stamp != stampOf(f)
}

// Stats are how much an index holds.
type Stats struct {
	// Files is how many log files were read for it, Damaged how many were found
	// damaged and are not in it.
	Files, Damaged int
	// Parts is how many Parquet files it has.
	Parts   int
	Records int64
	// Raw is the length of all records, Stored that of the index's files.
	Raw, Stored int64
}

// Stats returns how much the index holds.
func (x *Index) Stats() Stats { return x.log.stats() }

// Parts returns the paths of the index's Parquet files, by day.
func (x *Index) Parts() []string {
	var paths []string
	for _, p := range x.log.sorted() {
		paths = append(paths, x.parquetPath(p))
	}
	return paths
}

// parquetPath returns where a part is: in the folder of its day, or still in
// the place it was written to.
func (x *Index) parquetPath(p *partInfo) string {
	path := partPath(x.dir, p)
	if _, err := os.Stat(path); err != nil {
		if staged := stagedPath(x.dir, p); exists(staged) {
			return staged
		}
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Find returns the index of a source that is where indexes are kept unless told
// otherwise. The error wraps [ErrNone] if there is none.
func Find(where string, getenv func(string) string) (*Index, error) {
	identity, err := home.Identity(where, getenv)
	if err != nil {
		return nil, err
	}
	dir, err := home.DefaultDir(identity, getenv)
	if err != nil {
		return nil, err
	}
	x, err := Open(dir)
	if err == nil && x.source != identity {
		return nil, fmt.Errorf("open index %s: it is that of %s; delete it", dir, x.source)
	}
	return x, err
}

// fileKey names a log file, in the little room that millions of them need.
type fileKey [16]byte

func keyOf(key string) fileKey {
	sum := sha256.Sum256([]byte(key))
	return fileKey(sum[:16])
}

// stampOf tells a log file from another of the same name.
func stampOf(f scan.File) uint64 {
	b := binary.LittleEndian.AppendUint64(nil, uint64(f.Size))
	b = binary.LittleEndian.AppendUint64(b, uint64(f.Modified.UnixNano()))
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

// sortParts puts parts in the order of days, and of their making in a day.
func sortParts(list []*partInfo) {
	slices.SortFunc(list, func(a, b *partInfo) int {
		if c := strings.Compare(a.Day, b.Day); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}
