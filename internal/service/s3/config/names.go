package config

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// bucketName is the rule of names without its exceptions.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ValidBucket says why a name cannot be a bucket's, or returns nil.
//
// Source: "General purpose bucket naming rules" in the Amazon S3 User Guide.
func ValidBucket(name string) error {
	switch {
	case !bucketName.MatchString(name):
		return errors.New("names have 3 to 63 characters: lower-case letters, digits, dots and hyphens, and begin and end with a letter or digit")
	case strings.Contains(name, ".."):
		return errors.New("names do not hold two dots in a row")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return errors.New("names are not IP addresses")
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, p) {
			return errors.New("names that begin with " + p + " are reserved")
		}
	}
	for _, p := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, p) {
			return errors.New("names that end with " + p + " are reserved")
		}
	}
	return nil
}

// ValidKey says why a key cannot be stored, or returns nil. Keys are paths in
// a file system, so beyond S3's own limit of 1,024 bytes those are refused
// that name the same file as another key would: with empty, "." or ".."
// segments. Otherwise a policy about one spelling would not hold for the other.
// So are those with characters that XML has not: listings would show them under
// another name, and nobody would find the object.
func ValidKey(key string) error {
	if len(key) > 1024 {
		return errors.New("keys have at most 1024 bytes")
	}
	if !utf8.ValidString(key) {
		return errors.New("keys are UTF-8") // others could not be told apart in listings and records
	}
	if strings.ContainsFunc(key, notXML) {
		return errors.New("keys do not hold control characters, nor others that XML has not")
	}
	segments := strings.Split(strings.TrimSuffix(key, "/"), "/")
	if segments[0] == reservedFolder {
		return errors.New("keys below " + reservedFolder + "/ are reserved")
	}
	for _, s := range segments {
		if s == "" || s == "." || s == ".." {
			return errors.New("keys with empty, \".\" or \"..\" segments cannot be kept")
		}
		if len(s) > 255 {
			return errors.New("keys have at most 255 bytes between two slashes") // as names in file systems
		}
	}
	return nil
}

// notXML reports whether a character cannot stand in XML 1.0 (section 2.2).
func notXML(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
}

// reservedFolder is where the object store keeps unfinished uploads, inside
// the bucket's folder.
const reservedFolder = ".sgwtmp"
