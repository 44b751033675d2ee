package look

import (
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cairn/setup/check"
	"cairn/setup/internal/account"
)

// isCode reports whether err is an AWS error of one of the codes.
func isCode(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}

// status returns the HTTP status of an answer, or 0.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		return answer.HTTPStatusCode()
	}
	return 0
}

// isDenied reports whether the caller may not do what it tried.
func isDenied(err error) bool {
	return status(err) == 403 || isCode(err, "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "MethodNotAllowed")
}

// notOffered reports whether the endpoint does not know the operation.
func notOffered(err error) bool {
	return status(err) == 501 || isCode(err, "UnknownOperationException", "InvalidAction", "UnknownOperation", "NotImplemented", "UnknownService")
}

// unseen says why a read showed nothing, or returns nil if nobody answered:
// then going on would only produce more of the same.
func unseen(err error, permission string) *check.Unseen {
	var api smithy.APIError
	switch {
	case errors.As(err, new(errUncompared)):
		return &check.Unseen{Permission: permission, Why: err.Error()}
	case notOffered(err):
		return &check.Unseen{Permission: permission, Why: "the endpoint does not offer it", NotOffered: true}
	case errors.As(err, &api):
		return &check.Unseen{Permission: permission, Why: account.Plain(err).Error()}
	case status(err) != 0:
		return &check.Unseen{Permission: permission, Why: fmt.Sprintf("the endpoint answered with HTTP status %d and nothing that can be read", status(err))}
	}
	return nil
}
