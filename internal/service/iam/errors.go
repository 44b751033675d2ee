package iam

import (
	"errors"
	"net/http"

	"cairn/internal/awserr"
	"cairn/internal/identity"
)

// Error codes as the wire spells them.
const (
	codeNotFound   = "NoSuchEntity"
	codeExists     = "EntityAlreadyExists"
	codeConflict   = "DeleteConflict"
	codeMalformed  = "MalformedPolicyDocument"
	codeInvalid    = "InvalidInput"
	codeLimit      = "LimitExceeded"
	codeValidation = "ValidationError"
)

func notFound(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusNotFound, codeNotFound, format, args...)
}

func noSuch(kind, name string) *awserr.Error {
	return notFound("The %s with name %s cannot be found.", kind, name)
}

func exists(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusConflict, codeExists, format, args...)
}

func conflict(text string) *awserr.Error {
	return awserr.New(http.StatusConflict, codeConflict, "%s", text)
}

func limit(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusConflict, codeLimit, format, args...)
}

func malformed(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, codeMalformed, format, args...)
}

func invalid(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, codeInvalid, format, args...)
}

func validation(format string, args ...any) *awserr.Error {
	return awserr.New(http.StatusBadRequest, codeValidation, format, args...)
}

// absent answers reply where the store says that something is not there, and
// every other error as it is.
func absent(err error, reply *awserr.Error) error {
	if errors.Is(err, identity.ErrNotFound) {
		return reply
	}
	return err
}

// taken answers reply where the store says that a name is taken.
func taken(err error, reply *awserr.Error) error {
	if errors.Is(err, identity.ErrExists) {
		return reply
	}
	return err
}
