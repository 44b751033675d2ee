// Package tally keeps how often each value of a column occurs in a part of an
// index, counted while the part is written: what people count most (by event
// name, by user, by error) is then answered without reading records.
//
// Columns with many values have no tally: their values are counted by whoever
// asks.
package tally

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"slices"
)

// Extension is that of a file of tallies.
const Extension = ".counts"

const (
	// maxValues and maxBytes bound what is kept of a column.
	maxValues = 1024
	maxBytes  = 32 << 10
)

// Counter counts the values of columns. It is not safe for concurrent use.
type Counter struct {
	columns []column
}

// column is what was counted of one; values is nil if there are too many.
type column struct {
	name   string
	values map[string]*entry
	bytes  int
	none   int64  // of the empty value, which is the most frequent one of many columns
	last   *entry // of the value that came last, as the next is often the same
}

// entry is a value, and how often it came.
type entry struct {
	text  string
	count int64
}

// New returns a counter of columns by their names.
func New(names []string) *Counter {
	c := &Counter{columns: make([]column, len(names))}
	for i, name := range names {
		c.columns[i] = column{name: name, values: map[string]*entry{}}
	}
	return c
}

// Add counts a value of the column of that number; a record without one has the
// empty value.
func (c *Counter) Add(number int, value []byte) {
	col := &c.columns[number]
	switch {
	case col.values == nil:
		return
	case len(value) == 0:
		col.none++
		return
	}
	if col.last != nil && string(value) == col.last.text {
		col.last.count++
		return
	}
	e := col.values[string(value)]
	if e == nil {
		if len(col.values) == maxValues || col.bytes+len(value) > maxBytes {
			*col = column{name: col.name}
			return
		}
		col.bytes += len(value)
		e = &entry{text: string(value)}
		col.values[e.text] = e
	}
	e.count++
	col.last = e
}

// A file of tallies is, numbers as uvarint where no size is given:
//
//	8 bytes   magic
//	4         CRC-32C of everything behind these four bytes, little endian
//	          of each column: the length of its name, the name, the length of its
//	          values, the values, sorted: the length of each, its bytes, its count
const (
	magic  = "CRNTALY1"
	summed = len(magic) + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Encode returns the file of tallies: of the columns that do not have too many
// values.
func (c *Counter) Encode() []byte {
	b := append([]byte(magic), 0, 0, 0, 0)
	var values []byte
	for _, col := range c.columns {
		if col.values == nil {
			continue
		}
		values = values[:0]
		if col.none > 0 {
			values = binary.AppendUvarint(appendText(values, ""), uint64(col.none))
		}
		for _, text := range slices.Sorted(maps.Keys(col.values)) {
			values = appendText(values, text)
			values = binary.AppendUvarint(values, uint64(col.values[text].count))
		}
		b = appendText(b, col.name)
		b = appendText(b, values)
	}
	binary.LittleEndian.PutUint32(b[len(magic):], crc32.Checksum(b[summed:], castagnoli))
	return b
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// Read gives the tally of a column in a file, each value with its count; ok is
// false if it has none. The bytes of a value are valid until each returns.
func Read(path, name string, each func(value []byte, count int64)) (ok bool, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	if ok, err = Decode(b, name, each); err != nil {
		err = fmt.Errorf("read %s: %w", path, err)
	}
	return ok, err
}

// Decode gives the tally of a column, as [Read] does. After an error what was given
// does not count.
func Decode(file []byte, name string, each func(value []byte, count int64)) (ok bool, err error) {
	if len(file) < summed || string(file[:len(magic)]) != magic {
		return false, errors.New("it is no file of tallies")
	}
	if crc32.Checksum(file[summed:], castagnoli) != binary.LittleEndian.Uint32(file[len(magic):]) {
		return false, errors.New("its checksum is wrong")
	}
	for rest := file[summed:]; len(rest) > 0; {
		var column, block []byte
		if column, rest, err = cutText(rest); err == nil {
			block, rest, err = cutText(rest)
		}
		if err != nil {
			return false, err
		}
		if string(column) == name {
			err = decodeValues(block, each)
			return err == nil, err
		}
	}
	return false, nil
}

func decodeValues(block []byte, each func([]byte, int64)) error {
	for len(block) > 0 {
		text, rest, err := cutText(block)
		if err != nil {
			return err
		}
		n, size := binary.Uvarint(rest)
		if size <= 0 || n == 0 || n > 1<<62 {
			return fmt.Errorf("the count of %.100q cannot be read", text)
		}
		each(text, int64(n))
		block = rest[size:]
	}
	return nil
}

func cutText(b []byte) (text, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, errors.New("it is cut off")
	}
	b = b[size:]
	return b[:n], b[n:], nil
}
