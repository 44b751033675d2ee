package config

import (
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
)

// awsHost is a host name of S3 in AWS, after the bucket.
var awsHost = regexp.MustCompile(`^(?:(.+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2})?\.amazonaws\.com$`)

// HostBucket returns the bucket a host name begins with, before one of the
// domains or a host name of S3 in AWS; "" if there is none.
func HostBucket(host string, domains []string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	if m := awsHost.FindStringSubmatch(host); m != nil {
		return m[1]
	}
	if slices.Contains(domains, host) {
		return ""
	}
	longest, bucket := 0, ""
	for _, d := range domains {
		if b, ok := strings.CutSuffix(host, "."+d); ok && len(d) > longest {
			longest, bucket = len(d), b
		}
	}
	return bucket
}

// Classic is the region whose location is written as nothing.
const Classic = "us-east-1"

// Location returns the region of a new bucket, given the region its request was
// signed for and the LocationConstraint it has, if any.
//
// Source: CreateBucket, "LocationConstraint", in the Amazon S3 API Reference.
func Location(signed, constraint string) (string, error) {
	if constraint == "EU" {
		constraint = "eu-west-1"
	}
	switch {
	case constraint == "" && signed == Classic:
		return Classic, nil
	case constraint == "":
		return "", awserr.New(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case constraint == Classic || !call.ValidRegion(constraint):
		e := awserr.New(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
		e.Detail = map[string]string{"LocationConstraint": constraint}
		return "", e
	case signed != Classic && signed != constraint:
		return "", awserr.New(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
	}
	return constraint, nil
}
