package logquery

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Search is what the flags of a search mean. A record must fulfil every kind of
// flag that is given; of several values of one kind, one is enough.
//
// A value that begins with ! is one the record must not have: Names {"Get*",
// "!GetObject"} means the names that begin with Get, but not GetObject. A value
// that really begins with ! is written \!.
//
// Text is compared exactly and case counts. In values, but not in Texts and
// Regexps, * stands for any run of characters.
type Search struct {
	// From and To bound eventTime: From is included, To is not. Zero is no bound.
	From, To time.Time
	// Accounts are those that got the record (recipientAccountId).
	Accounts []string
	// Regions are those of the call (awsRegion).
	Regions []string
	// Names are operations (eventName).
	Names []string
	// Sources are services (eventSource); "s3" stands for s3.amazonaws.com.
	Sources []string
	// Users are callers: the ARN of a user, session or role, the name of an IAM
	// user, the name of a role session, or root.
	Users []string
	// Keys are access keys that signed the call (userIdentity.accessKeyId).
	Keys []string
	// Roles are roles whose sessions called: ARN or name of the role.
	Roles []string
	// Sessions are names of role sessions.
	Sessions []string
	// IPs are addresses (sourceIPAddress), ranges such as 10.0.0.0/8 or
	// 2001:db8::/32, or names of services that called.
	IPs []string
	// Errors are codes (errorCode).
	Errors []string
	// Resources are ARNs, looked for in the record's resources and as direct
	// members of requestParameters; or names: the last part of such an ARN, or a
	// direct member of requestParameters, such as a bucket's or key's name.
	Resources []string
	// RequestIDs and EventIDs are what the record's members of that name say.
	RequestIDs, EventIDs []string
	// ReadOnly asks for records whose readOnly is so.
	ReadOnly *bool
	// Failed asks for records with an errorCode or, as failed sign-ins have, an
	// errorMessage alone.
	Failed bool
	// Fields are PATH=VALUE or PATH!=VALUE, such as userIdentity.type=Root (see
	// Field). Those with the same path count as values of one kind.
	Fields []string
	// Patterns are CloudWatch Logs filter patterns.
	Patterns []string
	// Texts are looked for anywhere in the record, as it is written (Text).
	Texts []string
	// Regexps are looked for anywhere in the record (Regexp).
	Regexps []string
}

// Paths that several flags ask for.
const (
	principalPath  = "userIdentity.principalId"
	userARNPath    = "userIdentity.arn"
	issuerARNPath  = "userIdentity.sessionContext.sessionIssuer.arn"
	issuerNamePath = "userIdentity.sessionContext.sessionIssuer.userName"
)

// Expr returns the condition the search means; one without flags is true of
// every record. The error names the value that cannot be read.
func (s *Search) Expr() (Expr, error) {
	var parts []Expr
	if !s.From.IsZero() {
		parts = append(parts, Field("eventTime", From(s.From)))
	}
	if !s.To.IsZero() {
		if !s.To.After(s.From) {
			return nil, fmt.Errorf("search from %s to %s: the end is not after the start", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339))
		}
		parts = append(parts, Field("eventTime", Before(s.To)))
	}
	if s.ReadOnly != nil {
		parts = append(parts, Field("readOnly", Equal(fmt.Sprint(*s.ReadOnly))))
	}
	if s.Failed {
		parts = append(parts, Any(Field("errorCode", Glob("*")), Field("errorMessage", Glob("*"))))
	}
	for _, flag := range s.kinds() {
		e, err := oneOf(flag.values, flag.expr)
		if err != nil {
			return nil, fmt.Errorf("search for %s %w", flag.what, err)
		}
		parts = append(parts, e)
	}
	fields, err := s.fields()
	if err != nil {
		return nil, fmt.Errorf("search for field %w", err)
	}
	return All(append(parts, fields)...), nil
}

// kind is a kind of flag: its values, and the condition each means.
type kindOfFlag struct {
	what   string
	values []string
	expr   func(value string) (Expr, error)
}

func (s *Search) kinds() []kindOfFlag {
	at := func(path string) func(string) (Expr, error) {
		return func(v string) (Expr, error) { return Field(path, Glob(v)), nil }
	}
	return []kindOfFlag{
		{"event id", s.EventIDs, at("eventID")},
		{"request id", s.RequestIDs, at("requestID")},
		{"access key", s.Keys, at("userIdentity.accessKeyId")},
		{"user", s.Users, userExpr},
		{"session", s.Sessions, sessionExpr},
		{"role", s.Roles, roleExpr},
		{"address", s.IPs, addressExpr},
		{"resource", s.Resources, resourceExpr},
		{"event name", s.Names, at("eventName")},
		{"event source", s.Sources, sourceExpr},
		{"error code", s.Errors, at("errorCode")},
		{"account", s.Accounts, at("recipientAccountId")},
		{"region", s.Regions, at("awsRegion")},
		{"pattern", s.Patterns, patternExpr},
		{"text", s.Texts, func(v string) (Expr, error) { return Text(v), nil }},
		{"regular expression", s.Regexps, Regexp},
	}
}

