package segment

import (
	"fmt"
	"hash/crc32"
	"os"
)

// Check reads every byte of a segment's two files and compares them with their
// checksums. What is wrong is a *DamageError.
func Check(f *Folder, info *Info) error {
	r, err := Open(f, info)
	if err != nil {
		return err
	}
	defer r.Close()
	for name, size := range map[string]int64{r.path: info.Size, r.index.Name(): info.IndexSize} {
		found, err := os.Stat(name)
		if err != nil {
			return missing(err, name)
		}
		if found.Size() != size {
			return &DamageError{File: name, Offset: min(size, found.Size()), Why: fmt.Sprintf("it has %d bytes, not %d", found.Size(), size)}
		}
	}
	block := make([]byte, blockSize)
	for at := int64(0); at < info.Size; at += blockSize {
		if err := r.data.read(block[:min(blockSize, info.Size-at)], at/blockSize); err != nil {
			return err
		}
	}
	for i := range r.dir.Pages {
		if _, err := r.filter(&r.dir.Pages[i]); err != nil {
			return err
		}
	}
	return nil
}

// filter reads the gram filter of a page.
func (r *Reader) filter(p *Page) ([]byte, error) {
	b := make([]byte, p.FilterSize)
	if _, err := r.index.ReadAt(b, p.Filter); err != nil {
		return nil, &DamageError{File: r.index.Name(), Offset: p.Filter, Why: "the filter is cut off"}
	}
	if crc32.Checksum(b, castagnoli) != p.FilterSum {
		return nil, &DamageError{File: r.index.Name(), Offset: p.Filter, Why: "the filter's checksum differs"}
	}
	return b, nil
}
