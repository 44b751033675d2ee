package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// remoteInFlight is how many requests a bucket is sent at once, unless asked
// otherwise: at 20 ms a file, enough for 3,000 files a second.
const remoteInFlight = 64

// bucket is an S3 bucket as a store.
type bucket struct {
	client *s3.Client
	name   string
}

// openBucket returns the log files under a prefix of a bucket. The prefix is a
// folder, with or without its last slash, or the key of one file.
func openBucket(ctx context.Context, cfg aws.Config, name, prefix string, inFlight int) (Source, error) {
	if inFlight == 0 {
		inFlight = remoteInFlight
	}
	b := bucket{client: client(ctx, cfg, name, inFlight), name: name}
	if canHold(prefix) {
		head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &name, Key: &prefix})
		if err != nil {
			return nil, fmt.Errorf("open s3://%s/%s: %w", name, prefix, missing(err))
		}
		f := named(File{Key: prefix, Size: aws.ToInt64(head.ContentLength), Modified: aws.ToTime(head.LastModified)})
		return &object{bucket: b, file: f}, nil
	}
	if prefix = strings.TrimRight(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &tree{store: b, start: start(prefix), inFlight: inFlight}, nil
}

// client returns a client for a bucket's own region.
func client(ctx context.Context, cfg aws.Config, bucket string, inFlight int) *s3.Client {
	cfg = cfg.Copy()
	if cfg.Region == "" {
		cfg.Region = "us-east-1" // where buckets of any region are found
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		// Without it all but a few connections would be opened anew each time.
		cfg.HTTPClient = c.WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns, t.MaxIdleConnsPerHost = 2*inFlight, inFlight
		})
	}
	inRegion := func(region string) *s3.Client {
		return s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.Region = region
			// An endpoint of one's own need not have a name for each bucket.
			o.UsePathStyle = o.BaseEndpoint != nil
			// gzip has a checksum of its own; another one only costs time.
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		})
	}
	c := inRegion(cfg.Region)
	// Who may read a bucket's objects may not always ask where it is; then the
	// configured region is as good as any.
	out, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &bucket})
	if err != nil {
		return c
	}
	switch region := string(out.LocationConstraint); region {
	case "":
		return inRegion("us-east-1")
	case "EU":
		return inRegion("eu-west-1")
	default:
		return inRegion(region)
	}
}

func (b bucket) list(ctx context.Context, l listing, each func(File) error) (folders []string, err error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &l.folder}
	if l.after != "" {
		in.StartAfter = &l.after
	}
	if !l.all {
		in.Delimiter = aws.String("/")
	}
	pages := s3.NewListObjectsV2Paginator(b.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", b.name, l.folder, err)
		}
		for _, o := range page.Contents {
			f := File{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)}
			if err := each(f); err != nil {
				return nil, err
			}
		}
		for _, p := range page.CommonPrefixes {
			folders = append(folders, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), l.folder), "/"))
		}
	}
	return folders, nil
}

func (b bucket) open(ctx context.Context, f File) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &f.Key})
	if err != nil {
		return nil, missing(err)
	}
	return out.Body, nil
}

// missing gives the answer that there is no such object the error for it.
func missing(err error) error {
	var e smithy.APIError
	if errors.As(err, &e) && (e.ErrorCode() == "NoSuchKey" || e.ErrorCode() == "NotFound") {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// object is one object of a bucket as a source.
type object struct {
	bucket
	file File
}

var _ Source = (*object)(nil)

// List implements [Source].
func (o *object) List(_ context.Context, _ Window, _ bool, each func(File) error) error {
	return each(o.file)
}

// Open implements [Source].
func (o *object) Open(ctx context.Context, f File) (io.ReadCloser, error) { return o.open(ctx, f) }
