package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/policy"
)

// MaxPolicy is the longest bucket policy in bytes.
const MaxPolicy = 20 << 10

// BucketPolicy is a bucket's policy, ready for use.
type BucketPolicy struct {
	// Document is what calls are checked against.
	Document *policy.Document
	// Public is true if the policy grants something to everybody.
	Public bool
}

// ReadPolicy parses the policy put on a bucket. What is wrong is told in a
// MalformedPolicy (400).
func ReadPolicy(bucket string, b []byte) (*BucketPolicy, error) {
	if len(b) > MaxPolicy {
		return nil, awserr.New(http.StatusBadRequest, "PolicyTooLarge", "The policy exceeds the maximum allowed size of %d bytes.", MaxPolicy)
	}
	doc, err := policy.Parse(b)
	if err != nil {
		return nil, malformedPolicy("Policies must be valid JSON and follow the grammar of the policy language: " + err.Error())
	}
	statements, err := readStatements(b)
	if err != nil {
		return nil, malformedPolicy(err.Error())
	}
	p := &BucketPolicy{Document: doc}
	for i := range statements {
		if err := statements[i].check(bucket); err != nil {
			return nil, malformedPolicy(err.Error())
		}
		p.Public = p.Public || statements[i].public()
	}
	return p, nil
}

func malformedPolicy(why string) error {
	return awserr.New(http.StatusBadRequest, "MalformedPolicy", "%s", why)
}

// statement is what bucket policies are checked for beyond the grammar.
type statement struct {
	Effect       string
	Principal    principals
	NotPrincipal principals
	Action       oneOrMany
	NotAction    oneOrMany
	Resource     oneOrMany
	NotResource  oneOrMany
	Condition    map[string]map[string]oneOrMany
}

// oneOrMany is a string, a boolean or number, or a list of them.
type oneOrMany []string

// UnmarshalJSON reads either form.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		*o = append(*o, fmt.Sprint(item))
	}
	return nil
}

// principals are the values of a Principal element by kind; "*" alone is AWS "*".
type principals map[string]oneOrMany

// UnmarshalJSON reads "*" or an object.
func (p *principals) UnmarshalJSON(b []byte) error {
	var all string
	if json.Unmarshal(b, &all) == nil {
		*p = principals{"AWS": {all}}
		return nil
	}
	m := map[string]oneOrMany{}
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*p = m
	return nil
}

func readStatements(b []byte) ([]statement, error) {
	var doc struct{ Statement json.RawMessage }
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	var list []statement
	if err := json.Unmarshal(doc.Statement, &list); err == nil {
		return list, nil
	}
	var one statement
	if err := json.Unmarshal(doc.Statement, &one); err != nil {
		return nil, fmt.Errorf("read Statement: %w", err)
	}
	return []statement{one}, nil
}

// check returns AWS's sentence for what a bucket policy cannot say.
func (s *statement) check(bucket string) error {
	if len(s.Principal) == 0 && len(s.NotPrincipal) == 0 {
		return fmt.Errorf("Missing required field Principal") // AWS's text
	}
	for _, set := range []principals{s.Principal, s.NotPrincipal} {
		for kind, values := range set {
			if slices.ContainsFunc(values, func(v string) bool { return !validPrincipal(kind, v) }) {
				return fmt.Errorf("Invalid principal in policy") // AWS's text
			}
		}
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
			return fmt.Errorf("Policy has invalid action") // AWS's text
		}
	}
	resources := slices.Concat(s.Resource, s.NotResource)
	if len(resources) == 0 {
		return fmt.Errorf("Missing required field Resource") // AWS's text
	}
	for _, r := range resources {
		if !concerns(r, bucket) {
			return fmt.Errorf("Policy has invalid resource") // AWS's text
		}
	}
	return nil
}

func validPrincipal(kind, v string) bool {
	switch kind {
	case "AWS":
		if v == "*" || len(v) == 12 && strings.Trim(v, "0123456789") == "" {
			return true
		}
		a, err := arn.Parse(v)
		if err != nil {
			return isUniqueID(v)
		}
		return (a.Service == "iam" || a.Service == "sts") && len(a.Account) == 12 && !strings.ContainsAny(a.Resource, "*?")
	case "Service":
		return v != "" && !strings.ContainsAny(v, "*? /")
	case "CanonicalUser":
		return len(v) == 64 && strings.Trim(v, "0123456789abcdef") == ""
	case "Federated":
		return v != ""
	}
	return false
}

