package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"cairn/internal/engine"
)

// The names the two examples use.
const (
	ownBucket   = "digitalmarketplaces-account-cloudtrail-bucket"
	ownTrail    = "digitalmarketplaces-account-cloudtrail"
	ownGroup    = "digitalmarketplaces-account-cloudtrail-cloudtrail-log-group"
	theirBucket = "gds-audit-cloudtrails"
)

// cairn runs this program as a user would, as root of demoAccount.
func (d *demo) cairn(ctx context.Context, args ...string) (output string, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...) // #nosec G204 -- this very program, with the demo's own arguments
	cmd.Env = append(os.Environ(), d.mine.environment()...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

func (d *demo) setUpOwnBucket(ctx context.Context) error {
	began := time.Now()
	example := filepath.Join(d.dir, "examples", "own-bucket")
	out, err := d.cairn(ctx, "apply", "--auto-approve", "--var", "account_id="+demoAccount, example)
	if err != nil {
		return fmt.Errorf("apply the example: %w\n%s", err, out)
	}
	d.title("cairn apply examples/own-bucket: a bucket, a role, a log group and a trail", began)
	for line := range strings.Lines(out) {
		if address, _, made := strings.Cut(line, ": Creation complete"); made {
			d.say("+ %s", address)
		}
		if strings.HasPrefix(line, "Apply complete") {
			d.say("%s", strings.TrimSpace(line))
		}
	}
	if !strings.Contains(out, "Apply complete!") {
		return fmt.Errorf("apply the example: it did not complete:\n%s", out)
	}
	return nil
}

// act does two things worth an entry: root creates an EC2 instance, and a user
// who may not is denied the same.
func (d *demo) act(ctx context.Context) error {
	began := time.Now()
	in := &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: ec2types.InstanceTypeT3Micro,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	}
	out, err := d.mine.ec2.RunInstances(ctx, in)
	if err != nil {
		return fmt.Errorf("create an EC2 instance as root: %w", err)
	}
	d.mine.instance, d.mine.acted = *out.Instances[0].InstanceId, time.Now()

	user := &iam.CreateUserInput{UserName: aws.String("ann")}
	if _, err := d.mine.iam.CreateUser(ctx, user); err != nil {
		return fmt.Errorf("create the user ann: %w", err)
	}
	key, err := d.mine.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: user.UserName})
	if err != nil {
		return fmt.Errorf("create an access key for ann: %w", err)
	}
	ann := newDemoClients(d.engine.URL(), *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey)
	_, err = ann.ec2.RunInstances(ctx, in)
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "UnauthorizedOperation" {
		return fmt.Errorf("ann, who has no policy, should be denied ec2:RunInstances, but got: %w", err)
	}
	d.title("act: root creates an EC2 instance, and ann, who has no policy, tries to", began)
	d.say("root  RunInstances  %s", d.mine.instance)
	d.say("ann   RunInstances  %s", refused.ErrorCode())
	return nil
}

