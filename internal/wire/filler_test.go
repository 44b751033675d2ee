package wire_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// filler sets values by type from a seeded source.
type filler struct {
	r *rand.Rand
	// ec2 keeps lists non-empty: ec2Query cannot express an empty one in a request.
	ec2 bool
	// millis makes times with milliseconds, for protocols that carry them.
	millis bool
}

var words = []string{"plain", "a b", "x&y=z", "<tag attr=\"v\">'", "é\u2028漢", "line\nnext\ttab\rcr", "100%+1", `back\slash`}

func (f *filler) fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && depth > 7 {
			return
		}
		p := reflect.New(v.Type().Elem())
		f.fill(p.Elem(), depth)
		v.Set(p)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(f.time()))
			return
		}
		for i := range v.NumField() {
			if sf := v.Type().Field(i); sf.IsExported() && sf.Name != "ResultMetadata" {
				f.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		f.slice(v, depth)
	case reflect.Map:
		if depth > 7 || v.Type().Elem().Kind() == reflect.Interface {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range 1 + f.r.IntN(3) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(k, depth+1)
			f.fill(e, depth+1)
			v.SetMapIndex(k, e)
		}
	default:
		f.scalar(v)
	}
}

func (f *filler) slice(v reflect.Value, depth int) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes([]byte{1, 2, byte(f.r.IntN(256)), 255})
		return
	}
	if depth > 7 {
		return
	}
	n := 1 + f.r.IntN(3)
	if !f.ec2 && f.r.IntN(8) == 0 {
		n = 0
	}
	if f.r.IntN(40) == 0 {
		n = 12 // so that indexes have two digits
	}
	if depth > 3 {
		n = min(n, 1)
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.fill(v.Index(i), depth+1)
	}
}

func (f *filler) scalar(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if m := v.MethodByName("Values"); m.IsValid() {
			known := m.Call(nil)[0]
			v.Set(known.Index(f.r.IntN(known.Len())))
			return
		}
		v.SetString(words[f.r.IntN(len(words))])
	case reflect.Bool:
		v.SetBool(f.r.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt(f.r.Int64N(1<<32) - 1<<31)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(f.r.IntN(1<<12)) / 8)
	default: // interfaces: unions, which we do not carry
	}
}

func (f *filler) time() time.Time {
	t := time.Unix(1_600_000_000+f.r.Int64N(1e8), 0).UTC()
	if f.millis {
		t = t.Add(time.Duration(f.r.IntN(1000)) * time.Millisecond)
	}
	return t
}

// checkObject fails unless b is one JSON object whose members are all distinct.
func checkObject(t *testing.T, b []byte) {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Errorf("record is no JSON object: %v\n%s", err, b)
		return
	}
	compact, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	var again map[string]any
	if err := json.Unmarshal(compact, &again); err != nil || !reflect.DeepEqual(v, again) {
		t.Errorf("record does not survive: %v", err)
	}
}
