package lake

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"cairn/internal/lake/segment"
)

// Checked is what Check has read.
type Checked struct {
	Tables, Segments int
	// Bytes are those of the segments' files.
	Bytes int64
	// Damaged are the files that are not as they were written, with why.
	Damaged []*DamageError
}

// Check reads every segment of a lake and compares each byte with its checksum.
// It changes nothing and needs no lock: a segment that goes meanwhile, because it
// was merged or its rows have expired, is passed over. The error is about what
// could not be read at all; damage is none.
func Check(ctx context.Context, dir string) (Checked, error) {
	var c Checked
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("check segments: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := c.table(ctx, &segment.Folder{Dir: filepath.Join(dir, e.Name())}); err != nil {
			return c, fmt.Errorf("check segments in %s: %w", e.Name(), err)
		}
	}
	return c, nil
}

func (c *Checked) table(ctx context.Context, f *segment.Folder) error {
	m, err := readManifest(f)
	if err != nil {
		return c.note(err)
	}
	c.Tables++
	for i := range m.Segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		info := &m.Segments[i]
		err := segment.Check(f, info)
		if err != nil && gone(f, info) {
			continue
		}
		if err := c.note(err); err != nil {
			return err
		}
		c.Segments++
		c.Bytes += info.Size + info.IndexSize
	}
	return nil
}

// note keeps what is damaged and returns any other error.
func (c *Checked) note(err error) error {
	if d, ok := errors.AsType[*DamageError](err); ok {
		c.Damaged = append(c.Damaged, d)
		return nil
	}
	return err
}

// gone reports whether a table does not name a segment any more.
func gone(f *segment.Folder, info *segment.Info) bool {
	m, err := readManifest(f)
	return err == nil && !slices.ContainsFunc(m.Segments, func(s segment.Info) bool { return s.Number == info.Number })
}
