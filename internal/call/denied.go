package call

import (
	"net/http"

	"cairn/internal/awserr"
)

// codeDenied is how services that speak AWS JSON answer who may not.
const codeDenied = "AccessDeniedException"

// DeniedJSON is API.Denied of services that speak AWS JSON.
func DeniedJSON(message string) *awserr.Error {
	return awserr.New(http.StatusBadRequest, codeDenied, "%s", message)
}

// RecordedJSON is API.ErrorCode of services that speak AWS JSON: records name
// refusals alike for all services (spec 2.9).
func RecordedJSON(code string) string {
	if code == codeDenied {
		return "AccessDenied"
	}
	return code
}
