package s3_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestObjects(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "first-bucket")
	bucket := aws.String("first-bucket")

	put, err := c.PutObject(ctx, &sdk.PutObjectInput{
		Bucket: bucket, Key: aws.String("a/b c+ü.txt"), Body: strings.NewReader("hello world"), ContentType: aws.String("text/plain"),
		Metadata: map[string]string{"color": "blue"}, ServerSideEncryption: types.ServerSideEncryptionAes256, Tagging: aws.String("k=v"),
		ACL: types.ObjectCannedACLBucketOwnerFullControl,
	})
	if err != nil {
		t.Fatal(err)
	}
	if put.ServerSideEncryption != "AES256" || aws.ToString(put.ETag) != `"5eb63bbbe01eeed093cb22bb8f5acdc3"` {
		t.Errorf("put answered %+v", put)
	}
	got := ok[*sdk.GetObjectOutput](t)(c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt"), ChecksumMode: types.ChecksumModeEnabled}))
	b, _ := io.ReadAll(got.Body)
	if string(b) != "hello world" || got.Metadata["color"] != "blue" || aws.ToString(got.ContentType) != "text/plain" || got.ServerSideEncryption != "AES256" {
		t.Errorf("got %q %+v", b, got)
	}
	part := ok[*sdk.GetObjectOutput](t)(c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt"), Range: aws.String("bytes=6-8")}))
	b, _ = io.ReadAll(part.Body)
	if string(b) != "wor" || aws.ToString(part.ContentRange) != "bytes 6-8/11" {
		t.Errorf("range: %q %v", b, aws.ToString(part.ContentRange))
	}
	head := ok[*sdk.HeadObjectOutput](t)(c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt")}))
	if aws.ToInt64(head.ContentLength) != 11 {
		t.Errorf("head: %+v", head)
	}
	_, err = c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("nope")})
	wantCode(t, err, "NoSuchKey")
	_, err = c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: aws.String("nope")})
	wantCode(t, err, "NotFound")
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*")})
	wantCode(t, err, "PreconditionFailed")
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("x"), ServerSideEncryption: types.ServerSideEncryptionAwsKms})
	wantCode(t, err, "NotImplemented")
	_, err = c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("a//b"), Body: strings.NewReader("x")})
	wantCode(t, err, "InvalidArgument")

	tags := ok[*sdk.GetObjectTaggingOutput](t)(c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt")}))
	if len(tags.TagSet) != 1 || aws.ToString(tags.TagSet[0].Value) != "v" {
		t.Errorf("tags: %+v", tags.TagSet)
	}
	ok[*sdk.PutObjectTaggingOutput](t)(c.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("x"), Value: aws.String("y")}}}}))
	ok[*sdk.DeleteObjectTaggingOutput](t)(c.DeleteObjectTagging(ctx, &sdk.DeleteObjectTaggingInput{Bucket: bucket, Key: aws.String("a/b c+ü.txt")}))
	attrs := ok[*sdk.GetObjectAttributesOutput](t)(c.GetObjectAttributes(ctx, &sdk.GetObjectAttributesInput{
		Bucket: bucket, Key: aws.String("a/b c+ü.txt"), ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectSize, types.ObjectAttributesEtag},
	}))
	if aws.ToInt64(attrs.ObjectSize) != 11 {
		t.Errorf("attributes: %+v", attrs)
	}

	_, err = c.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String("first-bucket/a/b%20c%2B%C3%BC.txt")})
	if err != nil {
		t.Fatal(err)
	}
	if text := getText(t, c, "first-bucket", "copy"); text != "hello world" {
		t.Errorf("copy holds %q", text)
	}
	list := ok[*sdk.ListObjectsV2Output](t)(c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/"), FetchOwner: aws.Bool(true)}))
	if len(list.Contents) != 1 || len(list.CommonPrefixes) != 1 || len(aws.ToString(list.Contents[0].Owner.ID)) != 64 {
		t.Errorf("list: %+v", list)
	}
	buckets := ok[*sdk.ListBucketsOutput](t)(c.ListBuckets(ctx, &sdk.ListBucketsInput{}))
	if got, want := aws.ToString(list.Contents[0].Owner.ID), aws.ToString(buckets.Owner.ID); got != want {
		t.Errorf("listing's owner is %s, want %s", got, want)
	}
	list1 := ok[*sdk.ListObjectsOutput](t)(c.ListObjects(ctx, &sdk.ListObjectsInput{Bucket: bucket, Prefix: aws.String("a/"), Marker: aws.String("a/a")}))
	if len(list1.Contents) != 1 {
		t.Errorf("list v1: %+v", list1)
	}

	deleted := ok[*sdk.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("copy")}, {Key: aws.String("a/b c+ü.txt")}},
	}}))
	if len(deleted.Deleted) != 2 || len(deleted.Errors) != 0 {
		t.Errorf("deleted: %+v", deleted)
	}
	ok[*sdk.DeleteObjectOutput](t)(c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("never-there")}))
	ok[*sdk.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket}))
}

