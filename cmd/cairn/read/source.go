package read

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"cairn/cmd/cairn/read/cloudwatch"
	"cairn/cmd/cairn/read/combined"
	"cairn/internal/index"
	"cairn/internal/scan"
)

// groupName returns the name of the log group that a source names: with
// log-group: before it, or as an ARN.
func groupName(source string) (name string, ok bool) {
	if name, ok := strings.CutPrefix(source, "log-group:"); ok {
		return name, true
	}
	if parts := strings.SplitN(source, ":", 7); len(parts) == 7 && parts[0] == "arn" && parts[2] == "logs" && parts[5] == "log-group" {
		return strings.TrimSuffix(parts[6], ":*"), true
	}
	return "", false
}

// place is a source of records that is open.
type place struct {
	scan.Source
	group *cloudwatch.Group // nil if it is none
}

// open opens what a command line names.
func (f *filters) open(ctx context.Context, source string) (*place, error) {
	if name, ok := groupName(source); ok {
		g, err := cloudwatch.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		return &place{Source: g.Source(f.now, f.serverPattern()), group: g}, nil
	}
	src, err := scan.Open(ctx, source, scan.Options{})
	if err == nil {
		return &place{Source: src}, nil
	}
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(source, "/.") {
		err = fmt.Errorf("%w; for a bucket write s3://%s, for a log group log-group:%s", err, source, source)
	}
	return nil, err
}

// serverPattern is what CloudWatch Logs can choose by itself, so that less is
// sent. What it sends is checked like any other record.
func (f *filters) serverPattern() string {
	if len(f.search.Patterns) == 1 && !strings.HasPrefix(f.search.Patterns[0], "!") {
		return f.search.Patterns[0]
	}
	return ""
}

// useIndex returns a source together with its index. It is nil if there is no
// index, or it is not wanted.
func (f *filters) useIndex(ctx context.Context, src *place, source string) (*combined.Source, error) {
	if f.noIndex || f.insights || src.group != nil {
		return nil, nil
	}
	x, err := index.Find(source, f.env.Getenv)
	if errors.Is(err, index.ErrNone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w; --no-index does without", err)
	}
	in, err := combined.New(ctx, src, x, f.window())
	if err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return in, nil
}
