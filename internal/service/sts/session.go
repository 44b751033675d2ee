package sts

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
)

// Bounds and defaults of sessions. Source: the API reference and "IAM and AWS
// STS quotas".
const (
	minDuration     = 900 // seconds
	maxDuration     = 43200
	defaultDuration = 3600
	maxPolicyARNs   = 10
	maxPolicyText   = 2048 // characters of Policy and PolicyArns together
	maxTags         = 50
	maxTagKey       = 128 // characters
	maxTagValue     = 256
	maxTagText      = maxTags * (maxTagKey + maxTagValue)
)

var (
	sessionName    = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	tagCharacters  = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	sourceIdentity = sessionName
)

// roleRequest is what every way to assume a role asks for.
type roleRequest struct {
	role, name *string
	seconds    *int32
}

// check checks what can be checked without knowing the role.
func (r roleRequest) check() error {
	switch {
	case r.role == nil:
		return validation("1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null")
	case len(*r.role) < 20 || len(*r.role) > 2048:
		return validation("1 validation error detected: Value at 'roleArn' failed to satisfy constraint: Member must have length between 20 and 2048")
	case r.name == nil:
		return validation("1 validation error detected: Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null")
	case !sessionName.MatchString(*r.name):
		return validation("1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must have 2 to 64 characters of the pattern [\\w+=,.@-]*", *r.name)
	}
	return checkDuration(r.seconds, maxDuration)
}

// checkDuration checks a duration in seconds; nil is one.
func checkDuration(seconds *int32, longest int32) error {
	switch {
	case seconds != nil && *seconds < minDuration:
		return validation("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to %d", *seconds, minDuration)
	case seconds != nil && *seconds > longest:
		return validation("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value less than or equal to %d", *seconds, longest)
	}
	return nil
}

