package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// entry is a line of the manifest: a file or folder.
type entry struct {
	Path     string            `json:"path"` // with slashes; empty for the folder itself
	Folder   bool              `json:"folder,omitempty"`
	Size     int64             `json:"size,omitempty"`
	SHA256   string            `json:"sha256,omitempty"`
	Modified time.Time         `json:"modified"`
	Attrs    map[string][]byte `json:"attrs,omitempty"` // user.* attributes: the metadata of objects
}

// read copies what is at from to the path to, and notes what it read.
func (e *entry) read(from, to string) (err error) {
	if e.Attrs, err = attributes(from); err != nil {
		return err
	}
	if e.Folder {
		return os.MkdirAll(to, 0o700)
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	e.Size, e.SHA256, err = write(to, in)
	return err
}

// write writes a file and returns its size and the checksum of what was written.
func write(to string, in io.Reader) (int64, string, error) {
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, "", err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), in)
	return n, hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}

// attributes returns the user.* attributes of a file; none where the file system
// has none.
func attributes(path string) (map[string][]byte, error) {
	names, err := list(path)
	if err != nil {
		return nil, err
	}
	var all map[string][]byte
	for name := range strings.SplitSeq(names, "\x00") {
		if !strings.HasPrefix(name, "user.") {
			continue
		}
		value, err := grow(func(b []byte) (int, error) { return unix.Lgetxattr(path, name, b) })
		if err != nil {
			if errors.Is(err, unix.ENODATA) {
				continue // taken away meanwhile: the next look sees
			}
			return nil, &fs.PathError{Op: "getxattr", Path: path, Err: err}
		}
		if all == nil {
			all = map[string][]byte{}
		}
		all[name] = value
	}
	return all, nil
}

func list(path string) (string, error) {
	names, err := grow(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
	if errors.Is(err, unix.ENOTSUP) {
		return "", nil
	}
	if err != nil {
		return "", &fs.PathError{Op: "listxattr", Path: path, Err: err}
	}
	return string(names), nil
}

// grow calls a function that fills a buffer, with one that is large enough.
func grow(fill func([]byte) (int, error)) ([]byte, error) {
	for size := 256; ; size *= 4 {
		b := make([]byte, size)
		n, err := fill(b)
		if errors.Is(err, unix.ERANGE) && size < 1<<20 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return b[:n], nil
	}
}

// Manifest is what a copy says of itself.
type Manifest struct {
	// Note is what Make was given.
	Note    map[string]string
	entries []entry
}

// header is the first line of the manifest, footer the last. They hold the number
// of lines between them, and the checksum of all lines before the footer.
type (
	header struct {
		Backup int               `json:"cairnBackup"` // the format of this manifest
		Note   map[string]string `json:"note"`
	}
	footer struct {
		Entries int    `json:"entries"`
		SHA256  string `json:"sha256"`
	}
)

// format is the version of the manifest. Others are refused.
const format = 1

func writeManifest(name string, note map[string]string, entries []entry) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	err := enc.Encode(header{Backup: format, Note: note})
	for i := range entries {
		err = errors.Join(err, enc.Encode(&entries[i]))
	}
	sum := sha256.Sum256(b.Bytes())
	err = errors.Join(err, enc.Encode(footer{Entries: len(entries), SHA256: hex.EncodeToString(sum[:])}))
	if err == nil {
		tmp := name + ".new"
		if _, _, err = write(tmp, &b); err == nil {
			if err = syncFile(tmp); err == nil {
				err = os.Rename(tmp, name)
			}
		}
	}
	if err == nil {
		err = syncFile(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("write the backup's manifest %s: %w", name, err)
	}
	return nil
}

// ReadManifest reads the manifest of a copy.
func ReadManifest(folder string) (*Manifest, error) {
	name := filepath.Join(folder, manifestName)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the backup %s: it has no %s, so it is no backup or was not finished", folder, manifestName)
	}
	if err != nil {
		return nil, fmt.Errorf("read the backup %s: %w", folder, err)
	}
	m, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return m, nil
}

// parseManifest reads a manifest and checks that it is whole.
func parseManifest(text []byte) (*Manifest, error) {
	body, found := bytes.CutSuffix(text, []byte("\n"))
	cut := bytes.LastIndexByte(body, '\n') + 1
	if !found || cut == 0 {
		return nil, fmt.Errorf("%w: the manifest has no end", ErrDamaged)
	}
	var end footer
	if err := strict(body[cut:], &end); err != nil {
		return nil, fmt.Errorf("%w: the manifest's last line: %w", ErrDamaged, err)
	}
	sum := sha256.Sum256(text[:cut])
	if hex.EncodeToString(sum[:]) != end.SHA256 {
		return nil, fmt.Errorf("%w: the manifest's checksum is another", ErrDamaged)
	}
	m := &Manifest{}
	var head header
	lines := bufio.NewScanner(bytes.NewReader(text[:cut]))
	lines.Buffer(nil, len(text)+1)
	for first := true; lines.Scan(); first = false {
		if first {
			var version struct {
				Backup int `json:"cairnBackup"`
			}
			if err := json.Unmarshal(lines.Bytes(), &version); err != nil || version.Backup != format {
				return nil, fmt.Errorf("the manifest has format %d; this Cairn reads format %d, so use the one that made it", version.Backup, format)
			}
			if err := strict(lines.Bytes(), &head); err != nil {
				return nil, fmt.Errorf("%w: the manifest's first line: %w", ErrDamaged, err)
			}
			m.Note = head.Note
			continue
		}
		var e entry
		if err := strict(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%w: line %d of the manifest: %w", ErrDamaged, len(m.entries)+2, err)
		}
		if e.Path != "" && !filepath.IsLocal(filepath.FromSlash(e.Path)) {
			return nil, fmt.Errorf("%w: the manifest names %q, which is outside", ErrDamaged, e.Path)
		}
		m.entries = append(m.entries, e)
	}
	if err := lines.Err(); err != nil || len(m.entries) != end.Entries {
		return nil, fmt.Errorf("%w: the manifest has %d entries, not %d: %w", ErrDamaged, len(m.entries), end.Entries, err)
	}
	return m, nil
}

// strict reads one JSON value that has no member we do not know.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return nil
}

// syncFile makes a file or folder durable.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncTree makes a folder and all below it durable.
func syncTree(name string) error {
	return filepath.WalkDir(name, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncFile(path)
	})
}
