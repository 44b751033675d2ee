// Package querytest makes random records and random conditions on them, for
// tests that compare every way to run a condition with a slow and obvious one:
// decode the record by encoding/json and look.
package querytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/internal/logquery"
	"cairn/internal/logquery/jsonwalk"
	"cairn/internal/logquery/jsonwalk/walktest"
)

// Case is a condition, with the slow way to evaluate it.
type Case struct {
	// Text tells a reader what the condition is.
	Text string
	Expr logquery.Expr
	Slow func(m *Message) bool
}

// Message is a message with what encoding/json makes of it.
type Message struct {
	Bytes []byte
	// Object is the message's object; IsObject is false if it is not just one.
	Object   walktest.Object
	IsObject bool
}

// Read decodes a message for the slow way.
func Read(message []byte) *Message {
	m := &Message{Bytes: message}
	m.Object, m.IsObject = walktest.Decode(message)
	return m
}

// Cases returns the CIS patterns and n random conditions, always the same for
// one seed.
func Cases(seed uint64, n int) []Case {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
	var out []Case
	for _, c := range CIS() {
		out = append(out, Pattern(c.Pattern))
	}
	for range n {
		out = append(out, Random(r))
	}
	return out
}

// Random returns a random condition.
func Random(r *rand.Rand) Case { return random(r, 0) }

func random(r *rand.Rand, depth int) Case {
	n := r.IntN(10)
	if depth > 2 {
		n += 4
	}
	switch {
	case n == 0:
		c := random(r, depth+1)
		return Case{"NOT " + c.Text, logquery.Not(c.Expr), func(m *Message) bool { return !c.Slow(m) }}
	case n < 4:
		return joined(r, depth)
	case n == 4:
		return Pattern(randomPattern(r))
	case n == 5:
		return message(r)
	}
	return leaf(r)
}

func joined(r *rand.Rand, depth int) Case {
	var parts []Case
	var exprs []logquery.Expr
	var texts []string
	for range r.IntN(4) {
		c := random(r, depth+1)
		parts, exprs, texts = append(parts, c), append(exprs, c.Expr), append(texts, c.Text)
	}
	if r.IntN(2) == 0 {
		return Case{"ALL(" + strings.Join(texts, ", ") + ")", logquery.All(exprs...), func(m *Message) bool {
			return !slices.ContainsFunc(parts, func(c Case) bool { return !c.Slow(m) })
		}}
	}
	return Case{"ANY(" + strings.Join(texts, ", ") + ")", logquery.Any(exprs...), func(m *Message) bool {
		return slices.ContainsFunc(parts, func(c Case) bool { return c.Slow(m) })
	}}
}

// message is a condition on the message as it is written.
func message(r *rand.Rand) Case {
	if r.IntN(2) == 0 {
		s := pick(r, words)
		return Case{fmt.Sprintf("TEXT %q", s), logquery.Text(s), func(m *Message) bool { return strings.Contains(string(m.Bytes), s) }}
	}
	re := pick(r, regexes)
	e, err := logquery.Regexp(re)
	if err != nil {
		panic(err)
	}
	slow := regexp.MustCompile(re)
	return Case{fmt.Sprintf("REGEXP %q", re), e, func(m *Message) bool { return slow.Match(m.Bytes) }}
}

// leaf is a condition on a field.
func leaf(r *rand.Rand) Case {
	path := pick(r, paths)
	text, test, slow := randomTest(r)
	steps, err := jsonwalk.Parse(path)
	if err != nil {
		panic(err)
	}
	return Case{path + " " + text, logquery.Field(path, test), func(m *Message) bool {
		if !m.IsObject {
			return false
		}
		values := walktest.Find(m.Object, steps)
		if test == logquery.NotExists() {
			return len(values) == 0
		}
		return slices.ContainsFunc(values, slow)
	}}
}

