package s3

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
)

// router is a service without stores: enough to find operations.
func router() *Service {
	s := &Service{
		domains: []string{"s3.localhost", "localhost"}, routes: map[route]*operation{}, methods: map[string]string{}, api: &call.API{Name: "s3"},
	}
	for i := range operations {
		s.add(&operations[i])
	}
	return s
}

func TestMatch(t *testing.T) {
	s := router()
	for _, c := range []struct {
		method, host, target, header string
		op, bucket, key              string
	}{
		{"GET", "localhost:4566", "/", "", "ListBuckets", "", ""},
		{"GET", "localhost", "/b-1", "", "ListObjects", "b-1", ""},
		{"GET", "127.0.0.1:9", "/b-1/?list-type=2&prefix=x", "", "ListObjectsV2", "b-1", ""},
		{"GET", "b-1.s3.localhost:4566", "/", "", "ListObjects", "b-1", ""},
		{"GET", "b-1.localhost", "/k/l", "", "GetObject", "b-1", "k/l"},
		{"PUT", "my.dotted.s3.eu-west-1.amazonaws.com", "/k", "", "PutObject", "my.dotted", "k"},
		{"PUT", "s3.eu-west-1.amazonaws.com", "/b-1/k", "", "PutObject", "b-1", "k"},
		{"PUT", "b-1.s3-eu-west-1.amazonaws.com", "/k", "", "PutObject", "b-1", "k"},
		{"PUT", "b-1.s3.dualstack.us-east-1.amazonaws.com", "/k", "", "PutObject", "b-1", "k"},
		{"PUT", "b-1.s3.amazonaws.com", "/k%2Fl%20m+", "X-Amz-Copy-Source: a/b", "CopyObject", "b-1", "k/l m+"},
		{"PUT", "localhost", "/b-1/k?uploadId=u&partNumber=1", "", "UploadPart", "b-1", "k"},
		{"PUT", "localhost", "/b-1/k?uploadId=u&partNumber=1", "X-Amz-Copy-Source: a/b", "UploadPartCopy", "b-1", "k"},
		{"POST", "localhost", "/b-1/k?uploads", "", "CreateMultipartUpload", "b-1", "k"},
		{"GET", "localhost", "/b-1?uploads", "", "ListMultipartUploads", "b-1", ""},
		{"POST", "localhost", "/b-1?delete&x-id=DeleteObjects", "", "DeleteObjects", "b-1", ""},
		{"HEAD", "localhost", "/b-1", "", "HeadBucket", "b-1", ""},
		{"DELETE", "localhost", "/b-1/k?versionId=v", "", "DeleteObject", "b-1", "k"},
		{"GET", "localhost", "/b-1/k?X-Amz-Signature=0&X-Amz-Expires=1&x-amz-checksum-mode=ENABLED", "", "GetObject", "b-1", "k"},
		{"PUT", "localhost", "/b-1?metadataTable", "", "NotImplemented", "", ""},
		{"GET", "localhost", "/b-1/k?versionId=a&versionId=b", "", "InvalidArgument", "", ""},
		{"GET", "localhost", "//k", "", "InvalidBucketName", "", ""},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		r.Host = c.host
		if name, value, ok := strings.Cut(c.header, ": "); ok {
			r.Header.Set(name, value)
		}
		op, v, err := s.match(r)
		var got string
		if err != nil {
			got = awserr.From(err).Code
		} else {
			got = op.Name
		}
		in, _ := v.(*Input)
		if in == nil {
			in = &Input{}
		}
		if got != c.op || in.Bucket != c.bucket || in.Key != c.key {
			t.Errorf("%s %s%s: %s of %q %q, want %s of %q %q", c.method, c.host, c.target, got, in.Bucket, in.Key, c.op, c.bucket, c.key)
		}
	}
}

// Every operation has its action: what is not the API's own name is spelled as
// the Service Authorization Reference has it.
func TestActions(t *testing.T) {
	s := router()
	for name, action := range map[string]string{
		"ListObjectsV2": "s3:ListBucket", "HeadObject": "s3:GetObject", "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
		"DeleteBucketEncryption": "s3:PutEncryptionConfiguration", "ListParts": "s3:ListMultipartUploadParts", "DeleteObject": "s3:DeleteObject",
	} {
		c := &call.Call{API: s.api, Op: s.api.Operations[name]}
		if got := c.Action(); got != action {
			t.Errorf("%s needs %s, want %s", name, got, action)
		}
	}
	if len(s.api.Operations) != len(operations) || len(s.routes) != len(operations) {
		t.Errorf("%d operations have %d names and %d routes", len(operations), len(s.api.Operations), len(s.routes))
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("GET", "b.s3.localhost:4566", "/a/b", "versionId=x")
	f.Add("PUT", "localhost", "/bucket/key", "uploadId=1&partNumber=2")
	f.Add("GET", "x.s3.eu-west-1.amazonaws.com", "/%2e%2e/", "list-type=2&prefix=%ff")
	s := router()
	f.Fuzz(func(t *testing.T, method, host, path, query string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.Host, r.URL.Path, r.URL.RawQuery = method, host, path, query
		op, v, err := s.match(r)
		if err != nil {
			if e := awserr.From(err); e.Status < 400 || e.Status == http.StatusInternalServerError {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		in := v.(*Input)
		if in.Key != "" && config.ValidKey(in.Key) != nil {
			t.Fatalf("%s gets the key %q", op.Name, in.Key)
		}
		if in.Key != "" && in.Bucket == "" {
			t.Fatalf("%s gets a key and no bucket", op.Name)
		}
		for name := range in.Query {
			if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
				t.Fatalf("%s gets the parameter %s", op.Name, name)
			}
		}
	})
}
