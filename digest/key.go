package digest

import (
	"fmt"
	"strings"
	"time"
)

// Folders of an account in a trail's bucket, beside each other.
const (
	// Folder holds the digests.
	Folder = "CloudTrail-Digest"
	// LogFolder holds the log files digests list.
	LogFolder = "CloudTrail"
)

const (
	dayLayout   = "2006/01/02"
	stampLayout = "20060102T150405Z"
	logLayout   = "20060102T1504Z"
	suffix      = ".json.gz"
	backfillEnd = "_backfill"
)

// Place is where one account's files of one region are, in a trail's bucket:
// [prefix/]AWSLogs/[organization/]account.
type Place struct {
	// Prefix is the trail's S3KeyPrefix, without slashes at its ends.
	Prefix string `json:"prefix,omitempty"`
	// Organization is the id (o-...) of an organization trail's organization.
	Organization string `json:"organization,omitempty"`
	Account      string `json:"account"`
	// Region is where the events happened.
	Region string `json:"region"`
}

// Path returns the key prefix of a folder of the place, ending with a slash.
func (p Place) Path(folder string) string {
	var b strings.Builder
	if p.Prefix != "" {
		b.WriteString(p.Prefix + "/")
	}
	b.WriteString("AWSLogs/")
	if p.Organization != "" {
		b.WriteString(p.Organization + "/")
	}
	b.WriteString(p.Account + "/" + folder + "/" + p.Region + "/")
	return b.String()
}

// Name is what the key of a digest says (spec 3.1).
type Name struct {
	Place
	// Trail and HomeRegion are the trail's.
	Trail      string
	HomeRegion string
	// End is the digest's end, in whole seconds.
	End time.Time
	// Backfill marks a digest that lists log files an earlier one left out.
	Backfill bool
}

// Key returns the key of the digest.
func (n Name) Key() string {
	end := n.End.UTC()
	tail := suffix
	if n.Backfill {
		tail = backfillEnd + suffix
	}
	return n.Path(Folder) + end.Format(dayLayout) + "/" + n.Account + "_" + Folder + "_" + n.Region + "_" +
		n.Trail + "_" + n.HomeRegion + "_" + end.Format(stampLayout) + tail
}

// ParseKey reads the key of a digest. It takes exactly the keys [Name.Key]
// makes.
func ParseKey(key string) (Name, error) {
	place, folder, file, err := parsePlace(key)
	if err != nil {
		return Name{}, err
	}
	n := Name{Place: place}
	bad := func(why string) (Name, error) { return Name{}, fmt.Errorf("read digest key %s: %s", key, why) }
	if folder != Folder {
		return bad("it is not in a folder " + Folder)
	}
	rest, ok := strings.CutSuffix(file, suffix)
	if !ok {
		return bad("it does not end with " + suffix)
	}
	rest, n.Backfill = strings.CutSuffix(rest, backfillEnd)
	rest, ok = strings.CutPrefix(rest, n.Account+"_"+Folder+"_"+n.Region+"_")
	if !ok {
		return bad("its name does not repeat account and region of its folder")
	}
	// Trail names may have underscores, what follows them has none.
	rest, stamp, ok := cutLast(rest, "_")
	if !ok {
		return bad("its name has no time")
	}
	if n.End, err = time.Parse(stampLayout, stamp); err != nil {
		return bad("its name does not end with a time like 20250301T110404Z")
	}
	n.Trail, n.HomeRegion, ok = cutLast(rest, "_")
	if !ok || n.Trail == "" || n.HomeRegion == "" {
		return bad("its name has no trail and home region")
	}
	if n.Key() != key {
		return bad("its folder is not that of its day")
	}
	return n, nil
}

// LogName is what the key of a log file says (spec 1.1).
type LogName struct {
	Place
	// Time is when the file was delivered, in minutes, rounded up.
	Time time.Time
	// Unique tells files of one minute apart.
	Unique string
}

// Key returns the key of the log file.
func (n LogName) Key() string {
	at := n.Time.UTC()
	return n.Path(LogFolder) + at.Format(dayLayout) + "/" + n.Account + "_" + LogFolder + "_" + n.Region + "_" +
		at.Format(logLayout) + "_" + n.Unique + suffix
}

// ParseLogKey reads the key of a log file. It takes exactly the keys
// [LogName.Key] makes.
func ParseLogKey(key string) (LogName, error) {
	place, folder, file, err := parsePlace(key)
	if err != nil {
		return LogName{}, err
	}
	n := LogName{Place: place}
	bad := func(why string) (LogName, error) { return LogName{}, fmt.Errorf("read log file key %s: %s", key, why) }
	if folder != LogFolder {
		return bad("it is not in a folder " + LogFolder)
	}
	rest, ok := strings.CutPrefix(file, n.Account+"_"+LogFolder+"_"+n.Region+"_")
	if !ok {
		return bad("its name does not repeat account and region of its folder")
	}
	rest, ok = strings.CutSuffix(rest, suffix)
	if !ok {
		return bad("it does not end with " + suffix)
	}
	stamp, unique, ok := strings.Cut(rest, "_")
	if !ok || unique == "" {
		return bad("its name does not end with a time and an underscore and what makes it unique")
	}
	if n.Time, err = time.Parse(logLayout, stamp); err != nil {
		return bad("its name has no time like 20250301T1105Z")
	}
	n.Unique = unique
	if n.Key() != key {
		return bad("its folder is not that of its day")
	}
	return n, nil
}

// parsePlace takes a key apart from its end, where the number of folders is
// fixed: a prefix may have any.
func parsePlace(key string) (p Place, folder, file string, err error) {
	parts := strings.Split(key, "/")
	n := len(parts)
	bad := func(why string) (Place, string, string, error) {
		return Place{}, "", "", fmt.Errorf("read key %s: %s", key, why)
	}
	if n < 8 {
		return bad("it is not [prefix/]AWSLogs/[organization/]account/folder/region/year/month/day/file")
	}
	file, p.Region, folder, p.Account = parts[n-1], parts[n-5], parts[n-6], parts[n-7]
	root := n - 8
	if parts[root] != "AWSLogs" {
		p.Organization = parts[root]
		if root--; root < 0 || parts[root] != "AWSLogs" || p.Organization == "" {
			return bad("there is no AWSLogs before its account")
		}
	}
	p.Prefix = strings.Join(parts[:root], "/")
	if len(p.Account) != 12 || strings.Trim(p.Account, "0123456789") != "" {
		return bad("an account id is 12 digits")
	}
	if p.Region == "" || root > 0 && p.Prefix == "" {
		return bad("a folder has no name")
	}
	return p, folder, file, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
