package natsd

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// The server repairs what it cannot read by cutting it off, and says little of it:
// one flipped bit costs everything behind it in the file. So files are looked at
// before the server opens them. A damaged one is named, set aside as it is, and
// replaced by one of all records that are whole: the others are gaps, which the
// readers of a stream notice (package journal). A stream that must be whole
// (Options.Critical) is not opened at all.

const (
	// A block file is a run of records:
	//
	//	length 4 | sequence 8 | time 8 | subject length 2 | subject | [headers] | message | checksum 8
	//
	// in little-endian; the top bit of the length says that there are headers, with
	// their length before them, and the top bits of the sequence mark deletions.
	// Source: filestore.go of NATS server 2.15; TestVerify holds it to that.
	blockHead   = 22
	blockSum    = 8
	headersBit  = 1 << 31
	deletedBits = 3 << 62
	maxRecord   = 32 << 20
	// verifyBudget bounds what is read of streams that are not critical.
	verifyBudget = 1 << 30
	// damagedDir is where damaged files are set aside.
	damagedDir = "damaged"
)

// blockFile is a file of messages.
type blockFile struct {
	path   string
	stream string
	index  int
	size   int64
}

// verify looks at the files of all streams. It returns what keeps the server from
// being started.
func (s *Server) verify() error {
	folders, err := s.streamFolders()
	if err != nil {
		return err
	}
	budget := int64(verifyBudget)
	reached, err := readTide(s.o.Dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, folder := range folders {
		name := filepath.Base(folder)
		gone, err := s.complete(folder, reached[name])
		if err == nil && !gone {
			err = s.verifyStream(folder, reached[name], &budget)
		}
		if err != nil {
			errs = append(errs, err)
		}
		delete(reached, name)
	}
	for _, name := range s.o.Critical {
		if reached[name] > 0 {
			errs = append(errs, fmt.Errorf("stream %s is missing in %s; restore the folder from a backup", name, s.o.Dir))
		}
	}
	return errors.Join(errs...)
}

// verifyStream looks at the files of one stream: at all of a critical one, at the
// newest of others. reached is the last sequence number it is known to have had.
func (s *Server) verifyStream(folder string, reached uint64, budget *int64) error {
	name := filepath.Base(folder)
	critical := slices.Contains(s.o.Critical, name)
	blocks, err := listBlocks(folder)
	if err != nil {
		return err
	}
	last := uint64(0)
	var seen []*scanned // newest first
	for i, b := range slices.Backward(blocks) {
		newest := i == len(blocks)-1 || last == 0 // the newest may be empty
		if !critical && (!newest || *budget < b.size) {
			break
		}
		*budget -= b.size
		found, err := b.scan()
		if err != nil {
			return err
		}
		last, seen = max(last, found.last), append(seen, found)
	}
	complete := last >= reached
	for _, found := range seen {
		if err := s.treat(found, critical, complete); err != nil {
			return err
		}
		// A file is begun when the one before it is whole.
		complete = complete && found.size == 0
	}
	if last >= reached || *budget < 0 {
		return nil
	}
	if critical {
		return fmt.Errorf("stream %s in %s ends at %d, but it had %d; restore the folder from a backup", name, folder, last, reached)
	}
	s.o.Log.Error("message store: a stream has lost its newest messages", "stream", name, "ends", last, "had", reached)
	return nil
}

// treat does what a file needs that is not whole. complete says that the stream has
// all it is known to have had, and that the file is its newest.
func (s *Server) treat(f *scanned, critical, complete bool) error {
	switch {
	case f.whole():
		return nil
	case f.torn() && complete:
		// What cannot be read was not acknowledged, or within the last second.
		s.o.Log.Warn("message store: an end that a crash left is cut off", "stream", f.stream, "file", f.path, "byte", f.damage())
		return f.keep()
	case critical:
		return fmt.Errorf("%s is damaged at byte %d; restore the folder from a backup, what is kept in it cannot be told any more", f.path, f.damage())
	default:
		return s.repair(f)
	}
}

// listBlocks returns the files of messages of a stream, oldest first.
func listBlocks(folder string) ([]blockFile, error) {
	stream := filepath.Base(folder)
	dir := filepath.Join(folder, "msgs")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		// A crash during a purge leaves what replaces the folder, which the server completes.
		dir = filepath.Join(folder, "__new_msgs__")
		entries, err = os.ReadDir(dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for messages of stream %s: %w", stream, err)
	}
	var list []blockFile
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), ".blk")
		index, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("look at messages of stream %s: %w", stream, err)
		}
		list = append(list, blockFile{path: filepath.Join(dir, e.Name()), stream: stream, index: index, size: info.Size()})
	}
	slices.SortFunc(list, func(a, b blockFile) int { return a.index - b.index })
	return list, nil
}

// scanned is what a scan found in a file.
type scanned struct {
	blockFile
	text []byte
	// last is the last sequence number.
	last uint64
	// messages is how many records are no deletions.
	messages int
	// runs are the places of runs of whole records: from, to.
	runs [][2]int
}