// randomTest returns a test and how to do it to a decoded value.
func randomTest(r *rand.Rand) (string, logquery.Test, func(v any) bool) {
	onText := func(f func(text string) bool) func(any) bool {
		return func(v any) bool {
			text, ok := walktest.Text(v)
			return ok && f(text)
		}
	}
	word := pick(r, words)
	switch r.IntN(14) {
	case 0, 1:
		return fmt.Sprintf("= %q", word), logquery.Equal(word), onText(func(s string) bool { return s == word })
	case 2, 3, 4:
		g := randomGlob(r)
		return fmt.Sprintf("GLOB %q", g), logquery.Glob(g), onText(slowGlob(g))
	case 5:
		return fmt.Sprintf("PREFIX %q", word), logquery.Prefix(word), onText(func(s string) bool { return strings.HasPrefix(s, word) })
	case 6:
		re := regexp.MustCompile(pick(r, regexes))
		return fmt.Sprintf("LIKE %q", re), logquery.Like(re), onText(re.MatchString)
	case 7:
		p := pick(r, prefixes)
		return "IN " + p.String(), logquery.InCIDR(p), onText(func(s string) bool { return slowCIDR(p.String(), s) })
	case 8:
		t := time.Date(2026, 1, 1, 0, 0, r.IntN(200), r.IntN(2)*500, time.UTC)
		if r.IntN(2) == 0 {
			return fmt.Sprint("FROM ", t), logquery.From(t), onText(func(s string) bool { at, ok := slowTime(s); return ok && !at.Before(t) })
		}
		return fmt.Sprint("BEFORE ", t), logquery.Before(t), onText(func(s string) bool { at, ok := slowTime(s); return ok && at.Before(t) })
	case 9:
		n := float64(r.IntN(400)) / 2
		if r.IntN(2) == 0 {
			return fmt.Sprint("< ", n), logquery.Less(n), func(v any) bool { f, ok := slowNumber(v); return ok && f < n }
		}
		return fmt.Sprint("> ", n), logquery.Greater(n), func(v any) bool { f, ok := slowNumber(v); return ok && f > n }
	case 10:
		return "IS NULL", logquery.IsNull(), func(v any) bool { return v == nil }
	case 11:
		if r.IntN(2) == 0 {
			return "IS TRUE", logquery.IsTrue(), func(v any) bool { return v == true }
		}
		return "IS FALSE", logquery.IsFalse(), func(v any) bool { return v == false }
	case 12:
		return "EXISTS", logquery.Exists(), func(any) bool { return true }
	}
	return "NOT EXISTS", logquery.NotExists(), nil
}

// randomGlob puts stars into a word, or takes parts of it away for them.
func randomGlob(r *rand.Rand) string {
	word := []rune(pick(r, words))
	for range r.IntN(3) {
		i := r.IntN(len(word) + 1)
		j := i + r.IntN(len(word)-i+1)
		word = slices.Concat(word[:i], []rune{'*'}, word[j:])
	}
	return string(word)
}

func slowGlob(glob string) func(text string) bool {
	parts := strings.Split(glob, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)\A` + strings.Join(parts, ".*") + `\z`).MatchString
}

func slowCIDR(prefix, text string) bool {
	ip := net.ParseIP(text)
	start, bits, _ := strings.Cut(prefix, "/")
	n, err := strconv.Atoi(bits)
	if err != nil || ip == nil || strings.Contains(prefix, ":") != strings.Contains(text, ":") {
		return false
	}
	if !strings.Contains(prefix, ":") {
		n += 96 // net keeps IPv4 addresses in the last 32 of 128 bits
	}
	for i := range n {
		if bit := byte(1) << (7 - i%8); net.ParseIP(start)[i/8]&bit != ip[i/8]&bit {
			return false
		}
	}
	return true
}

func slowTime(text string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, text)
	return t.Truncate(time.Microsecond), err == nil
}

func slowNumber(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }
