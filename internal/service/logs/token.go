package logs

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"cairn/internal/loggroup"
)

// A token of FilterLogEvents and GetLogEvents is eight bytes of a hash of the
// query it goes on with, and the boundary to go on from; in front stands, in
// clear, the direction: "f/" or "b/". Tokens hold no secret and give no right:
// every page is authorized for itself.

const hashBytes = 8

// queryHash returns the hash of what must not change between pages.
func queryHash(parts ...any) []byte {
	b, err := json.Marshal(parts)
	if err != nil {
		panic("logs: query parts are not plain values: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return sum[:hashBytes]
}

func eventToken(hash []byte, backward bool, pos loggroup.Position) string {
	b, _ := pos.AppendBinary(append([]byte(nil), hash...)) // never fails
	direction := "f/"
	if backward {
		direction = "b/"
	}
	return direction + base64.RawURLEncoding.EncodeToString(b)
}

// parseEventToken reads a token that was made for the same query.
func parseEventToken(token string, hash []byte) (backward bool, pos loggroup.Position, err error) {
	bad := invalid("The specified nextToken is invalid.")
	text, backward := strings.CutPrefix(token, "b/")
	if !backward {
		var ok bool
		if text, ok = strings.CutPrefix(token, "f/"); !ok {
			return false, pos, bad
		}
	}
	b, err := decode(text)
	if err != nil || len(b) < hashBytes || string(b[:hashBytes]) != string(hash) || pos.UnmarshalBinary(b[hashBytes:]) != nil {
		return false, pos, bad
	}
	return backward, pos, nil
}

// listToken is a token of the Describe operations: the key of the last item of
// the page before.
func listToken(hash []byte, last string) *string {
	t := base64.RawURLEncoding.EncodeToString(append(append([]byte(nil), hash...), last...))
	return &t
}

func parseListToken(token *string, hash []byte) (last string, err error) {
	if token == nil {
		return "", nil
	}
	b, err := decode(*token)
	if err != nil || len(b) <= hashBytes || string(b[:hashBytes]) != string(hash) {
		return "", invalid("The specified nextToken is invalid.")
	}
	return string(b[hashBytes:]), nil
}

// decode reads a token's text. The package base64 passes over line breaks, which
// no token of ours has.
func decode(text string) ([]byte, error) {
	if i := strings.IndexAny(text, "\r\n"); i >= 0 {
		return nil, base64.CorruptInputError(i)
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}
