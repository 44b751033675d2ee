package trail

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"

	"cairn/internal/arn"
	"cairn/internal/awserr"
)

const maxPrefix = 200

var (
	trailName  = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)
	adjacent   = regexp.MustCompile(`[._-]{2}`)
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
)

func badName(format string, args ...any) error {
	return awserr.New(http.StatusBadRequest, "InvalidTrailNameException", format, args...)
}

// CheckName reports why a trail cannot have a name, as
// InvalidTrailNameException with AWS's texts (spec 4.3; the last two texts are
// ours).
func CheckName(name string) error {
	switch {
	case len(name) < 3:
		return badName("Trail name too short. Minimum allowed length: 3 characters. Specified name length: %d characters.", utf8.RuneCountInString(name))
	case utf8.RuneCountInString(name) > 128:
		return badName("Trail name too long. Maximum allowed length: 128 characters. Specified name length: %d characters.", utf8.RuneCountInString(name))
	case !trailName.MatchString(name):
		return badName("Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).")
	case strings.ContainsRune("._-", rune(name[0])):
		return badName("Trail name must starts with a letter or number.")
	case strings.ContainsRune("._-", rune(name[len(name)-1])):
		return badName("Trail name must ends with a letter or number.")
	case adjacent.MatchString(name):
		return badName("Trail name must not contain adjacent periods (.), hyphens (-), or underscores (_).")
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return badName("Trail name must not be an IP address.")
	}
	return nil
}

// Ref is what a caller names a trail by: a bare name, meant in the caller's own
// account and region, or an ARN, which says all three.
type Ref struct {
	Account string
	Region  string
	Name    string
	// ByARN is true if an ARN was given.
	ByARN bool
}

// ParseRef reads a trail's name or ARN. Account and region are the caller's.
// Its errors are InvalidTrailNameException and CloudTrailARNInvalidException.
func ParseRef(text, account, region string) (Ref, error) {
	if !strings.HasPrefix(text, "arn:") {
		return Ref{Account: account, Region: region, Name: text}, CheckName(text)
	}
	a, err := arn.Parse(text)
	name, ok := strings.CutPrefix(a.Resource, "trail/")
	if err != nil || !ok || a.Service != "cloudtrail" || a.Partition != arn.Partition || a.Region == "" || a.Account == "" {
		return Ref{}, awserr.New(http.StatusBadRequest, "CloudTrailARNInvalidException",
			"%s is not a trail ARN. Its format is: arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail", text)
	}
	return Ref{Account: a.Account, Region: a.Region, Name: name, ByARN: true}, CheckName(name)
}

// ARN returns the ARN of the trail referred to.
func (r Ref) ARN() string {
	return arn.New("cloudtrail", r.Region, r.Account, "trail/"+r.Name).String()
}

// CheckPrefix reports why a trail cannot have a key prefix, as
// InvalidS3PrefixException. AWS's texts are not known; these are ours. A slash
// at either end and a part named AWSLogs are refused, because readers of the
// bucket would not find the files.
//
// Empty parts, "." and ".." are refused too, which AWS takes: this engine keeps
// objects as files by their keys and has none with such parts, so nothing could be
// delivered. Only the engine asks here; what is set up on AWS is AWS's to check.
func CheckPrefix(prefix string) error {
	bad := func(format string, args ...any) error {
		return awserr.New(http.StatusBadRequest, "InvalidS3PrefixException", format, args...)
	}
	switch {
	case utf8.RuneCountInString(prefix) > maxPrefix:
		return bad("S3 key prefix too long. Maximum allowed length: %d characters. Specified length: %d characters.", maxPrefix, utf8.RuneCountInString(prefix))
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return bad("S3 key prefix must be printable text.")
	case strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/"):
		return bad("S3 key prefix %s must not begin or end with a slash (/).", prefix)
	}
	if prefix == "" {
		return nil
	}
	for part := range strings.SplitSeq(prefix, "/") {
		switch part {
		case "AWSLogs":
			return bad("S3 key prefix %s must not contain the folder AWSLogs.", prefix)
		case "", ".", "..":
			return bad("S3 key prefix %s cannot be used: this engine keeps objects as files and has no keys with empty, . or .. parts between slashes, so no log file could be delivered. Leave such parts out.", prefix)
		}
	}
	return nil
}

// CheckBucket reports why a string cannot be a bucket's name, as
// InvalidS3BucketNameException. Whether there is such a bucket is not asked.
func CheckBucket(name string) error {
	if !bucketName.MatchString(name) || strings.Contains(name, "..") {
		return awserr.New(http.StatusBadRequest, "InvalidS3BucketNameException",
			"Bucket name %s is invalid: it must have 3 to 63 lowercase letters, numbers, periods (.) and hyphens (-), and begin and end with a letter or number.", name)
	}
	return nil
}
