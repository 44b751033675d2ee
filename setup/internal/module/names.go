package module

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	trailShape  = regexp.MustCompile(`^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$`)
	bucketShape = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	ipv4Shape   = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$`)
	groupShape  = regexp.MustCompile(`^[A-Za-z0-9_/.#-]{1,512}$`)
	roleShape   = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)
	idShape     = regexp.MustCompile(`^[0-9]{12}$`)
	orgShape    = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)
	arnShape    = regexp.MustCompile(`^arn:[^:]+:cloudtrail:[^:]+:[0-9]{12}:trail/.+$`)
)

// checkTrailName follows "CloudTrail trail naming requirements" (spec 4.3).
func checkTrailName(s string) error {
	switch {
	case len(s) < 3 || len(s) > 128:
		return fmt.Errorf("AWS refuses the trail name %q: it has %d characters, and a trail name has 3 to 128", s, len(s))
	case ipv4Shape.MatchString(s):
		return fmt.Errorf("AWS refuses the trail name %q: it is written like an IPv4 address", s)
	case !trailShape.MatchString(s):
		return fmt.Errorf("AWS refuses the trail name %q: a trail name has letters, digits, periods, hyphens and underscores, begins and ends with a letter or digit, and has no two of the others side by side", s)
	}
	return nil
}

// checkBucketName follows "General purpose bucket naming rules" in the S3
// User Guide.
func checkBucketName(s string) error {
	switch {
	case len(s) < 3 || len(s) > 63:
		return fmt.Errorf("AWS refuses the bucket name %q: it has %d characters, and a bucket name has 3 to 63", s, len(s))
	case ipv4Shape.MatchString(s):
		return fmt.Errorf("AWS refuses the bucket name %q: it is written like an IPv4 address", s)
	case !bucketShape.MatchString(s) || strings.Contains(s, ".."):
		return fmt.Errorf("AWS refuses the bucket name %q: a bucket name has lower-case letters, digits, periods and hyphens, begins and ends with a letter or digit, and has no two periods side by side", s)
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(s, p) {
			return fmt.Errorf("AWS refuses the bucket name %q: names that begin with %s are kept for S3", s, p)
		}
	}
	for _, p := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(s, p) {
			return fmt.Errorf("AWS refuses the bucket name %q: names that end with %s are kept for S3", s, p)
		}
	}
	return nil
}

func checkPrefix(s string) error {
	if len(s) > 200 {
		return fmt.Errorf("the key prefix has %d characters, and AWS takes 200", len(s))
	}
	if strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/") {
		return fmt.Errorf("the key prefix %q begins or ends with a slash: leave it out, CloudTrail puts one behind the prefix", s)
	}
	return nil
}

func matches(shape *regexp.Regexp, what string) func(string) error {
	return func(s string) error {
		if !shape.MatchString(s) {
			return fmt.Errorf("%q is not %s", s, what)
		}
		return nil
	}
}

func oneOf(what string, accepted ...string) func(string) error {
	return func(s string) error {
		if !slices.Contains(accepted, s) {
			return fmt.Errorf("%q is not %s: it is one of %s", s, what, strings.Join(accepted, ", "))
		}
		return nil
	}
}

// retentionDays are the values PutRetentionPolicy takes (spec 5.4).
var retentionDays = []int64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func checkRetention(n int64) error {
	at, found := slices.BinarySearch(retentionDays, n)
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
	return fmt.Errorf("CloudWatch Logs does not keep records for %d days; the accepted values around it are %s", n, near)
}

func between(what string, low, high int64) func(int64) error {
	return func(n int64) error {
		if n < low || n > high {
			return fmt.Errorf("%d is not a number of days %s: it is %d to %d", n, what, low, high)
		}
		return nil
	}
}
