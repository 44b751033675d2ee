package logs

import (
	"errors"
	"net/http"

	"cairn/internal/awserr"
	"cairn/internal/loggroup"
)

// invalid refuses an input. The message follows fmt.Sprintf.
func invalid(format string, args ...any) error {
	return awserr.New(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

// constraint refuses the value of one member, in the words of AWS's validation.
func constraint(value any, member, rule string) error {
	return invalid("1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, member, rule)
}

func notFound(what string) error {
	return awserr.New(http.StatusBadRequest, "ResourceNotFoundException", "The specified %s does not exist.", what)
}

func exists(what string) error {
	return awserr.New(http.StatusBadRequest, "ResourceAlreadyExistsException", "The specified %s already exists", what)
}

// wireError turns the store's errors into AWS's.
func wireError(err error) error {
	switch {
	case errors.Is(err, loggroup.ErrGroupNotFound):
		return notFound("log group")
	case errors.Is(err, loggroup.ErrStreamNotFound):
		return notFound("log stream")
	case errors.Is(err, loggroup.ErrFilterNotFound):
		return notFound("metric filter")
	case errors.Is(err, loggroup.ErrTooManyFilters):
		return awserr.New(http.StatusBadRequest, "LimitExceededException", "Resource limit exceeded.")
	case errors.Is(err, loggroup.ErrGroupExists):
		return exists("log group")
	case errors.Is(err, loggroup.ErrStreamExists):
		return exists("log stream")
	}
	return err
}