func TestMultipart(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "parts")
	bucket, key := aws.String("parts"), aws.String("big")
	putText(t, c, "parts", "source", strings.Repeat("z", 6<<20))
	up := ok[*sdk.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: bucket, Key: key}))
	if up.ServerSideEncryption != "AES256" {
		t.Errorf("create: %+v", up)
	}
	one := ok[*sdk.UploadPartOutput](t)(c.UploadPart(ctx, &sdk.UploadPartInput{
		Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(1), Body: bytes.NewReader(bytes.Repeat([]byte("a"), 5<<20)),
	}))
	two := ok[*sdk.UploadPartCopyOutput](t)(c.UploadPartCopy(ctx, &sdk.UploadPartCopyInput{
		Bucket: bucket, Key: key, UploadId: up.UploadId, PartNumber: aws.Int32(2), CopySource: aws.String("parts/source"), CopySourceRange: aws.String("bytes=0-99"),
	}))
	parts := ok[*sdk.ListPartsOutput](t)(c.ListParts(ctx, &sdk.ListPartsInput{Bucket: bucket, Key: key, UploadId: up.UploadId}))
	if len(parts.Parts) != 2 {
		t.Fatalf("parts: %+v", parts)
	}
	uploads := ok[*sdk.ListMultipartUploadsOutput](t)(c.ListMultipartUploads(ctx, &sdk.ListMultipartUploadsInput{Bucket: bucket}))
	if len(uploads.Uploads) != 1 {
		t.Errorf("uploads: %+v", uploads)
	}
	ok[*sdk.CompleteMultipartUploadOutput](t)(c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{
		Bucket: bucket, Key: key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
			{PartNumber: aws.Int32(1), ETag: one.ETag, ChecksumCRC32: one.ChecksumCRC32}, {PartNumber: aws.Int32(2), ETag: two.CopyPartResult.ETag, ChecksumCRC32: two.CopyPartResult.ChecksumCRC32},
		}},
	}))
	if text := getText(t, c, "parts", "big"); len(text) != 5<<20+100 || text[5<<20] != 'z' {
		t.Errorf("object has %d bytes", len(text))
	}
	up = ok[*sdk.CreateMultipartUploadOutput](t)(c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: bucket, Key: key}))
	ok[*sdk.AbortMultipartUploadOutput](t)(c.AbortMultipartUpload(ctx, &sdk.AbortMultipartUploadInput{Bucket: bucket, Key: key, UploadId: up.UploadId}))
}

func TestVersionsAndLock(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	bucket := aws.String("kept")
	ok[*sdk.CreateBucketOutput](t)(c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: bucket, ObjectLockEnabledForBucket: aws.Bool(true)}))
	v := ok[*sdk.GetBucketVersioningOutput](t)(c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: bucket}))
	if v.Status != types.BucketVersioningStatusEnabled {
		t.Fatalf("versioning: %+v", v)
	}
	putText(t, c, "kept", "k", "one")
	putText(t, c, "kept", "k", "two")
	ok[*sdk.DeleteObjectOutput](t)(c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("k")}))
	list := ok[*sdk.ListObjectVersionsOutput](t)(c.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: bucket}))
	if len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 {
		t.Fatalf("versions: %+v", list)
	}
	_, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket})
	wantCode(t, err, "BucketNotEmpty")
	old := list.Versions[1].VersionId
	got := ok[*sdk.GetObjectOutput](t)(c.GetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("k"), VersionId: old}))
	if b, _ := io.ReadAll(got.Body); string(b) != "one" {
		t.Errorf("old version is %q", b)
	}
	ok[*sdk.PutObjectLegalHoldOutput](t)(c.PutObjectLegalHold(ctx, &sdk.PutObjectLegalHoldInput{
		Bucket: bucket, Key: aws.String("k"), VersionId: old, LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOn},
	}))
	_, err = c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: bucket, Key: aws.String("k"), VersionId: old})
	if err == nil {
		t.Fatal("a version under legal hold was deleted")
	}
	ok[*sdk.PutObjectLegalHoldOutput](t)(c.PutObjectLegalHold(ctx, &sdk.PutObjectLegalHoldInput{
		Bucket: bucket, Key: aws.String("k"), VersionId: old, LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOff},
	}))
	lock := ok[*sdk.GetObjectLockConfigurationOutput](t)(c.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: bucket}))
	if lock.ObjectLockConfiguration.ObjectLockEnabled != types.ObjectLockEnabledEnabled {
		t.Errorf("lock: %+v", lock.ObjectLockConfiguration)
	}
	ok[*sdk.PutObjectLockConfigurationOutput](t)(c.PutObjectLockConfiguration(ctx, &sdk.PutObjectLockConfigurationInput{
		Bucket: bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{ObjectLockEnabled: "Enabled", Rule: &types.ObjectLockRule{
			DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeGovernance, Days: aws.Int32(1)},
		}},
	}))
	var ids []types.ObjectIdentifier
	for _, v := range list.Versions {
		ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range list.DeleteMarkers {
		ids = append(ids, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	del := ok[*sdk.DeleteObjectsOutput](t)(c.DeleteObjects(ctx, &sdk.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}, BypassGovernanceRetention: aws.Bool(true)}))
	if len(del.Errors) != 0 || len(del.Deleted) != 0 {
		t.Errorf("quiet delete: %+v", del)
	}
	ok[*sdk.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: bucket}))
	_, err = c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: bucket})
	wantCode(t, err, "NotFound")
}

