package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// schema says what an element may hold. Order of elements is free, as S3
// accepts it.
type schema struct {
	name     string
	kids     []schema
	required bool
	repeated bool
	// valid checks the text of an element without kids.
	valid func(string) error
}

// check returns the first thing in n that s does not allow.
func (s *schema) check(n *Node) error {
	if s.valid != nil {
		if len(n.Kids) > 0 {
			return fmt.Errorf("element %s must hold text", n.Name)
		}
		if err := s.valid(n.Text); err != nil {
			return fmt.Errorf("element %s: %w", n.Name, err)
		}
		return nil
	}
	if len(n.Kids) == 0 && trimmed(n.Text) != "" {
		return fmt.Errorf("element %s must hold elements", n.Name)
	}
	for _, k := range n.Kids {
		i := slices.IndexFunc(s.kids, func(c schema) bool { return c.name == k.Name })
		if i < 0 {
			return fmt.Errorf("element %s is unknown in %s", k.Name, n.Name)
		}
		if err := s.kids[i].check(k); err != nil {
			return err
		}
	}
	for i := range s.kids {
		c := &s.kids[i]
		switch count := len(n.All(c.name)); {
		case count == 0 && c.required:
			return fmt.Errorf("element %s is missing in %s", c.name, n.Name)
		case count > 1 && !c.repeated:
			return fmt.Errorf("element %s is given more than once in %s", c.name, n.Name)
		}
	}
	return nil
}

func trimmed(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\n' || s[0] == '\t' || s[0] == '\r') {
		s = s[1:]
	}
	return s
}

// The builders below read as the documents do.

func el(name string, kids ...schema) schema { return schema{name: name, kids: kids} }

func need(s schema) schema { s.required = true; return s }

func many(s schema) schema { s.repeated = true; return s }

func text(name string) schema {
	return schema{name: name, valid: func(string) error { return nil }}
}

func enum(name string, values ...string) schema {
	return schema{name: name, valid: func(v string) error {
		if !slices.Contains(values, v) {
			return fmt.Errorf("value %q is not one of %q", v, values)
		}
		return nil
	}}
}

func flag(name string) schema {
	return schema{name: name, valid: func(v string) error {
		if !slices.Contains([]string{"true", "false", "TRUE", "FALSE", "True", "False"}, v) {
			return fmt.Errorf("value %q is not true or false", v)
		}
		return nil
	}}
}

func number(name string, least int64) schema {
	return schema{name: name, valid: func(v string) error {
		if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < least {
			return fmt.Errorf("value %q is not a number of at least %d", v, least)
		}
		return nil
	}}
}

func date(name string) schema {
	return schema{name: name, valid: func(v string) error {
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return fmt.Errorf("value %q is not an ISO 8601 date", v)
		}
		return nil
	}}
}
