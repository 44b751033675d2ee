package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// search asks the bucket the question an auditor would, with the program itself.
func (d *demo) search(ctx context.Context) error {
	began := time.Now()
	args := []string{"search", "s3://" + ownBucket, "--event", "RunInstances", "--since", "1h", "--table"}
	out, err := d.cairn(ctx, args...)
	if err != nil {
		return fmt.Errorf("search the bucket: %w\n%s", err, out)
	}
	if !strings.Contains(out, "ann") || !strings.Contains(out, "root") {
		return fmt.Errorf("search the bucket: it does not show what root and ann did:\n%s", out)
	}
	d.title("cairn "+strings.Join(args, " "), began)
	for line := range strings.Lines(out) {
		d.say("%s", strings.TrimRight(line, "\n"))
	}
	return nil
}

// validate holds the bucket to its signed digests, once there is one.
func (d *demo) validate(ctx context.Context) error {
	began := time.Now()
	args := []string{"validate", "--trail", ownTrail}
	var out string
	err := d.wait(ctx, "a digest that lists the log files", func(ctx context.Context) (bool, error) {
		var err error
		out, err = d.cairn(ctx, args...)
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return err == nil && !strings.Contains(out, " 0 log files"), nil
	})
	if err != nil {
		return fmt.Errorf("%w; what cairn validate said last:\n%s", err, out)
	}
	d.title("cairn "+strings.Join(args, " "), began)
	for line := range strings.Lines(out) {
		if strings.Contains(line, "valid") {
			d.say("%s", strings.TrimRight(line, "\n"))
		}
	}
	return nil
}
