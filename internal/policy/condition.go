package policy

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operator is a condition operator taken apart.
type operator struct {
	test
	// negated operators hold where the plain one does not.
	negated bool
	// each and some are ForAllValues: and ForAnyValue:.
	each, some bool
	// ifExists holds where the key is absent.
	ifExists bool
	// null is the Null operator, which looks at the key's presence alone.
	null bool
}

// test is what one operator does with one wanted and one given value.
type test struct {
	// compile reads a wanted value; an error says what it should be.
	compile func(s string, variables bool) (operand, error)
	// holds compares. It is not asked about absent keys.
	holds func(o *operand, c Context, given string) bool
}

// operand is a compiled wanted value; which fields count is the test's affair.
type operand struct {
	pattern
	number float64
	time   time.Time
	net    netip.Prefix
	flag   bool
}

// operators are the condition operators by name, without the Not forms.
//
// Source: "IAM JSON policy elements: Condition operators" in the IAM User
// Guide.
func operators(name string) (t test, negated, ok bool) {
	stringTest := func(holds func(o *operand, c Context, given string) bool, build func(string, bool) pattern) test {
		return test{compile: patternOperand(build), holds: holds}
	}
	switch name {
	case "StringEquals", "StringNotEquals":
		t = stringTest(equal, compileLiteral)
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		t = stringTest(equalFold, compileLiteral)
	case "StringLike", "StringNotLike":
		t = stringTest(like, compile)
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		t = stringTest(arnLike, compile)
	case "Bool":
		t = test{boolOperand, sameBool}
	case "BinaryEquals":
		t = test{binaryOperand, sameBinary}
	case "IpAddress", "NotIpAddress":
		t = test{netOperand, inNet}
	default:
		t = ordered(name)
	}
	negated = strings.Contains(name, "Not") && name != "Null"
	return t, negated, t.holds != nil
}

// ordered returns the tests of numbers and dates.
func ordered(name string) test {
	compare, number := strings.CutPrefix(name, "Numeric")
	if !number {
		var date bool
		if compare, date = strings.CutPrefix(name, "Date"); !date {
			return test{}
		}
	}
	accept := map[string]func(int) bool{
		"Equals":            func(c int) bool { return c == 0 },
		"NotEquals":         func(c int) bool { return c == 0 },
		"LessThan":          func(c int) bool { return c < 0 },
		"LessThanEquals":    func(c int) bool { return c <= 0 },
		"GreaterThan":       func(c int) bool { return c > 0 },
		"GreaterThanEquals": func(c int) bool { return c >= 0 },
	}[compare]
	if accept == nil {
		return test{}
	}
	if number {
		return test{numberOperand, func(o *operand, _ Context, given string) bool {
			n, err := strconv.ParseFloat(given, 64)
			return err == nil && !math.IsNaN(n) && accept(cmp.Compare(n, o.number))
		}}
	}
	return test{timeOperand, func(o *operand, _ Context, given string) bool {
		t, ok := parseTime(given)
		return ok && accept(t.Compare(o.time))
	}}
}

// parseConditions reads {OPERATOR: {KEY: value or list}}.
func parseConditions(v *node, variables bool) ([]Condition, error) {
	if v.kind != isObject {
		return nil, fmt.Errorf("Condition is %s; want an object", v.kind)
	}
	var list []Condition
	for _, m := range v.members {
		op, err := parseOperator(m.name)
		if err != nil {
			return nil, err
		}
		if m.value.kind != isObject {
			return nil, fmt.Errorf("Condition.%s is %s; want an object", m.name, m.value.kind)
		}
		seen := map[string]bool{}
		for _, k := range m.value.members {
			c := Condition{Operator: m.name, Key: k.name, key: strings.ToLower(k.name), op: op}
			if seen[c.key] {
				return nil, fmt.Errorf("Condition.%s has the key %q twice: keys are not case-sensitive", m.name, k.name)
			}
			seen[c.key] = true
			if err := c.parse(&k.value, variables); err != nil {
				return nil, fmt.Errorf("Condition.%s.%s: %w", m.name, k.name, err)
			}
			list = append(list, c)
		}
	}
	return list, nil
}

func parseOperator(name string) (operator, error) {
	var op operator
	base := name
	if base, op.each = strings.CutPrefix(base, "ForAllValues:"); !op.each {
		base, op.some = strings.CutPrefix(base, "ForAnyValue:")
	}
	base, op.ifExists = strings.CutSuffix(base, "IfExists")
	if name == "Null" {
		op.null, op.test = true, test{boolOperand, sameBool}
		return op, nil
	}
	var ok bool
	if op.test, op.negated, ok = operators(base); !ok {
		return op, fmt.Errorf("unknown condition operator %q", name)
	}
	return op, nil
}

