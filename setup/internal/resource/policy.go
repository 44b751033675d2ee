package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Policy is the JSON text of a policy document. Two policies are the same if
// they mean the same: AWS and Terraform both store documents in another order
// and with other brackets than they were given.
type Policy string

// Same reports whether p and o allow and deny the same, as far as the text
// tells: the order of statements, actions, resources and values does not
// matter, nor whether one value stands alone or in a list.
func (p Policy) Same(o Policy) bool {
	if p == o {
		return true
	}
	a, errA := p.canonical()
	b, errB := o.canonical()
	return errA == nil && errB == nil && a == b
}

// Pretty returns the document over several lines, members sorted, and lists
// of one element as that element alone: so documents that differ in their
// brackets only look the same.
func (p Policy) Pretty() string {
	var doc any
	if json.Unmarshal([]byte(p), &doc) != nil {
		return string(p)
	}
	if m, ok := doc.(map[string]any); ok {
		for _, s := range list(m["Statement"]) {
			unwrap(s)
		}
	}
	return pretty(doc)
}

// Pretty returns the value over several lines.
func (j JSON) Pretty() string {
	var doc any
	if json.Unmarshal([]byte(j), &doc) != nil {
		return string(j)
	}
	return pretty(doc)
}

// unwrap takes single elements out of the lists inside a statement.
func unwrap(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for name, member := range m {
		if l, ok := member.([]any); ok && len(l) == 1 {
			m[name] = l[0]
		}
		unwrap(member)
	}
}

func pretty(doc any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil { // it was JSON a moment ago
		panic(fmt.Sprintf("resource: marshal %v: %v", doc, err))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (p Policy) canonical() (string, error) {
	var doc map[string]any
	if err := json.Unmarshal([]byte(p), &doc); err != nil {
		return "", fmt.Errorf("read policy document: %w", err)
	}
	var statements []string
	for _, s := range list(doc["Statement"]) {
		m, ok := s.(map[string]any)
		if !ok {
			return "", fmt.Errorf("read policy document: statement %v is not an object", s)
		}
		text, err := json.Marshal(canonicalStatement(m))
		if err != nil {
			return "", fmt.Errorf("write policy statement: %w", err)
		}
		statements = append(statements, string(text))
	}
	slices.Sort(statements)
	return fmt.Sprintf("%v\n%v\n%s", doc["Version"], doc["Id"], strings.Join(statements, "\n")), nil
}

func canonicalStatement(m map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range m {
		switch name {
		case "Sid":
			if v != "" {
				out[name] = v
			}
		case "Principal", "NotPrincipal":
			out[name] = canonicalPrincipal(v)
		case "Condition":
			out[name] = canonicalCondition(v)
		case "Action", "NotAction":
			out[name] = texts(v, strings.ToLower)
		case "Resource", "NotResource":
			out[name] = texts(v, nil)
		default:
			out[name] = v
		}
	}
	return out
}

// canonicalPrincipal writes "*" and {"AWS": "*"} alike: they mean the same.
func canonicalPrincipal(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return map[string]any{"AWS": texts(v, nil)}
	}
	out := map[string]any{}
	for kind, who := range m {
		out[kind] = texts(who, nil)
	}
	return out
}

func canonicalCondition(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	out := map[string]any{}
	for op, keys := range m {
		km, ok := keys.(map[string]any)
		if !ok {
			out[op] = keys
			continue
		}
		ko := map[string]any{}
		for key, values := range km {
			ko[strings.ToLower(key)] = texts(values, nil)
		}
		out[op] = ko
	}
	return out
}

// texts returns one value or a list of them as a sorted list of strings
// without repetitions.
func texts(v any, change func(string) string) []string {
	var out []string
	for _, e := range list(v) {
		s := fmt.Sprint(e)
		if change != nil {
			s = change(s)
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}