// isUniqueID reports whether v is the id that AWS writes into a policy in
// place of a user or role that was deleted.
func isUniqueID(v string) bool {
	return len(v) >= 16 && (strings.HasPrefix(v, "AIDA") || strings.HasPrefix(v, "AROA"))
}

// concerns reports whether a Resource names the bucket or objects in it.
func concerns(resource, bucket string) bool {
	name, ok := strings.CutPrefix(resource, "arn:aws:s3:::")
	if !ok {
		return resource == "*"
	}
	name, _, _ = strings.Cut(name, "/")
	return arn.Match(name, bucket)
}

// public reports whether the statement grants something to everybody: it
// allows any principal, and no condition narrows that to fixed callers.
//
// Source: "The meaning of public" in the Amazon S3 User Guide.
func (s *statement) public() bool {
	if s.Effect != "Allow" {
		return false
	}
	if len(s.NotPrincipal) == 0 && !slices.Contains(s.Principal["AWS"], "*") && !slices.Contains(s.Principal["CanonicalUser"], "*") {
		return false
	}
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if narrows(operator, strings.ToLower(key), values) {
				return false
			}
		}
	}
	return true
}

// narrowing are the condition keys whose fixed values make a grant not public.
var narrowing = []string{
	"aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce", "aws:sourceowner", "aws:sourceaccount", "aws:userid",
	"aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:sourceorgid",
	"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointarn", "s3:dataaccesspointaccount",
}

func narrows(operator, key string, values []string) bool {
	operator, quantified := strings.CutPrefix(operator, "ForAnyValue:")
	if strings.HasSuffix(operator, "IfExists") || strings.HasPrefix(operator, "ForAllValues:") || quantified && key == "aws:sourceip" {
		return false // true for callers that have no such key
	}
	if key == "aws:sourceip" {
		return operator == "IpAddress" && !slices.ContainsFunc(values, broad)
	}
	if !slices.Contains(narrowing, key) {
		return false
	}
	switch operator {
	case "StringEquals", "StringEqualsIgnoreCase":
		return !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "${") })
	case "StringLike", "ArnLike", "ArnEquals":
		return !slices.ContainsFunc(values, func(v string) bool { return !fixed(v) })
	}
	return false
}

// fixed reports whether a pattern names one caller, or all resources of one
// account.
func fixed(v string) bool {
	if strings.Contains(v, "${") {
		return false
	}
	if !strings.ContainsAny(v, "*?") {
		return true
	}
	a, err := arn.Parse(v)
	return err == nil && len(a.Account) == 12 && !strings.ContainsAny(a.Account, "*?")
}

// broad reports whether an address range is so wide that AWS counts it as
// everybody: wider than /8, or /32 for IPv6.
func broad(v string) bool {
	p, err := netip.ParsePrefix(v)
	if err != nil {
		_, err := netip.ParseAddr(v)
		return err != nil
	}
	if p.Addr().Is4() {
		return p.Bits() < 8
	}
	return p.Bits() < 32
}

// Principals knows the users and roles that policies name; *identity.Store does.
type Principals interface {
	// PrincipalExists reports whether a policy may name a principal.
	PrincipalExists(principal string) bool
	// BindPrincipals returns a policy as it is kept: with unique ids in place
	// of ARNs. ShowPrincipals turns that round.
	BindPrincipals(text string) string
	ShowPrincipals(text string) string
}

// CheckPrincipals refuses a policy that names users or roles that do not exist.
func CheckPrincipals(d *policy.Document, known Principals) error {
	for _, st := range d.Statements() {
		if st.Principals == nil {
			continue // the policy was read: it names nobody
		}
		for _, p := range st.Principals.AWS {
			if !known.PrincipalExists(p) {
				err := malformedPolicy("Invalid principal in policy")
				if e, ok := errors.AsType[*awserr.Error](err); ok {
					e.Detail = map[string]string{"Detail": `"AWS" : "` + p + `"`}
				}
				return err
			}
		}
	}
	return nil
}

// ExpectOwner refuses a bucket that is not owned by the account a request names;
// none is named by "".
func ExpectOwner(account string, b *Bucket) error {
	if account != "" && account != b.Account {
		return awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied: bucket %s is not owned by the account the request expects.", b.Name)
	}
	return nil
}
