package digest

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The algorithms CloudTrail names in digests; there are no others.
const (
	SignatureAlgorithm = "SHA256withRSA"
	HashAlgorithm      = "SHA-256"
)

// timeLayout is how digests write times: UTC in whole seconds.
const timeLayout = "2006-01-02T15:04:05Z"

// File is what a digest says.
type File struct {
	// Account owns the log files.
	Account string
	// Start and End bound when the log files were delivered, in whole seconds.
	Start, End time.Time
	// Bucket and Object are where the digest belongs; they are signed with it.
	Bucket, Object string
	// Fingerprint names the public key: see [Fingerprint].
	Fingerprint string
	// Algorithm is the signature's: [SignatureAlgorithm].
	Algorithm string
	// NewestEvent and OldestEvent bound the event times of all log files; zero
	// if there is none. They are written in whole seconds.
	NewestEvent, OldestEvent time.Time
	// Previous is the digest before this one; zero at the start of a chain.
	Previous Previous
	// LogFiles are the log files delivered between Start and End.
	LogFiles []LogFile
}

// Previous is what a digest says of the one before it. An empty member is null
// in the digest; at the start of a chain all of them are.
type Previous struct {
	Bucket string `json:"bucket,omitempty"`
	Object string `json:"object,omitempty"`
	// Hash is the SHA-256 of its uncompressed content, HashAlgorithm SHA-256.
	Hash          string `json:"hash,omitempty"`
	HashAlgorithm string `json:"hashAlgorithm,omitempty"`
	// Signature is the previous digest's, in hexadecimal.
	Signature string `json:"signature,omitempty"`
}

// LogFile is a log file in a digest.
type LogFile struct {
	Bucket string `json:"bucket"`
	Object string `json:"object"`
	// Hash is the SHA-256 of its uncompressed content in lower-case hexadecimal.
	Hash string `json:"hash"`
	// HashAlgorithm is SHA-256; [Make] fills it in.
	HashAlgorithm string `json:"hashAlgorithm,omitempty"`
	// NewestEvent and OldestEvent bound the event times of its records.
	NewestEvent time.Time `json:"newestEvent,omitzero"`
	OldestEvent time.Time `json:"oldestEvent,omitzero"`
}

// document is a digest on the wire, in the order CloudTrail writes it (spec 3.2).
type document struct {
	Account           string    `json:"awsAccountId"`
	Start             string    `json:"digestStartTime"`
	End               string    `json:"digestEndTime"`
	Bucket            string    `json:"digestS3Bucket"`
	Object            string    `json:"digestS3Object"`
	Fingerprint       string    `json:"digestPublicKeyFingerprint"`
	Algorithm         string    `json:"digestSignatureAlgorithm"`
	NewestEvent       *string   `json:"newestEventTime"`
	OldestEvent       *string   `json:"oldestEventTime"`
	PreviousBucket    *string   `json:"previousDigestS3Bucket"`
	PreviousObject    *string   `json:"previousDigestS3Object"`
	PreviousHash      *string   `json:"previousDigestHashValue"`
	PreviousAlgorithm *string   `json:"previousDigestHashAlgorithm"`
	PreviousSignature *string   `json:"previousDigestSignature"`
	LogFiles          []logFile `json:"logFiles"`
}

type logFile struct {
	Bucket        string  `json:"s3Bucket"`
	Object        string  `json:"s3Object"`
	Hash          string  `json:"hashValue"`
	HashAlgorithm string  `json:"hashAlgorithm"`
	NewestEvent   *string `json:"newestEventTime"`
	OldestEvent   *string `json:"oldestEventTime"`
}

// members are those a digest must have, be they null.
var members = strings.Fields(`awsAccountId digestStartTime digestEndTime digestS3Bucket digestS3Object
	digestPublicKeyFingerprint digestSignatureAlgorithm newestEventTime oldestEventTime
	previousDigestS3Bucket previousDigestS3Object previousDigestHashValue
	previousDigestHashAlgorithm previousDigestSignature logFiles`)

