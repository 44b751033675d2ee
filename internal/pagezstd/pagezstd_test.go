package pagezstd

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// TestCodec writes pages of several kinds and reads them as any Parquet reader does.
// Ids, in which nothing is repeated, come out at half their size.
func TestCodec(t *testing.T) {
	random := make([]byte, 64<<10)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	ids := []byte(hex.EncodeToString(random))
	c := new(Codec)
	for name, page := range map[string][]byte{
		"empty": {}, "ids": ids, "random": random, "repeated": bytes.Repeat([]byte(`{"eventName":"RunInstances"},`), 50_000),
	} {
		packed, err := c.Encode(nil, page)
		if err != nil {
			t.Fatal(err)
		}
		for reader, read := range map[string]func(dst, src []byte) ([]byte, error){"itself": c.Decode, "the library": new(parquetzstd.Codec).Decode} {
			if got, err := read(nil, packed); err != nil || !bytes.Equal(got, page) {
				t.Errorf("%s, read by %s: %d bytes, not %d; %v", name, reader, len(got), len(page), err)
			}
		}
		if name == "ids" && len(packed) > len(page)*6/10 {
			t.Errorf("%d bytes of ids take %d", len(page), len(packed))
		}
	}
}
