// Package home tells where the index of a source is kept.
package home

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Identity is the name by which a source is known: an absolute path, or a URL,
// with the endpoint of the S3 it is in if it is not Amazon's.
func Identity(where string, getenv func(string) string) (string, error) {
	if strings.HasPrefix(where, "s3://") {
		where = strings.TrimRight(where, "/")
		for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
			if endpoint := getenv(name); endpoint != "" {
				return where + " at " + strings.TrimRight(endpoint, "/"), nil
			}
		}
		return where, nil
	}
	path, err := filepath.Abs(where)
	if err != nil {
		return "", fmt.Errorf("find out what %s is: %w", where, err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path, nil
}

// DefaultDir returns where the index of a source is kept unless it is told
// otherwise: $CAIRN_INDEX, or else cairn/index in the user's cache folder
// ($XDG_CACHE_HOME, or ~/.cache), in a folder named after the source.
func DefaultDir(identity string, getenv func(string) string) (string, error) {
	base := getenv("CAIRN_INDEX")
	if base == "" {
		cache := getenv("XDG_CACHE_HOME")
		if cache == "" {
			var err error
			if cache, err = os.UserCacheDir(); err != nil {
				return "", fmt.Errorf("find the folder of indexes: %w; say where it is with --to or CAIRN_INDEX", err)
			}
		}
		base = filepath.Join(cache, "cairn", "index")
	}
	sum := sha256.Sum256([]byte(identity))
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, strings.TrimPrefix(identity, "s3://"))
	if len(name) > 40 {
		name = name[len(name)-40:]
	}
	return filepath.Join(base, fmt.Sprintf("%s-%x", strings.Trim(name, "_."), sum[:6])), nil
}
