package trail

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// File says what the key of a log file says (spec 1.1).
type File struct {
	// Prefix is the trail's key prefix, OrganizationID its organization's id;
	// either may be empty.
	Prefix         string
	OrganizationID string
	// Account and Region are those of the records.
	Account string
	Region  string
	// Insights marks a file of Insights events, which has a folder of its own.
	Insights bool
	// Time, in whole minutes, gives both the day's folder and the stamp in the
	// name; Unique tells files of one minute apart.
	Time   time.Time
	Unique string
}

// Key returns the key of the log file.
func (f File) Key() string {
	folder := "CloudTrail"
	if f.Insights {
		folder = "CloudTrail-Insight"
	}
	key := "AWSLogs/"
	if f.Prefix != "" {
		key = f.Prefix + "/" + key
	}
	if f.OrganizationID != "" {
		key += f.OrganizationID + "/"
	}
	at := f.Time.UTC()
	return key + f.Account + "/" + folder + "/" + f.Region + "/" + at.Format("2006/01/02/") +
		f.Account + "_" + folder + "_" + f.Region + "_" + at.Format("20060102T1504Z") + "_" + f.Unique + ".json.gz"
}

// NameTime returns the time that names a file delivered at a time: rounded up
// to the delivery interval, or to the minute if the interval is shorter (spec
// 1.3: names of AWS's five-minute deliveries are multiples of five).
func NameTime(at time.Time, interval time.Duration) time.Time {
	step := max(interval.Truncate(time.Minute), time.Minute)
	if down := at.Truncate(step); !down.Equal(at) {
		return down.Add(step).UTC()
	}
	return at.UTC()
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Unique returns the 16 characters that end a log file's name. They derive from
// what the file holds (a stretch of the journal, as a trail selects it; a later
// trail of the same name has another id) and from when its delivery was planned.
// A delivery repeated after a crash therefore writes the same key again.
func Unique(trailARN, trailID, account, region string, from, to Mark, planned time.Time) string {
	var b []byte
	for _, s := range []string{trailARN, trailID, account, region} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, m := range []Mark{from, to} {
		b = binary.BigEndian.AppendUint64(b, m.Seq)
		b = binary.BigEndian.AppendUint32(b, m.Index)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(planned.UnixNano()))
	sum := sha256.Sum256(b)
	hi, lo := binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])
	out := make([]byte, 0, 16)
	for range 8 { // eight characters of 62 take 48 of the 64 bits
		out = append(out, alphabet[hi%62], alphabet[lo%62])
		hi, lo = hi/62, lo/62
	}
	return string(out)
}

// LogStream returns the stream of a trail's log group that holds its records:
// ACCOUNT_CloudTrail_REGION, of the trail's home region (spec 5.4).
func LogStream(account, homeRegion string) string {
	return account + "_CloudTrail_" + homeRegion
}

// OrganizationLogStream returns the stream for an account's records of an
// organization's trail; without an id, it is LogStream.
func OrganizationLogStream(organizationID, account, homeRegion string) string {
	if organizationID == "" {
		return LogStream(account, homeRegion)
	}
	return organizationID + "_" + LogStream(account, homeRegion)
}
