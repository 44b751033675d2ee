// Package config is the configuration of S3 buckets: what a bucket's row in
// state holds, the XML documents clients send and get, their validation, and
// the rules of names and bucket policies. It is pure: no I/O, no clock.
//
// Sources: the Amazon S3 API Reference (documents and error codes) and the
// Amazon S3 User Guide (names, public access, object ownership).
package config
