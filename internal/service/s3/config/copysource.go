package config

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"cairn/internal/awserr"
)

// versionID is what a version id may be.
var versionID = regexp.MustCompile(`^[A-Za-z0-9_-]{0,128}$`)

// CopySource is what x-amz-copy-source names; Version may be empty.
type CopySource struct {
	Bucket, Key, Version string
}

// ParseCopySource reads [/]BUCKET/KEY[?versionId=VERSION], URL-encoded.
func ParseCopySource(v string) (*CopySource, error) {
	path, version, _ := strings.Cut(v, "?versionId=")
	path, err := url.QueryUnescape(strings.TrimPrefix(path, "/"))
	if err == nil {
		version, err = url.QueryUnescape(version)
	}
	bucket, key, ok := strings.Cut(path, "/")
	if strings.HasPrefix(bucket, "arn:") {
		return nil, awserr.New(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented: a copy source by ARN.")
	}
	if err != nil || !ok || key == "" || ValidBucket(bucket) != nil {
		return nil, badCopySource(v, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if err := ValidKey(key); err != nil || strings.Contains(key, "?versionId=") {
		return nil, badCopySource(v, "The key of the copy source cannot be used.")
	}
	if !versionID.MatchString(version) {
		return nil, badCopySource(v, "Invalid version id specified")
	}
	return &CopySource{bucket, key, version}, nil
}

// Header returns the source in the one spelling that is passed on.
func (c *CopySource) Header() string {
	v := (&url.URL{Path: c.Bucket + "/" + c.Key}).EscapedPath()
	v = strings.ReplaceAll(v, "+", "%2B")
	if c.Version != "" {
		v += "?versionId=" + c.Version
	}
	return v
}

func badCopySource(value, text string) error {
	e := awserr.New(http.StatusBadRequest, "InvalidArgument", "%s", text)
	e.Detail = map[string]string{"ArgumentName": "x-amz-copy-source", "ArgumentValue": value}
	return e
}
