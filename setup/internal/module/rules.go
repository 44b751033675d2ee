package module

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// rule is one demand on a text. The validation blocks of the Terraform
// modules make the same demands in the same words; a test compares the two.
type rule struct {
	// what the text is, such as "trail name".
	what string
	fine func(string) bool
	// need says which texts are fine.
	need string
}

// of returns an error that names the texts that break the rule.
func (r rule) of(texts ...string) error {
	var bad []string
	for _, s := range texts {
		if !r.fine(s) {
			bad = append(bad, `"`+s+`"`)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return fmt.Errorf("AWS refuses the %s %s: %s", r.what, strings.Join(bad, ", "), r.need)
}

func like(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

func oneOf(accepted ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(accepted, s) }
}

var ipv4Shape = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$`)

// trailName follows "CloudTrail trail naming requirements" (spec 4.3).
func trailName() []rule {
	shape := like(`^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$`)
	return []rule{{
		"trail name", func(s string) bool {
			return len(s) >= 3 && len(s) <= 128 && shape(s) && !ipv4Shape.MatchString(s)
		},
		"a trail name has 3 to 128 letters, digits, periods, hyphens and underscores, begins and ends with a letter or digit, has no two of the others side by side, and is not written like an IPv4 address",
	}}
}

// bucketName follows "General purpose bucket naming rules" in the S3 User
// Guide.
func bucketName() []rule {
	shape, kept := like(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`), like(`^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$`)
	return []rule{
		{
			"bucket name", func(s string) bool {
				return shape(s) && !strings.Contains(s, "..") && !ipv4Shape.MatchString(s)
			},
			"a bucket name has 3 to 63 lower-case letters, digits, periods and hyphens, begins and ends with a letter or digit, has no two periods side by side, and is not written like an IPv4 address",
		},
		{
			"bucket name", func(s string) bool { return !kept(s) },
			"names that begin with xn--, sthree- or amzn-s3-demo-, or end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3, are kept for S3",
		},
	}
}

func keyPrefix() []rule {
	return []rule{{
		"key prefix", func(s string) bool {
			return utf8.RuneCountInString(s) <= 200 && !strings.HasPrefix(s, "/") && !strings.HasSuffix(s, "/")
		},
		"a key prefix has at most 200 characters and neither begins nor ends with a slash (CloudTrail puts one behind it)",
	}}
}

func accountID() []rule {
	return []rule{{"account id", like(`^[0-9]{12}$`), "an account id has 12 digits"}}
}

func trailARNs() []rule {
	return []rule{{"trail ARN", like(`^arn:[^:]+:cloudtrail:[^:]+:[0-9]{12}:trail/.+$`), "a trail ARN looks like arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME"}}
}

func organizationID() []rule {
	return []rule{{"organization id", like(`^o-[a-z0-9]{10,32}$`), "an organization id is o- and 10 to 32 lower-case letters and digits"}}
}

func kmsKey() []rule {
	return []rule{{"KMS key ARN", like(`^arn:[^:]+:kms:[^:]+:[0-9]{12}:(key|alias)/.+$`), "a KMS key ARN looks like arn:aws:kms:REGION:ACCOUNT:key/ID"}}
}

func lockMode() []rule {
	return []rule{{"object lock mode", oneOf("GOVERNANCE", "COMPLIANCE"), "it is GOVERNANCE or COMPLIANCE, or empty for no lock"}}
}

func groupNames() []rule {
	return []rule{{"log group name", like(`^[A-Za-z0-9_/.#-]{1,512}$`), "a log group name has 1 to 512 letters, digits, and _ - / . #"}}
}

func roleNames() []rule {
	return []rule{{"role name", like(`^[A-Za-z0-9_+=,.@-]{1,64}$`), "a role name has 1 to 64 letters, digits, and _ + = , . @ -"}}
}

func roleARNs() []rule {
	return []rule{{"role ARN", like(`^arn:[^:]+:iam::[0-9]{12}:role/.+$`), "a role ARN looks like arn:aws:iam::ACCOUNT:role/NAME"}}
}

