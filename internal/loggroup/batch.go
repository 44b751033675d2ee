package loggroup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// A batch is the payload of one message:
//
//	byte      1, the version of this layout
//	uvarint   number of events
//	per event:
//	  varint  timestamp, less that of the event before (the first: less 0)
//	  uvarint length of the message in bytes
//	  bytes   the message
//	4 bytes   CRC-32C of all the above, little endian
//
// What concerns the whole batch stands in headers, which can be read without
// the payload.
const batchVersion = 1

const (
	// headerBatch holds number, earliest and latest timestamp, ingestion time
	// and payload size, in decimal, separated by spaces. Batches of one log
	// stream are numbered from 1.
	headerBatch = "Cairn-Batch"
	// headerToken holds the hash of the append's token, if it had one.
	headerToken = "Cairn-Token"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errCorrupt = errors.New("corrupt batch")

// appendBatch encodes events.
func appendBatch(dst []byte, events []Event) []byte {
	start := len(dst)
	dst = append(dst, batchVersion)
	dst = binary.AppendUvarint(dst, uint64(len(events)))
	var before int64
	for i := range events {
		dst = binary.AppendVarint(dst, events[i].Timestamp-before)
		before = events[i].Timestamp
		dst = binary.AppendUvarint(dst, uint64(len(events[i].Message)))
		dst = append(dst, events[i].Message...)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// eachEvent calls do for every event of a batch until it returns false. The
// message is a part of b: do must not keep it.
func eachEvent(b []byte, do func(i uint32, timestamp int64, message []byte) bool) error {
	if len(b) < 6 || b[0] != batchVersion {
		return fmt.Errorf("%w: not version %d", errCorrupt, batchVersion)
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: checksum differs", errCorrupt)
	}
	body = body[1:]
	count, n := binary.Uvarint(body)
	if n <= 0 || count > uint64(len(body)) { // an event takes two bytes or more
		return fmt.Errorf("%w: bad count", errCorrupt)
	}
	body = body[n:]
	var timestamp int64
	for i := range count {
		delta, n := binary.Varint(body)
		if n <= 0 {
			return fmt.Errorf("%w: bad timestamp of event %d", errCorrupt, i)
		}
		timestamp += delta
		size, m := binary.Uvarint(body[n:])
		if m <= 0 || size > uint64(len(body)-n-m) {
			return fmt.Errorf("%w: bad length of event %d", errCorrupt, i)
		}
		body = body[n+m:]
		if !do(uint32(i), timestamp, body[:size:size]) {
			return nil
		}
		body = body[size:]
	}
	if len(body) > 0 {
		return fmt.Errorf("%w: %d bytes after the last event", errCorrupt, len(body))
	}
	return nil
}

// batchInfo is what a batch's headers say.
type batchInfo struct {
	number   uint64 // 1 for the log stream's first batch
	min, max int64  // timestamps, in milliseconds
	ingested int64  // in milliseconds
	size     int64  // of the payload, in bytes
	token    string // hash of the token, or empty
}

func (b *batchInfo) header() nats.Header {
	h := nats.Header{}
	h.Set(headerBatch, fmt.Sprintf("%d %d %d %d %d", b.number, b.min, b.max, b.ingested, b.size))
	if b.token != "" {
		h.Set(headerToken, b.token)
	}
	return h
}

func parseHeader(h nats.Header) (batchInfo, error) {
	text := h.Get(headerBatch)
	var v [5]int64
	parts := strings.Split(text, " ")
	if len(parts) != len(v) {
		return batchInfo{}, fmt.Errorf("%w: header %s is %q", errCorrupt, headerBatch, text)
	}
	for i, p := range parts {
		var err error
		if v[i], err = strconv.ParseInt(p, 10, 64); err != nil {
			return batchInfo{}, fmt.Errorf("%w: header %s: %w", errCorrupt, headerBatch, err)
		}
	}
	if v[0] < 1 || v[1] > v[2] || v[4] < 0 {
		return batchInfo{}, fmt.Errorf("%w: header %s is %q", errCorrupt, headerBatch, text)
	}
	return batchInfo{number: uint64(v[0]), min: v[1], max: v[2], ingested: v[3], size: v[4], token: h.Get(headerToken)}, nil
}
