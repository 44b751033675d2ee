package s3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"cairn/internal/natsd/natsdtest"
	"cairn/internal/sigv4"
	"cairn/internal/state"
)

// outside is what lies beside the object store's folder.
const outside = "nobody may read this"

// hostileGate is a gate whose objects lie between files that are nobody's.
func hostileGate(t *testing.T) (g *gate, dir string) {
	t.Helper()
	store, err := state.Open(t.Context(), natsdtest.Start(t), "STATE")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(outside), 0o600); err != nil {
		t.Fatal(err)
	}
	return openGate(t, filepath.Join(dir, "store", "objects"), store), dir
}

// raw sends a request whose path and query are spelled as given.
func (g *gate) raw(t *testing.T, method, path, query string, header http.Header, body []byte) (status int, answer string) {
	t.Helper()
	decoded, err := url.PathUnescape(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, g.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = decoded, path, query
	maps.Copy(r.Header, header)
	sum := sha256.Sum256(body)
	sigv4.Sign(r, "ROOT"+account, secret, "us-east-1", "s3", hex.EncodeToString(sum[:]), time.Now())
	resp, err := g.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(outside)) || resp.Header.Get("X-Injected") != "" {
		t.Errorf("%s %s?%s is answered %v %s", method, path, query, resp.Header, text)
	}
	return resp.StatusCode, string(text)
}

// files lists all that is in a folder but below the object store.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "objects" {
			return fs.SkipDir
		}
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestHostileBuckets asks for buckets under names that would be taken for others,
// or for paths.
func TestHostileBuckets(t *testing.T) {
	g, dir := hostileGate(t)
	before := files(t, dir)
	for name, path := range map[string]string{
		"up": "/%2e%2e", "here": "/%2e", "a NUL": "/bucket%00", "a line": "/bucket%0a", "two lines": "/bucket%0d%0aX-Injected:%201",
		"upper case": "/Bucket", "Cyrillic a": "/b%d0%b0cket", "full width": "/%ef%bd%82ucket", "a ligature": "/%ef%ac%81le", "a soft hyphen": "/buc%c2%adket",
		"no width": "/buc%e2%80%8bket", "right to left": "/%e2%80%aetekcub", "a combining accent": "/e%cc%81tude", "Punycode": "/xn--bcher-kva", "not UTF-8": "/%ff%fe%fd",
		"an address": "/127.0.0.1", "an address of IPv6": "/%3a%3a1", "dots": "/a..b", "a dot first": "/.bucket", "a dot last": "/bucket.", "a hyphen first": "/-bucket",
		"a blank": "/a%20b", "a backslash": "/a%5cb", "a colon": "/a:bc", "an at": "/a@bc", "a percent": "/a%2541", "under": "/a_b", "short": "/ab", "long": "/" + strings.Repeat("a", 64),
		"very long": "/" + strings.Repeat("a", 8000), "an alias": "/b-s3alias", "express": "/b--x-s3", "reserved": "/sthree-b",
	} {
		status, text := g.raw(t, http.MethodPut, path, "", nil, nil)
		if status != http.StatusBadRequest || !strings.Contains(text, "<Code>InvalidBucketName</Code>") {
			t.Errorf("%s: %s is answered %d %.300s", name, path, status, text)
		}
		if err := xml.Unmarshal([]byte(text), new(struct{})); err != nil {
			t.Errorf("%s: the answer is no XML: %v in %s", name, err, text)
		}
		if status, text := g.raw(t, http.MethodGet, path, "", nil, nil); status < 400 || status >= 500 {
			t.Errorf("%s: reading %s is answered %d %.300s", name, path, status, text)
		}
	}
	if list := ok[*sdk.ListBucketsOutput](t)(g.root().ListBuckets(t.Context(), &sdk.ListBucketsInput{})); len(list.Buckets) > 0 {
		t.Errorf("there are buckets: %+v", list.Buckets)
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Errorf("files came or went (-before +after):\n%s", d)
	}
}

