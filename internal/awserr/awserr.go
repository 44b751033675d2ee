// Package awserr holds the one error type that crosses the wire.
//
// Inside the engine ordinary Go errors travel; what a caller may see is an
// *Error with AWS's code, HTTP status and text. Anything else that reaches the
// edge becomes InternalFailure: its text stays in the engine's log.
package awserr

import (
	"errors"
	"fmt"
	"net/http"
)

// Error is an AWS error reply. It is immutable once returned.
type Error struct {
	// Code is the AWS error code, such as "TrailNotFoundException".
	Code string
	// Status is the HTTP status of the reply, such as 400.
	Status int
	// Message is the text a caller reads. It never holds a secret.
	Message string
	// Detail holds further members of the error body, such as S3's
	// BucketName. Keys are written as they are.
	Detail map[string]string
	// Object holds further members of JSON error bodies that are JSON already,
	// such as queryCompileError of CloudWatch Logs. Other protocols leave it out.
	Object map[string]string

	cause error
}

// New makes an error reply. The message follows fmt.Sprintf.
func New(status int, code, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error reply that keeps its cause for the engine's log. The
// cause's text is not sent to the caller.
func Wrap(cause error, status int, code, format string, args ...any) *Error {
	e := New(status, code, format, args...)
	e.cause = cause
	return e
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.cause }

// From returns the *Error in err's chain, or InternalFailure (500) around err.
// It returns nil for a nil error.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Wrap(err, http.StatusInternalServerError, "InternalFailure",
		"The request processing has failed because of an unknown error, exception or failure.")
}

// Is reports whether err carries an AWS error with the given code.
func Is(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
