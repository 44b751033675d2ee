package scan

import (
	"strings"
	"time"
)

// named fills in what a file's name says:
// ACCOUNT_KIND_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz (spec 1.1).
func named(f File) File {
	base := f.Key[strings.LastIndexByte(f.Key, '/')+1:]
	account, rest, ok := strings.Cut(base, "_")
	if !ok || !isAccount(account) {
		return f
	}
	kind, rest, ok := strings.Cut(rest, "_")
	if !ok || !strings.HasPrefix(kind, logs) {
		return f
	}
	f.Account, f.Kind = account, kind
	region, rest, ok := strings.Cut(rest, "_")
	if !ok {
		return f
	}
	f.Region = region
	stamp, _, _ := strings.Cut(rest, "_")
	f.Time = stampTime(stamp)
	return f
}

const (
	logs     = "CloudTrail"
	insight  = logs + "-Insight"
	digests  = logs + "-Digest"
	summary  = logs + "-Aggregated"
	logsRoot = "AWSLogs"
)

// holdsRecords says whether files of a kind hold records that are wanted.
func (w *Window) holdsRecords(kind string) bool {
	switch kind {
	case digests, summary:
		return false
	case insight:
		return w.Insights
	}
	return true
}

// stampTime reads YYYYMMDDTHHmmZ; it is zero for anything else.
func stampTime(s string) time.Time {
	if len(s) != len("20060102T1504Z") || s[8] != 'T' || s[13] != 'Z' {
		return time.Time{}
	}
	year, month, day := digits(s[:4]), digits(s[4:6]), digits(s[6:8])
	hour, minute := digits(s[9:11]), digits(s[11:13])
	if year < 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return time.Time{}
	}
	return time.Date(year, time.Month(month), day, hour, minute, 0, 0, time.UTC)
}

// digits reads a number of decimal digits only; it is -1 for anything else.
func digits(s string) int {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	return n
}

func isAccount(s string) bool { return len(s) == 12 && digits(s) >= 0 }

// isRegion says whether a folder's name looks like a region: us-east-1,
// us-gov-west-1.
func isRegion(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || digits(parts[len(parts)-1]) < 0 || len(parts[0]) != 2 {
		return false
	}
	for _, p := range parts[:len(parts)-1] {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	return true
}

// canHold says whether a file's name is one that records are kept under.
func canHold(key string) bool {
	key = strings.ToLower(key)
	key = strings.TrimSuffix(key, ".gz")
	for _, end := range []string{".json", ".ndjson", ".jsonl"} {
		if strings.HasSuffix(key, end) {
			return true
		}
	}
	return false
}
