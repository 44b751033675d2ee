package digesttest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is an endpoint that answers as S3 and CloudTrail do, as far as
// validating needs: it checks no signature and keeps nothing.
type Server struct {
	Store Store
	// Trails are what DescribeTrails knows.
	Trails []*Trail
	// LatestDigest is what GetTrailStatus says of each trail; zero for nothing.
	LatestDigest time.Time
	// Latency is how long each answer of S3 waits.
	Latency time.Duration

	pages map[string][]string // keys by bucket, sorted once
}

// Serve starts a server; it ends with the test. The store must not change any
// more.
func Serve(t testing.TB, s *Server) (url string) {
	t.Helper()
	s.pages = map[string][]string{}
	for full := range s.Store {
		bucket, _, _ := strings.Cut(full, "/")
		if s.pages[bucket] == nil {
			s.pages[bucket] = s.Store.Keys(bucket)
		}
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return h.URL
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		s.cloudtrail(w, target[strings.LastIndex(target, ".")+1:])
		return
	}
	time.Sleep(s.Latency) // stands for the way to S3
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case key != "":
		s.get(w, bucket, key)
	case q.Has("location"):
		fmt.Fprintf(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</LocationConstraint>`, Region)
	default:
		s.list(w, bucket, q)
	}
}

func (s *Server) get(w http.ResponseWriter, bucket, key string) {
	o, ok := s.Store[bucket+"/"+key]
	if !ok {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
		return
	}
	for name, value := range o.Metadata {
		w.Header()["x-amz-meta-"+name] = []string{value} // in lower case, as the aws CLI wants it
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(o.Body)))
	_, _ = w.Write(o.Body) // a client that went away needs no answer
}

// listing is the answer of ListObjects, both versions.
type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	Contents              []struct{ Key string }
	CommonPrefixes        []struct{ Prefix string }
}

// pageSize is how many keys S3 lists at once.
const pageSize = 1000

func (s *Server) list(w http.ResponseWriter, bucket string, q url.Values) {
	after := max(q.Get("marker"), q.Get("start-after"), q.Get("continuation-token"))
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	out := listing{EncodingType: q.Get("encoding-type")}
	encode := func(s string) string {
		if out.EncodingType == "url" {
			return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
		}
		return s
	}
	seen := map[string]bool{}
	last := ""
	for _, key := range s.pages[bucket] {
		if key <= after || !strings.HasPrefix(key, prefix) {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == pageSize {
			out.IsTruncated, out.NextContinuationToken = true, last
			break
		}
		last = key
		if folder, _, ok := strings.Cut(key[len(prefix):], delimiter); ok && delimiter != "" {
			if p := prefix + folder + delimiter; !seen[p] {
				seen[p] = true
				out.CommonPrefixes = append(out.CommonPrefixes, struct{ Prefix string }{encode(p)})
			}
			continue
		}
		out.Contents = append(out.Contents, struct{ Key string }{encode(key)})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(out) // a client that went away needs no answer
}

func (s *Server) cloudtrail(w http.ResponseWriter, operation string) {
	var out map[string]any
	switch operation {
	case "ListPublicKeys":
		k := PublicKey()
		out = map[string]any{"PublicKeyList": []any{map[string]any{
			"Value": k.Value, "Fingerprint": k.Fingerprint, "ValidityStartTime": k.ValidFrom.Unix(), "ValidityEndTime": k.ValidTo.Unix(),
		}}}
	case "DescribeTrails":
		trails := []any{}
		for _, tr := range s.Trails {
			t := map[string]any{
				"Name": tr.Name, "S3BucketName": tr.Bucket, "HomeRegion": tr.Home, "TrailARN": tr.ARN(),
				"LogFileValidationEnabled": true, "IsOrganizationTrail": false, "IsMultiRegionTrail": true,
			}
			if tr.Prefix != "" {
				t["S3KeyPrefix"] = tr.Prefix
			}
			trails = append(trails, t)
		}
		out = map[string]any{"trailList": trails}
	case "GetTrailStatus":
		out = map[string]any{"IsLogging": true}
		if !s.LatestDigest.IsZero() {
			out["LatestDigestDeliveryTime"] = s.LatestDigest.Unix()
		}
	default:
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]any{"__type": "UnsupportedOperationException", "Message": operation}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(out) // a client that went away needs no answer
}

// ARN is the trail's.
func (tr *Trail) ARN() string {
	return "arn:aws:cloudtrail:" + tr.Home + ":" + tr.Account + ":trail/" + tr.Name
}
