package insight

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// What calls are attributed to: the index of the counts.
const (
	byUser = iota
	byAgent
	byError
	attributes
)

// maxValues bounds the values counted of one attribute, in one minute or of one
// subject. What comes after is not counted by value.
const maxValues = 100

// tally counts the calls of a minute, or of several.
type tally struct {
	Calls  int64
	Values [attributes]map[string]int64
}

func (t *tally) add(values [attributes]string) {
	t.Calls++
	for i, v := range values {
		t.addValue(i, v, 1)
	}
}

func (t *tally) addValue(attribute int, value string, n int64) {
	counts := t.Values[attribute]
	if counts == nil {
		counts = map[string]int64{}
		t.Values[attribute] = counts
	}
	if _, ok := counts[value]; ok || len(counts) < maxValues {
		counts[value] += n
	}
}

// merge adds another tally; nil is none.
func (t *tally) merge(o *tally) {
	if o == nil {
		return
	}
	t.Calls += o.Calls
	for i, counts := range o.Values {
		for _, v := range sorted(counts) {
			t.addValue(i, v.Value, counts[v.Value])
		}
	}
}

// Share is one value of an attribute and how many calls a minute it made.
type Share struct {
	Value   string  `json:"value"`
	Average float64 `json:"average"`
}

// sorted returns values with their counts, most first.
func sorted(counts map[string]int64) []Share {
	list := make([]Share, 0, len(counts))
	for v, n := range counts {
		list = append(list, Share{v, float64(n)})
	}
	slices.SortFunc(list, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Average, a.Average), strings.Compare(a.Value, b.Value))
	})
	return list
}

// maxShares is how many values an Insights event tells of each attribute.
const maxShares = 5

// top returns the values of most calls, as calls a minute.
func top(counts map[string]int64, minutes int64) []Share {
	list := sorted(counts)
	list = list[:min(len(list), maxShares)]
	for i := range list {
		list[i].Average = rate(list[i].Average, minutes)
	}
	return list
}

// rate returns calls a minute, with as many digits as AWS's events have.
func rate(calls float64, minutes int64) float64 {
	return math.Round(calls/float64(max(minutes, 1))*1e10) / 1e10
}

// days is how many days of a series are kept: seven and the present one.
const days = 8

// levels is how many levels of calls a minute are told apart, four for each
// doubling: the last one has everything from 64,000 on.
const levels = 64

// series is the counts of a subject, by day.
type series struct {
	Days [days]day
}

// day is one day's counts.
type day struct {
	// Number is the day since 1970.
	Number int64
	// Squares is the sum of the squares of the minutes' calls, and Like counts
	// the minutes of each level.
	Squares float64
	Like    [levels]int32
	Sum     tally
}

func level(calls int64) int {
	return min(int(4*math.Log2(float64(max(calls, 1)))), levels-1)
}

// add adds a minute.
func (s *series) add(m int64, t *tally) {
	number := m / minutesADay
	d := &s.Days[number%days]
	if d.Number != number {
		*d = day{Number: number}
	}
	d.Sum.merge(t)
	d.Squares += float64(t.Calls) * float64(t.Calls)
	d.Like[level(t.Calls)]++
}

// recent reports whether there is a day that still counts.
func (s *series) recent(m int64) bool {
	return slices.ContainsFunc(s.Days[:], func(d day) bool { return d.Number > m/minutesADay-days })
}

// Baseline is what was usual before a minute.
type Baseline struct {
	// Minutes is how long it is: from the beginning of the day seven days before,
	// or from when records are known.
	Minutes int64
	// Average is the calls a minute, and Deviation their standard deviation.
	Average   float64
	Deviation float64
	// Shares are the values of most calls, by attribute.
	Shares [attributes][]Share

	// like counts the minutes of each level.
	like [levels]int64
}

// baseline returns what was usual before minute m, of a place known since a
// minute. s may be nil.
func (s *series) baseline(m, since int64) *Baseline {
	today := m / minutesADay
	from := max((today-days+1)*minutesADay, since)
	b := &Baseline{Minutes: max(m-from, 1)}
	if s == nil {
		return b
	}
	var sum tally
	var squares float64
	for i := range s.Days {
		d := &s.Days[i]
		if d.Number <= today-days || d.Number > today {
			continue
		}
		sum.merge(&d.Sum)
		squares += d.Squares
		for l, n := range d.Like {
			b.like[l] += int64(n)
		}
	}
	mean := float64(sum.Calls) / float64(b.Minutes)
	b.Average = rate(float64(sum.Calls), b.Minutes)
	b.Deviation = math.Sqrt(max(squares/float64(b.Minutes)-mean*mean, 0))
	for i, counts := range sum.Values {
		b.Shares[i] = top(counts, b.Minutes)
	}
	return b
}

// threshold returns from how many calls on a minute is unusual.
func (b *Baseline) threshold(r *Rules) int64 {
	// Calls that come at random deviate by the root of their average.
	deviation := max(b.Deviation, math.Sqrt(b.Average))
	n := max(int64(r.MinCount), int64(b.Average+r.Deviations*deviation)+1)
	// Raise it above what there is in a minute of each day, or in more, and was
	// twice at least.
	often := max(b.Minutes/minutesADay, 2)
	var like int64
	for l := levels - 1; l >= level(n); l-- {
		if like += b.like[l]; like >= often {
			return max(n, int64(math.Ceil(math.Exp2(float64(l+1)/4))))
		}
	}
	return n
}
