package scan

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Options are what [Open] may be told. The zero value is fit for use.
type Options struct {
	// AWS returns the configuration to read buckets with; nil means the AWS
	// SDK's default chain.
	AWS func(context.Context) (aws.Config, error)
	// InFlight is how many requests a bucket is sent at once; 0 means 64.
	InFlight int
}

// Open returns the log files of a place: s3://bucket/prefix, a folder, or a
// file.
func Open(ctx context.Context, where string, o Options) (Source, error) {
	if rest, ok := strings.CutPrefix(where, "s3://"); ok {
		bucket, prefix, _ := strings.Cut(rest, "/")
		if bucket == "" {
			return nil, fmt.Errorf("open %s: it names no bucket (s3://bucket/prefix)", where)
		}
		load := o.AWS
		if load == nil {
			load = func(ctx context.Context) (aws.Config, error) { return config.LoadDefaultConfig(ctx) }
		}
		cfg, err := load(ctx)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", where, err)
		}
		return openBucket(ctx, cfg, bucket, prefix, o.InFlight)
	}
	info, err := os.Stat(where)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", where, err)
	}
	if !info.IsDir() {
		return &single{path: where, info: info}, nil
	}
	return openFolder(where)
}
