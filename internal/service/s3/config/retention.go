package config

import (
	"strconv"
	"time"
)

// Retention is how long new versions of a bucket with object lock cannot be
// deleted, unless their upload says otherwise.
type Retention struct {
	// Mode is GOVERNANCE or COMPLIANCE.
	Mode string `json:"mode"`
	// Days or Years is how long; the other is 0.
	Days  int `json:"days,omitempty"`
	Years int `json:"years,omitempty"`
}

// readRetention returns the default retention of an ObjectLockConfiguration
// that Read has accepted, or nil.
func readRetention(doc *Node) *Retention {
	rule := doc.Find("Rule", "DefaultRetention")
	if rule == nil {
		return nil
	}
	r := &Retention{Mode: rule.At("Mode")}
	r.Days, _ = strconv.Atoi(rule.At("Days"))   // 0 if absent; Read has checked
	r.Years, _ = strconv.Atoi(rule.At("Years")) // likewise
	return r
}

// Until is when the retention of a version made at a time ends.
func (r *Retention) Until(made time.Time) time.Time {
	return made.UTC().AddDate(r.Years, 0, r.Days)
}
