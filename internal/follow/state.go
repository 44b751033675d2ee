package follow

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// id is the fingerprint of a key: enough of its SHA-256 that no two of any
// number of keys share it.
type id [16]byte

func fingerprint(key string) id {
	sum := sha256.Sum256([]byte(key))
	return id(sum[:16])
}

// State remembers what was given, in memory and, if it has a file, across
// restarts.
//
// The file is text: a line that names the place, the time the following began,
// the time of the last complete look, and for each item a line with the
// fingerprint of its key and its time in Unix seconds. Lines are only appended;
// every sweep writes the file anew, without what has left the window, and puts
// it in the old one's place. A line that a crash cut off does not count: its
// item is given again. Lines are synced at the end of each look, so a loss of
// power may give the items of one look again, and lose none.
type State struct {
	seen  map[id]int64
	began time.Time
	swept time.Time
	again bool // a run before this one began and did not come to the first sweep

	name, place string
	file        *os.File // nil: only in memory
	dirty       bool
}

// NewState returns a state that is not kept.
func NewState() *State { return &State{seen: map[id]int64{}} }

const stateHead = "cairn tail 1 "

// errState marks failures to keep the state: going on would give items twice
// after a restart.
var errState = errors.New("keep the state")

// OpenState opens a file of state, or makes one, for following a place. Only one
// may have it open.
func OpenState(name, place string) (*State, error) {
	s := NewState()
	s.name, s.place = name, place
	file, err := lockFile(name)
	if err != nil {
		return nil, err
	}
	if err := s.load(file); err != nil {
		return nil, errors.Join(fmt.Errorf("read state %s: %w", name, err), file.Close())
	}
	s.file = file
	return s, nil
}

// lockFile opens a file, made if needed, that nobody else has locked.
func lockFile(name string) (*os.File, error) {
	for {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open state: %w", err)
		}
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = errors.New("another command is using it")
			}
			return nil, errors.Join(fmt.Errorf("open state %s: %w", name, err), file.Close())
		}
		opened, err := file.Stat()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open state: %w", err), file.Close())
		}
		// A sweep may have put another file in its place meanwhile.
		if there, err := os.Stat(name); err == nil && os.SameFile(opened, there) {
			return file, nil
		}
		if err := file.Close(); err != nil {
			return nil, fmt.Errorf("open state: %w", err)
		}
	}
}

// load reads what the file holds, and cuts off a line that is not whole.
func (s *State) load(file *os.File) error {
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(whole) == 0 {
		// Made just now, or in a crash: nothing was given yet.
		if err := file.Truncate(0); err != nil {
			return err
		}
		_, err := file.WriteAt([]byte(s.head()), 0)
		return errors.Join(err, seekEnd(file))
	}
	if err := s.parse(string(whole)); err != nil {
		return err
	}
	s.again = !s.began.IsZero() && s.swept.IsZero()
	return errors.Join(file.Truncate(int64(len(whole))), seekEnd(file))
}

func seekEnd(file *os.File) error {
	_, err := file.Seek(0, io.SeekEnd)
	return err
}

func (s *State) head() string { return stateHead + strconv.Quote(s.place) + "\n" }

// parse reads whole lines of a file of state.
func (s *State) parse(text string) error {
	head, rest, _ := strings.Cut(text, "\n")
	quoted, ok := strings.CutPrefix(head, stateHead)
	place, err := strconv.Unquote(quoted)
	if !ok || err != nil {
		return errors.New("it is not a file of state: name one that does not exist yet")
	}
	if place != s.place {
		return fmt.Errorf("it is the state of following %s, not %s: name another file", place, s.place)
	}
	n := 1
	for line := range strings.Lines(rest) {
		n++
		if err := s.parseLine(strings.TrimSuffix(line, "\n")); err != nil {
			return fmt.Errorf("line %d is damaged (%w): remove the file to begin anew", n, err)
		}
	}
	return nil
}

func (s *State) parseLine(line string) (err error) {
	if t, ok := strings.CutPrefix(line, "began "); ok {
		s.began, err = time.Parse(time.RFC3339Nano, t)
		return err
	}
	if t, ok := strings.CutPrefix(line, "swept "); ok {
		s.swept, err = time.Parse(time.RFC3339Nano, t)
		return err
	}
	key, seconds, _ := strings.Cut(line, " ")
	b, err := hex.DecodeString(key)
	if err != nil || len(b) != len(id{}) {
		return errors.New("no fingerprint")
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return errors.New("no time")
	}
	s.seen[id(b)] = at
	return nil
}

func seenLine(key id, at int64) string {
	return hex.EncodeToString(key[:]) + " " + strconv.FormatInt(at, 10) + "\n"
}

// begin returns when the following began: now, or at an earlier run.
func (s *State) begin(now time.Time) time.Time {
	if s.began.IsZero() {
		s.began = now
		// If this fails, so will the line of the first item.
		_ = s.line("began " + now.UTC().Format(time.RFC3339Nano) + "\n")
	}
	return s.began
}

func (s *State) has(key id) bool {
	_, ok := s.seen[key]
	return ok
}

// add remembers that an item was given.
func (s *State) add(key id, at time.Time) error {
	s.seen[key] = at.Unix()
	return s.line(seenLine(key, at.Unix()))
}

func (s *State) line(text string) error {
	if s.file == nil {
		return nil
	}
	s.dirty = true
	if _, err := s.file.WriteString(text); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return nil
}

func (s *State) sync() error {
	if s.file == nil || !s.dirty {
		return nil
	}
	s.dirty = false
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return nil
}

// sweep says that a look begun at a time listed everything since another: what
// is older is forgotten.
func (s *State) sweep(at, since time.Time) error {
	s.swept = at
	for key, t := range s.seen {
		if t < since.Unix() {
			delete(s.seen, key)
		}
	}
	if s.file == nil {
		return nil
	}
	if err := s.rewrite(); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return nil
}

// rewrite replaces the file by one of what is remembered. A crash leaves the
// old one, which says more, and maybe a temporary file beside it.
func (s *State) rewrite() (err error) {
	file, err := os.CreateTemp(filepath.Dir(s.name), "."+filepath.Base(s.name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close(), os.Remove(file.Name()))
		}
	}()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	fmt.Fprintf(w, "%sbegan %s\nswept %s\n", s.head(), s.began.UTC().Format(time.RFC3339Nano), s.swept.UTC().Format(time.RFC3339Nano))
	for key, at := range s.seen {
		fmt.Fprint(w, seenLine(key, at))
	}
	if err := errors.Join(w.Flush(), file.Sync()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), s.name); err != nil {
		return err
	}
	old := s.file
	s.file, s.dirty = file, false
	return errors.Join(old.Close(), syncFolder(filepath.Dir(s.name)))
}

// syncFolder makes a rename last.
func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Close lets another command use the file.
func (s *State) Close() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.sync(), s.file.Close())
}
