package part

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"cairn/internal/grams"
)

// page is what the map says of one page.
type page struct {
	rows        int
	first, last int64 // event time in microseconds since 1970
	filter      grams.Filter
}

// ending is what the map says of the Parquet file: its length, and where its
// metadata begin, with their checksum. Pages have checksums of their own.
type ending struct {
	size, tail int64
	sum        uint32
}

// The map of pages is, little endian:
//
//	8 bytes   pagesMagic
//	4         CRC-32C of everything behind these four bytes
//	4         number of pages
//	20        length of the Parquet file (8), where its metadata begin (8), their CRC-32C (4)
//	24 each   rows (4), length of the filter (4), first time (8), last time (8)
//	          the filters
const (
	pagesMagic  = "CRNPAGE1"
	pagesSummed = len(pagesMagic) + 4
	pagesHeader = pagesSummed + 24
	pageEntry   = 24
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodePages(e ending, pages []page) []byte {
	b := append([]byte(pagesMagic), 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(pages)))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.tail))
	b = binary.LittleEndian.AppendUint32(b, e.sum)
	for _, p := range pages {
		b = binary.LittleEndian.AppendUint32(b, uint32(p.rows))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p.filter)))
		b = binary.LittleEndian.AppendUint64(b, uint64(p.first))
		b = binary.LittleEndian.AppendUint64(b, uint64(p.last))
	}
	for _, p := range pages {
		b = append(b, p.filter...)
	}
	binary.LittleEndian.PutUint32(b[len(pagesMagic):], crc32.Checksum(b[pagesSummed:], castagnoli))
	return b
}

// decodePages reads a map of pages; the filters are part of b.
func decodePages(b []byte) (e ending, pages []page, err error) {
	if len(b) < pagesHeader || string(b[:len(pagesMagic)]) != pagesMagic {
		return e, nil, errors.New("it is not a map of pages")
	}
	if crc32.Checksum(b[pagesSummed:], castagnoli) != binary.LittleEndian.Uint32(b[len(pagesMagic):]) {
		return e, nil, errors.New("its checksum is wrong")
	}
	head := b[pagesSummed:]
	n := int(binary.LittleEndian.Uint32(head))
	e = ending{int64(binary.LittleEndian.Uint64(head[4:])), int64(binary.LittleEndian.Uint64(head[12:])), binary.LittleEndian.Uint32(head[20:])}
	b = b[pagesHeader:]
	if n > len(b)/pageEntry {
		return e, nil, fmt.Errorf("it says it has %d pages and is too short for them", n)
	}
	pages, filters := make([]page, n), b[n*pageEntry:]
	for i := range pages {
		p := b[i*pageEntry:]
		size := int(binary.LittleEndian.Uint32(p[4:]))
		if size > len(filters) {
			return e, nil, fmt.Errorf("the filter of page %d is cut off", i)
		}
		pages[i] = page{
			rows:   int(binary.LittleEndian.Uint32(p)),
			first:  int64(binary.LittleEndian.Uint64(p[8:])),
			last:   int64(binary.LittleEndian.Uint64(p[16:])),
			filter: grams.Filter(filters[:size:size]),
		}
		if pages[i].rows > PageRows {
			return e, nil, fmt.Errorf("page %d has more than %d rows", i, PageRows)
		}
		filters = filters[size:]
	}
	if len(filters) > 0 {
		return e, nil, errors.New("something follows its filters")
	}
	return e, pages, nil
}
