package logquery_test

import (
	"fmt"
	"regexp"
	"testing"

	"cairn/internal/logquery"
	"cairn/internal/logquery/querytest"
)

var (
	listedName   = regexp.MustCompile(`\(\$\.eventName ?= ?"?(\w+)"?\)`)
	listedSource = regexp.MustCompile(`\$\.eventSource ?= ?([\w.]+)\)`)
)

func TestCIS(t *testing.T) {
	for _, c := range querytest.CIS() {
		p, err := logquery.Parse(c.Pattern)
		if err != nil {
			t.Errorf("%s: Parse(%s): %v", c.ID, c.Pattern, err)
			continue
		}
		if len(c.Yes) == 0 {
			source := "any.amazonaws.com"
			if m := listedSource.FindStringSubmatch(c.Pattern); m != nil {
				source = m[1]
			}
			record := func(source, name string) string {
				return fmt.Sprintf(`{"eventVersion":"1.11","eventSource":%q,"eventName":%q,"requestParameters":{"eventName":"x"}}`, source, name)
			}
			for _, m := range listedName.FindAllStringSubmatch(c.Pattern, -1) {
				c.Yes = append(c.Yes, record(source, m[1]))
				c.No = append(c.No, record(source, m[1]+"s"), record(source, m[1][1:]))
				if source != "any.amazonaws.com" {
					c.No = append(c.No, record("any.amazonaws.com", m[1]))
				}
			}
		}
		if len(c.Yes) == 0 {
			t.Errorf("%s: no message to test %s with", c.ID, c.Pattern)
		}
		for _, m := range c.Yes {
			if !p.Match([]byte(m)) {
				t.Errorf("%s: %s does not match %s", c.ID, c.Pattern, m)
			}
		}
		for _, m := range c.No {
			if p.Match([]byte(m)) {
				t.Errorf("%s: %s matches %s", c.ID, c.Pattern, m)
			}
		}
	}
}
