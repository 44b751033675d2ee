package home

import (
	"errors"
	"testing"
)

// TestIdentity tells sources apart that have the same name.
func TestIdentity(t *testing.T) {
	none := func(string) string { return "" }
	here := func(name string) string {
		if name == "AWS_ENDPOINT_URL" {
			return "http://127.0.0.1:4566/"
		}
		return ""
	}
	for _, c := range []struct {
		where, want string
		env         func(string) string
	}{
		{"s3://b/p/", "s3://b/p", none},
		{"s3://b/p", "s3://b/p at http://127.0.0.1:4566", here},
	} {
		if got, err := Identity(c.where, c.env); err != nil || got != c.want {
			t.Errorf("%s is %s, %v", c.where, got, err)
		}
	}
	a, errA := DefaultDir("s3://b/p", func(string) string { return "/base" })
	b, errB := DefaultDir("s3://b_p", func(string) string { return "/base" })
	if err := errors.Join(errA, errB); err != nil || a == b {
		t.Errorf("%s and %s, %v", a, b, err)
	}
}
