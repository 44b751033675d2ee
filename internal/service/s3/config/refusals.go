package config

import (
	"net/http"

	"cairn/internal/awserr"
)

// NoKMS refuses encryption with keys of KMS.
func NoKMS() error {
	return awserr.New(http.StatusNotImplemented, "NotImplemented",
		"This engine has no KMS: objects are kept with SSE-S3 only. Use the algorithm AES256.")
}

// OwnersOnly refuses a bucket's policy to other accounts, whatever that policy
// allows them: who may use a bucket must not come to own it.
//
// Source: PutBucketPolicy, GetBucketPolicy and DeleteBucketPolicy in the API
// reference.
func OwnersOnly() error {
	return awserr.New(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}
