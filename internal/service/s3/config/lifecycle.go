package config

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"time"
)

// maxRules is how many rules a lifecycle configuration can have.
const maxRules = 1000

// NameRules gives rules without an id one, as S3 does.
func NameRules(doc *Node) {
	for _, rule := range doc.All("Rule") {
		if rule.At("ID") == "" {
			var kept []*Node
			for _, k := range rule.Kids {
				if k.Name != "ID" {
					kept = append(kept, k)
				}
			}
			rule.Kids = append([]*Node{Leaf("ID", rand.Text())}, kept...)
		}
	}
}

// checkLifecycle checks what the schema of a lifecycle configuration cannot say.
//
// Source: "Lifecycle configuration elements" in the Amazon S3 User Guide.
func checkLifecycle(n *Node) error {
	rules := n.All("Rule")
	if len(rules) > maxRules {
		return fmt.Errorf("%d rules are more than the %d a bucket can have", len(rules), maxRules)
	}
	seen := map[string]bool{}
	for _, rule := range rules {
		id := rule.At("ID")
		switch {
		case len(id) > 255:
			return fmt.Errorf("rule id %q is longer than 255 characters", id)
		case id != "" && seen[id]:
			return fmt.Errorf("rule id %q is given more than once", id)
		}
		seen[id] = true
		for _, check := range []func(*Node) error{checkShape, checkExpiration, checkNoncurrent, checkTransitions} {
			if err := check(rule); err != nil {
				return fmt.Errorf("rule %q: %w", id, err)
			}
		}
	}
	return nil
}

// actions are the elements of a rule that do something.
var actions = []string{
	"Transition", "Expiration", "NoncurrentVersionTransition", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload",
}

// checkShape checks what a rule is about, and that it does something.
func checkShape(rule *Node) error {
	does := false
	for _, a := range actions {
		does = does || rule.Find(a) != nil
	}
	filter := rule.Find("Filter")
	switch {
	case (filter == nil) == (rule.Find("Prefix") == nil):
		return fmt.Errorf("it must hold either Filter or Prefix")
	case !does:
		return fmt.Errorf("it has no action")
	case filter != nil && len(filter.Kids) > 1:
		return fmt.Errorf("a filter must hold one condition; join several with And")
	case !narrow(rule):
		return nil
	case rule.Find("AbortIncompleteMultipartUpload") != nil:
		return fmt.Errorf("AbortIncompleteMultipartUpload cannot be specified with tags or sizes, which uploads do not have")
	case rule.Find("Expiration", "ExpiredObjectDeleteMarker") != nil:
		return fmt.Errorf("ExpiredObjectDeleteMarker cannot be specified with tags or sizes, which delete markers do not have")
	}
	return nil
}

// narrow reports whether a rule's filter asks for tags or sizes.
func narrow(rule *Node) bool {
	for _, f := range []*Node{rule.Find("Filter"), rule.Find("Filter", "And")} {
		if f.Find("Tag") != nil || f.Find("ObjectSizeGreaterThan") != nil || f.Find("ObjectSizeLessThan") != nil {
			return true
		}
	}
	return false
}

func checkExpiration(rule *Node) error {
	e := rule.Find("Expiration")
	if e == nil {
		return nil
	}
	if len(e.Kids) != 1 {
		return fmt.Errorf("an expiration must hold one of Days, Date and ExpiredObjectDeleteMarker")
	}
	return midnight(e)
}

// midnight refuses dates with a time of day.
func midnight(n *Node) error {
	text := n.At("Date")
	if text == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return err
	}
	if !at.Equal(at.UTC().Truncate(24 * time.Hour)) {
		return fmt.Errorf("'Date' must be at midnight GMT")
	}
	return nil
}

func checkNoncurrent(rule *Node) error {
	n := rule.Find("NoncurrentVersionExpiration")
	if n == nil {
		return nil
	}
	if n.Find("NoncurrentDays") == nil {
		return fmt.Errorf("'NoncurrentDays' must be given in NoncurrentVersionExpiration")
	}
	return atMost(n, "NewerNoncurrentVersions", 100)
}

func checkTransitions(rule *Node) error {
	last, _ := strconv.Atoi(rule.At("Expiration", "Days")) // 0 if there is none
	for _, t := range rule.All("Transition") {
		if (t.Find("Days") == nil) == (t.Find("Date") == nil) {
			return fmt.Errorf("a transition must hold either Days or Date")
		}
		if err := midnight(t); err != nil {
			return err
		}
		if days, _ := strconv.Atoi(t.At("Days")); last > 0 && days >= last {
			return fmt.Errorf("'Days' in the Expiration action must be greater than 'Days' in the Transition action")
		}
	}
	for _, t := range rule.All("NoncurrentVersionTransition") {
		if err := atMost(t, "NewerNoncurrentVersions", 100); err != nil {
			return err
		}
	}
	return nil
}

func atMost(n *Node, name string, most int) error {
	if v, _ := strconv.Atoi(n.At(name)); v > most {
		return fmt.Errorf("%s is %d, more than %d", name, v, most)
	}
	return nil
}
