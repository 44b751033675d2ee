package segment

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
)

// Position is the place of a row in its table: rows are ordered by timestamp,
// then by ingestion. As a boundary it lies just before that row, whether or not
// there is one.
type Position struct {
	// Timestamp is in milliseconds since 1970.
	Timestamp int64
	// Seq and Index tell rows of one timestamp apart: where the row stood in the
	// log it came from, such as a batch's sequence number and its place in that.
	Seq   uint64
	Index uint32
}

// Compare returns -1, 0 or 1 as p lies before, at or after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Timestamp, q.Timestamp), cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Index, q.Index))
}

// After returns the boundary right after the row at p.
func (p Position) After() Position {
	p.Index++
	return p
}

// EventID returns the id of the event at p: 56 digits, as those of CloudWatch
// Logs have, unique in the table and in the order of events.
func (p Position) EventID() string {
	return fmt.Sprintf("%020d%020d%016d", p.Timestamp, p.Seq, p.Index)
}

const positionBytes = 20

// AppendBinary appends p in 20 bytes.
func (p Position) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint64(b, uint64(p.Timestamp))
	b = binary.BigEndian.AppendUint64(b, p.Seq)
	return binary.BigEndian.AppendUint32(b, p.Index), nil
}

// UnmarshalBinary reads what AppendBinary wrote.
func (p *Position) UnmarshalBinary(b []byte) error {
	if len(b) != positionBytes {
		return errors.New("a position has 20 bytes")
	}
	p.Timestamp = int64(binary.BigEndian.Uint64(b))
	p.Seq = binary.BigEndian.Uint64(b[8:])
	p.Index = binary.BigEndian.Uint32(b[16:])
	return nil
}
