package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/internal/engine"
)

// demoClients are the AWS clients of one caller, and what the demo remembers
// of what they did.
type demoClients struct {
	endpoint, key, secret string

	ec2  *ec2.Client
	iam  *iam.Client
	logs *cloudwatchlogs.Client
	s3   *s3.Client

	instance string
	eventID  string
	acted    time.Time
}

// clients returns the clients of an account's root user.
func (d *demo) clients(account string) (*demoClients, error) {
	key, secret, err := readProfile(engine.CredentialsFile(filepath.Join(d.dir, "data")), account)
	if err != nil {
		return nil, err
	}
	return newDemoClients(d.engine.URL(), key, secret), nil
}

func newDemoClients(endpoint, key, secret string) *demoClients {
	config := aws.Config{
		Region: demoRegion, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
	return &demoClients{
		endpoint: endpoint, key: key, secret: secret,
		ec2: ec2.NewFromConfig(config), iam: iam.NewFromConfig(config), logs: cloudwatchlogs.NewFromConfig(config),
		s3: s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

// environment returns the variables that point other programs at the engine as
// this caller.
func (c *demoClients) environment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + c.endpoint, "AWS_REGION=" + demoRegion, "AWS_DEFAULT_REGION=" + demoRegion,
		"AWS_ACCESS_KEY_ID=" + c.key, "AWS_SECRET_ACCESS_KEY=" + c.secret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// foundRecord is a record found in a log file, and where.
type foundRecord struct {
	Key          string `json:"-"`
	EventID      string
	EventTime    string
	EventName    string
	ErrorCode    string
	SourceIP     string `json:"sourceIPAddress"`
	UserIdentity struct {
		Type     string
		UserName string
	}
	ResponseElements json.RawMessage

	text json.RawMessage
}

// summary tells who did what from where, with which result.
func (r *foundRecord) summary() string {
	who, result := r.UserIdentity.Type, "ok"
	if r.UserIdentity.UserName != "" {
		who += " " + r.UserIdentity.UserName
	}
	if r.ErrorCode != "" {
		result = r.ErrorCode
	}
	return fmt.Sprintf("%s  %-11s  %s  from %s  %s", r.EventTime, who, r.EventName, r.SourceIP, result)
}

// excerpt returns the members of the record that tell the story, indented.
func (r *foundRecord) excerpt() string {
	var all struct {
		UserIdentity json.RawMessage `json:"userIdentity"`
		EventTime    string          `json:"eventTime"`
		EventSource  string          `json:"eventSource"`
		EventName    string          `json:"eventName"`
		AWSRegion    string          `json:"awsRegion"`
		SourceIP     string          `json:"sourceIPAddress"`
		Response     struct {
			Instances struct {
				Items []struct {
					ID string `json:"instanceId"`
				} `json:"items"`
			} `json:"instancesSet"`
		} `json:"responseElements"`
		EventID string `json:"eventID"`
	}
	if err := json.Unmarshal(r.text, &all); err != nil {
		return string(r.text)
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return string(r.text)
	}
	return string(b)
}

// logFiles returns the records of all log files of a bucket.
func (c *demoClients) logFiles(ctx context.Context, bucket string) (records []foundRecord, err error) {
	pages := s3.NewListObjectsV2Paginator(c.s3, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s: %w", bucket, err)
		}
		for _, o := range page.Contents {
			if !strings.HasSuffix(*o.Key, ".json.gz") {
				continue
			}
			file, err := c.logFile(ctx, bucket, *o.Key)
			if err != nil {
				return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, *o.Key, err)
			}
			records = append(records, file...)
		}
	}
	return records, nil
}

func (c *demoClients) logFile(ctx context.Context, bucket, key string) ([]foundRecord, error) {
	object, err := c.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer object.Body.Close()
	zr, err := gzip.NewReader(object.Body)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return nil, err
	}
	var file struct{ Records []json.RawMessage }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	records := make([]foundRecord, len(file.Records))
	for i, raw := range file.Records {
		if err := json.Unmarshal(raw, &records[i]); err != nil {
			return nil, err
		}
		records[i].Key, records[i].text = key, raw
	}
	return records, nil
}
