package segment

import (
	"fmt"
	"hash/crc32"
)

// Info describes one segment, as a manifest keeps it.
type Info struct {
	// Number names the files.
	Number uint64 `json:"number"`
	Rows   int64  `json:"rows"`
	// Raw is the bytes of all messages.
	Raw int64 `json:"raw"`
	// First and Last are the earliest and latest timestamps.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Size and IndexSize are those of the two files, in bytes.
	Size      int64 `json:"size"`
	IndexSize int64 `json:"indexSize"`
	// Directory is where in the index the directory begins; it reaches to the
	// end. Sum is its checksum.
	Directory int64  `json:"directory"`
	Sum       uint32 `json:"sum"`
}

// Parquet returns the name of the file with the rows.
func (s *Info) Parquet() string { return fmt.Sprintf("%010d.parquet", s.Number) }

// Index returns the name of the file beside it.
func (s *Info) Index() string { return fmt.Sprintf("%010d.index", s.Number) }

// Check refuses what no segment numbered below next can be.
func (s *Info) Check(next uint64) error {
	if s.Number >= next || s.Rows <= 0 || s.Raw < 0 || s.First > s.Last || s.Size <= 0 || s.Directory < 0 || s.Directory >= s.IndexSize {
		return fmt.Errorf("segment %d cannot be: %+v", s.Number, *s)
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
