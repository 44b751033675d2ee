package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"
	"unsafe"

	"cairn/event"
)

// A batch is one message of the stream:
//
//	0        4         5       6          8         12
//	┌────────┬─────────┬───────┬──────────┬─────────┬───────────────┬─────────┐
//	│ "CRN1" │ version │ flags │ reserved │  count  │ count records │ CRC-32C │
//	└────────┴─────────┴───────┴──────────┴─────────┴───────────────┴─────────┘
//	  4 bytes    1         1        2          4        variable         4
//
// Fixed-size integers are little-endian. version is 1, reserved is 0. flags is 0,
// or 1 for a batch that takes the place of one the store has lost (reach.go);
// that one has no records. Anything else is refused, since it would be a promise
// this version does not know. The checksum covers every byte before it. A record is
//
//	bits        1 byte: 1 read-only, 2 global service, 4 from the console,
//	            8 an intent (intent.go)
//	time        varint: seconds since 1970; uvarint: nanoseconds
//	10 texts    ID, Account, Region, Source, Name, Category, Type, UserARN,
//	            InvokedBy, ErrorCode
//	resources   uvarint: how many; each is 4 texts: AccountID, Type, ARN, ARNPrefix
//	JSON        text: the record itself
//
// where a text is its length as uvarint followed by its bytes. A reader bounds
// every length and count by the bytes that are left before it makes room.
const (
	magic      = "CRN1"
	version    = 1
	headSize   = 12
	sumSize    = 4
	flagsAt    = 5
	flagLost   = 1
	countAt    = 8
	headTexts  = 10
	minRecord  = 1 + 1 + 1 + headTexts + 1 + 1
	minResouce = 4

	bitReadOnly = 1
	bitGlobal   = 2
	bitConsole  = 4
	bitIntent   = 8
	knownBits   = bitReadOnly | bitGlobal | bitConsole | bitIntent
)

func castagnoli(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// appendRecord appends one record in the layout above.
func appendRecord(b []byte, e *event.Entry, intent bool) []byte {
	h := &e.Header
	var bits byte
	for _, f := range []struct {
		set bool
		bit byte
	}{{h.ReadOnly, bitReadOnly}, {h.Global, bitGlobal}, {h.FromConsole, bitConsole}, {intent, bitIntent}} {
		if f.set {
			bits |= f.bit
		}
	}
	b = append(b, bits)
	b = binary.AppendVarint(b, h.Time.Unix())
	b = binary.AppendUvarint(b, uint64(h.Time.Nanosecond())) // 0 to 999,999,999
	for _, s := range [headTexts]string{
		h.ID, h.Account, h.Region, h.Source, h.Name, h.Category, h.Type, h.UserARN, h.InvokedBy, h.ErrorCode,
	} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(h.Resources)))
	for i := range h.Resources {
		r := &h.Resources[i]
		for _, s := range [4]string{r.AccountID, r.Type, r.ARN, r.ARNPrefix} {
			b = appendText(b, s)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(e.JSON)))
	return append(b, e.JSON...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// encodeBatch joins encoded records to one batch.
func encodeBatch(count int, chunks [][]byte) []byte {
	size := headSize + sumSize
	for _, c := range chunks {
		size += len(c)
	}
	b := make([]byte, headSize, size)
	copy(b, magic)
	b[4] = version
	binary.LittleEndian.PutUint32(b[countAt:], uint32(count)) // bounded by the message size
	for _, c := range chunks {
		b = append(b, c...)
	}
	return binary.LittleEndian.AppendUint32(b, castagnoli(b))
}

// errLost is what decodeBatch says of a batch that stands for a lost one.
var errLost = errors.New("the store has lost this batch")

// encodeLost returns a batch that stands for a lost one.
func encodeLost() []byte {
	b := encodeBatch(0, nil)
	b[flagsAt] = flagLost
	b = b[:len(b)-sumSize]
	return binary.LittleEndian.AppendUint32(b, castagnoli(b))
}

// decodeBatch reads batch number seq, of one record at least. The entries' JSON
// shares b's memory.
func decodeBatch(seq uint64, b []byte) ([]Located, error) {
	if len(b) < headSize+sumSize || string(b[:4]) != magic {
		return nil, errors.New("not a batch of records")
	}
	body, sum := b[:len(b)-sumSize], binary.LittleEndian.Uint32(b[len(b)-sumSize:])
	if got := castagnoli(body); got != sum {
		return nil, fmt.Errorf("checksum is %08x, should be %08x", got, sum)
	}
	count := binary.LittleEndian.Uint32(body[countAt:])
	if body[4] != version || body[flagsAt]&^flagLost != 0 || body[6] != 0 || body[7] != 0 {
		return nil, fmt.Errorf("batch format %x is newer than this program", body[4:8])
	}
	if body[flagsAt] == flagLost && count == 0 && len(body) == headSize {
		return nil, errLost
	}
	if body[flagsAt] != 0 || count == 0 {
		return nil, errors.New("the batch is empty")
	}
	r := &reader{b: body[headSize:]}
	if uint64(count)*minRecord > uint64(len(r.b)) {
		return nil, fmt.Errorf("%d records cannot fit in %d bytes", count, len(r.b))
	}
	// All texts are parts of the batch: nobody writes to it any more (Read says so),
	// and a copy would be as large as the records themselves.
	r.text = unsafe.String(unsafe.SliceData(r.b), len(r.b)) //nolint:gosec // see above
	list := make([]Located, count)
	for i := range list {
		list[i].Pos = Position{Seq: seq, Index: uint32(i)} // i is below count
		r.record(&list[i])
		if r.err != nil {
			return nil, fmt.Errorf("record %d: %w", i, r.err)
		}
	}
	if r.at != len(r.b) {
		return nil, fmt.Errorf("%d bytes after the last record", len(r.b)-r.at)
	}
	return list, nil
}

// reader reads records. After the first error it reads only zero values.
type reader struct {
	b    []byte
	text string // b as a string, sharing its memory
	at   int
	err  error
}

func (r *reader) fail(format string, a ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, a...)
		r.at = len(r.b)
	}
}