func TestUnlockedVersioning(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "plain-one")
	bucket := aws.String("plain-one")
	v := ok[*sdk.GetBucketVersioningOutput](t)(c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: bucket}))
	if v.Status != "" {
		t.Errorf("a new bucket has versioning %q", v.Status)
	}
	_, err := c.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: bucket})
	wantCode(t, err, "ObjectLockConfigurationNotFoundError")
	for _, status := range []types.BucketVersioningStatus{"Enabled", "Suspended", "Enabled"} {
		ok[*sdk.PutBucketVersioningOutput](t)(c.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status}}))
		v := ok[*sdk.GetBucketVersioningOutput](t)(c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: bucket}))
		if v.Status != status {
			t.Errorf("versioning is %q, want %q", v.Status, status)
		}
	}
}

// Uploads reach the engine in several framings; all must arrive whole and with
// their checksums checked.
func TestUploadFramings(t *testing.T) {
	g := newGate(t)
	c, ctx := g.root(), t.Context()
	makeBucket(t, c, "framed")
	bucket := aws.String("framed")
	text := strings.Repeat("framing ", 40_000)
	t.Run("trailing checksum of a stream", func(t *testing.T) {
		over := httptest.NewTLSServer(g)
		defer over.Close()
		c := g.root(func(o *sdk.Options) { o.BaseEndpoint, o.HTTPClient = &over.URL, over.Client() })
		for _, algorithm := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmCrc64nvme} {
			_, err := c.PutObject(ctx, &sdk.PutObjectInput{
				Bucket: bucket, Key: aws.String("stream"), Body: io.MultiReader(strings.NewReader(text)), ContentLength: aws.Int64(int64(len(text))), ChecksumAlgorithm: algorithm,
			})
			if err != nil {
				t.Fatal(algorithm, err)
			}
			if getText(t, c, "framed", "stream") != text {
				t.Error("the object differs")
			}
		}
	})
	t.Run("wrong checksum", func(t *testing.T) {
		_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("wrong"), Body: strings.NewReader("x"), ChecksumCRC32: aws.String("AAAAAA==")})
		wantCode(t, err, "BadDigest")
		_, err = c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: bucket, Key: aws.String("wrong")})
		wantCode(t, err, "NotFound")
	})
	t.Run("presigned", func(t *testing.T) {
		p := sdk.NewPresignClient(c)
		put, err := p.PresignPutObject(ctx, &sdk.PutObjectInput{Bucket: bucket, Key: aws.String("pre signed")})
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequestWithContext(ctx, put.Method, put.URL, strings.NewReader("presigned body"))
		req.Header.Set("Expect", "100-continue")
		resp, err := g.Client().Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal(err, resp)
		}
		resp.Body.Close()
		get, err := p.PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: bucket, Key: aws.String("pre signed"), ResponseContentType: aws.String("text/x")})
		if err != nil {
			t.Fatal(err)
		}
		resp, err = g.Client().Get(get.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, _ := io.ReadAll(resp.Body); string(b) != "presigned body" || resp.Header.Get("Content-Type") != "text/x" {
			t.Errorf("got %q of type %q", b, resp.Header.Get("Content-Type"))
		}
		extra := g.last(t, "GetObject")["additionalEventData"].(map[string]any)
		if extra["AuthenticationMethod"] != "QueryString" {
			t.Errorf("recorded %v", extra)
		}
	})
	t.Run("virtual host", func(t *testing.T) {
		for _, endpoint := range []string{"http://s3.localhost:4566", "http://localhost:4566", "http://s3.us-east-1.amazonaws.com"} {
			v := g.root(g.anywhere, func(o *sdk.Options) { o.UsePathStyle = false; o.BaseEndpoint = aws.String(endpoint) })
			putText(t, v, "framed", "virtual/key", endpoint)
			if got := getText(t, c, "framed", "virtual/key"); got != endpoint {
				t.Errorf("got %q, want %q", got, endpoint)
			}
		}
	})
	t.Run("empty and large", func(t *testing.T) {
		putText(t, c, "framed", "empty", "")
		big := strings.Repeat("0123456789abcdef", 1<<20)
		putText(t, c, "framed", "large", big)
		if getText(t, c, "framed", "empty") != "" || getText(t, c, "framed", "large") != big {
			t.Error("an object differs")
		}
	})
}