// whole reports whether there is nothing but whole records.
func (f *scanned) whole() bool {
	return len(f.text) == 0 || len(f.runs) == 1 && f.runs[0] == [2]int{0, len(f.text)}
}

// torn reports whether there is nothing but whole records and an end that cannot be
// read. A crash while it was written leaves one, and damage may: whether something
// was acknowledged there is for the last sequence number to tell.
func (f *scanned) torn() bool {
	return len(f.runs) == 0 || len(f.runs) == 1 && f.runs[0][0] == 0
}

// damage is where the first damage is.
func (f *scanned) damage() int {
	if len(f.runs) == 0 || f.runs[0][0] > 0 {
		return 0
	}
	return f.runs[0][1]
}

// scan reads a file.
func (b *blockFile) scan() (*scanned, error) {
	text, err := os.ReadFile(b.path)
	if err != nil {
		return nil, fmt.Errorf("read messages of stream %s: %w", b.stream, err)
	}
	// The server's checksums depend on the stream and the number of the file.
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", b.stream, b.index))
	f := &scanned{blockFile: *b, text: text}
	for at := 0; at < len(text); {
		seq, size := record(text[at:], key)
		switch n := len(f.runs); {
		case size == 0:
			at++ // the next record may begin anywhere
			continue
		case n > 0 && f.runs[n-1][1] == at:
			f.runs[n-1][1] = at + size
		default:
			f.runs = append(f.runs, [2]int{at, at + size})
		}
		if seq&deletedBits == 0 {
			f.messages++
		}
		f.last, at = max(f.last, seq&^deletedBits), at+size
	}
	return f, nil
}

// repair sets a damaged file aside and puts one of its whole records in its place.
func (s *Server) repair(f *scanned) error {
	kept, err := s.setAside(f)
	if err != nil {
		return err
	}
	if err := f.keep(); err != nil {
		return err
	}
	s.o.Log.Error("message store: a file is damaged; the records in the damaged places are lost", "stream", f.stream, "file", f.path,
		"byte", f.damage(), "kept", kept)
	return nil
}

// keep puts a file of the whole records in place of one that has others.
func (f *scanned) keep() error {
	var good []byte
	for _, run := range f.runs {
		good = append(good, f.text[run[0]:run[1]]...)
	}
	// A crash after any of these leaves the damaged file, or the good one. The index
	// describes the damaged one; the server makes another.
	err := os.Remove(filepath.Join(filepath.Dir(f.path), "index.db"))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
	case len(good) == 0:
		err = os.Remove(f.path)
	default:
		err = replaceFile(f.path, good)
	}
	if err != nil {
		return fmt.Errorf("repair %s, which is damaged: %w", f.path, err)
	}
	return nil
}

// record reads the record that text begins with: its sequence number, with the bits
// of deletions. size is 0 if there is none.
func record(text []byte, key [32]byte) (seq uint64, size int) {
	if len(text) < blockHead+blockSum {
		return 0, 0
	}
	length := binary.LittleEndian.Uint32(text)
	headers := length&headersBit != 0
	length &^= headersBit
	subject := int(binary.LittleEndian.Uint16(text[20:]))
	body := blockHead + subject
	if headers {
		body += 4
	}
	if length > maxRecord || int(length) > len(text) || body+blockSum > int(length) {
		return 0, 0
	}
	end := int(length) - blockSum
	// Neither length of the two is under the checksum.
	if headers && !endsHeaders(text[body-4:end]) || bytes.ContainsAny(text[blockHead:blockHead+subject], "\x00\r\n\t ") {
		return 0, 0
	}
	h, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return 0, 0 // only for keys of another size
	}
	for _, part := range [][]byte{text[4:20], text[blockHead : blockHead+subject], text[body:end]} {
		_, _ = h.Write(part) // never fails
	}
	if !bytes.Equal(h.Sum(nil), text[end:length]) {
		return 0, 0
	}
	return binary.LittleEndian.Uint64(text[4:]), int(length)
}

// endsHeaders reports whether the headers that text begins with, after their
// length, end where that says.
func endsHeaders(text []byte) bool {
	size := int(binary.LittleEndian.Uint32(text))
	return size <= len(text)-4 && bytes.HasSuffix(text[4:4+size], []byte("\r\n\r\n"))
}

// setAside keeps a damaged file, and returns its new name. The same damage has the
// same name.
func (s *Server) setAside(f *scanned) (string, error) {
	dir := filepath.Join(s.o.Dir, damagedDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("set %s aside, which is damaged: %w", f.path, err)
	}
	sum := sha256.Sum256(f.text)
	name := filepath.Join(dir, fmt.Sprintf("%s-%d-%x.blk", f.stream, f.index, sum[:4]))
	if err := writeFile(name, f.text); err != nil {
		return "", fmt.Errorf("set %s aside, which is damaged: %w", f.path, err)
	}
	return name, nil
}