// Content returns the digest as CloudTrail writes it: JSON on one line, every
// member present. These bytes are what is hashed and signed.
func (f *File) Content() ([]byte, error) {
	d := document{
		Account: f.Account, Start: timeText(f.Start), End: timeText(f.End), Bucket: f.Bucket, Object: f.Object,
		Fingerprint: f.Fingerprint, Algorithm: f.Algorithm,
		NewestEvent: timeOrNull(f.NewestEvent), OldestEvent: timeOrNull(f.OldestEvent),
		PreviousBucket: orNull(f.Previous.Bucket), PreviousObject: orNull(f.Previous.Object),
		PreviousHash: orNull(f.Previous.Hash), PreviousAlgorithm: orNull(f.Previous.HashAlgorithm),
		PreviousSignature: orNull(f.Previous.Signature),
		LogFiles:          make([]logFile, len(f.LogFiles)),
	}
	for i, l := range f.LogFiles {
		d.LogFiles[i] = logFile{l.Bucket, l.Object, l.Hash, l.HashAlgorithm, timeOrNull(l.NewestEvent), timeOrNull(l.OldestEvent)}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("write digest %s: %w", f.Object, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Parse reads the uncompressed content of a digest. It refuses content that
// lacks a member or holds one of another kind; members it does not know are
// left alone, as newer digests may have them.
func Parse(content []byte) (*File, error) {
	var present map[string]json.RawMessage
	if err := json.Unmarshal(content, &present); err != nil {
		return nil, fmt.Errorf("read digest: not a JSON object: %w", err)
	}
	for _, m := range members {
		if _, ok := present[m]; !ok {
			return nil, fmt.Errorf("read digest: the member %s is missing", m)
		}
	}
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		return nil, fmt.Errorf("read digest: %w", err)
	}
	return d.file()
}

// file checks a document's values.
func (d *document) file() (*File, error) {
	var p problems
	f := &File{
		Account: d.Account, Start: p.time("digestStartTime", d.Start), End: p.time("digestEndTime", d.End),
		Bucket: d.Bucket, Object: d.Object, Fingerprint: d.Fingerprint, Algorithm: d.Algorithm,
		NewestEvent: p.eventTime(d.NewestEvent), OldestEvent: p.eventTime(d.OldestEvent),
		Previous: Previous{
			Bucket: p.text("previousDigestS3Bucket", d.PreviousBucket), Object: p.text("previousDigestS3Object", d.PreviousObject),
			Hash:          p.text("previousDigestHashValue", d.PreviousHash),
			HashAlgorithm: p.text("previousDigestHashAlgorithm", d.PreviousAlgorithm),
			Signature:     p.text("previousDigestSignature", d.PreviousSignature),
		},
	}
	p.check(d.Bucket != "" && d.Object != "", "digestS3Bucket or digestS3Object is empty")
	p.check((d.PreviousBucket == nil) == (d.PreviousObject == nil), "previousDigestS3Bucket and previousDigestS3Object: one is null and the other not")
	p.check(!f.End.Before(f.Start), "digestEndTime %s is before digestStartTime %s", d.End, d.Start)
	for i, l := range d.LogFiles {
		p.check(l.Bucket != "" && l.Object != "", "logFiles[%d] names no object", i)
		p.check(isHash(l.Hash), "logFiles[%d].hashValue %q is not a SHA-256 in lower-case hexadecimal", i, l.Hash)
		f.LogFiles = append(f.LogFiles, LogFile{l.Bucket, l.Object, l.Hash, l.HashAlgorithm, p.eventTime(l.NewestEvent), p.eventTime(l.OldestEvent)})
	}
	if p.first != nil {
		return nil, fmt.Errorf("read digest: %w", p.first)
	}
	return f, nil
}

// problems keeps the first thing wrong with a document.
type problems struct{ first error }

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok && p.first == nil {
		p.first = fmt.Errorf(format, args...)
	}
}

// time reads a time that is signed as text: only the one way of writing it is
// taken, so that writing it again gives the same text.
func (p *problems) time(name, s string) time.Time {
	t, err := time.Parse(timeLayout, s)
	p.check(err == nil && t.Format(timeLayout) == s, "%s %q is not a time like 2025-03-01T11:04:04Z", name, s)
	return t
}

func (p *problems) eventTime(s *string) time.Time {
	if s == nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, *s)
	p.check(err == nil, "the event time %q is not a time like 2025-03-01T11:04:04Z", *s)
	return t.UTC()
}

func (p *problems) text(name string, s *string) string {
	if s == nil {
		return ""
	}
	p.check(*s != "", "%s is empty; want a value or null", name)
	return *s
}

func isHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && strings.ToLower(s) == s
}

func timeText(t time.Time) string { return t.UTC().Format(timeLayout) }

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(timeText(t))
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
