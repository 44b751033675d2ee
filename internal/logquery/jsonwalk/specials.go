package jsonwalk

import "encoding/binary"

const (
	ones  = 0x0101010101010101
	lows  = 0x7f * ones
	highs = 0x80 * ones
	// gather moves the high bits of eight bytes into the highest byte.
	gather = 0x0002040810204081
)

// specialsByWord marks the bytes that end a run of plain bytes in a JSON string:
// quotes, backslashes and control characters. The first byte is the lowest bit.
func specialsByWord(b *[64]byte) (marks uint64) {
	for i := 0; i < 64; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^'"'*ones, w^'\\'*ones
		// Each sum has a byte's high bit if it is not the one looked for.
		plain := ((quote&lows + lows) | quote) & ((slash&lows + lows) | slash) & ((w&lows + 0x60*ones) | w)
		marks |= (^plain & highs) * gather >> 56 << i
	}
	return marks
}

// text is a message with the marks of the 64 bytes that a walk is in.
type text struct {
	b     []byte
	marks uint64
	block int // where the marked bytes begin; -1 if none are
	// escapes is set by strings that have escapes.
	escapes bool
}

// mark marks the bytes from block on; beyond the message's end, every byte.
func (t *text) mark(block int) {
	t.block = block
	if rest := t.b[block:]; len(rest) >= 64 {
		t.marks = specials((*[64]byte)(rest))
		return
	}
	var last [64]byte
	copy(last[:], t.b[block:])
	t.marks = specials(&last)
}
