package index

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"cairn/internal/index/part"
	"cairn/internal/index/tally"
)

// format is the version of what is on disk.
const format = 1

// The log has a line a commit, the first with no changes but the index's source:
//
//	CRC-32C of what follows the space, 8 hexadecimal digits, a space, JSON, newline
//
// A line without newline at the end is what a crash left of one, and counts as
// none.

// commit is one line of the log.
type commit struct {
	// Format and Source are in the first line.
	Format int    `json:"format,omitempty"`
	Source string `json:"source,omitempty"`
	// Add are new parts, Drop the names of those they take the place of.
	Add  []*partInfo `json:"add,omitempty"`
	Drop []string    `json:"drop,omitempty"`
	// Read are log files whose records are in the index from now on: base64 of
	// 24 bytes each, key and stamp. Forget are keys that no longer are.
	Read   string `json:"read,omitempty"`
	Forget string `json:"forget,omitempty"`
	// Damaged are log files that could not be read.
	Damaged []damagedFile `json:"damaged,omitempty"`
}

// partInfo is what the log says of a part.
type partInfo struct {
	Name string `json:"name"`
	Day  string `json:"day"`
	// Rows are counted, Raw is the length of their records in bytes, Bytes that
	// of the Parquet file, Pages that of the map of its pages and Counts that of
	// its tallies, 0 if it has none: it was written before there were any.
	Rows   int64 `json:"rows"`
	Raw    int64 `json:"raw"`
	Bytes  int64 `json:"bytes"`
	Pages  int64 `json:"pages"`
	Counts int64 `json:"counts,omitempty"`
	// First and Last bound the event times, in microseconds since 1970; First is
	// part.NoTime if there are records without one.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Odd are columns that do not tell all of their values: a record has an object
	// where they hold text, say.
	Odd []string `json:"odd,omitempty"`
}

// damagedFile is a log file that could not be read.
type damagedFile struct {
	Key   string `json:"key"`
	Stamp uint64 `json:"stamp"`
	Why   string `json:"why"`
}

// state is what all lines of a log come to.
type state struct {
	source  string
	parts   map[string]*partInfo
	read    map[fileKey]uint64
	damaged map[fileKey]damagedFile
	next    int // number of the next part
}

func newState() *state {
	return &state{parts: map[string]*partInfo{}, read: map[fileKey]uint64{}, damaged: map[fileKey]damagedFile{}, next: 1}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const linePrefix = len("01234567 ")

func (c *commit) line() ([]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write index log: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(text, castagnoli), text), nil
}

// readLog reads a log; size is the length of its whole lines.
func readLog(b []byte) (s *state, size int, err error) {
	s = newState()
	for number := 1; ; number++ {
		end := bytes.IndexByte(b[size:], '\n')
		if end < 0 {
			break
		}
		c, err := parseLine(b[size : size+end])
		if err == nil {
			err = s.apply(c, number == 1)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("line %d of its log: %w; delete the index and build it again", number, err)
		}
		size += end + 1
	}
	if size == 0 {
		return nil, 0, ErrNone // a crash before the first line was whole
	}
	return s, size, nil
}

func parseLine(line []byte) (*commit, error) {
	if len(line) < linePrefix || line[linePrefix-1] != ' ' {
		return nil, errors.New("it is no line of an index")
	}
	text := line[linePrefix:]
	if fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli)) != string(line[:linePrefix-1]) {
		return nil, errors.New("its checksum is wrong")
	}
	c := &commit{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, err
	}
	return c, nil
}

// apply does what a line says.
func (s *state) apply(c *commit, first bool) error {
	if first {
		if c.Format != format {
			return fmt.Errorf("it has format %d, this program reads %d", c.Format, format)
		}
		s.source = c.Source
	}
	for _, p := range c.Add {
		var number int
		if _, err := fmt.Sscanf(p.Name, "%08d", &number); err != nil || p.Name != partName(number) {
			return fmt.Errorf("a part is named %q", p.Name)
		}
		if _, err := time.Parse(time.DateOnly, p.Day); err != nil {
			return fmt.Errorf("part %s has day %q", p.Name, p.Day)
		}
		s.next = max(s.next, number+1)
		s.parts[p.Name] = p
	}
	for _, name := range c.Drop {
		delete(s.parts, name)
	}
	forget, err := base64.StdEncoding.DecodeString(c.Forget)
	if err != nil || len(forget)%len(fileKey{}) != 0 {
		return errors.New("the files to forget cannot be read")
	}
	for k := range slices.Chunk(forget, len(fileKey{})) {
		delete(s.read, fileKey(k))
	}
	for _, d := range c.Damaged {
		s.damaged[keyOf(d.Key)] = d
	}
	return s.applyRead(c.Read)
}

const readEntry = len(fileKey{}) + 8

func (s *state) applyRead(text string) error {
	read, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(read)%readEntry != 0 {
		return errors.New("the files read cannot be read")
	}
	for e := range slices.Chunk(read, readEntry) {
		k := fileKey(e[:len(fileKey{})])
		delete(s.damaged, k)
		s.read[k] = binary.LittleEndian.Uint64(e[len(fileKey{}):])
	}
	return nil
}

// sorted returns the parts by day and number.
func (s *state) sorted() []*partInfo {
	list := slices.Collect(maps.Values(s.parts))
	sortParts(list)
	return list
}

func (s *state) stats() Stats {
	st := Stats{Files: len(s.read), Damaged: len(s.damaged), Parts: len(s.parts)}
	for _, p := range s.parts {
		st.Records += p.Rows
		st.Raw += p.Raw
		st.Stored += p.Bytes + p.Pages + p.Counts
	}
	return st
}

// Names of folders and files.

func partName(number int) string     { return fmt.Sprintf("%08d", number) }
func ownDir(dir string) string       { return filepath.Join(dir, "_cairn") }
func logPath(dir string) string      { return filepath.Join(ownDir(dir), "log") }
func dayDir(dir, day string) string  { return filepath.Join(dir, "day="+day) }
func pagesPath(dir, n string) string { return filepath.Join(ownDir(dir), n+part.PagesExtension) }
func countsPath(dir, n string) string {
	return filepath.Join(ownDir(dir), n+tally.Extension)
}

func partPath(dir string, p *partInfo) string {
	return filepath.Join(dayDir(dir, p.Day), p.Name+part.Extension)
}

func stagedPath(dir string, p *partInfo) string {
	return filepath.Join(ownDir(dir), p.Name+part.Extension)
}

// day returns the partition of an event time.
func day(us int64) string {
	if us == part.NoTime {
		us = 0
	}
	return time.UnixMicro(us).UTC().Format(time.DateOnly)
}
