package lake

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"

	"cairn/internal/lake/segment"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	manifestName    = "MANIFEST"
	newManifestName = "MANIFEST.new"
	manifestVersion = 1
)

// manifest says what a table consists of. It is kept as one line of JSON and one
// with the line's checksum.
type manifest struct {
	Version int `json:"version"`
	// Mark is the place, in the log the rows come from, up to which they are
	// here.
	Mark string `json:"mark"`
	// Next is greater than every segment's number so far.
	Next     uint64         `json:"next"`
	Segments []segment.Info `json:"segments"`
	// Deleted are streams whose rows some segments still have.
	Deleted []string `json:"deleted,omitempty"`
}

func (m *manifest) encode() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(append(b, '\n'), "%08x\n", crc32.Checksum(b, castagnoli)), nil
}

// parseManifest reads what encode wrote.
func parseManifest(b []byte) (*manifest, error) {
	line, sum, ok := strings.Cut(string(b), "\n")
	want, err := strconv.ParseUint(strings.TrimSuffix(sum, "\n"), 16, 32)
	if !ok || err != nil || len(sum) != 9 {
		return nil, errors.New("it is cut off")
	}
	if got := crc32.Checksum([]byte(line), castagnoli); got != uint32(want) {
		return nil, fmt.Errorf("its checksum is %08x, not %08x", got, want)
	}
	m := &manifest{}
	if err := json.Unmarshal([]byte(line), m); err != nil {
		return nil, err
	}
	if m.Version != manifestVersion {
		return nil, fmt.Errorf("it is of version %d, this program knows %d: use the program that wrote it", m.Version, manifestVersion)
	}
	for i := range m.Segments {
		if err := m.Segments[i].Check(m.Next); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// readManifest returns the manifest of a folder, an empty one if there is none.
func readManifest(f *segment.Folder) (*manifest, error) {
	file, err := os.Open(f.Path(manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return &manifest{Version: manifestVersion, Next: 1}, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, &DamageError{File: f.Path(manifestName), Why: err.Error()}
	}
	return m, nil
}

// write replaces the folder's manifest.
func (m *manifest) write(f *segment.Folder) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	file, err := f.Create(newManifestName)
	if err != nil {
		return err
	}
	if _, err := file.Write(b); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := f.Finish(file); err != nil {
		return err
	}
	// The names of new segments have to be there before the manifest that says
	// so is.
	if err := f.Sync(); err != nil {
		return err
	}
	// A crash before this leaves the old manifest, and new files that it does
	// not name; after it, the new one, and the files of the old. Opening the
	// table deletes those.
	if err := f.Rename(newManifestName, manifestName); err != nil {
		return err
	}
	return f.Sync()
}
