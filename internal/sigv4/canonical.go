package sigv4

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// canonicalRequest appends the canonical form of a request: method, path,
// query, headers, the list of their names, and the payload's hash.
func canonicalRequest(b []byte, s *Request, r *http.Request, canonicalPath, payloadHash string) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = append(b, canonicalPath...)
	b = append(b, '\n')
	b = appendQuery(b, r.URL.RawQuery)
	b = append(b, '\n')
	for _, name := range s.SignedHeaders {
		b = append(b, name...)
		b = append(b, ':')
		for i, v := range headerValues(r, name) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendTrimmed(b, v)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.SignedHeaders {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, payloadHash...)
}

// canonicalPaths returns the forms a path may have been signed in, the usual
// one first.
//
// S3 signs the path encoded once, as it is sent; a client that sends fewer
// escapes than the rules ask for signs the full ones. Other services encode
// what is sent once more, after removing dots and double slashes, which not
// every signer does. All forms stand for the same path, so a match of any is
// as good.
func canonicalPaths(f Family, r *http.Request) (first, second string) {
	sent := sentPath(r)
	if f == S3 {
		return sent, encode(sent, true, true)
	}
	clean := path.Clean(sent)
	if clean != "/" && strings.HasSuffix(sent, "/") {
		clean += "/"
	}
	return encode(clean, true, false), encode(sent, true, false)
}

// sentPath returns the path as it was on the wire.
func sentPath(r *http.Request) string {
	p := r.RequestURI
	if !strings.HasPrefix(p, "/") { // no server's request, or an absolute form
		p = r.URL.EscapedPath()
	}
	p, _, _ = strings.Cut(p, "?")
	if p == "" {
		return "/"
	}
	return p
}

// appendQuery appends the canonical query: every name and value encoded, sorted
// by name, then value, without the signature itself.
func appendQuery(b []byte, raw string) []byte {
	if raw == "" {
		return b
	}
	type pair struct{ k, v string }
	var few [24]pair
	pairs := few[:0]
	for raw != "" {
		var part string
		part, raw, _ = strings.Cut(raw, "&")
		if part == "" {
			continue
		}
		k, v, _ := strings.Cut(part, "=")
		if k = canonicalWord(k); k != "X-Amz-Signature" {
			pairs = append(pairs, pair{k, canonicalWord(v)})
		}
	}
	slices.SortFunc(pairs, func(x, y pair) int {
		if c := strings.Compare(x.k, y.k); c != 0 {
			return c
		}
		return strings.Compare(x.v, y.v)
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.k...)
		b = append(b, '=')
		b = append(b, p.v...)
	}
	return b
}

// canonicalWord brings a name or value of a query into its canonical encoding.
func canonicalWord(s string) string {
	for i := range len(s) {
		if !unreserved(s[i]) {
			return encode(unescape(s), false, false)
		}
	}
	return s
}

// unescape decodes a query's word the way the handlers will read it; what
// cannot be decoded stays.
func unescape(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// encode escapes all but A-Z a-z 0-9 - . _ ~ and, if asked, keeps slashes and
// takes escapes that are already there for what they stand for.
func encode(s string, keepSlash, keepEscapes bool) string {
	const digits = "0123456789ABCDEF"
	plain := func(c byte) bool { return unreserved(c) || (keepSlash && c == '/') }
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	b := append(make([]byte, 0, len(s)+16), s[:i]...)
	for ; i < len(s); i++ {
		c, escaped := s[i], false
		if keepEscapes && c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, escaped = byte(v), true
				i += 2
			}
		}
		if unreserved(c) || (!escaped && plain(c)) {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// appendTrimmed appends a header's value without white space around it and
// with runs of spaces inside made one.
func appendTrimmed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	for i := range len(v) {
		if v[i] == ' ' && i > 0 && v[i-1] == ' ' {
			continue
		}
		b = append(b, v[i])
	}
	return b
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
