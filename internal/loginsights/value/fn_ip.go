package value

import "net/netip"

// ipFunctions are the functions on IP addresses. An address that is none lies
// in no subnet; a missing one gives no value.
var ipFunctions = []Function{
	{Name: "isValidIp", Least: 1, Most: 1, Call: onIP(netip.Addr.IsValid)},
	{Name: "isValidIpV4", Least: 1, Most: 1, Call: onIP(netip.Addr.Is4)},
	{Name: "isValidIpV6", Least: 1, Most: 1, Call: onIP(netip.Addr.Is6)},
	{Name: "isIpInSubnet", Least: 2, Most: 2, Check: checkSubnet, Call: inSubnet(netip.Addr.IsValid)},
	{Name: "isIpv4InSubnet", Least: 2, Most: 2, Check: checkSubnet, Call: inSubnet(netip.Addr.Is4)},
	{Name: "isIpv6InSubnet", Least: 2, Most: 2, Check: checkSubnet, Call: inSubnet(netip.Addr.Is6)},
}

func onIP(is func(netip.Addr) bool) func([]Value) Value {
	return onTexts(func(args []string) Value {
		a, err := netip.ParseAddr(args[0])
		return OfBool(err == nil && is(a))
	})
}

func inSubnet(is func(netip.Addr) bool) func([]Value) Value {
	return onTexts(func(args []string) Value {
		a, err := netip.ParseAddr(args[0])
		if err != nil || !is(a) {
			return OfBool(false)
		}
		subnet, err := netip.ParsePrefix(args[1])
		return OfBool(err == nil && subnet.Contains(a))
	})
}

// checkSubnet refuses a subnet that is written in the query and is none.
func checkSubnet(i int, v Value) string {
	if i != 1 {
		return ""
	}
	if _, err := netip.ParsePrefix(v.Text()); err != nil {
		return `takes an address and a subnet such as "10.0.0.0/8" or "2001:db8::/32"`
	}
	return ""
}
