// Package test drives the built program from outside with the clients its
// users have: the aws CLI, boto3, Terraform with the real AWS provider, and the
// unmodified AWS SDK for Go. Run it with `make e2e`.
package test
