// Package digesttest makes buckets with log files and digests, in memory, as
// folders and behind an HTTP endpoint, for tests and benchmarks.
package digesttest

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cairn/digest"
)

// MetadataSuffix ends the names of files with an object's metadata in a copy.
const MetadataSuffix = ".metadata.json"

// Object is an object of a bucket.
type Object struct {
	Body     []byte
	Metadata map[string]string
}

// Store holds the objects of all buckets by bucket/key. A test that changes it
// while it is being read has to see to it itself.
type Store map[string]Object

// Keys returns the keys of a bucket, sorted.
func (s Store) Keys(bucket string) []string {
	var keys []string
	for full := range s {
		if key, ok := strings.CutPrefix(full, bucket+"/"); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Save writes a bucket as a local copy; with metadata also the files with that.
func (s Store) Save(t testing.TB, bucket string, metadata bool) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, key := range s.Keys(bucket) {
		o := s[bucket+"/"+key]
		file := filepath.Join(dir, filepath.FromSlash(key))
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		must(t, os.WriteFile(file, o.Body, 0o600))
		if metadata && o.Metadata != nil {
			text, err := json.Marshal(o.Metadata)
			must(t, err)
			must(t, os.WriteFile(file+MetadataSuffix, text, 0o600))
		}
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Key is what trails sign with, OtherKey one that nobody lists.
var (
	Key      = sync.OnceValue(newKey)
	OtherKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	k, err := digest.GenerateKey()
	if err != nil {
		panic(err)
	}
	return k
}

// PublicKey is that of [Key], as CloudTrail lists it.
func PublicKey() digest.PublicKey {
	der := digest.MarshalPublicKey(&Key().PublicKey)
	return digest.PublicKey{Value: der, Fingerprint: digest.Fingerprint(der), ValidFrom: Start.AddDate(0, 0, -1), ValidTo: Start.AddDate(0, 0, 29)}
}

// Where and when trails deliver, unless a test changes it.
const (
	Account = "111122223333"
	Region  = "eu-west-1"
	Bucket  = "ct-bucket"
)

// Start is when trails start.
var Start = time.Date(2025, 3, 1, 10, 4, 4, 0, time.UTC)

// Trail writes digests and log files into a store.
type Trail struct {
	Store  Store
	Bucket string
	digest.Place
	Name, Home string
	// At is the end of the newest digest, Link what the next one says of it.
	At   time.Time
	Link digest.Previous
	// Digests and Logs are the keys written, oldest first.
	Digests, Logs []string
	// Content makes the content of the n-th log file; nil for something short.
	Content func(n int) []byte
}

// NewTrail returns a trail of a name.
func NewTrail(s Store, name string) *Trail {
	return &Trail{Store: s, Bucket: Bucket, Place: digest.Place{Account: Account, Region: Region}, Name: name, Home: Region, At: Start}
}

// Full is the name in the store of an object of the trail's bucket.
func (tr *Trail) Full(key string) string { return tr.Bucket + "/" + key }

// Log writes a log file delivered at a time and returns how digests list it.
func (tr *Trail) Log(at time.Time) digest.LogFile {
	n := len(tr.Logs) + 1
	content := fmt.Appendf(nil, `{"Records":[{"eventID":"%s-%d"}]}`, tr.Name, n)
	if tr.Content != nil {
		content = tr.Content(n)
	}
	name := digest.LogName{Place: tr.Place, Time: at.Truncate(time.Minute).Add(time.Minute), Unique: fmt.Sprintf("%s%014d", tr.Name, n)}
	tr.Store[tr.Full(name.Key())] = Object{Body: digest.Encode(content)}
	tr.Logs = append(tr.Logs, name.Key())
	return digest.LogFile{Bucket: tr.Bucket, Object: name.Key(), Hash: digest.Hash(content), OldestEvent: at, NewestEvent: at}
}

// Hour writes the digest of the next hour, with n log files; change may change
// it before it is signed.
func (tr *Trail) Hour(t testing.TB, n int, change ...func(*digest.Next)) *digest.Signed {
	t.Helper()
	next := digest.Next{
		Name:   digest.Name{Place: tr.Place, Trail: tr.Name, HomeRegion: tr.Home, End: tr.At.Add(time.Hour)},
		Bucket: tr.Bucket, Start: tr.At, Previous: tr.Link,
	}
	for i := range n {
		next.LogFiles = append(next.LogFiles, tr.Log(tr.At.Add(time.Duration(i+1)*50*time.Minute/time.Duration(n))))
	}
	for _, c := range change {
		c(&next)
	}
	s := tr.Put(t, Key(), next)
	tr.Digests = append(tr.Digests, s.File.Object)
	tr.At, tr.Link = next.Name.End, s.Link()
	return s
}

// Put signs and writes a digest.
func (tr *Trail) Put(t testing.TB, key *rsa.PrivateKey, next digest.Next) *digest.Signed {
	t.Helper()
	s, err := digest.Make(key, next)
	must(t, err)
	tr.Store[next.Bucket+"/"+s.File.Object] = Object{Body: s.Object(), Metadata: s.Metadata()}
	return s
}

// Read returns the i-th digest.
func (tr *Trail) Read(t testing.TB, i int) *digest.File {
	t.Helper()
	content, err := digest.Decode(tr.Store[tr.Full(tr.Digests[i])].Body)
	must(t, err)
	f, err := digest.Parse(content)
	must(t, err)
	return f
}
