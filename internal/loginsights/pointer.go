package loginsights

import (
	"encoding/base64"
	"errors"
	"strings"

	"cairn/internal/lake"
)

// Pointer returns the value of @ptr, which names an event for GetLogRecord: the
// base64 of its position, account, region and log group. It holds no secret and
// gives no right.
func Pointer(e *Event) string {
	b, _ := e.Pos.AppendBinary([]byte{pointerVersion}) // never fails
	b = append(b, strings.Join([]string{e.Group.Account, e.Group.Region, e.Group.Name}, " ")...)
	return base64.StdEncoding.EncodeToString(b)
}

const (
	pointerVersion = 1
	positionBytes  = 20
)

var errPointer = errors.New("not a value of @ptr")

// ParsePointer reads what Pointer wrote.
func ParsePointer(s string) (Log, lake.Position, error) {
	var pos lake.Position
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if strings.ContainsAny(s, "\r\n") { // which the decoder passes over
		return Log{}, pos, errPointer
	}
	if err != nil || len(b) < 1+positionBytes || b[0] != pointerVersion || pos.UnmarshalBinary(b[1:1+positionBytes]) != nil {
		return Log{}, pos, errPointer
	}
	parts := strings.Split(string(b[1+positionBytes:]), " ")
	if len(parts) != 3 {
		return Log{}, pos, errPointer
	}
	return Log{Account: parts[0], Region: parts[1], Name: parts[2]}, pos, nil
}
