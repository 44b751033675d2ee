package check

import (
	"fmt"
	"slices"
	"time"
)

// Result is the outcome of one check.
type Result string

// The outcomes.
const (
	// Pass: what was seen is as it should be.
	Pass Result = "pass"
	// Fail: what was seen is not.
	Fail Result = "fail"
	// Unknown: it could not be looked at.
	Unknown Result = "unknown"
)

// Severity says how much a failed check matters.
type Severity int

// The severities, from the least.
const (
	Info Severity = iota
	Low
	Medium
	High
	Critical
)

// severityNames are the severities' names, in order.
func severityNames() []string { return []string{"info", "low", "medium", "high", "critical"} }

// ParseSeverity reads a severity's name.
func ParseSeverity(s string) (Severity, error) {
	if i := slices.Index(severityNames(), s); i >= 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("%q is not a severity: it is info, low, medium, high or critical", s)
}

// String returns the severity's name.
func (s Severity) String() string {
	if names := severityNames(); s >= 0 && int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("severity(%d)", int(s))
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity's name.
func (s *Severity) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSeverity(string(b))
	return err
}

// Control is a demand of an audit framework that a check answers.
type Control struct {
	// Framework is "CIS AWS v1.4", "CIS AWS v3", "CIS AWS v6", "Security Hub",
	// "Prowler" or "Checkov".
	Framework string `json:"framework"`
	// ID is the control's id there. One that ends in * stands for a family.
	ID string `json:"id"`
	// Verified is true if the id was checked against the framework's own list;
	// look the others up before quoting them.
	Verified bool `json:"verified"`
}

// String returns the framework and the id.
func (c Control) String() string { return c.Framework + " " + c.ID }

// Finding is what one check found.
type Finding struct {
	// ID names the check; it does not change between releases.
	ID string `json:"id"`
	// Title is what should be so.
	Title    string   `json:"title"`
	Status   Result   `json:"status"`
	Severity Severity `json:"severity"`
	// Trail is the name of the trail; empty for findings on the account.
	Trail string `json:"trail,omitempty"`
	// TrailARN tells trails of several regions apart that have one name.
	TrailARN string `json:"trail_arn,omitempty"`
	// Resource is the ARN or name of what was looked at.
	Resource string `json:"resource,omitempty"`
	// Evidence is what was seen.
	Evidence string `json:"evidence"`
	// Permission is what the caller lacks to look; of unknown findings.
	Permission string `json:"permission,omitempty"`
	// Controls are the audit controls the check answers.
	Controls []Control `json:"controls"`
	// Remedy is the module input or the command that mends it; of failed
	// findings, and of unknown ones that can be made known.
	Remedy string `json:"remedy,omitempty"`
}

// Report is all findings of one look.
type Report struct {
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Endpoint string    `json:"endpoint,omitempty"`
	Time     time.Time `json:"time"`
	// Trails describe the trails looked at, in order.
	Trails []Subject `json:"trails"`
	// Summary counts the findings.
	Summary Summary `json:"summary"`
	// Findings are in the order of the trails, those of the account first.
	Findings []Finding `json:"findings"`
}

// Subject is one trail of a report.
type Subject struct {
	Name       string `json:"name"`
	ARN        string `json:"arn,omitempty"`
	HomeRegion string `json:"home_region,omitempty"`
	// Destinations are where it delivers to.
	Destinations []string `json:"destinations,omitempty"`
}

// Summary counts findings by status.
type Summary struct {
	Pass    int `json:"pass"`
	Fail    int `json:"fail"`
	Unknown int `json:"unknown"`
}

// AtLeast returns the report without the findings below a severity.
func (r *Report) AtLeast(s Severity) *Report {
	kept := *r
	kept.Findings, kept.Summary = []Finding{}, Summary{}
	for _, f := range r.Findings {
		if f.Severity >= s {
			kept.add(f)
		}
	}
	return &kept
}

// Failed reports whether any check failed.
func (r *Report) Failed() bool { return r.Summary.Fail > 0 }

func (r *Report) add(f Finding) {
	switch f.Status {
	case Pass:
		r.Summary.Pass++
	case Fail:
		r.Summary.Fail++
	case Unknown:
		r.Summary.Unknown++
	}
	r.Findings = append(r.Findings, f)
}
