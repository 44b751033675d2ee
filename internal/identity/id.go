package identity

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
)

// Prefixes of unique ids. Source: "IAM identifiers" in the IAM User Guide.
const (
	prefixUser   = "AIDA"
	prefixRole   = "AROA"
	prefixPolicy = "ANPA"
	prefixKey    = "AKIA"
	prefixTemp   = "ASIA"
)

// idBytes is what 16 base32 characters hold: one bit that is always set, 40
// bits of account id and 39 random bits.
const (
	idBytes     = 10
	accountBits = 40
	accountLow  = 7 // bits of the first 48 below the account id
)

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// ValidAccount reports whether id is a 12-digit account id.
func ValidAccount(id string) bool { return accountID.MatchString(id) }

// keyID makes an access key id (20 characters): the prefix and 16 base32
// characters that carry the account id, as AWS's do, so that the account of a
// key can be told without looking it up. account must be valid.
func keyID(prefix, account string) string {
	n, err := strconv.ParseUint(account, 10, accountBits)
	if err != nil {
		panic(fmt.Sprintf("identity: make a key id for account %q: not a 12-digit account id", account))
	}
	var b [idBytes]byte
	random(b[:])
	var head [8]byte
	copy(head[2:], b[:6])
	low := binary.BigEndian.Uint64(head[:]) & (1<<accountLow - 1)
	binary.BigEndian.PutUint64(head[:], 1<<(accountLow+accountBits)|n<<accountLow|low)
	copy(b[:6], head[2:])
	return prefix + base32.StdEncoding.EncodeToString(b[:])
}

// uniqueID makes the unique id of a user, role or policy (21 characters).
func uniqueID(prefix, account string) string {
	var b [5]byte
	random(b[:])
	return keyID(prefix, account) + base32.StdEncoding.EncodeToString(b[:])[:1]
}

// accountOfKey reads the account id out of an access key id.
func accountOfKey(id string) (string, bool) {
	if len(id) != len(prefixKey)+16 {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(id[len(prefixKey):])
	if err != nil || len(b) != 10 || b[0]&0x80 == 0 { // the decoder passes over line breaks
		return "", false
	}
	var head [8]byte
	copy(head[2:], b[:6])
	n := binary.BigEndian.Uint64(head[:]) >> accountLow & (1<<accountBits - 1)
	account := fmt.Sprintf("%012d", n)
	return account, ValidAccount(account)
}

// newSecret makes a secret access key: 40 characters that hold 240 random bits.
func newSecret() string {
	var b [30]byte
	random(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}

// random fills b. crypto/rand never fails: it ends the process rather than
// return weak bytes.
func random(b []byte) { _, _ = rand.Read(b) }
