package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"cairn/internal/grams"
)

// FuzzDamage overwrites or cuts a segment's files anywhere: what is read is what
// was written, or an error names the file that is damaged.
func FuzzDamage(f *testing.F) {
	var rows []Row
	for i := range 40 {
		rows = append(rows, Row{Pos: Position{Timestamp: int64(i), Seq: uint64(i)}, Stream: fmt.Sprint("s", i%3), Message: fmt.Append(nil, `{"message":`, i, "}")})
	}
	whole := &Folder{Dir: f.TempDir()}
	info := write(f, whole, rows, nil)
	data, err := os.ReadFile(whole.Path(info.Parquet()))
	if err != nil {
		f.Fatal(err)
	}
	index, err := os.ReadFile(whole.Path(info.Index()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, uint16(0), []byte{0xff}, false)
	f.Add(true, uint16(info.Directory), []byte("{"), false)
	f.Add(false, uint16(info.Size-8), []byte{0xff, 0xff, 0xff, 0x7f}, false) // how long Parquet's footer is
	f.Add(false, uint16(100), []byte(nil), true)
	f.Fuzz(func(t *testing.T, ofIndex bool, at uint16, patch []byte, cut bool) {
		d, x := bytes.Clone(data), bytes.Clone(index)
		b := &d
		if ofIndex {
			b = &x
		}
		off := int(at) % len(*b)
		copy((*b)[off:], patch)
		if cut {
			*b = (*b)[:off]
		}
		damaged := &Folder{Dir: t.TempDir()}
		for name, bytes := range map[string][]byte{info.Parquet(): d, info.Index(): x} {
			if err := os.WriteFile(damaged.Path(name), bytes, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readDamaged(damaged, &info)
		var e *DamageError
		switch {
		case errors.As(err, &e) && e.File != "":
			if bytes.Equal(d, data) && bytes.Equal(x, index) {
				t.Errorf("nothing is damaged, but %v", err)
			}
		case err != nil:
			t.Errorf("refused by %v", err)
		case len(got) != len(rows):
			t.Errorf("%d rows were written and %d read", len(rows), len(got))
		}
		for i := range got {
			if got[i].Pos != rows[i].Pos || got[i].Stream != rows[i].Stream || !bytes.Equal(got[i].Message, rows[i].Message) {
				t.Fatalf("row %d is %+v", i, got[i])
			}
		}
	})
}

// readDamaged reads as much as it can, filters included.
func readDamaged(f *Folder, info *Info) (rows []Row, err error) {
	r, err := Open(f, info)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for i := range r.Pages() {
		page := &r.Pages()[i]
		if _, err := r.May(page, grams.Compile([][][]byte{{[]byte("message")}})); err != nil {
			return rows, err
		}
		p := NewRows(r, page)
		if err := p.ReadAll(); err != nil {
			return rows, r.Damaged(err)
		}
		for j := range page.Rows {
			row := p.Row(j)
			row.Message = bytes.Clone(row.Message)
			rows = append(rows, row)
		}
		p.Close()
	}
	return rows, nil
}
