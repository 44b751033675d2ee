package cloudtrail

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"cairn/internal/call"
	"cairn/internal/lake"
)

// A token of LookupEvents is 48 bytes in base64, as long as AWS's: the boundary
// to go on from (20), when it was made (8), and a seal over both and what the
// token is bound to (20): the caller and the parameters of the call.

const (
	boundaryBytes = 20
	issuedBytes   = 8
	sealBytes     = 20
	// tokenLife is how long a token is good for. AWS's expire too; when is not
	// documented.
	tokenLife = time.Hour
)

// lookupTokens makes and reads the tokens of one call.
type lookupTokens struct {
	key   []byte
	bound []byte
}

// lookupBinding is what a token is bound to. A role's sessions are one caller:
// clients open a new one when credentials run out between two pages.
func lookupBinding(g *call.Granted, in *sdk.LookupEventsInput) []byte {
	parameters := *in
	parameters.NextToken = nil
	return binding(g, "LookupEvents", parameters)
}

// binding is lookupBinding for an operation and its parameters but the token.
func binding(g *call.Granted, operation string, parameters any) []byte {
	who, _, _ := strings.Cut(g.Principal.ID, ":")
	b, err := json.Marshal([]any{operation, g.Account(), g.Region, g.Principal.Kind, who, parameters})
	if err != nil {
		panic("cloudtrail: parameters of " + operation + " are not plain values: " + err.Error())
	}
	return b
}

func (t lookupTokens) make(at lake.Position, now time.Time) string {
	b, _ := at.AppendBinary(nil) // never fails
	b = binary.BigEndian.AppendUint64(b, uint64(now.Unix()))
	return base64.StdEncoding.EncodeToString(t.seal(b))
}

// seal appends the seal.
func (t lookupTokens) seal(b []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write([]byte("LookupEvents\x00"))
	h.Write(b)
	h.Write(t.bound)
	return append(b, h.Sum(nil)[:sealBytes]...)
}

// parse reads a token that was made for the same caller and parameters, and not
// too long ago.
func (t lookupTokens) parse(text string, now time.Time) (*lake.Position, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	const open = boundaryBytes + issuedBytes
	if err != nil || strings.ContainsAny(text, "\r\n") || len(b) != open+sealBytes || !hmac.Equal(t.seal(b[:open:open]), b) {
		return nil, refuse("InvalidNextTokenException", "NextToken is invalid, or was given to another caller or for other parameters.")
	}
	issued := time.Unix(int64(binary.BigEndian.Uint64(b[boundaryBytes:])), 0)
	if now.Sub(issued) > tokenLife {
		return nil, refuse("InvalidNextTokenException", "NextToken has expired: it is good for %s. Begin with the first page again.", tokenLife)
	}
	var at lake.Position
	if err := at.UnmarshalBinary(b[:boundaryBytes]); err != nil {
		return nil, err
	}
	return &at, nil
}
