package natsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A server that fails to read a file once, while it starts, removes what it could
// not read: the file, or the whole stream. One error of a disk that then works again
// would cost all that is in it. So for the time of a start the files get a second
// name (a hard link, which costs no room). What is missing under its first name
// afterwards is put back, and the server started again. What it leaves out each time is
// what it means to leave out: messages that were deleted. Those that have aged it
// may leave out at once.

// keptDir is where files have their second names, by the folders they are in.
const keptDir = "kept"

// hold gives all files of all streams a second name.
func (s *Server) hold() error {
	folders, err := s.streamFolders()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		files, err := heldFiles(folder)
		if err != nil {
			return err
		}
		for _, file := range files {
			name := s.secondName(file)
			err := os.MkdirAll(filepath.Dir(name), 0o700)
			if err == nil {
				err = os.Link(file, name)
			}
			if err != nil {
				return fmt.Errorf("hold the files of stream %s: %w", filepath.Base(folder), err)
			}
		}
	}
	return nil
}

// heldFiles returns the files of the folder of a stream that are, or have to be,
// held: description and messages. The others can be made again from them.
func heldFiles(folder string) (files []string, err error) {
	for _, dir := range []string{folder, filepath.Join(folder, "msgs")} {
		entries, err := entries(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if name := e.Name(); name == metaName || name == sumName || strings.HasSuffix(name, ".blk") {
				files = append(files, filepath.Join(dir, name))
			}
		}
	}
	return files, nil
}

// streamFolders returns the folders of all streams. One whose name begins with a dot
// is being deleted: the server does away with it.
func (s *Server) streamFolders() ([]string, error) {
	return folders(filepath.Join(s.o.Dir, "jetstream"))
}

func folders(root string) (list []string, err error) {
	accounts, err := entries(root)
	if err != nil {
		return nil, err
	}
	for _, account := range accounts {
		if !account.IsDir() {
			continue
		}
		dir := filepath.Join(root, account.Name(), "streams")
		streams, err := entries(dir)
		if err != nil {
			return nil, err
		}
		for _, stream := range streams {
			if stream.IsDir() && !strings.HasPrefix(stream.Name(), ".") {
				list = append(list, filepath.Join(dir, stream.Name()))
			}
		}
	}
	return list, nil
}

// entries returns what is in a folder, which need not be there.
func entries(dir string) ([]fs.DirEntry, error) {
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for streams: %w", err)
	}
	return list, nil
}

func (s *Server) secondName(file string) string {
	return filepath.Join(s.o.Dir, keptDir, strings.TrimPrefix(file, filepath.Join(s.o.Dir, "jetstream")))
}

// dropped is what a start has dropped: files, and the names of streams of which
// nothing is left.
type dropped struct {
	files   []heldFile
	streams []string
}

// heldFile is a file by its name, and its second name.
type heldFile struct{ name, second string }

// missing returns what is not where it was when it got its second name, or is another
// file. What the server wrote anew it did from what is put back, and does it again.
func (s *Server) missing() (d dropped, err error) {
	kept, err := folders(filepath.Join(s.o.Dir, keptDir))
	if err != nil {
		return d, err
	}
	for _, second := range kept {
		folder := filepath.Join(s.o.Dir, "jetstream", strings.TrimPrefix(second, filepath.Join(s.o.Dir, keptDir)))
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			d.streams = append(d.streams, filepath.Base(folder))
		}
		files, err := heldFiles(second)
		if err != nil {
			return d, err
		}
		age := maxAge(second)
		for _, file := range files {
			name := filepath.Join(folder, strings.TrimPrefix(file, second))
			meant, err := unchanged(file, name, age)
			if err != nil {
				return d, err
			}
			if !meant {
				d.files = append(d.files, heldFile{name, file})
			}
		}
	}
	return d, nil
}

// unchanged reports whether two names are of one file, or need not be, because the
// messages in it, none newer than the file, are older than age (0: none is too old).
// The first exists.
func unchanged(one, two string, age time.Duration) (bool, error) {
	a, err := os.Stat(one)
	if err != nil {
		return false, fmt.Errorf("look at a file that is held: %w", err)
	}
	b, err := os.Stat(two)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look for a file that is held: %w", err)
	}
	return err == nil && os.SameFile(a, b) || age > 0 && time.Since(a.ModTime()) > age, nil
}

// maxAge returns how long the stream of a folder keeps messages; 0 means for good,
// or that its description cannot be read.
func maxAge(folder string) time.Duration {
	var info server.FileStreamInfo
	text, err := os.ReadFile(filepath.Join(folder, metaName))
	if err != nil || json.Unmarshal(text, &info) != nil {
		return 0
	}
	return info.MaxAge
}

// restore puts back what is missing. The second names stay.
func (s *Server) restore() error {
	d, err := s.missing()
	if err != nil {
		return err
	}
	for _, f := range d.files {
		// A crash after any of these leaves the second names, and the next start comes
		// here again. The index is of what the server has left; it makes another.
		err := os.MkdirAll(filepath.Dir(f.name), 0o700)
		for _, old := range []string{filepath.Join(filepath.Dir(f.name), "index.db"), f.name} {
			if rerr := os.Remove(old); err == nil && !errors.Is(rerr, fs.ErrNotExist) {
				err = rerr
			}
		}
		if err == nil {
			err = os.Link(f.second, f.name)
		}
		if err != nil {
			return fmt.Errorf("put %s back, which was dropped when it was opened: %w", f.name, err)
		}
		s.o.Log.Info("message store: a file that was dropped when it was opened is put back", "file", f.name)
	}
	return nil
}

// letGo drops the second names, all at once: a crash leaves them all, or under a
// name by which nothing is put back. The next start drops those.
func (s *Server) letGo() error {
	from, to := filepath.Join(s.o.Dir, keptDir), filepath.Join(s.o.Dir, keptDir+".old")
	err := os.RemoveAll(to)
	if err == nil {
		err = os.Rename(from, to)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("let go of the files that were held: %w", err)
	}
	if err := os.RemoveAll(to); err != nil {
		s.o.Log.Warn("message store: second names of files stay until the next start", "error", err)
	}
	return nil
}
