package scan

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// s3Server answers for one bucket.
type s3Server struct {
	files map[string][]byte
	pages int // keys in an answer

	// Lists of days' folders and objects are held back until so many have been
	// asked for at once.
	listing, reading crowd
	mu               sync.Mutex
	listed           []string
	sent             int // keys and folders in answers
}

// crowd counts requests in flight, and lets them go on when there have been
// enough at once; in the end there may be fewer, so that each waits only so long.
type crowd struct {
	want      int64
	now, most atomic.Int64
}

func (c *crowd) enter() {
	n := c.now.Add(1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}

	for i := 0; c.most.Load() < c.want && i < 2000; i++ {
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *crowd) leave() { c.now.Add(-1) }

// ServeHTTP implements [http.Handler].
func (s *s3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list := r.URL.Query().Get("list-type") == "2"
	if list && dayFolder.MatchString(r.URL.Query().Get("prefix")) {
		s.listing.enter()
		defer s.listing.leave()
	}
	if strings.HasSuffix(r.URL.Path, ".gz") {
		s.reading.enter()
		defer s.reading.leave()
	}
	key := strings.TrimPrefix(r.URL.Path, "/trails/")
	content, there := s.files[key]
	switch {
	case r.URL.Query().Has("location"):
		fmt.Fprint(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>`)
	case list:
		s.list(w, r)
	case !there:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>`)
	default:
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content)
	}
}

type listAnswer struct {
	XMLName  xml.Name `xml:"ListBucketResult"`
	Contents []struct {
		Key  string
		Size int
	}
	CommonPrefixes        []struct{ Prefix string }
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
}

func (s *s3Server) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	prefix, after := q.Get("prefix"), max(q.Get("continuation-token"), q.Get("start-after"))
	s.mu.Lock()
	s.listed = append(s.listed, prefix)
	s.mu.Unlock()
	var found []string
	for key := range s.files {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 && q.Get("delimiter") == "/" {
			key = prefix + rest[:i+1]
		}
		if key > after {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	var out listAnswer
	if len(found) > s.pages {
		found = found[:s.pages]
		out.IsTruncated, out.NextContinuationToken = true, found[s.pages-1]
	}
	s.mu.Lock()
	s.sent += len(found)
	s.mu.Unlock()
	for _, key := range found {
		if strings.HasSuffix(key, "/") {
			out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{key})
		} else {
			out.Contents = append(out.Contents, struct {
				Key  string
				Size int
			}{key, len(s.files[key])})
		}
	}
	_ = xml.NewEncoder(w).Encode(out)
}

// connect serves the bucket on loopback and opens a place in it.
func (s *s3Server) connect(t *testing.T, where string) (Source, error) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return Open(t.Context(), where, Options{AWS: func(context.Context) (aws.Config, error) {
		return aws.Config{
			Region: "us-east-1", BaseEndpoint: &server.URL,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
		}, nil
	}})
}

// TestBucket reads a bucket, and wants enough asked at once for latency to be no
// matter.
func TestBucket(t *testing.T) {
	s := &s3Server{files: map[string][]byte{}, pages: 7}
	s.listing.want, s.reading.want = 64, 64
	const days, files = 14, 30
	for day := 1; day <= days; day++ {
		for region := range 5 {
			for i := range files / 5 {
				at := date(day, 1, 5*(i%12))
				s.files[key("some/prefix/", "111122223333", fmt.Sprintf("eu-west-%d", region), at, fmt.Sprint(i))] = logFile(record(at.Add(-time.Minute), fmt.Sprint(day, region, i)))
			}
		}
	}
	src, err := s.connect(t, "s3://trails/some/prefix")
	if err != nil {
		t.Fatal(err)
	}
	ids, report := findIn(t, src, Query{Order: OldestFirst})
	if len(ids) != days*files || report.Late != 0 || len(report.Damaged) > 0 {
		t.Errorf("%d records, late %d, damaged %v", len(ids), report.Late, report.Damaged)
	}
	if listing, reading := s.listing.most.Load(), s.reading.most.Load(); listing != 64 || reading != 64 {
		t.Errorf("%d listed and %d read at once, not 64", listing, reading)
	}

	s.listed = nil
	day := Window{From: date(5, 0, 0), To: date(6, 0, 0), Late: time.Hour, Regions: []string{"eu-west-2"}}
	if ids, _ := findIn(t, src, Query{Window: day}); len(ids) != files/5 || len(s.listed) > 20 {
		t.Errorf("one day and region: %d records, %d lists %q", len(ids), len(s.listed), s.listed)
	}
}

func TestBucketPlaces(t *testing.T) {
	name := key("", "111122223333", "eu-west-1", date(2, 1, 0), "A")
	s := &s3Server{pages: 1000, files: map[string][]byte{name: logFile(record(date(2, 0, 59), "a"))}}
	for where, want := range map[string]int{
		"s3://trails": 1, "s3://trails/": 1, "s3://trails/AWSLogs/111122223333/": 1, "s3://trails/" + name: 1, "s3://trails/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/05": 1,
		"s3://trails/AWSLog": 0, "s3://trails/AWSLogs/2": 0,
	} {
		src, err := s.connect(t, where)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if ids, _ := findIn(t, src, Query{}); len(ids) != want {
			t.Errorf("%s: %d records, want %d", where, len(ids), want)
		}
	}
	for _, where := range []string{"s3://", "s3:///key", "s3://trails/none.json.gz"} {
		if _, err := s.connect(t, where); err == nil {
			t.Errorf("%s was opened", where)
		}
	}
}
