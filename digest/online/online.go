// Package online reads buckets and public keys from an AWS account, for
// [cairn/digest/verify].
package online

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"cairn/digest"
	"cairn/digest/verify"
)

// Account is an AWS account, or what answers at AWS_ENDPOINT_URL. It is a
// [verify.Source] and a [verify.KeySource].
type Account struct {
	cfg aws.Config

	mu      sync.Mutex
	buckets map[string]*s3.Client // by bucket, each in its bucket's region
}

var (
	_ verify.Source    = (*Account)(nil)
	_ verify.KeySource = (*Account)(nil)
)

// New returns an account; inFlight is how many objects will be read at once.
func New(cfg aws.Config, inFlight int) *Account {
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
	return &Account{cfg: cfg, buckets: map[string]*s3.Client{}}
}

// client returns the client for a bucket.
func (a *Account) client(ctx context.Context, bucket string) *s3.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.buckets[bucket]; ok {
		return c
	}
	c := a.regionClient(a.cfg.Region)
	// Who may read a bucket's objects may not always ask where it is; then the
	// configured region is as good as any.
	if out, err := c.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &bucket}); err == nil {
		switch region := string(out.LocationConstraint); region {
		case a.cfg.Region:
		case "":
			c = a.regionClient("us-east-1")
		case "EU":
			c = a.regionClient("eu-west-1")
		default:
			c = a.regionClient(region)
		}
	} else if ctx.Err() != nil {
		return c // ask again next time
	}
	a.buckets[bucket] = c
	return c
}

func (a *Account) regionClient(region string) *s3.Client {
	return s3.NewFromConfig(a.cfg, func(o *s3.Options) {
		o.Region = region
		// An endpoint of one's own need not have a name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		// The digest's hashes are checked; another checksum only costs time.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
}

// List implements [verify.Source].
func (a *Account) List(ctx context.Context, bucket, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
		if after != "" {
			in.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(a.client(ctx, bucket), in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", found(err))
				return
			}
			for _, o := range page.Contents {
				if !yield(aws.ToString(o.Key), nil) {
					return
				}
			}
		}
	}
}

// Folders implements [verify.Source].
func (a *Account) Folders(ctx context.Context, bucket, prefix string, file func(key string)) ([]string, error) {
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, Delimiter: aws.String("/")}
	var names []string
	pages := s3.NewListObjectsV2Paginator(a.client(ctx, bucket), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, found(err)
		}
		for _, o := range page.Contents {
			file(aws.ToString(o.Key))
		}
		for _, p := range page.CommonPrefixes {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(p.Prefix), prefix), "/"))
		}
	}
	return names, nil
}

// Open implements [verify.Source].
func (a *Account) Open(ctx context.Context, bucket, key string) (*verify.Object, error) {
	out, err := a.client(ctx, bucket).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, found(err)
	}
	metadata := make(map[string]string, len(out.Metadata))
	for name, value := range out.Metadata {
		metadata[strings.ToLower(name)] = value
	}
	return &verify.Object{Body: out.Body, Metadata: metadata}, nil
}

// PublicKeys implements [verify.KeySource].
func (a *Account) PublicKeys(ctx context.Context, region string, from, to time.Time) ([]digest.PublicKey, error) {
	in := &cloudtrail.ListPublicKeysInput{StartTime: &from, EndTime: &to}
	pages := cloudtrail.NewListPublicKeysPaginator(a.trails(region), in)
	var keys []digest.PublicKey
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list public keys: %w", err)
		}
		for _, k := range page.PublicKeyList {
			keys = append(keys, digest.PublicKey{
				Value: k.Value, Fingerprint: aws.ToString(k.Fingerprint),
				ValidFrom: aws.ToTime(k.ValidityStartTime), ValidTo: aws.ToTime(k.ValidityEndTime),
			})
		}
	}
	return keys, nil
}

func (a *Account) trails(region string) *cloudtrail.Client {
	return cloudtrail.NewFromConfig(a.cfg, func(o *cloudtrail.Options) {
		if region != "" {
			o.Region = region
		}
	})
}

// Trail is where a trail delivers to.
type Trail struct {
	ARN, Name, HomeRegion, Account string
	Bucket, Prefix                 string
	// Validation says that it delivers digests.
	Validation   bool
	Organization bool
}

// Trail finds a trail of the account by its name or ARN.
func (a *Account) Trail(ctx context.Context, nameOrARN string) (*Trail, error) {
	region := ""
	if parts := strings.Split(nameOrARN, ":"); len(parts) == 6 {
		region = parts[3]
	}
	out, err := a.trails(region).DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		return nil, fmt.Errorf("find trail %s: %w", nameOrARN, err)
	}
	for _, t := range out.TrailList {
		if arn := aws.ToString(t.TrailARN); arn == nameOrARN || aws.ToString(t.Name) == nameOrARN {
			parts := strings.Split(arn, ":")
			if len(parts) != 6 {
				return nil, fmt.Errorf("find trail %s: %q is no ARN of a trail", nameOrARN, arn)
			}
			return &Trail{
				ARN: arn, Name: aws.ToString(t.Name), HomeRegion: aws.ToString(t.HomeRegion), Account: parts[4],
				Bucket: aws.ToString(t.S3BucketName), Prefix: aws.ToString(t.S3KeyPrefix),
				Validation: aws.ToBool(t.LogFileValidationEnabled), Organization: aws.ToBool(t.IsOrganizationTrail),
			}, nil
		}
	}
	return nil, fmt.Errorf("find trail %s: there is no such trail in %s; is AWS_REGION its region, and are these the account's credentials?", nameOrARN, a.trails(region).Options().Region)
}

// LatestDigest returns when CloudTrail delivered a trail's newest digest of a
// region; zero if it does not say.
func (a *Account) LatestDigest(ctx context.Context, trailARN, region string) (time.Time, error) {
	out, err := a.trails(region).GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &trailARN})
	if err != nil {
		return time.Time{}, fmt.Errorf("get the status of trail %s in %s: %w", trailARN, region, err)
	}
	return aws.ToTime(out.LatestDigestDeliveryTime), nil
}

// found turns the answer that there is no such object into the error for it.
func found(err error) error {
	var e smithy.APIError
	if errors.As(err, &e) && slices.Contains([]string{"NoSuchKey", "NotFound"}, e.ErrorCode()) {
		return verify.ErrNotFound
	}
	return err
}
