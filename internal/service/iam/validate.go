package iam

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/identity"
	"cairn/internal/policy"
)

// Limits, in characters. Source: "IAM and AWS STS quotas" in the IAM User Guide.
const (
	maxPolicyName  = 128
	maxPath        = 512
	maxDescription = 1000
	maxTags        = 50
	maxTagKey      = 128
	maxTagValue    = 256

	maxManagedSize = 6144
	maxTrustSize   = 2048
	maxAttached    = 10
	maxVersions    = 5
	maxKeys        = 2
)

// maxName and maxInline are the limits of names and of the sum of inline
// policies by kind of entity.
var (
	maxName   = map[string]int{"user": 64, "role": 64}
	maxInline = map[string]int{"user": 2048, "role": 10240}
)

var (
	nameChars = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathChars = regexp.MustCompile(`^/([\x21-\x7e]*/)?$`)
	aliasForm = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9])*$`)
	keyIDForm = regexp.MustCompile(`^\w{16,128}$`)
)

// checkName checks a required name: member is as the API spells it.
func checkName(member string, name *string, limit int) error {
	if err := required(member, name); err != nil {
		return err
	}
	if err := atMost(member, *name, limit); err != nil {
		return err
	}
	if !nameChars.MatchString(*name) {
		return validation("The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", member)
	}
	return nil
}

func required(member string, v *string) error {
	if v == nil {
		return validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
	}
	if *v == "" {
		return validation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", member)
	}
	return nil
}

func atMost(member, v string, limit int) error {
	if utf8.RuneCountInString(v) > limit {
		return validation("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", member, limit)
	}
	return nil
}

// checkPath returns the path, "/" if there is none.
func checkPath(path *string) (string, error) {
	if path == nil {
		return "/", nil
	}
	if err := atMost("path", *path, maxPath); err != nil {
		return "", err
	}
	if !pathChars.MatchString(*path) {
		return "", validation("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return *path, nil
}

// checkDescription returns the description; absent and empty are the same.
func checkDescription(d *string) (string, error) {
	if d == nil {
		return "", nil
	}
	return *d, atMost("description", *d, maxDescription)
}

// checkTags returns the tags as they are stored.
func checkTags(tags []types.Tag) ([]identity.Tag, error) {
	seen := map[string]bool{}
	var out []identity.Tag
	for _, t := range tags {
		if err := required("tags.member.key", t.Key); err != nil {
			return nil, err
		}
		if t.Value == nil {
			return nil, required("tags.member.value", nil)
		}
		if err := atMost("tags.member.key", *t.Key, maxTagKey); err != nil {
			return nil, err
		}
		if err := atMost("tags.member.value", *t.Value, maxTagValue); err != nil {
			return nil, err
		}
		if strings.HasPrefix(strings.ToLower(*t.Key), "aws:") {
			return nil, invalid("Tag keys beginning with aws: are reserved for system use.")
		}
		fold := strings.ToLower(*t.Key)
		if seen[fold] {
			return nil, invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[fold] = true
		out = append(out, identity.Tag{Key: *t.Key, Value: *t.Value})
	}
	return out, tagCount(len(out))
}

func tagCount(n int) error {
	if n > maxTags {
		return limit("The number of tags has reached the maximum limit: %d.", maxTags)
	}
	return nil
}

// checkIdentityPolicy checks a policy for a user or role.
func checkIdentityPolicy(member string, text *string) error {
	_, err := checkDocument(member, text, policy.Identity)
	return err
}

// checkDocument parses a policy and checks that it is one of its kind.
func checkDocument(member string, text *string, kind policy.Kind) (*policy.Document, error) {
	if err := required(member, text); err != nil {
		return nil, err
	}
	doc, err := policy.Parse([]byte(*text))
	if err == nil {
		err = doc.Check(kind)
	}
	if err != nil {
		why := err.Error()
		return nil, malformed("%s%s.", strings.ToUpper(why[:1]), why[1:])
	}
	return doc, nil
}