func (r *reader) record(e *Located) {
	if r.at >= len(r.b) {
		r.fail("cut off")
		return
	}
	bits := r.b[r.at]
	r.at++
	if bits&^knownBits != 0 {
		r.fail("unknown bits %02x", bits)
	}
	h := &e.Header
	e.Intent = bits&bitIntent != 0
	h.ReadOnly, h.Global, h.FromConsole = bits&bitReadOnly != 0, bits&bitGlobal != 0, bits&bitConsole != 0
	h.Time = r.time()
	for _, s := range [headTexts]*string{
		&h.ID, &h.Account, &h.Region, &h.Source, &h.Name, &h.Category, &h.Type, &h.UserARN, &h.InvokedBy, &h.ErrorCode,
	} {
		*s = r.string()
	}
	if n := r.length(minResouce); n > 0 {
		h.Resources = make([]event.Resource, n)
		for i := range h.Resources {
			x := &h.Resources[i]
			x.AccountID, x.Type, x.ARN, x.ARNPrefix = r.string(), r.string(), r.string(), r.string()
		}
	}
	n := r.length(1)
	e.JSON = r.b[r.at : r.at+n : r.at+n]
	r.at += n
}

func (r *reader) time() time.Time {
	sec, n := binary.Varint(r.b[r.at:])
	if n <= 0 {
		r.fail("bad time")
		return time.Time{}
	}
	r.at += n
	nsec := r.uvarint()
	if nsec >= uint64(time.Second) {
		r.fail("bad time")
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail("bad number")
		return 0
	}
	r.at += n
	return v
}

// length reads a number of things of at least size bytes each, which therefore
// must fit in what is left.
func (r *reader) length(size int) int {
	v := r.uvarint()
	if left := len(r.b) - r.at; v > math.MaxInt32 || int(v) > left/size {
		r.fail("length %d with %d bytes left", v, left)
		return 0
	}
	return int(v)
}

func (r *reader) string() string {
	n := r.length(1)
	s := r.text[r.at : r.at+n]
	r.at += n
	return s
}