// duration returns how long a session of a role may last.
func (r roleRequest) duration(role *identity.Role) (time.Duration, error) {
	seconds := int32(defaultDuration)
	if r.seconds != nil {
		seconds = *r.seconds
	}
	if seconds > role.MaxSession {
		return 0, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return time.Duration(seconds) * time.Second, nil
}

// tagged is what a session is to carry along.
type tagged struct {
	// tags are the tags asked for, transitive the keys of those to be inherited;
	// inherited come from the session that asks.
	tags       []identity.Tag
	transitive []string
	inherited  []identity.Tag
	// source is the source identity, asked for or inherited.
	source string
}

// check checks tags, keys and source identity.
func (t *tagged) check() error {
	if err := checkTags(t.tags); err != nil {
		return err
	}
	for _, k := range t.transitive {
		if !identity.HasTag(t.tags, k) {
			return validation("The transitive tag key %q is not the key of a session tag of this request.", k)
		}
	}
	for _, tag := range t.inherited {
		if identity.HasTag(t.tags, tag.Key) {
			return validation("The session tag %q is inherited from the session that makes the call, as transitive; it cannot be set again.", tag.Key)
		}
	}
	if t.source != "" && (!sourceIdentity.MatchString(t.source) || strings.HasPrefix(strings.ToLower(t.source), "aws:")) {
		return validation("1 validation error detected: Value at 'sourceIdentity' failed to satisfy constraint: Member must have 2 to 64 characters of the pattern [\\w+=,.@-]*, and not begin with aws:")
	}
	return nil
}

func checkTags(tags []identity.Tag) error {
	if len(tags) > maxTags {
		return validation("1 validation error detected: Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to %d", maxTags)
	}
	for i, t := range tags {
		keyLength := utf8.RuneCountInString(t.Key)
		switch {
		case keyLength < 1 || keyLength > maxTagKey || !tagCharacters.MatchString(t.Key):
			return validation("1 validation error detected: Value at 'tags.%d.member.key' failed to satisfy constraint: Member must have 1 to %d characters of the pattern [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+", i+1, maxTagKey)
		case utf8.RuneCountInString(t.Value) > maxTagValue || !tagCharacters.MatchString(t.Value):
			return validation("1 validation error detected: Value at 'tags.%d.member.value' failed to satisfy constraint: Member must have at most %d characters of the pattern [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", i+1, maxTagValue)
		case strings.HasPrefix(strings.ToLower(t.Key), "aws:"):
			return validation("Tag keys beginning with aws: are reserved for system use.")
		case identity.HasTag(tags[:i], t.Key):
			return validation("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
	}
	return nil
}

// tagsOf returns tags as they are kept. One without key or value has empty ones;
// checkTags refuses an empty key.
func tagsOf(tags []types.Tag) []identity.Tag {
	var list []identity.Tag
	for _, t := range tags {
		list = append(list, identity.Tag{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value)})
	}
	return list
}

// checks returns what has to be allowed: the operation itself and, where tags or
// a source identity go along, to set them, with the condition keys of both.
//
// Source: "Pass session tags in AWS STS", "Monitor and control actions taken with
// assumed roles" and "Actions, resources, and condition keys for AWS Security
// Token Service".
func (t *tagged) checks(check call.Check) []call.Check {
	for _, tag := range t.tags {
		check.Context.AddRequestTag(tag.Key, tag.Value)
	}
	if len(t.transitive) > 0 {
		check.Context["sts:transitivetagkeys"] = t.transitive
	}
	if t.source != "" {
		check.Context["sts:sourceidentity"] = []string{t.source}
	}
	list := []call.Check{check}
	also := func(action string) {
		more := check
		more.Action = action
		list = append(list, more)
	}
	if len(t.tags)+len(t.inherited) > 0 {
		also("sts:TagSession")
	}
	if t.source != "" {
		also("sts:SetSourceIdentity")
	}
	return list
}

// put puts tags and source identity into the specification of a session.
func (t *tagged) put(spec *identity.SessionSpec) {
	spec.SourceIdentity = t.source
	spec.Tags = append(slices.Clone(t.tags), t.inherited...)
	spec.Transitive = slices.Clone(t.transitive)
	for _, tag := range t.inherited {
		spec.Transitive = append(spec.Transitive, tag.Key)
	}
}

// narrowing are the session policies of a request.
type narrowing struct {
	text *string
	arns []types.PolicyDescriptorType
}

// narrow checks the session policies, which have to be of an account or of AWS. It
// returns them, and how much of what may be passed is used, in percent, together
// with the tags; nil if nothing is. How AWS packs policies and tags is not
// documented: here each has room of its own.
func (s *Service) narrow(n narrowing, account string, tags []identity.Tag) (texts, arns []string, packed *int32, err error) {
	if n.text == nil && len(n.arns) == 0 && len(tags) == 0 {
		return nil, nil, nil, nil
	}
	size := 0
	if n.text != nil {
		doc, err := policy.Parse([]byte(*n.text))
		if err == nil {
			err = doc.Check(policy.Identity)
		}
		if err != nil {
			return nil, nil, nil, awserr.New(400, "MalformedPolicyDocument", "The session policy is not valid: %v.", err)
		}
		size += utf8.RuneCountInString(*n.text)
		texts = []string{*n.text}
	}
	if len(n.arns) > maxPolicyARNs {
		return nil, nil, nil, validation("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyARNs)
	}
	for _, d := range n.arns {
		name := aws.ToString(d.Arn)
		a, err := arn.Parse(name)
		if err != nil || (a.Account != account && a.Account != "aws") {
			return nil, nil, nil, validation("Policy ARN %q is not one of account %s or of AWS.", name, account)
		}
		if _, ok := s.store.Policy(name); !ok {
			return nil, nil, nil, validation("Policy %s does not exist.", name)
		}
		size += utf8.RuneCountInString(name)
		arns = append(arns, name)
	}
	text := 0
	for _, t := range tags {
		text += utf8.RuneCountInString(t.Key) + utf8.RuneCountInString(t.Value)
	}
	percent := int32(size*100/maxPolicyText + text*100/maxTagText)
	if percent > 100 || size > maxPolicyText {
		return nil, nil, nil, awserr.New(400, "PackedPolicyTooLarge", "Serialized token too large for session: %d%% of the allowed size.", percent)
	}
	return texts, arns, &percent, nil
}
