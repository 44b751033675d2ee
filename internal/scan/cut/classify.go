package cut

import "encoding/binary"

const (
	ones  = 0x0101010101010101
	lows  = 0x7f * ones
	highs = 0x80 * ones
	// gather moves the high bits of eight bytes into the highest byte.
	gather = 0x0002040810204081
)

// classifyWords finds quotes, backslashes and brackets eight bytes at a time. The
// mask of brackets also has the letters Y and y and others that, outside of
// strings, JSON does not have.
func classifyWords(b *[64]byte) (quotes, slashes, brackets uint64) {
	for i := 0; i < 64; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		x := w ^ '"'*ones
		y := w ^ '\\'*ones
		z := (w | 0x26*ones) ^ 0x7f*ones // { } [ ] differ in these bits only
		x = ^(((x & lows) + lows) | x) & highs
		y = ^(((y & lows) + lows) | y) & highs
		z = ^(((z & lows) + lows) | z) & highs
		quotes |= (x * gather >> 56) << i
		slashes |= (y * gather >> 56) << i
		brackets |= (z * gather >> 56) << i
	}
	return quotes, slashes, brackets
}
