package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The versions of the policy language. Only the newer one has variables.
const (
	version2012 = "2012-10-17"
	version2008 = "2008-10-17"
)

// Parse reads a policy document. It refuses what it does not know: an element,
// operator or principal type that AWS would not accept either would otherwise
// be a rule that silently does not hold. The error says what and where, such
// as "policy document: Statement[1] (Write): unknown element \"Resorce\"".
// Whether the document suits what it is attached to is told by Check.
//
// Source: "Grammar of the IAM JSON policy language" in the IAM User Guide.
func Parse(b []byte) (*Document, error) {
	d, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("policy document: %w", err)
	}
	return d, nil
}

func parse(b []byte) (*Document, error) {
	top, err := readJSON(b)
	if err != nil {
		return nil, err
	}
	if top.kind != isObject {
		return nil, fmt.Errorf("is %s; want an object", top.kind)
	}
	d := &Document{source: string(b), version: version2008}
	var list []node
	for _, m := range top.members {
		switch m.name {
		case "Version":
			if d.version = m.value.text; m.value.kind != isString || (d.version != version2012 && d.version != version2008) {
				return nil, fmt.Errorf("Version is %q; want %q or %q", m.value.text, version2012, version2008)
			}
		case "Id":
			d.id, err = m.value.str("Id")
		case "Statement":
			if list = m.value.items; m.value.kind == isObject {
				list = []node{m.value}
			}
		default:
			err = unknown(m.name)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, errors.New("Statement is missing or empty")
	}
	d.statements = make([]Statement, len(list))
	sids := map[string]bool{}
	for i := range list {
		s := &d.statements[i]
		if err := s.parse(&list[i], d.version == version2012); err != nil {
			return nil, fmt.Errorf("%s: %w", where(i, s.Sid), err)
		}
		if s.Sid != "" && sids[s.Sid] {
			return nil, fmt.Errorf("%s: statement IDs (SID) in a single policy must be unique", where(i, s.Sid))
		}
		sids[s.Sid] = true
	}
	return d, nil
}

func unknown(name string) error { return fmt.Errorf("unknown element %q", name) }

// parse reads one statement. The Sid is read first, so that errors can name it.
func (s *Statement) parse(n *node, variables bool) error {
	if n.kind != isObject {
		return fmt.Errorf("is %s; want an object", n.kind)
	}
	for _, m := range n.members {
		if m.name == "Sid" {
			s.Sid = m.value.text
		}
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		element := strings.TrimPrefix(m.name, "Not")
		if m.name != "Sid" && seen[element] {
			return fmt.Errorf("has both %s and Not%s", element, element)
		}
		seen[element] = true
		if err := s.element(m.name, &m.value, variables); err != nil {
			return err
		}
	}
	switch {
	case !seen["Effect"]:
		return errors.New("missing required field Effect")
	case !seen["Action"]:
		return errors.New("missing required field Action")
	case s.NotPrincipal && s.Allow:
		return errors.New("NotPrincipal may only be used with Effect Deny")
	}
	return nil
}

func (s *Statement) element(name string, v *node, variables bool) (err error) {
	switch name {
	case "Sid":
		s.Sid, err = v.str(name)
	case "Effect":
		if s.Allow = v.text == "Allow"; v.kind != isString || (!s.Allow && v.text != "Deny") {
			return fmt.Errorf("Effect is %q; want \"Allow\" or \"Deny\"", v.text)
		}
	case "Principal", "NotPrincipal":
		s.NotPrincipal = name == "NotPrincipal"
		s.Principals, err = parsePrincipals(name, v)
	case "Action", "NotAction":
		s.NotAction = name == "NotAction"
		if s.Actions, err = v.strings(name); err == nil {
			s.actions, err = compileActions(name, s.Actions)
		}
	case "Resource", "NotResource":
		s.NotResource = name == "NotResource"
		if s.Resources, err = v.strings(name); err == nil {
			s.resources, err = compileResources(name, s.Resources, variables)
		}
	case "Condition":
		s.Conditions, err = parseConditions(v, variables)
	default:
		err = unknown(name)
	}
	return err
}

func compileActions(element string, actions []string) ([]pattern, error) {
	list := make([]pattern, len(actions))
	for i, a := range actions {
		service, operation, ok := strings.Cut(a, ":")
		if a != "*" && (!ok || service == "" || operation == "" || strings.ContainsAny(service, "*?")) {
			return nil, fmt.Errorf("%s %q: actions must be prefaced by a vendor, such as iam or s3", element, a)
		}
		list[i] = compile(strings.ToLower(a), false)
	}
	return list, nil
}

func compileResources(element string, resources []string, variables bool) ([]pattern, error) {
	list := make([]pattern, len(resources))
	for i, r := range resources {
		if r != "*" && !strings.HasPrefix(r, "arn:") {
			return nil, fmt.Errorf("%s %q must be in ARN format or \"*\"", element, r)
		}
		if list[i] = compile(r, variables); list[i].bad != "" {
			return nil, fmt.Errorf("%s %q: %s", element, r, list[i].bad)
		}
	}
	return list, nil
}

// str returns the text of a string.
func (n *node) str(element string) (string, error) {
	if n.kind != isString {
		return "", fmt.Errorf("%s is %s; want a string", element, n.kind)
	}
	return n.text, nil
}

// strings returns the texts of a string or of a list of strings.
func (n *node) strings(element string) ([]string, error) {
	items := n.items
	if n.kind != isList {
		items = []node{*n}
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%s is empty", element)
	}
	out := make([]string, len(items))
	for i := range items {
		s, err := items[i].str(element)
		if err != nil {
			return nil, err
		}
		if s == "" {
			return nil, fmt.Errorf("%s holds an empty string", element)
		}
		out[i] = s
	}
	return out, nil
}

// parsePrincipals reads "*" or {"AWS": ..., "Service": ..., ...}.
func parsePrincipals(element string, v *node) (*Principals, error) {
	p := &Principals{}
	if v.kind == isString && v.text == "*" {
		p.Any = true
		return p, nil
	}
	if v.kind != isObject || len(v.members) == 0 {
		return nil, fmt.Errorf("%s is %s; want \"*\" or an object of AWS, Service, Federated or CanonicalUser", element, v.kind)
	}
	for _, m := range v.members {
		list, err := m.value.strings(element + "." + m.name)
		if err != nil {
			return nil, err
		}
		valid := func(string) bool { return true }
		switch m.name {
		case "AWS":
			p.Any = slices.Contains(list, "*")
			p.AWS, valid = list, validAWS
		case "Service":
			p.Service, valid = list, validService
		case "Federated":
			p.Federated = list
		case "CanonicalUser":
			p.CanonicalUser = list
		default:
			return nil, fmt.Errorf("%s: unknown principal type %q", element, m.name)
		}
		for _, s := range list {
			if !valid(s) {
				return nil, fmt.Errorf("invalid principal in policy: %s.%s %q", element, m.name, s)
			}
		}
	}
	return p, nil
}

// validAWS reports whether s can name accounts, users, roles or sessions.
func validAWS(s string) bool {
	if s == "*" || isAccount(s) || isUniqueID(s) {
		return true
	}
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[3] != "" || !isAccount(parts[4]) || strings.ContainsAny(s, "*?") {
		return false
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch parts[2] {
	case "iam":
		return parts[5] == "root" || (kind == "user" || kind == "role") && name != ""
	case "sts":
		return (kind == "assumed-role" || kind == "federated-user") && name != ""
	}
	return false
}

// validService reports whether s is a service's name, such as
// cloudtrail.amazonaws.com.
func validService(s string) bool {
	return strings.Contains(s, ".") && !strings.ContainsFunc(s, func(r rune) bool {
		return notAlphanumeric(r) && r != '.' && r != '-'
	})
}

// isUniqueID reports whether s can be the unique id of a user or role, which a
// kept policy has in place of the ARN.
func isUniqueID(s string) bool {
	return len(s) == 21 && (strings.HasPrefix(s, "AIDA") || strings.HasPrefix(s, "AROA")) && !strings.ContainsFunc(s, func(r rune) bool {
		return notAlphanumeric(r) || 'a' <= r && r <= 'z'
	})
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}
