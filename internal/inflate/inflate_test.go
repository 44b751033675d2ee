package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	fast "github.com/klauspost/compress/gzip"
)

// inflate inflates one member; what could be is returned with the error.
func inflate(z *Reader, src []byte) (content, rest []byte, err error) {
	if err := z.Reset(src); err != nil {
		return nil, nil, err
	}
	content, err = io.ReadAll(z)
	return content, z.Rest(), err
}

// slow is inflate by the standard library.
func slow(src []byte) (content, rest []byte, err error) {
	in := bytes.NewReader(src)
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, nil, err
	}
	z.Multistream(false)
	content, err = io.ReadAll(z)
	return content, src[len(src)-in.Len():], err
}

func compress(t testing.TB, content []byte, level int, header gzip.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Header = header
	_, err = w.Write(content)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples are contents of all kinds: literals only, matches at each distance and
// of each length, long codes, none.
func samples() [][]byte {
	r := rand.New(rand.NewPCG(1, 9))
	noise := func(n, of int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.IntN(of))
		}
		return b
	}
	out := [][]byte{nil, {7}, noise(300_000, 256), noise(300_000, 3), bytes.Repeat([]byte{0}, 1_000_000), bytes.Repeat([]byte("abc"), 100_000)}
	for distance := 1; distance < 40; distance++ {
		out = append(out, bytes.Repeat(noise(distance, 256), 3+2000/distance))
	}
	var mixed []byte
	for range 4000 { // matches from everywhere in the window
		mixed = append(mixed, noise(r.IntN(20), 256)...)
		if n := len(mixed); n > 0 {
			from := n - 1 - r.IntN(min(n, 32768))
			mixed = append(mixed, mixed[from:min(n, from+3+r.IntN(300))]...)
		}
	}
	var skewed []byte // with codes of up to 15 bits
	for i := range 20 {
		skewed = append(skewed, bytes.Repeat([]byte{byte(i)}, 1<<min(i, 17))...)
	}
	r.Shuffle(len(skewed), func(i, j int) { skewed[i], skewed[j] = skewed[j], skewed[i] })
	return append(out, mixed, skewed, []byte(strings.Repeat(`{"eventName":"GetObject","awsRegion":"eu-west-1"},`, 20_000)))
}

func TestInflate(t *testing.T) {
	var z Reader // one for all: nothing may be left behind by the one before
	header := gzip.Header{Name: "name", Comment: "comment", Extra: []byte("extra")}
	for i, content := range samples() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			packed := compress(t, content, level, header)
			got, rest, err := inflate(&z, append(packed, "rest"...))
			if err != nil || !bytes.Equal(got, content) || string(rest) != "rest" {
				t.Fatalf("sample %d, level %d: %d of %d bytes, rest %q, error %v", i, level, len(got), len(content), rest, err)
			}
			var b bytes.Buffer
			w, _ := fast.NewWriterLevel(&b, max(level, 1))
			_, _ = w.Write(content[:len(content)/2])
			_ = w.Flush()
			_, _ = w.Write(content[len(content)/2:])
			_ = w.Close()
			if got, rest, err = inflate(&z, b.Bytes()); err != nil || !bytes.Equal(got, content) || len(rest) != 0 {
				t.Fatalf("sample %d by klauspost, level %d: %d of %d bytes, error %v", i, level, len(got), len(content), err)
			}
		}
	}
}

// TestFaults cuts and changes what is compressed everywhere, and wants the
// standard library's answer.
func TestFaults(t *testing.T) {
	content := []byte(strings.Repeat(`{"eventName":"GetObject","id":"8f2a"},`, 30) + "the end, which is not like the rest of it: 0123456789")
	var z Reader
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 9} {
		packed := compress(t, content, level, gzip.Header{Name: "n"})
		for i := range packed {
			got, _, err := inflate(&z, packed[:i])
			if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(content, got) {
				t.Fatalf("level %d, cut to %d of %d: %d bytes, error %v", level, i, len(packed), len(got), err)
			}
			for bit := range 8 {
				bad := bytes.Clone(packed)
				bad[i] ^= 1 << bit
				same(t, &z, bad)
			}
		}
	}
}

// same compares with the standard library: whether it is an error, and if not,
// everything.
func same(t *testing.T, z *Reader, src []byte) {
	t.Helper()
	got, rest, err := inflate(z, src)
	want, wantRest, wantErr := slow(src)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%x: error %v, the standard library says %v", src, err, wantErr)
	}
	if err == nil && (!bytes.Equal(got, want) || !bytes.Equal(rest, wantRest)) {
		t.Fatalf("%x: %d bytes and %d behind, the standard library says %d and %d", src, len(got), len(rest), len(want), len(wantRest))
	}
	if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%x: error %v is none of ours", src, err)
	}
}

// FuzzInflate compares with the standard library, on what a compressor makes and
// on anything else.
func FuzzInflate(f *testing.F) {
	for _, content := range []string{"", "a", strings.Repeat("abcd", 100), "\x00\xff\x1f\x8b"} {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			f.Add(compress(f, []byte(content), level, gzip.Header{}), level)
		}
	}
	var z Reader
	f.Fuzz(func(t *testing.T, data []byte, level int) {
		// Names longer than 511 bytes and reserved flags are read differently.
		if len(data) > 3 && data[3]&^7 == 0 {
			same(t, &z, data)
		}
		if level >= flate.HuffmanOnly && level <= 9 {
			got, rest, err := inflate(&z, compress(t, data, level, gzip.Header{}))
			if err != nil || !bytes.Equal(got, data) || len(rest) > 0 {
				t.Fatalf("%d bytes at level %d: %d bytes, error %v", len(data), level, len(got), err)
			}
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	var content strings.Builder
	r := rand.New(rand.NewPCG(3, 3))
	for content.Len() < 1<<20 {
		content.WriteString(`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/person.`)
		content.WriteByte(byte('0' + r.IntN(10)))
		content.WriteString(`"},"eventTime":"2026-05-01T10:20:30Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","requestParameters":{"bucketName":"data","key":"`)
		for range 20 {
			content.WriteByte("0123456789abcdef"[r.IntN(16)])
		}
		content.WriteString(`"},"eventID":"`)
		for range 36 {
			content.WriteByte("0123456789abcdef"[r.IntN(16)])
		}
		content.WriteString(`","readOnly":true},`)
	}
	packed := compress(b, []byte(content.String()), 6, gzip.Header{})
	room := make([]byte, 256<<10)
	b.Run("ours", func(b *testing.B) {
		var z Reader
		b.SetBytes(int64(content.Len()))
		for b.Loop() {
			_ = z.Reset(packed)
			for err := error(nil); err == nil; {
				_, err = z.Read(room)
			}
		}
	})
	b.Run("klauspost", func(b *testing.B) {
		var z fast.Reader
		b.SetBytes(int64(content.Len()))
		for b.Loop() {
			_ = z.Reset(bytes.NewReader(packed))
			for err := error(nil); err == nil; {
				_, err = z.Read(room)
			}
		}
	})
}