// wait tries a condition until it holds, fails, or takes too long.
func (d *demo) wait(ctx context.Context, what string, condition func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition(ctx)
		switch {
		case ok:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("wait for %s: it did not happen within %v", what, demoPatience)
		case err != nil:
			return fmt.Errorf("wait for %s: %w", what, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

func (d *demo) findInBucket(ctx context.Context) error {
	began := time.Now()
	var root, ann foundRecord
	err := d.wait(ctx, "the records in a log file of the bucket", func(ctx context.Context) (bool, error) {
		records, err := d.mine.logFiles(ctx, ownBucket)
		if err != nil {
			return false, err
		}
		for _, r := range records {
			switch {
			case r.EventName != "RunInstances":
			case r.ErrorCode == "":
				root = r
			default:
				ann = r
			}
		}
		return root.Key != "" && ann.Key != "", nil
	})
	if err != nil {
		return err
	}
	if root.UserIdentity.Type != "Root" || !bytes.Contains(root.ResponseElements, []byte(d.mine.instance)) {
		return fmt.Errorf("the record of RunInstances does not tell what root did: %s", root.text)
	}
	if ann.UserIdentity.UserName != "ann" || ann.ErrorCode != "Client.UnauthorizedOperation" {
		return fmt.Errorf("the record of ann's attempt does not tell what happened: %s", ann.text)
	}
	d.mine.eventID = root.EventID
	d.title(fmt.Sprintf("the log file is in the bucket, %s after the call", seconds(time.Since(d.mine.acted))), began)
	d.say("s3://%s/%s", ownBucket, root.Key)
	d.say("root's record in it, in part, and what the file says of ann:")
	for line := range strings.Lines(root.excerpt()) {
		d.say("  %s", strings.TrimRight(line, "\n"))
	}
	d.say("  %s", ann.summary())
	return nil
}

func (d *demo) findInLogGroup(ctx context.Context) error {
	began := time.Now()
	const pattern = `{ $.eventName = "RunInstances" && $.userIdentity.type = "Root" }`
	var stream string
	err := d.wait(ctx, "the record in the log group", func(ctx context.Context) (bool, error) {
		out, err := d.mine.logs.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String(ownGroup), FilterPattern: aws.String(pattern),
		})
		if err != nil {
			return false, err
		}
		for _, e := range out.Events {
			var r struct{ EventID string }
			if json.Unmarshal([]byte(*e.Message), &r) == nil && r.EventID == d.mine.eventID {
				stream = *e.LogStreamName
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	d.title(fmt.Sprintf("the same record is in the log group, %s after the call", seconds(time.Since(d.mine.acted))), began)
	d.say("%s, stream %s", ownGroup, stream)
	d.say("found by %s", pattern)
	return nil
}

// setUpSomeoneElses directs a second trail to a bucket of another account:
// refused first, then let in by the owner's policy.
func (d *demo) setUpSomeoneElses(ctx context.Context) error {
	began := time.Now()
	if err := engine.AddAccount(ctx, filepath.Join(d.dir, "data"), demoOwner); err != nil {
		return err
	}
	var err error
	if d.theirs, err = d.clients(demoOwner); err != nil {
		return err
	}
	if _, err := d.theirs.s3.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:                    aws.String(theirBucket),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: demoRegion},
	}); err != nil {
		return fmt.Errorf("create %s as its owner: %w", theirBucket, err)
	}
	apply := []string{
		"apply", "--auto-approve", "--var", "account_id=" + demoAccount,
		filepath.Join(d.dir, "examples", "someone-elses-bucket"),
	}
	refusal, err := d.cairn(ctx, apply...)
	if err == nil {
		return fmt.Errorf("a trail was let into %s, whose owner had not opened it:\n%s", theirBucket, refusal)
	}
	if _, err := d.theirs.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: aws.String(theirBucket), Policy: aws.String(theirPolicy),
	}); err != nil {
		return fmt.Errorf("open %s as its owner: %w", theirBucket, err)
	}
	if out, err := d.cairn(ctx, apply...); err != nil {
		return fmt.Errorf("apply the example: %w\n%s", err, out)
	}
	var file foundRecord
	err = d.wait(ctx, "a log file in the other account's bucket", func(ctx context.Context) (bool, error) {
		records, err := d.theirs.logFiles(ctx, theirBucket)
		if err != nil || len(records) == 0 {
			return false, err
		}
		file = records[0]
		return true, nil
	})
	if err != nil {
		return err
	}
	d.title(fmt.Sprintf("cairn apply examples/someone-elses-bucket: account %s owns %s", demoOwner, theirBucket), began)
	d.say("before its owner opens the bucket:")
	for line := range strings.Lines(refusal) {
		if _, why, ok := strings.Cut(line, "InsufficientS3BucketPolicyException: "); ok {
			d.say("  refused: %s, and which statements it lacks", strings.TrimSpace(why))
		}
	}
	d.say("after it:")
	d.say("  s3://%s/%s", theirBucket, file.Key)
	return nil
}

// theirPolicy is what the owner of a bucket says to let one account's trails in.
const theirPolicy = `{"Version": "2012-10-17", "Statement": [
  {"Sid": "AWSCloudTrailAclCheck", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
   "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::` + theirBucket + `",
   "Condition": {"StringEquals": {"aws:SourceAccount": "` + demoAccount + `"}}},
  {"Sid": "AWSCloudTrailWrite", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
   "Action": "s3:PutObject", "Resource": "arn:aws:s3:::` + theirBucket + `/` + demoAccount + `/AWSLogs/` + demoAccount + `/*",
   "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceAccount": "` + demoAccount + `"}}}]}`
