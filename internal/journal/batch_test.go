package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/event"
)

// entry makes a record of about 1.3 KB.
func entry(n int) event.Entry {
	return event.Entry{
		Header: event.Header{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Time: time.Unix(1_700_000_000, int64(n)).UTC(),
			Account: "111122223333", Region: "us-east-1", Source: "ec2.amazonaws.com", Name: "DescribeInstances",
			Category: event.Management, Type: event.APICall, UserARN: "arn:aws:iam::111122223333:user/alice", ReadOnly: true,
		},
		JSON: fmt.Appendf(nil, `{"n":%d,"pad":"%s"}`, n, strings.Repeat("x", 1250)),
	}
}

// fill sets every field of v, so that one that is added to the header and not
// to the format shows.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d é", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_700_000_000, 123_456_789).UTC()))
			return
		}
		for _, field := range v.Fields() {
			fill(field, n)
		}
	default:
		panic("the format cannot hold " + v.Type().String())
	}
}

func chunk(list []event.Entry) []byte {
	var b []byte
	for i := range list {
		b = appendRecord(b, &list[i], false)
	}
	return b
}

// locatedChunk encodes records and intents as they are.
func locatedChunk(list []Located) []byte {
	var b []byte
	for i := range list {
		b = appendRecord(b, &list[i].Entry, list[i].Intent)
	}
	return b
}

func TestBatchRoundTrip(t *testing.T) {
	var full event.Entry
	n := 0
	fill(reflect.ValueOf(&full.Header).Elem(), &n)
	full.JSON = []byte(`{"full":true}`)
	want := []Located{
		{Position{9, 0}, full, true},
		{Position{9, 1}, event.Entry{JSON: []byte(`{}`)}, false},
		{Position{9, 2}, entry(7), true},
	}
	b := encodeBatch(3, [][]byte{locatedChunk(want[:1]), locatedChunk(want[1:])})
	got, err := decodeBatch(9, b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !got[1].Header.Time.IsZero() {
		t.Error("the zero time did not come back")
	}
}

func TestBatchDamage(t *testing.T) {
	list := []event.Entry{entry(1), entry(2)}
	good := encodeBatch(2, [][]byte{chunk(list)})
	for i := range good { // every flipped bit and every cut shows
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		if _, err := decodeBatch(1, bad); err == nil {
			t.Errorf("bit flipped in byte %d: not noticed", i)
		}
		if _, err := decodeBatch(1, good[:i]); err == nil {
			t.Errorf("cut to %d bytes: not noticed", i)
		}
	}
}

// sealed puts a right checksum under bad content.
func sealed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, castagnoli(b))
}

func TestBatchRefused(t *testing.T) {
	head := func(count uint32, rest ...byte) []byte {
		b := append([]byte(magic), version, 0, 0, 0)
		return sealed(append(binary.LittleEndian.AppendUint32(b, count), rest...))
	}
	zeros := make([]byte, minRecord)
	bits := append([]byte{16}, zeros[1:]...)
	long := append(append([]byte{}, zeros[:3]...), 0xff, 0xff, 0xff, 0xff, 0x0f)
	newer := sealed(append([]byte(magic), 2, 0, 0, 0, 0, 0, 0, 0))
	for name, tt := range map[string]struct {
		b    []byte
		want string
	}{
		"count":       {head(1 << 30), "cannot fit"},
		"bits":        {head(1, bits...), "unknown bits"},
		"text length": {head(1, append(long, zeros...)...), "bytes left"},
		"trailing":    {head(1, append(zeros, 0)...), "after the last record"},
		"version":     {newer, "newer than this program"},
		"too short":   {[]byte(magic), "not a batch"},
		"no records":  {encodeBatch(0, nil), "empty"},
		"lost":        {encodeLost(), "has lost"},
	} {
		if _, err := decodeBatch(1, tt.b); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := decodeBatch(1, head(1, zeros...)); err != nil || len(list) != 1 {
		t.Errorf("the smallest record: %v", err)
	}
}

// FuzzDecodeBatch checks that no input harms the decoder, and that what it
// accepts means the same when encoded again.
func FuzzDecodeBatch(f *testing.F) {
	short := entry(1)
	short.JSON = []byte(`{"n":1}`) // long ones keep the fuzzer busy making them short
	list := []event.Entry{short, {JSON: []byte(`{}`), Header: event.Header{Resources: []event.Resource{{ARN: "a"}}}}}
	f.Add(encodeBatch(2, [][]byte{chunk(list)}))
	f.Add(encodeLost())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= headSize+sumSize {
			b = sealed(bytes.Clone(b[:len(b)-sumSize])) // else nothing gets past the checksum
		}
		got, err := decodeBatch(1, b)
		if err != nil {
			return
		}
		again, err := decodeBatch(1, encodeBatch(len(got), [][]byte{locatedChunk(got)}))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, again) {
			t.Fatal(cmp.Diff(got, again))
		}
	})
}
