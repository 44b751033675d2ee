package part

import (
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// codec compresses pages by zstd. parquet-go's own gives up on pages in which
// nothing is repeated: ids in hexadecimal digits, which take a quarter of a
// record's room and half of that when their digits are coded.
type codec struct {
	encoders, decoders sync.Pool
}

// String returns the name of the compression.
func (c *codec) String() string { return "ZSTD" }

// CompressionCodec returns its number.
func (c *codec) CompressionCodec() format.CompressionCodec { return format.Zstd }

// Encode compresses a page.
func (c *codec) Encode(dst, src []byte) ([]byte, error) {
	e, ok := c.encoders.Get().(*zstd.Encoder)
	if !ok {
		var err error
		if e, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20),
			zstd.WithAllLitEntropyCompression(true), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false)); err != nil {
			return nil, fmt.Errorf("compress page: %w", err)
		}
	}
	defer c.encoders.Put(e)
	return e.EncodeAll(src, dst[:0]), nil
}

// Decode inflates a page.
func (c *codec) Decode(dst, src []byte) ([]byte, error) {
	d, ok := c.decoders.Get().(*zstd.Decoder)
	if !ok {
		var err error
		if d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)); err != nil {
			return nil, fmt.Errorf("inflate page: %w", err)
		}
	}
	defer c.decoders.Put(d)
	return d.DecodeAll(src, dst[:0])
}
