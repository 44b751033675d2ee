package state

import "strings"

// Keys in the bucket:
//
//	<table> "." <part> "." <part> ...
//
// Each part is escaped on its own: the letters, digits, "-", "_" and "/" stand
// for themselves, every other byte is "=" and two upper-case hex digits. "." and
// "=" therefore never come out of a part, so that different keys have different
// spellings whatever bytes they hold.

// maxKey bounds an escaped key; the server reads subjects into a line of 4 KiB.
const maxKey = 2048

const hexDigits = "0123456789ABCDEF"

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '/'
}

// appendKey appends the escaped parts, each preceded by a dot except the first
// thing in dst. It returns nil if there are no parts or one is empty.
func appendKey(dst []byte, parts []string) []byte {
	if len(parts) == 0 {
		return nil
	}
	for _, p := range parts {
		if p == "" {
			return nil
		}
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		for i := range len(p) {
			if c := p[i]; plain(c) {
				dst = append(dst, c)
			} else {
				dst = append(dst, '=', hexDigits[c>>4], hexDigits[c&0xf])
			}
		}
	}
	return dst
}

// parseKey undoes appendKey. It reports false for anything appendKey does not
// write, so that one row cannot have two spellings.
func parseKey(s string) ([]string, bool) {
	if s == "" {
		return nil, false
	}
	var parts []string
	for field := range strings.SplitSeq(s, ".") {
		p, ok := parsePart(field)
		if !ok {
			return nil, false
		}
		parts = append(parts, p)
	}
	return parts, true
}

func parsePart(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '=' {
			if !plain(c) {
				return "", false
			}
			b = append(b, c)
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, s[i+1]), strings.IndexByte(hexDigits, s[i+2])
		if hi < 0 || lo < 0 || plain(byte(hi<<4|lo)) {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	return string(b), len(b) > 0
}
