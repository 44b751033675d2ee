package logs

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"cairn/internal/arn"
	"cairn/internal/call"
	"cairn/internal/loggroup"
)

const maxName = 512 // characters of the name of a log group or log stream

var groupPattern = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`)

// named returns the log group called name.
func named(c *call.Call, name *string) (place, error) {
	if err := checkName(name, "logGroupName", groupPattern.MatchString, `[\.\-_/#A-Za-z0-9]+`); err != nil {
		return place{}, err
	}
	return place{Ref: loggroup.Ref{Account: c.Account(), Region: c.Region, Name: *name}}, nil
}

// identified returns the log group given by name or by identifier, which is a
// name or an ARN; exactly one of them must be there.
func identified(c *call.Call, name, identifier *string) (place, error) {
	switch {
	case (name == nil) == (identifier == nil):
		return place{}, invalid("Specify either logGroupName or logGroupIdentifier, and not both.")
	case name != nil:
		return named(c, name)
	case strings.HasPrefix(*identifier, "arn:"):
		return fromARN(c, *identifier, "logGroupIdentifier")
	}
	p, err := named(c, identifier)
	if err != nil {
		return place{}, constraint(*identifier, "logGroupIdentifier", "Member must be the name or the ARN of a log group")
	}
	return p, nil
}

// fromARN returns the log group of an ARN without ":*" at its end.
func fromARN(c *call.Call, text, member string) (place, error) {
	a, err := arn.Parse(text)
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	if err != nil || !ok || a.Partition != arn.Partition || a.Service != "logs" || len(name) > maxName || !groupPattern.MatchString(name) {
		return place{}, constraint(text, member, "Member must be the ARN of a log group, without :* at its end")
	}
	if a.Region != c.Region {
		return place{}, invalid("The log group %s is in another region than the call, %s.", text, c.Region)
	}
	return place{Ref: loggroup.Ref{Account: a.Account, Region: a.Region, Name: name}}, nil
}

// in returns the log stream called name in the group.
func (p place) in(name *string) (place, error) {
	if err := checkStream(name, "logStreamName"); err != nil {
		return place{}, err
	}
	p.stream = *name
	return p, nil
}

func checkStream(name *string, member string) error {
	return checkName(name, member, func(s string) bool { return !strings.ContainsAny(s, ":*") }, "[^:*]*")
}

func checkName(name *string, member string, ok func(string) bool, pattern string) error {
	switch {
	case name == nil:
		return invalid("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
	case *name == "":
		return constraint("", member, "Member must have length greater than or equal to 1")
	case utf8.RuneCountInString(*name) > maxName:
		return constraint(*name, member, "Member must have length less than or equal to 512")
	case !ok(*name):
		return constraint(*name, member, "Member must satisfy regular expression pattern: "+pattern)
	}
	return nil
}

// limit returns how many items a caller wants on a page.
func limit(n *int32, most int) (int, error) {
	switch {
	case n == nil:
		return most, nil
	case *n < 1:
		return 0, constraint(*n, "limit", "Member must have value greater than or equal to 1")
	case int(*n) > most:
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to %d", *n, most)
	}
	return int(*n), nil
}
