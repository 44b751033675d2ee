package account

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"
)

// Plain shortens the AWS error within err to its code and message; what the
// SDK wraps around them (request ids, retry counts) is noise to a person.
// What was wrapped around the SDK's error stays.
func Plain(err error) error {
	var op *smithy.OperationError
	var api smithy.APIError
	if !errors.As(err, &op) || !errors.As(err, &api) {
		return err
	}
	// Without AWS's full stop: something may follow.
	short := strings.TrimSuffix(strings.TrimSuffix(api.ErrorCode()+": "+api.ErrorMessage(), "."), ": ")
	return &plainError{text: strings.Replace(err.Error(), op.Error(), short, 1), err: err}
}

type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// code returns the AWS error code, or "".
func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// is reports whether err is an AWS error of one of the codes.
func is(err error, codes ...string) bool {
	got := code(err)
	return got != "" && slices.Contains(codes, got)
}

// Hint says what to do about an AWS error whose own text does not; it follows
// that text. It is empty for all other errors.
func Hint(err error) string {
	const again = ", then run the same command again: it goes on from here"
	switch code(err) {
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId":
		return "; the access key is not one of this endpoint's: check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_PROFILE and AWS_ENDPOINT_URL (for a cairn engine: eval \"$(cairn env)\")"
	case "SignatureDoesNotMatch", "InvalidSignatureException":
		return "; the secret does not belong to the access key: check AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return "; the session has ended: sign in again (aws sso login), or fetch new credentials" + again
	case "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown":
		return "; AWS asked to slow down at every attempt: wait a minute" + again
	case "MaximumNumberOfTrailsExceededException":
		return "; a region has room for five trails, and a multi-region trail counts in each: delete one (aws cloudtrail describe-trails lists them), or set is_multi_region_trail = false" + again
	}
	return ""
}

// missing turns "there is none" errors into no error.
func missing(err error, codes ...string) error {
	if is(err, codes...) {
		return nil
	}
	return err
}

// settleTime is how long AWS's own copies may take to agree: Terraform waits
// as long (spec "Terraform", 8).
const settleTime = 2 * time.Minute

// settle repeats do while it fails as AWS fails shortly after something it
// depends on was made: because not all of AWS has heard of it yet. The waits
// double from 100 ms to 10 s. say is told once that it waits, and why.
func settle(ctx context.Context, say func(string), passing func(error) bool, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	wait := 100 * time.Millisecond
	for tries := 0; ; tries++ {
		err := do()
		if err == nil || !passing(err) {
			return err
		}
		if tries == 3 {
			say(fmt.Sprintf("AWS does not see everything yet, trying again for up to %s (%s)", settleTime, Plain(err)))
		}
		// Half of the wait is random, so that parallel changes do not meet again.
		pause := time.NewTimer(wait/2 + rand.N(wait/2)) //nolint:gosec // jitter, not a secret
		select {
		case <-ctx.Done():
			pause.Stop()
			return err
		case <-pause.C:
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// busy is S3 refusing two changes of one bucket at a time, or not yet seeing
// a bucket just made.
func busy(err error) bool {
	return is(err, "OperationAborted", "NoSuchBucket", "ConflictException")
}

// aborted is S3 refusing two changes of one bucket at a time.
func aborted(err error) bool { return is(err, "OperationAborted") }

// fresh is IAM or CloudWatch Logs not yet seeing what was just made.
func fresh(err error) bool {
	return is(err, "NoSuchEntity", "OperationAbortedException")
}
