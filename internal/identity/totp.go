package identity

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 codes are made with, here as everywhere
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"
)

// Codes of virtual MFA devices are those of RFC 6238: six digits, a new one
// every 30 seconds. A device's clock may be off by one step.
const (
	codeStep  = 30 // seconds
	codeDrift = 1  // steps
)

func stepOf(now time.Time) int64 { return now.Unix() / codeStep }

// codeAt returns the code of one step (RFC 4226, section 5.3).
func codeAt(seed []byte, step int64) string {
	m := hmac.New(sha1.New, seed)
	_ = binary.Write(m, binary.BigEndian, step) // a hash takes every write
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 15
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// stepOfCode returns the step near now that has a code.
func stepOfCode(seed []byte, code string, now time.Time) (int64, bool) {
	found, ok := int64(0), false
	for step := stepOf(now) - codeDrift; step <= stepOf(now)+codeDrift; step++ {
		if subtle.ConstantTimeCompare([]byte(codeAt(seed, step)), []byte(code)) == 1 {
			found, ok = step, true
		}
	}
	return found, ok
}