// oneOf joins what the values of a kind of flag mean.
func oneOf(values []string, expr func(string) (Expr, error)) (Expr, error) {
	var want, avoid []Expr
	for _, v := range values {
		into := &want
		if rest, ok := strings.CutPrefix(v, "!"); ok {
			v, into = rest, &avoid
		} else if strings.HasPrefix(v, `\!`) {
			v = v[1:]
		}
		if v == "" {
			return nil, errors.New(`"": the value is empty; leave the flag out, or give * for any`)
		}
		e, err := expr(v)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", v, err)
		}
		*into = append(*into, e)
	}
	var parts []Expr
	if len(want) > 0 {
		parts = append(parts, Any(want...))
	}
	if len(avoid) > 0 {
		parts = append(parts, Not(Any(avoid...)))
	}
	return All(parts...), nil
}

// userExpr: names of sessions stand behind a colon in principalId, and those of
// federated users too.
func userExpr(v string) (Expr, error) {
	switch {
	case strings.HasPrefix(v, "arn:"):
		return Any(Field(userARNPath, Glob(v)), Field(issuerARNPath, Glob(v))), nil
	case v == "root":
		return Field("userIdentity.type", Equal("Root")), nil
	}
	return Any(Field("userIdentity.userName", Glob(v)), Field(principalPath, Glob("*:"+v))), nil
}

func sessionExpr(v string) (Expr, error) {
	return Field(userARNPath, Glob("arn:*:sts::*:assumed-role/*/"+v)), nil
}

func roleExpr(v string) (Expr, error) {
	if strings.HasPrefix(v, "arn:") {
		return Field(issuerARNPath, Glob(v)), nil
	}
	return Field(issuerNamePath, Glob(v)), nil
}

// addressExpr: an IPv6 address is compared as one, since it can be written in
// several ways.
func addressExpr(v string) (Expr, error) {
	const path = "sourceIPAddress"
	if strings.Contains(v, "/") {
		p, err := netip.ParsePrefix(v)
		if err != nil {
			return nil, errors.New("it is no range such as 10.0.0.0/8 or 2001:db8::/32")
		}
		return Field(path, InCIDR(p)), nil
	}
	a, err := netip.ParseAddr(v)
	if err == nil && a.Is6() && a.Zone() == "" {
		return Field(path, InCIDR(netip.PrefixFrom(a, a.BitLen()))), nil
	}
	if err != nil && strings.Trim(v, "0123456789.") == "" { // nor a service's name
		return nil, errors.New("it is no whole address; write 10.0.0.* or 10.0.0.0/24 for more than one")
	}
	return Field(path, Glob(v)), nil
}

func sourceExpr(v string) (Expr, error) {
	if !strings.ContainsAny(v, ".*") {
		v += ".amazonaws.com"
	}
	return Field("eventSource", Glob(v)), nil
}

func resourceExpr(v string) (Expr, error) {
	given := Field("requestParameters.*", Glob(v))
	if strings.HasPrefix(v, "arn:") {
		return Any(Field("resources[*].ARN", Glob(v)), Field("resources[*].ARNPrefix", Glob(v)), given), nil
	}
	return Any(Field("resources[*].ARN", Glob("*/"+v)), Field("resources[*].ARN", Glob("*:"+v)), given), nil
}

func patternExpr(v string) (Expr, error) {
	p, err := Parse(v)
	if err != nil {
		return nil, err
	}
	return p.Expr(), nil
}

// fields joins what Fields mean: those of one path like values of one flag.
func (s *Search) fields() (Expr, error) {
	var order []string
	values := map[string][]string{}
	for _, f := range s.Fields {
		path, value, err := splitField(f)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", f, err)
		}
		if _, ok := values[path]; !ok {
			order = append(order, path)
		}
		values[path] = append(values[path], value)
	}
	var parts []Expr
	for _, path := range order {
		e, err := oneOf(values[path], func(v string) (Expr, error) { return Field(path, Glob(v)), nil })
		if err != nil {
			return nil, fmt.Errorf("%s=%w", path, err)
		}
		parts = append(parts, e)
	}
	return All(parts...), nil
}

// splitField takes PATH=VALUE or PATH!=VALUE apart; the value of the latter is
// returned with ! before it.
func splitField(f string) (path, value string, err error) {
	i := 0
	for i < len(f) && f[i] != '=' {
		if name, ok := strings.CutPrefix(f[i:], "['"); ok { // a name may have = in it
			i += max(strings.Index(name, "']"), 0) + len("['")
			continue
		}
		i++
	}
	if i == len(f) {
		return "", "", errors.New("write it as PATH=VALUE or PATH!=VALUE, such as userIdentity.type=Root")
	}
	path, value = f[:i], f[i+1:]
	if p, ok := strings.CutSuffix(path, "!"); ok {
		path, value = p, "!"+strings.TrimPrefix(value, `\`)
	}
	return path, value, CheckPath(path)
}