func groupARNs() []rule {
	return []rule{{"log group ARN", like(`^arn:[^:]+:logs:[^:]+:[0-9]{12}:log-group:[^:*]+(:\*)?$`), "a log group ARN looks like arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"}}
}

func boundaryARN() []rule {
	return []rule{{"permissions boundary", like(`^arn:[^:]+:iam::(aws|[0-9]{12}):policy/.+$`), "it is the ARN of a managed policy, arn:aws:iam::ACCOUNT:policy/NAME"}}
}

func topicName() []rule {
	return []rule{{"SNS topic", like(`^(arn:[^:]+:sns:[^:]+:[0-9]{12}:)?[A-Za-z0-9_-]{1,256}$`), "it is the name of a topic or its ARN, arn:aws:sns:REGION:ACCOUNT:NAME"}}
}

func insightType() []rule {
	return []rule{{"insight type", oneOf("ApiCallRateInsight", "ApiErrorRateInsight"), "it is ApiCallRateInsight or ApiErrorRateInsight"}}
}

func principalARN() []rule {
	return []rule{{"principal ARN", like(`^arn:[^:]+:iam::[0-9]{12}:(root|user/.+|role/.+)$`), "it is an account (arn:aws:iam::ACCOUNT:root), a role (…:role/NAME) or a user (…:user/NAME)"}}
}

func bucketARNs() []rule {
	return []rule{{"bucket ARN", like(`^arn:[^:]+:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`), "a bucket ARN looks like arn:aws:s3:::NAME"}}
}

// retentionDays are the values PutRetentionPolicy takes (spec 5.4).
var retentionDays = []int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

// checkRetention adds to the common words which values are the nearest.
func checkRetention(v cty.Value) error {
	n, _ := v.AsBigFloat().Float64()
	at, found := slices.BinarySearchFunc(retentionDays, n, func(day int64, n float64) int { return cmp.Compare(float64(day), n) })
	if n == 0 || found {
		return nil
	}
	var near string
	switch {
	case n < 0:
		near = "0 (for ever) or 1"
	case at == len(retentionDays):
		near = strconv.FormatInt(retentionDays[at-1], 10) + " or 0 (for ever)"
	default:
		below := int64(0)
		if at > 0 {
			below = retentionDays[at-1]
		}
		near = fmt.Sprintf("%d or %d", below, retentionDays[at])
	}
	return fmt.Errorf("CloudWatch Logs does not keep records for %s days; the accepted values around it are %s", numberText(v), near)
}

// days accepts whole numbers up to high.
func days(what string, high int64) func(cty.Value) error {
	return func(v cty.Value) error {
		if n, ok := whole(v); !ok || n < 0 || n > high {
			return fmt.Errorf("AWS refuses the %s %s: it is a whole number of days from 0 to %d", what, numberText(v), high)
		}
		return nil
	}
}

func whole(v cty.Value) (int64, bool) {
	f := v.AsBigFloat()
	n, _ := f.Int64()
	return n, f.IsInt()
}

func numberText(v cty.Value) string {
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() { // every number has a text
		return v.GoString()
	}
	return s.AsString()
}

// maxTags is AWS's 50 less the one that marks the owner.
const maxTags = 49

func checkTags(v cty.Value) error {
	tags := v.AsValueMap()
	if n := len(tags); n > maxTags {
		return fmt.Errorf("AWS refuses %d tags: a resource has at most 50, and one says which module it belongs to", n)
	}
	fine := func(key string) bool {
		value := tags[key]
		return !value.IsNull() && utf8.RuneCountInString(key) <= 128 && key != "" && utf8.RuneCountInString(value.AsString()) <= 256 &&
			!strings.HasPrefix(strings.ToLower(key), "aws:") && !strings.HasPrefix(key, "cairn:")
	}
	keys := make([]string, 0, len(tags))
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return rule{"tag", fine, "a key has 1 to 128 characters and begins neither with aws: nor with cairn:, a value has at most 256"}.of(keys...)
}
