package loggroup

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
)

func decode(b []byte) ([]Event, error) {
	var got []Event
	err := eachEvent(b, func(_ uint32, at int64, m []byte) bool {
		got = append(got, Event{at, string(m)})
		return true
	})
	return got, err
}

func TestBatch(t *testing.T) {
	want := []Event{{1_800_000_000_000, "first"}, {1_800_000_000_000, ""}, {5, "back in time"}, {-3, "\x00é"}}
	b := appendBatch([]byte("before"), want)[len("before"):]
	got, err := decode(b)
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Fatal(err, d)
	}
	for i := range b { // every flipped bit and every cut is noticed
		c := append([]byte(nil), b...)
		c[i] ^= 4
		if _, err := decode(c); !errors.Is(err, errCorrupt) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := decode(b[:i]); !errors.Is(err, errCorrupt) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestHeader(t *testing.T) {
	want := batchInfo{number: 7, min: -1, max: 1 << 41, ingested: 1 << 40, size: 99, token: "abc"}
	got, err := parseHeader(want.header())
	if d := cmp.Diff(want, got, cmp.AllowUnexported(batchInfo{})); err != nil || d != "" {
		t.Error(err, d)
	}
	for _, s := range []string{"", "1 2 3 4", "1 2 3 4 5 6", "0 1 2 3 4", "1 3 2 4 5", "1 1 1 1 -1", "x 1 1 1 1"} {
		if _, err := parseHeader(nats.Header{headerBatch: {s}}); !errors.Is(err, errCorrupt) {
			t.Errorf("header %q: %v", s, err)
		}
	}
}

func FuzzBatch(f *testing.F) {
	f.Add(appendBatch(nil, []Event{{1, "a"}, {2, "b"}}))
	f.Add([]byte{batchVersion, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		// With the right checksum, the rest is still untrusted.
		if len(b) >= 4 {
			b = binary.LittleEndian.AppendUint32(b[:len(b)-4:len(b)-4], crc32.Checksum(b[:len(b)-4], castagnoli))
		}
		got, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(appendBatch(nil, got))
		if d := cmp.Diff(got, again); err != nil || d != "" {
			t.Error(err, d)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add("1 2 3 4 5")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := parseHeader(nats.Header{headerBatch: {s}})
		if err == nil && (b.number < 1 || b.min > b.max || b.size < 0) {
			t.Errorf("%q read as %+v", s, b)
		}
	})
}