// TestHostileKeys stores objects under keys that lead elsewhere, or look as if they
// did: either the key is refused, or exactly that key is stored, read and listed.
func TestHostileKeys(t *testing.T) {
	g, dir := hostileGate(t)
	makeBucket(t, g.root(), "b-hostile")
	makeBucket(t, g.root(), "b-other")
	putText(t, g.root(), "b-other", "secret", outside)
	before := files(t, dir)
	refused, stored := true, false
	var keys []string
	for path, want := range map[string]bool{
		"%2e%2e/b-other/secret": refused, "..%2fb-other%2fsecret": refused, "a/%2e%2e/%2e%2e/b-other/secret": refused, "a/..": refused, "%2e": refused, "a/./b": refused,
		"a//b": refused, "/a": refused, "%2fa": refused, "%2f%2f": refused, "a%00b": refused, "a%00/../b": refused, "%ff": refused, "%c0%ae%c0%ae/b-other/secret": refused,
		"%ed%a0%80": refused, ".sgwtmp/x": refused, ".sgwtmp": refused, strings.Repeat("a", 1025): refused, strings.Repeat("a", 256): refused, "dir/" + strings.Repeat("b", 256) + "/c": refused,
		"..%5cb-other%5csecret": stored, "%252e%252e/b-other/secret": stored, "..;/b-other/secret": stored, ".../secret": stored, "~/secret": stored, "$%7bHOME%7d/secret": stored,
		"C:%5csecret": stored, "con": stored, "a%0d%0aX-Injected:%201": stored, "a%0a%3cKey%3eb%3c/Key%3e": stored, "%1b%5b2J": refused, "%ef%bf%bf": refused, "%7f": stored, "a+b%25": stored, "%3cscript%3e": stored, "%e2%80%aegpj.exe": stored,
		"%c3%a9tude": stored, "e%cc%81tude": stored, "%c2%a0": stored, "%20": stored, "%e2%80%8b": stored, strings.Repeat("d/", 511) + "ab": stored, strings.Repeat("k", 255): stored,
	} {
		key, err := url.PathUnescape(path)
		if err != nil {
			t.Fatal(err)
		}
		status, text := g.raw(t, http.MethodPut, "/b-hostile/"+path, "", nil, []byte(key))
		if want == refused {
			if status != http.StatusBadRequest {
				t.Errorf("%.60q is answered %d %.300s", key, status, text)
			}
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodDelete} {
				if status, text := g.raw(t, method, "/b-hostile/"+path, "", nil, nil); status < 400 && method != http.MethodDelete || status >= 500 {
					t.Errorf("%s %.60q is answered %d %.300s", method, key, status, text)
				}
			}
			continue
		}
		if status != http.StatusOK {
			t.Errorf("%.60q is answered %d %.300s", key, status, text)
			continue
		}
		keys = append(keys, key)
		if status, text := g.raw(t, http.MethodGet, "/b-hostile/"+path, "", nil, nil); status != http.StatusOK || text != key {
			t.Errorf("%.60q holds %d %.300s", key, status, text)
		}
	}
	list := ok[*sdk.ListObjectsV2Output](t)(g.root().ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("b-hostile"), EncodingType: "url"}))
	if list.EncodingType != "url" {
		t.Errorf("the listing says it is encoded as %q", list.EncodingType)
	}
	var listed []string
	for _, o := range list.Contents {
		key, err := url.PathUnescape(aws.ToString(o.Key))
		if err != nil {
			t.Error(err)
		}
		listed = append(listed, key)
	}
	slices.Sort(keys)
	slices.Sort(listed)
	if d := cmp.Diff(keys, listed); d != "" {
		t.Errorf("stored, and listed (-stored +listed):\n%s", d)
	}
	if got := getText(t, g.root(), "b-other", "secret"); got != outside {
		t.Errorf("the other bucket's object is %q", got)
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Errorf("files came or went (-before +after):\n%s", d)
	}
}

