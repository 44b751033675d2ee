package value_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/loginsights/value"
)

func text(s string) value.Value    { return value.OfText(s) }
func number(f float64) value.Value { return value.OfNumber(f) }

// call calls a function and returns its value as results show it.
func call(t *testing.T, name string, args ...value.Value) string {
	t.Helper()
	f := value.Functions()[strings.ToLower(name)]
	if f == nil || len(args) < f.Least || f.Most >= 0 && len(args) > f.Most {
		t.Fatalf("there is no %s with %d arguments", name, len(args))
	}
	v := f.Call(args)
	if v.Kind == value.Missing {
		return "missing"
	}
	return v.Text()
}

func TestFunctions(t *testing.T) {
	none := value.Value{}
	for _, tt := range []struct {
		name string
		args []value.Value
		want string
	}{
		{"ltrim", []value.Value{text("xyZfooxyZ"), text("xyZ")}, "fooxyZ"},
		{"rtrim", []value.Value{text("xyZfooxyZ"), text("xyZ")}, "xyZfoo"},
		{"trim", []value.Value{text("xyZfooxyZ"), text("xyZ")}, "foo"},
		{"trim", []value.Value{text(" \tfoo\n")}, "foo"},
		{"substr", []value.Value{text("xyZfooxyZ"), number(3), number(3)}, "foo"},
		{"substr", []value.Value{text("héé"), number(1)}, "éé"},
		{"substr", []value.Value{text("abc"), number(-5), number(99)}, "abc"},
		{"substr", []value.Value{text("abc"), number(7)}, ""},
		{"substr", []value.Value{text("abc"), text("x")}, "missing"},
		{"replace", []value.Value{text("foo"), text("o"), text("0")}, "f00"},
		{"strcontains", []value.Value{text("foo"), text("oo")}, "1"},
		{"strcontains", []value.Value{text("foo"), text("O")}, "0"},
		{"strlen", []value.Value{text("héé")}, "3"},
		{"strlen", []value.Value{none}, "missing"},
		{"toupper", []value.Value{text("aé")}, "AÉ"},
		{"tolower", []value.Value{text("AÉ")}, "aé"},
		{"concat", []value.Value{text("a"), number(1.5), value.OfBool(true)}, "a1.51"},
		{"concat", []value.Value{text(strings.Repeat("x", 300<<10)), text(strings.Repeat("x", 300<<10))}, "missing"},
		{"replace", []value.Value{text(strings.Repeat("x", 1<<10)), text("x"), text(strings.Repeat("y", 1<<10))}, "missing"},
		{"isempty", []value.Value{none}, "1"},
		{"isempty", []value.Value{text(" ")}, "0"},
		{"isblank", []value.Value{text(" \t")}, "1"},
		{"ispresent", []value.Value{text("")}, "1"},
		{"ispresent", []value.Value{none}, "0"},
		{"coalesce", []value.Value{none, none, text("x"), text("y")}, "x"},
		{"coalesce", []value.Value{none}, "missing"},
		{"abs", []value.Value{number(-3)}, "3"},
		{"abs", []value.Value{text("-3.25")}, "3.25"},
		{"ceil", []value.Value{number(1.2)}, "2"},
		{"floor", []value.Value{number(-1.2)}, "-2"},
		{"greatest", []value.Value{number(1), number(7), number(3)}, "7"},
		{"least", []value.Value{number(1), number(7), text("x")}, "missing"},
		{"sqrt", []value.Value{number(2)}, "1.4142"},
		{"sqrt", []value.Value{number(-1)}, "missing"},
		{"log", []value.Value{number(math.E)}, "1"},
		{"fromMillis", []value.Value{number(1772600767123)}, "2026-03-04 05:06:07.123"},
		{"fromMillis", []value.Value{number(1e18)}, "missing"},
		{"toMillis", []value.Value{value.OfInstant(1772600767123)}, "1772600767123"},
		{"toMillis", []value.Value{text("yesterday")}, "missing"},
		{"isValidIp", []value.Value{text("2001:db8::1")}, "1"},
		{"isValidIp", []value.Value{text("1.2.3")}, "0"},
		{"isValidIpV4", []value.Value{text("192.0.2.1")}, "1"},
		{"isValidIpV4", []value.Value{text("2001:db8::1")}, "0"},
		{"isValidIpV6", []value.Value{text("2001:db8::1")}, "1"},
		{"isIpInSubnet", []value.Value{text("192.0.2.1"), text("192.0.2.0/24")}, "1"},
		{"isIpInSubnet", []value.Value{text("2001:db8::1"), text("2001:db8::/32")}, "1"},
		{"isIpv4InSubnet", []value.Value{text("2001:db8::1"), text("2001:db8::/32")}, "0"},
		{"isIpv6InSubnet", []value.Value{text("2001:db8::1"), text("2001:db8::/32")}, "1"},
		{"isIpInSubnet", []value.Value{none, text("192.0.2.0/24")}, "missing"},
		{"jsonParse", []value.Value{text(` {"a": [1]} `)}, `{"a": [1]}`},
		{"jsonParse", []value.Value{text(`7`)}, "missing"},
		{"jsonParse", []value.Value{text(`{`)}, "missing"},
		{"jsonStringify", []value.Value{number(1)}, "1"},
	} {
		if got := call(t, tt.name, tt.args...); got != tt.want {
			t.Errorf("%s(%v) = %q, want %q", tt.name, tt.args, got, tt.want)
		}
	}
}

