// Package account reads and changes the resources of an AWS account: it is
// the only part of setup that makes AWS calls.
package account

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/arn"
)

// Target says which account to use.
type Target struct {
	// Region and Profile come from the provider block; empty means what the
	// AWS configuration chain says.
	Region, Profile string
	// PathStyle asks for path-style S3 addresses. They are used without
	// asking on an endpoint that is an IP address or localhost, which cannot
	// have a name for each bucket.
	PathStyle bool
	// Where is the provider block's place for messages, or empty.
	Where string
}

// Client speaks to one account in one region.
type Client struct {
	// ID, Partition and Region are the account's, as STS told.
	ID, Partition, Region string
	// Endpoint is the URL the calls go to instead of AWS, or empty.
	Endpoint string

	s3     *s3.Client
	iam    *iam.Client
	logs   *cloudwatchlogs.Client
	trails *cloudtrail.Client
}

// Connect finds credentials and asks STS whose they are. Its errors say what
// to do: no region, no credentials, nobody listening, refused.
func Connect(ctx context.Context, t Target) (*Client, error) {
	opts := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return newRetryer() }),
	}
	if t.Region != "" {
		opts = append(opts, config.WithRegion(t.Region))
	}
	if t.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(t.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("read AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		place := "there is no provider \"aws\" block"
		if t.Where != "" {
			place = t.Where + ": the provider \"aws\" block sets no region"
		}
		return nil, fmt.Errorf("%s, and the environment and profile name none: write region = \"eu-west-1\" there, or set AWS_REGION", place)
	}
	if err := credentials(ctx, cfg); err != nil {
		return nil, err
	}
	c := &Client{Region: cfg.Region, Endpoint: aws.ToString(cfg.BaseEndpoint)}
	c.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = t.PathStyle || local(c.Endpoint) })
	c.iam = iam.NewFromConfig(cfg)
	c.logs = cloudwatchlogs.NewFromConfig(cfg)
	c.trails = cloudtrail.NewFromConfig(cfg)
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, c.explainIdentity(err)
	}
	caller, err := arn.Parse(aws.ToString(who.Arn))
	if err != nil {
		return nil, fmt.Errorf("ask whose credentials these are: %w", err)
	}
	c.ID, c.Partition = aws.ToString(who.Account), caller.Partition
	return c, nil
}

// credentials makes sure there are some. The chain ends at the metadata
// service of a virtual machine, which elsewhere only ever times out.
func credentials(ctx context.Context, cfg aws.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	const hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (aws configure, aws sso login); for a running cairn engine: eval \"$(cairn env)\""
	if cfg.Credentials == nil {
		return errors.New("there are no AWS credentials: " + hint)
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return fmt.Errorf("there are no AWS credentials: %s (%w)", hint, err)
	}
	return nil
}

func (c *Client) explainIdentity(err error) error {
	where := "AWS in " + c.Region
	if c.Endpoint != "" {
		where = c.Endpoint
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nobody listens at %s (AWS_ENDPOINT_URL): start an engine with `cairn serve`, or unset AWS_ENDPOINT_URL to use AWS", where)
	}
	if dns := new(net.DNSError); errors.As(err, &dns) {
		return fmt.Errorf("reach %s: the name %s cannot be resolved: check the network, the region and AWS_ENDPOINT_URL", where, dns.Name)
	}
	return fmt.Errorf("ask %s whose credentials these are: %w", where, Plain(err))
}

// local reports whether an endpoint's host has no subdomains.
func local(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || endpoint == "" {
		return false
	}
	return u.Hostname() == "localhost" || net.ParseIP(u.Hostname()) != nil
}

// retryer retries what the SDK retries, except a refused connection: that
// is nobody listening, and waiting does not help.
type retryer struct{ aws.RetryerV2 }

func newRetryer() aws.Retryer {
	return retryer{retry.NewStandard(func(o *retry.StandardOptions) {
		// CloudTrail takes one change a second and account (spec 4.2).
		o.MaxAttempts = 8
	})}
}

// IsErrorRetryable implements aws.Retryer.
func (r retryer) IsErrorRetryable(err error) bool {
	return !errors.Is(err, syscall.ECONNREFUSED) && r.RetryerV2.IsErrorRetryable(err)
}
