package logquery

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"cairn/internal/logquery/needle"
	"cairn/internal/logquery/sqltext"
)

// cidr is an address within a range. Text that is no address, such as the name
// of a service, is in none, and an IPv4 address in no range of IPv6.
type cidr struct{ prefix netip.Prefix }

// InCIDR is passed by addresses, as text, within a range of IPv4 or IPv6.
func InCIDR(p netip.Prefix) Test { return cidr{p.Masked()} }

func (c cidr) holds(v *Value) bool {
	text, ok := v.Text()
	if !ok {
		return false
	}
	a, err := netip.ParseAddr(string(text))
	return err == nil && c.prefix.Contains(a)
}

// start returns what the text of every address begins with. IPv6 addresses can
// be written in many ways.
func (c cidr) start() string {
	if !c.prefix.Addr().Is4() {
		return ""
	}
	octets := strings.SplitAfter(c.prefix.Addr().String(), ".")
	return strings.Join(octets[:c.prefix.Bits()/8], "")
}

func (c cidr) literals() needle.Literals {
	if c.start() == "" {
		return nil
	}
	return needle.Literals{{{Text: c.start(), Start: true, End: c.prefix.IsSingleIP()}}}
}

func (c cidr) sql(x operand) (string, bool) {
	if !c.prefix.Addr().Is4() {
		return x.every(func(text string) string { return "contains(" + text + ", ':')" }), false
	}
	if c.prefix.IsSingleIP() {
		one := glob{parts: [][]byte{[]byte(c.start())}}
		return one.sql(x, false)
	}
	return x.every(func(text string) string {
		where := fmt.Sprintf("regexp_full_match(%s, '%s')", text, c.pattern())
		if from, to, ok := sqltext.PrefixRange(c.start()); ok {
			where = fmt.Sprintf("(%s AND %s >= %s AND %s < %s)", where, text, from, text, to)
		}
		return where
	}), true
}

// pattern is a regular expression for the range's IPv4 addresses.
func (c cidr) pattern() string {
	const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
	var parts []string
	left := c.prefix.Bits()
	for _, b := range c.prefix.Addr().As4() {
		switch {
		case left >= 8:
			parts = append(parts, strconv.Itoa(int(b)))
		case left <= 0:
			parts = append(parts, octet)
		default:
			var some []string
			for n := int(b); n < int(b)+1<<(8-left); n++ {
				some = append(some, strconv.Itoa(n))
			}
			parts = append(parts, "(?:"+strings.Join(some, "|")+")")
		}
		left -= 8
	}
	return strings.Join(parts, `\.`)
}
