// Package index keeps the records of a source's log files in Parquet, so that
// questions are answered from it in place of the files.
//
//	DIR/day=2026-05-20/NAME.parquet  a part: records of one UTC day, sorted by time (package part)
//	DIR/_cairn/NAME.pages            which byte strings each page of a part may have
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
//  1. parts and maps of pages are written to DIR/_cairn and synced, then that
//     folder is. A crash leaves files that no line of the log names; the next
//     Build deletes them.
//  2. one line is added to the log and synced: it names the parts, those they
//     take the place of, and the log files that were read for them. From here on
//     the commit has happened. A crash leaves the parts in DIR/_cairn, where
//     readers find them, and which the next Build carries on with; half a line
//     at the end of the log counts as none.
//  3. the parts are moved to the folders of their days, and those that others
//     took the place of are deleted. A crash leaves some of this to the next
//     Build, which does it before anything else.
//
// So a record is in the index exactly if the line is, with the fact that its log
// file was read. Readers go by the log; one that finds a part gone, because it
// was merged away, reads the log again.
package index

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cairn/internal/scan"
)

// Index is an index as it is when it is opened; it does not change while others
// add to it. Its methods may be called concurrently.
type Index struct {
	dir    string
	source string
	log    *state
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

// Identity is the name by which a source is known: an absolute path, or a URL,
// with the endpoint of the S3 it is in if it is not Amazon's.
func Identity(where string, getenv func(string) string) (string, error) {
	if strings.HasPrefix(where, "s3://") {
		where = strings.TrimRight(where, "/")
		for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
			if endpoint := getenv(name); endpoint != "" {
				return where + " at " + strings.TrimRight(endpoint, "/"), nil
			}
		}
		return where, nil
	}
	path, err := filepath.Abs(where)
	if err != nil {
		return "", fmt.Errorf("find out what %s is: %w", where, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path, nil
}

// DefaultDir returns where the index of a source is kept unless it is told
// otherwise: $CAIRN_INDEX, or else cairn/index in the user's cache folder
// ($XDG_CACHE_HOME, or ~/.cache), in a folder named after the source.
func DefaultDir(identity string, getenv func(string) string) (string, error) {
	base := getenv("CAIRN_INDEX")
	if base == "" {
		cache := getenv("XDG_CACHE_HOME")
		if cache == "" {
			var err error
			if cache, err = os.UserCacheDir(); err != nil {
				return "", fmt.Errorf("find the folder of indexes: %w; say where it is with --to or CAIRN_INDEX", err)
			}
		}
		base = filepath.Join(cache, "cairn", "index")
	}
	sum := sha256.Sum256([]byte(identity))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.TrimPrefix(identity, "s3://"))
	if len(name) > 40 {
		name = name[len(name)-40:]
	}
	return filepath.Join(base, fmt.Sprintf("%s-%x", strings.Trim(name, "_."), sum[:6])), nil
}

// Find returns the index of a source that is where indexes are kept unless told
// otherwise. The error wraps [ErrNone] if there is none.
func Find(where string, getenv func(string) string) (*Index, error) {
	identity, err := Identity(where, getenv)
	if err != nil {
		return nil, err
	}
	dir, err := DefaultDir(identity, getenv)
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
