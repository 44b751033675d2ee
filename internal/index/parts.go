package index

import (
	"bufio"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"

	"cairn/internal/index/part"
)

// maxPartRows bounds a part, for readers that work on files in parallel.
const maxPartRows = 1 << 20

// writeParts writes rows of one day, sorted by time, to parts that nobody knows
// of yet. number gives each its name.
func (c *change) writeParts(day string, rows iter.Seq2[part.Row, error], number func() string) (list []*partInfo, err error) {
	var w *partWriter
	defer func() {
		if err != nil && w != nil {
			err = errors.Join(err, w.file.Close())
		}
	}()
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		if w != nil && w.info.Rows == maxPartRows {
			full := w
			w = nil
			if err := c.endPart(full); err != nil {
				return nil, err
			}
			list = append(list, full.info)
		}
		if w == nil {
			if w, err = c.beginPart(day, number()); err != nil {
				return nil, err
			}
		}
		if err := w.add(row); err != nil {
			return nil, err
		}
	}
	if w == nil {
		return nil, nil
	}
	last := w
	w = nil
	if err := c.endPart(last); err != nil {
		return nil, err
	}
	return append(list, last.info), nil
}

// partWriter writes one part.
type partWriter struct {
	info *partInfo
	file *os.File
	out  *bufio.Writer
	part *part.Writer
	size int64
}

func (c *change) beginPart(day, name string) (*partWriter, error) {
	w := &partWriter{info: &partInfo{Name: name, Day: day}}
	path := stagedPath(c.dir, w.info)
	if err := c.step("create " + name); err != nil {
		return nil, err
	}
	var err error
	if w.file, err = os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("write part of index: %w", err)
	}
	w.out = bufio.NewWriterSize(w.file, 1<<18)
	w.part = part.NewWriter(w)
	return w, nil
}

// Write implements io.Writer for the Parquet file.
func (w *partWriter) Write(b []byte) (int, error) {
	w.size += int64(len(b))
	return w.out.Write(b)
}

func (w *partWriter) add(row part.Row) error {
	if w.info.Rows == 0 {
		w.info.First = row.Time
	}
	w.info.Rows++
	w.info.Raw += int64(len(row.Record))
	w.info.Last = row.Time
	if err := w.part.Add(row); err != nil {
		return fmt.Errorf("write part of index: %w", err)
	}
	return nil
}

// endPart ends a part and syncs its files.
func (c *change) endPart(w *partWriter) error {
	pages, err := w.part.Close()
	if err == nil {
		err = w.out.Flush()
	}
	if err == nil {
		err = c.step("sync " + w.info.Name)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err = errors.Join(err, w.file.Close()); err != nil {
		return fmt.Errorf("write part of index: %w", err)
	}
	w.info.Odd = w.part.Odd()
	counts := w.part.Tallies()
	w.info.Bytes, w.info.Pages, w.info.Counts = w.size, int64(len(pages)), int64(len(counts))
	if err := c.writeSmall(pagesPath(c.dir, w.info.Name), pages); err != nil {
		return err
	}
	return c.writeSmall(countsPath(c.dir, w.info.Name), counts)
}

// writeSmall writes and syncs a file that belongs to a part.
func (c *change) writeSmall(path string, content []byte) error {
	name := filepath.Base(path)
	if err := c.step("create " + name); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write part of index: %w", err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = c.step("sync " + name)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write part of index: %w", err)
	}
	return nil
}