func (c *Condition) parse(v *node, variables bool) error {
	if service, name, ok := strings.Cut(c.Key, ":"); !ok || service == "" || name == "" {
		return errors.New("conditions must be prefaced by a vendor, such as aws or s3")
	}
	items := v.items
	if v.kind != isList {
		items = []node{*v}
	}
	if len(items) == 0 {
		return errors.New("the list of values is empty")
	}
	for i := range items {
		if k := items[i].kind; k != isString && k != isNumber && k != isBool {
			return fmt.Errorf("a value is %s; want a string", k)
		}
		o, err := c.op.compile(items[i].text, variables)
		if err != nil {
			return err
		}
		c.Values = append(c.Values, items[i].text)
		c.operands = append(c.operands, o)
	}
	return nil
}

// holds reports whether the condition is met.
//
// A key that is absent fails a plain operator and meets a negated one; it meets
// every ...IfExists and ForAllValues:, and fails every ForAnyValue:. Of a key
// with several values, without For...Values:, one has to meet a plain operator
// and all a negated one.
func (c *Condition) holds(context Context) bool {
	given := context[c.key]
	if c.op.null {
		absent := len(given) == 0
		return slices.ContainsFunc(c.operands, func(o operand) bool { return o.flag == absent })
	}
	if len(given) == 0 {
		return c.op.ifExists || c.op.each || (c.op.negated && !c.op.some)
	}
	all := c.op.each || (c.op.negated && !c.op.some)
	for _, v := range given {
		if c.meets(context, v) != all {
			return !all
		}
	}
	return all
}

// ambiguous reports whether nobody can tell if the condition holds: it is on a tag
// of which there are two (Context.AddTag), or on a key that is unknown, or compares
// with one. Of two tags it is certain that there is one, and that is all Null asks.
func (c *Condition) ambiguous(context Context) bool {
	if !context.tells(c.key) && (!c.op.null || len(context[c.key]) == 0 || context[c.key][0] == untold) {
		return true
	}
	return slices.ContainsFunc(c.operands, func(o operand) bool { return !o.told(context) })
}

// meets reports whether one given value meets the condition.
func (c *Condition) meets(context Context, given string) bool {
	for i := range c.operands {
		if c.op.holds(&c.operands[i], context, given) {
			return !c.op.negated
		}
	}
	return c.op.negated
}

func patternOperand(build func(string, bool) pattern) func(string, bool) (operand, error) {
	return func(s string, variables bool) (operand, error) {
		p := build(s, variables)
		if p.bad != "" {
			return operand{}, fmt.Errorf("%q: %s", s, p.bad)
		}
		return operand{pattern: p}, nil
	}
}

func equal(o *operand, c Context, given string) bool {
	wanted, ok := o.in(c)
	return ok && wanted == given
}

func equalFold(o *operand, c Context, given string) bool {
	wanted, ok := o.in(c)
	return ok && strings.EqualFold(wanted, given)
}

func like(o *operand, c Context, given string) bool {
	wanted, ok := o.in(c)
	return ok && glob(wanted, given, false)
}

// arnLike compares ARNs part by part: a wildcard does not reach over a colon,
// except in the last part.
func arnLike(o *operand, c Context, given string) bool {
	wanted, ok := o.in(c)
	if !ok {
		return false
	}
	for range 5 {
		w, rest, ok := strings.Cut(wanted, ":")
		g, after, found := strings.Cut(given, ":")
		if !ok || !found {
			return false
		}
		if !glob(w, g, false) {
			return false
		}
		wanted, given = rest, after
	}
	return glob(wanted, given, false)
}

func boolOperand(s string, _ bool) (operand, error) {
	switch strings.ToLower(s) {
	case "true":
		return operand{flag: true}, nil
	case "false":
		return operand{}, nil
	}
	return operand{}, fmt.Errorf("%q is not true or false", s)
}

func sameBool(o *operand, _ Context, given string) bool {
	return strings.EqualFold(given, strconv.FormatBool(o.flag))
}

func numberOperand(s string, _ bool) (operand, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return operand{}, fmt.Errorf("%q is not a number", s)
	}
	return operand{number: n}, nil
}

func timeOperand(s string, _ bool) (operand, error) {
	t, ok := parseTime(s)
	if !ok {
		return operand{}, fmt.Errorf("%q is not a date such as 2026-01-31T12:00:00Z, nor seconds since 1970", s)
	}
	return operand{time: t}, nil
}

// parseTime reads the W3C forms of ISO 8601 dates, and seconds since 1970.
func parseTime(s string) (time.Time, bool) {
	for _, format := range [...]string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(format, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

func binaryOperand(s string, _ bool) (operand, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return operand{}, fmt.Errorf("%q is not base64", s)
	}
	return operand{pattern: pattern{text: string(b)}}, nil
}

func sameBinary(o *operand, _ Context, given string) bool {
	b, err := base64.StdEncoding.DecodeString(given)
	return err == nil && string(b) == o.text
}

func netOperand(s string, _ bool) (operand, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return operand{net: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return operand{}, fmt.Errorf("%q is not an IP address or a range such as 192.0.2.0/24", s)
	}
	return operand{net: p.Masked()}, nil
}

func inNet(o *operand, _ Context, given string) bool {
	a, err := netip.ParseAddr(given)
	return err == nil && o.net.Contains(a.Unmap().WithZone(""))
}
