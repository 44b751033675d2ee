package oidc

import (
	"errors"
	"net/url"
	"strings"
)

// errIssuer says what an issuer has to look like.
var errIssuer = errors.New("it has to begin with https:// and may have a path, but no port, query or fragment")

// CheckIssuer looks at the URL of an issuer: https, a host without a port, and a
// path without escapes, so that it has one spelling.
//
// Source: CreateOpenIDConnectProvider in the IAM API Reference.
func CheckIssuer(text string) error {
	rest, ok := strings.CutPrefix(text, "https://")
	u, err := url.Parse(text)
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"<>\\^`{|}%", r) }
	if !ok || err != nil || u.Host == "" || u.User != nil || strings.Contains(u.Host, ":") || strings.ContainsAny(rest, "?#") || strings.ContainsFunc(rest, odd) {
		return errIssuer
	}
	return nil
}