func TestNumbersAsText(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", -2: "-2", 0.1: "0.1", 1.0 / 3: "0.3333", 122.0703125: "122.0703", 1e20: "100000000000000000000", 1e21: "1e+21",
		0.00001: "1e-05", 1772600767123: "1772600767123",
	} {
		v := number(f)
		if got := v.Text(); got != want {
			t.Errorf("%g is shown as %q, want %q", f, got, want)
		}
	}
}

// TestNaturalOrder sorts what the guide sorts.
func TestNaturalOrder(t *testing.T) {
	want := []string{"!", "#", "*%04", "0#", "5A", "111A", "2345_", "@", "@_", "A", "A9876fghj", "a12345hfh", "0", "01", "1", "2", "3"}
	got := slices.Clone(want)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
	slices.SortFunc(got, func(a, b string) int {
		x, y := text(a), text(b)
		return value.Natural(&x, &y)
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPeriods(t *testing.T) {
	at := float64(time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC).UnixMilli()) // a Wednesday
	for _, tt := range []struct{ period, floor, ceil string }{
		{"5ms", "2026-03-04 05:06:07.005", "2026-03-04 05:06:07.010"},
		{"30s", "2026-03-04 05:06:00.000", "2026-03-04 05:06:30.000"},
		{"5m", "2026-03-04 05:05:00.000", "2026-03-04 05:10:00.000"},
		{"15minutes", "2026-03-04 05:00:00.000", "2026-03-04 05:15:00.000"},
		{"6hrs", "2026-03-04 00:00:00.000", "2026-03-04 06:00:00.000"},
		{"1d", "2026-03-04 00:00:00.000", "2026-03-05 00:00:00.000"},
		{"1W", "2026-03-02 00:00:00.000", "2026-03-09 00:00:00.000"},
		{"1mo", "2026-03-01 00:00:00.000", "2026-04-01 00:00:00.000"},
		{"1q", "2026-01-01 00:00:00.000", "2026-04-01 00:00:00.000"},
		{"2years", "2026-01-01 00:00:00.000", "2028-01-01 00:00:00.000"},
	} {
		p, ok := value.ParsePeriod(tt.period)
		floor, ceil := value.OfInstant(p.Floor(at)), value.OfInstant(p.Ceil(at))
		if !ok || floor.Text() != tt.floor || ceil.Text() != tt.ceil {
			t.Errorf("%s: %s to %s, want %s to %s", tt.period, floor.Text(), ceil.Text(), tt.floor, tt.ceil)
		}
		if start := p.Floor(at); p.Ceil(start) != start {
			t.Errorf("%s: the beginning of a period is not its own ceiling", tt.period)
		}
	}
	for _, bad := range []string{"5", "0m", "5x", "m", "99999999999m", "1ss", "-1m"} {
		if _, ok := value.ParsePeriod(bad); ok {
			t.Errorf("%s is a period", bad)
		}
	}
	for _, before := range []float64{-1, -86400e3 * 40} { // before 1970
		for name := range map[string]bool{"1w": true, "1mo": true, "5m": true} {
			p, _ := value.ParsePeriod(name)
			if f := p.Floor(before); f > before {
				t.Errorf("the floor of %g by %s is later: %g", before, name, f)
			}
		}
	}
}

// TestSketches holds the approximations to their errors, which are documented
// beside them, and checks that small numbers of values are exact.
func TestSketches(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{1, 100, 4000, 50_000, 300_000} {
		distinct := value.Aggregates["count_distinct"].Make(nil)()
		p95 := value.Aggregates["pct"].Make([]float64{95})()
		var all []float64
		for i := range n {
			v := text(fmt.Sprintf("user-%d", i))
			distinct.Add(&v, 0)
			distinct.Add(&v, 0)
			f := number(math.Exp(r.NormFloat64()*3) - 1)
			p95.Add(&f, 0)
			all = append(all, f.Num)
		}
		slices.Sort(all)
		exact := all[int(math.Ceil(0.95*float64(n)))-1]
		d, p := distinct.Value(), p95.Value()
		within := func(got, want, most float64) bool { return math.Abs(got-want) <= most*math.Abs(want) }
		if most := map[bool]float64{true: 0, false: 0.03}[n <= 10_000]; !within(d.Num, float64(n), most) {
			t.Errorf("%d different values are counted as %g", n, d.Num)
		}
		if most := map[bool]float64{true: 0, false: 0.005}[n <= 4096]; !within(p.Num, exact, most) {
			t.Errorf("pct of %d values is %g, want %g", n, p.Num, exact)
		}
	}
}

func TestAggregates(t *testing.T) {
	values := []value.Value{number(0.1), text("0.2"), number(0.3), text("x"), number(-5)}
	for name, want := range map[string]string{
		"count": "5", "count_distinct": "5", "sum": "-4.4", "avg": "-1.1", "min": "x", "max": "0.3", "sortsFirst": "x", "sortsLast": "0.3",
		"earliest": "0.2", "latest": "0.1", "stddev": "2.6013",
	} {
		a := value.Aggregates[strings.ToLower(name)].Make(nil)()
		for i := range values {
			a.Add(&values[i], []int64{9, 1, 3, 4, 9}[i])
		}
		v := a.Value()
		if name == "latest" {
			want = "-5" // of the same time the last
		}
		if v.Text() != want {
			t.Errorf("%s = %q, want %q", name, v.Text(), want)
		}
		none := value.Aggregates[strings.ToLower(name)].Make(nil)()
		if v := none.Value(); (v.Kind == value.Missing) == strings.HasPrefix(name, "count") {
			t.Errorf("%s of nothing is %q", name, v.Text())
		}
	}
}

func TestFields(t *testing.T) {
	got := value.Fields(`{"a":{"b":[1,"x",{"c":true}]},"n":null,"z":1.50}`)
	want := []value.Field{{Name: "a.b.0", Value: "1"}, {Name: "a.b.1", Value: "x"}, {Name: "a.b.2.c", Value: "1"}, {Name: "z", Value: "1.50"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := value.Fields("not json"); got != nil {
		t.Errorf("a text has fields %v", got)
	}
}