// TestHostileParameters puts paths and headers where ids, sources, numbers and
// answers' headers are asked for.
func TestHostileParameters(t *testing.T) {
	g, dir := hostileGate(t)
	makeBucket(t, g.root(), "b-hostile")
	putText(t, g.root(), "b-hostile", "k", "v")
	up := ok[*sdk.CreateMultipartUploadOutput](t)(g.root().CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: aws.String("b-hostile"), Key: aws.String("k")}))
	id := url.QueryEscape(aws.ToString(up.UploadId))
	before := files(t, dir)
	long := strings.Repeat("a", 5000)
	for _, row := range []struct{ method, query, copies string }{
		{http.MethodPut, "partNumber=1&uploadId=..%2f..%2f..%2fsecret", ""},
		{http.MethodDelete, "uploadId=..%2f..%2f..", ""},
		{http.MethodGet, "uploadId=%2e%2e", ""},
		{http.MethodDelete, "uploadId=", ""},
		{http.MethodDelete, "uploadId=%00", ""},
		{http.MethodDelete, "uploadId=" + long, ""},
		{http.MethodDelete, "uploadId=" + id + "%2f..", ""},
		{http.MethodPut, "partNumber=0&uploadId=" + id, ""},
		{http.MethodPut, "partNumber=10001&uploadId=" + id, ""},
		{http.MethodPut, "partNumber=-1&uploadId=" + id, ""},
		{http.MethodPut, "partNumber=1e3&uploadId=" + id, ""},
		{http.MethodPut, "partNumber=..%2f1&uploadId=" + id, ""},
		{http.MethodPut, "partNumber=99999999999999999999&uploadId=" + id, ""},
		{http.MethodGet, "versionId=..%2f..%2fsecret", ""},
		{http.MethodDelete, "versionId=..%2f..%2fsecret", ""},
		{http.MethodGet, "versionId=%00", ""},
		{http.MethodGet, "versionId=" + long, ""},
		{http.MethodGet, "versionId=a&versionId=b", ""},
		{http.MethodGet, "no-such-parameter=1", ""},
		{http.MethodGet, "acl&tagging", ""},
		{http.MethodPut, "x=%zz", ""},
		{http.MethodPut, "", "/b-hostile/../../../secret"},
		{http.MethodPut, "", "b-hostile/%2e%2e/%2e%2e/secret"},
		{http.MethodPut, "", "../secret"},
		{http.MethodPut, "", "b-hostile/k%00"},
		{http.MethodPut, "", "b-hostile/k?versionId=../../secret"},
		{http.MethodPut, "", "b-hostile"},
		{http.MethodPut, "", "%zz/%zz"},
		{http.MethodPut, "", "http://169.254.169.254/latest"},
	} {
		h := http.Header{}
		if row.copies != "" {
			h.Set("X-Amz-Copy-Source", row.copies)
		}
		status, text := g.raw(t, row.method, "/b-hostile/k", row.query, h, nil)
		if status < 400 || status >= 500 && status != http.StatusNotImplemented {
			t.Errorf("%s ?%.80s with source %q is answered %d %.300s", row.method, row.query, row.copies, status, text)
		}
	}
	injected := "text%2Fhtml%0d%0aX-Injected:%201"
	for _, name := range []string{"response-content-type", "response-content-disposition", "response-cache-control"} {
		status, text := g.raw(t, http.MethodGet, "/b-hostile/k", name+"="+injected, nil, nil)
		if status == http.StatusOK && text != "v" || status >= 500 {
			t.Errorf("%s is answered %d %s", name, status, text)
		}
	}
	if got := getText(t, g.root(), "b-hostile", "k"); got != "v" {
		t.Errorf("the object is %q", got)
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Errorf("files came or went (-before +after):\n%s", d)
	}
}

// TestManyParts completes an upload with as many parts as S3 takes, which are not
// there, and with one more. The documents are read in little time.
func TestManyParts(t *testing.T) {
	g, _ := hostileGate(t)
	makeBucket(t, g.root(), "b-parts")
	up := ok[*sdk.CreateMultipartUploadOutput](t)(g.root().CreateMultipartUpload(t.Context(), &sdk.CreateMultipartUploadInput{Bucket: aws.String("b-parts"), Key: aws.String("k")}))
	query := "uploadId=" + url.QueryEscape(aws.ToString(up.UploadId))
	document := func(parts int) []byte {
		b := []byte(`<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
		for n := range parts {
			b = fmt.Appendf(b, `<Part><PartNumber>%d</PartNumber><ETag>"d41d8cd98f00b204e9800998ecf8427e"</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part>`, n+1)
		}
		return append(b, "</CompleteMultipartUpload>"...)
	}
	for name, row := range map[string]struct {
		body []byte
		code string
	}{
		"as many as there can be": {document(10_000), "InvalidPart"},
		"one more":                {document(10_001), "InvalidPart"},
		"none":                    {document(0), "MalformedXML"},
		"an entity":               {[]byte(`<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&e;</ETag></Part></CompleteMultipartUpload>`), "MalformedXML"},
		"deep":                    {[]byte("<CompleteMultipartUpload>" + strings.Repeat("<Part>", 300_000)), "MalformedXML"},
		"cut text":                {[]byte("<CompleteMultipartUpload><Part><ETag>" + strings.Repeat("a<!---->", 400_000) + "</ETag></Part></CompleteMultipartUpload>"), "MalformedXML"},
		"too large":               {bytes.Repeat([]byte(" "), 5<<20), "MaxMessageLengthExceeded"},
	} {
		start := time.Now()
		status, text := g.raw(t, http.MethodPost, "/b-parts/k", query, nil, row.body)
		if !strings.Contains(text, "<Code>"+row.code+"</Code>") || status >= 500 {
			t.Errorf("%s: answered %d %.300s", name, status, text)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}
