package policy

import "unicode"

// Size is the size of a policy's text as quotas count it, in characters: white
// space is free ("IAM and AWS STS quotas" in the IAM User Guide).
func Size(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
