// Package account reads and changes the resources of an AWS account: it is
// the only part of setup that makes AWS calls.
package account

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

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
	// Role is the role to assume with these credentials; nil for none.
	Role *Role
	// Transport carries the calls; nil for the SDK's own.
	Transport http.RoundTripper
	// Where is the provider block's place for messages, or empty.
	Where string
	// NoFiles is true if there are no files whose provider block could name a
	// region: then the caller's Go values may, or the environment.
	NoFiles bool
}

// Role is a role to assume. All but ARN may be empty.
type Role struct {
	ARN, SessionName, ExternalID string
	Duration                     time.Duration
}

// Client speaks to one account in one region.
type Client struct {
	// ID, Partition and Region are the account's, as STS told.
	ID, Partition, Region string
	// Endpoint is the URL the calls go to instead of AWS, or empty.
	Endpoint string

	cfg    aws.Config
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
		return nil, explainConfig(err)
	}
	if t.Transport != nil {
		// Not among the options: those do not go together with AWS_CA_BUNDLE.
		cfg.HTTPClient = &http.Client{Transport: t.Transport}
	}
	if err := checkEndpoint(aws.ToString(cfg.BaseEndpoint)); err != nil {
		return nil, err
	}
	if cfg.Region == "" && t.NoFiles {
		return nil, errors.New("neither the environment nor the profile names a region: set AWS_REGION, such as AWS_REGION=eu-west-1")
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
	if t.Role != nil {
		if err := assume(ctx, &cfg, t); err != nil {
			return nil, err
		}
	}
	c := &Client{cfg: cfg, Region: cfg.Region, Endpoint: aws.ToString(cfg.BaseEndpoint)}
	c.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = t.PathStyle || local(c.Endpoint) })
	c.iam = iam.NewFromConfig(cfg)
	c.logs = cloudwatchlogs.NewFromConfig(cfg)
	c.trails = cloudtrail.NewFromConfig(cfg)
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, explainIdentity(err, cfg)
	}
	caller, err := arn.Parse(aws.ToString(who.Arn))
	if err != nil {
		return nil, fmt.Errorf("ask whose credentials these are: %w", err)
	}
	c.ID, c.Partition = aws.ToString(who.Account), caller.Partition
	return c, nil
}

// Config returns the configuration the client calls with, for other services
// and regions.
func (c *Client) Config() aws.Config { return c.cfg.Copy() }

// PathStyle reports whether S3 is called with path-style addresses.
func (c *Client) PathStyle() bool { return c.s3.Options().UsePathStyle }

// credentials makes sure there are some. The chain ends at the metadata
// service of a virtual machine, which elsewhere only ever times out.
func credentials(ctx context.Context, cfg aws.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	const hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (aws configure, aws sso login); for a running cairn engine: eval \"$(cairn env)\""
	if cfg.Credentials == nil {
		return errors.New("there are no AWS credentials: " + hint)
	}
	_, err := cfg.Credentials.Retrieve(ctx)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "no EC2 IMDS role found"):
		// The end of the chain: all it says is that this is no machine of AWS's.
		return errors.New("there are no AWS credentials: " + hint)
	}
	return fmt.Errorf("there are no AWS credentials: %s (%w)", hint, Plain(err))
}

// assume puts the role's credentials in place of those found, and makes sure
// that they may be had.
func assume(ctx context.Context, cfg *aws.Config, t Target) error {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(*cfg), t.Role.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = t.Role.SessionName
		if o.RoleSessionName == "" {
			o.RoleSessionName = "cairn"
		}
		o.ExternalID = optional(t.Role.ExternalID)
		if t.Role.Duration > 0 {
			o.Duration = t.Role.Duration
		}
	})
	asked := *cfg
	cfg.Credentials = aws.NewCredentialsCache(provider)
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		if op, ok := errors.AsType[*smithy.OperationError](err); ok {
			err = op // without the cache's own words about it
		}
		if is(err, "AccessDenied") {
			return fmt.Errorf("%s: assume role %s: %w; the role's trust policy and the caller's own policies must both allow sts:AssumeRole", t.Where, t.Role.ARN, Plain(err))
		}
		return fmt.Errorf("%s: assume role %s: %w", t.Where, t.Role.ARN, explainIdentity(err, asked))
	}
	return nil
}

func explainConfig(err error) error {
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return fmt.Errorf("there is no AWS profile %q: `aws configure list-profiles` lists those there are, `aws configure --profile %s` makes it", missing.Profile, missing.Profile)
	}
	return fmt.Errorf("read AWS configuration: %w", err)
}

// checkEndpoint refuses what the SDK would only stumble over call by call.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("AWS_ENDPOINT_URL is %q, which is not a URL: it looks like http://127.0.0.1:4566 (`cairn env` prints the one of a running engine)", endpoint)
	}
	return nil
}

// explainIdentity tells why an endpoint does not say whose the credentials
// are, and what to do.
func explainIdentity(err error, cfg aws.Config) error {
	where := "AWS in " + cfg.Region
	endpoint := aws.ToString(cfg.BaseEndpoint)
	if endpoint != "" {
		where = endpoint
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nobody listens at %s (AWS_ENDPOINT_URL): start an engine with `cairn serve`, or unset AWS_ENDPOINT_URL to use AWS", where)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("reach %s: the name %s cannot be resolved: check the network, the region and AWS_ENDPOINT_URL", where, dns.Name)
	}
	if code(err) == "" && endpoint != "" && errors.As(err, new(*smithyhttp.ResponseError)) {
		return fmt.Errorf("what answers at %s (AWS_ENDPOINT_URL) does not speak as AWS does: correct the URL, or unset it to use AWS", where)
	}
	return fmt.Errorf("ask %s whose credentials these are: %w%s", where, Plain(err), Hint(err))
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
