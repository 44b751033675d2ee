//go:build crash

package crash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	machines "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// slotsEach is how many objects, and how many users, one client keeps changing.
const slotsEach = 8

// worker is a client with things of its own, which nobody else changes.
type worker struct {
	*world
	number    int
	objects   []*Slot
	users     []*Slot
	instances []*Slot // by id, each started by a call that was answered
	group     *Slot   // its log group, with one log stream
	lines     []*Slot // what it put into the log stream
	calls     int

	ctx context.Context
	rng *rand.Rand
}

func newWorker(w *world, number int) *worker {
	k := &worker{world: w, number: number, group: NewSlot("log group", fmt.Sprintf("/crash/worker/%d", number))}
	for i := range slotsEach {
		k.objects = append(k.objects, NewSlot("object", fmt.Sprintf("w%d/a %d+b", number, i)))
		k.users = append(k.users, NewSlot("user", fmt.Sprintf("crash-%d-%d", number, i)))
	}
	return k
}

// run calls until ctx ends or no answer comes.
func (k *worker) run(ctx context.Context, rng *rand.Rand) {
	k.ctx, k.rng = ctx, rng
	steps := []func() Outcome{
		k.putObject, k.putObject, k.putObject, k.getObject, k.getObject, k.deleteObject, k.upload, k.listObjects,
		k.changeUser, k.changeUser, k.getUser, k.listUsers, k.whoAmI, k.whoAmI, k.assume,
		k.runInstance, k.terminate, k.describe, k.makeGroup, k.putEvents, k.putEvents, k.readEvents, k.buckets,
	}
	for ctx.Err() == nil {
		outcome := steps[rng.IntN(len(steps))]()
		if outcome == Unanswered && ctx.Err() == nil && !k.alive() {
			return
		}
		if outcome == Failed { // as a client would
			time.Sleep(20 * time.Millisecond)
		}
		k.calls++
	}
}

// alive reports whether the engine's process is there.
func (k *worker) alive() bool {
	select {
	case <-k.engine.ended:
		return false
	case <-time.After(10 * time.Millisecond):
		return true
	}
}

// anywhere returns a caller in some region, home one in the home region. Calls
// under way when ctx ends are answered all the same.
func (k *worker) anywhere() *caller { return k.caller(regions[k.rng.IntN(len(regions))]) }
func (k *worker) home() *caller     { return k.caller(homeRegion) }

func pick[T any](k *worker, list []T) T { return list[k.rng.IntN(len(list))] }

func (k *worker) body() []byte {
	size := k.rng.IntN(4 << 10)
	if k.rng.IntN(20) == 0 {
		size = k.rng.IntN(300 << 10)
	}
	b := make([]byte, size+16)
	for i := range b {
		b[i] = byte(k.rng.Uint32())
	}
	return b
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:12])
}

func (k *worker) putObject() Outcome {
	slot, body := pick(k, k.objects), k.body()
	c := k.home()
	_, a := ask(c, "s3 PutObject", c.s3().PutObject, &s3.PutObjectInput{Bucket: aws.String(objects), Key: &slot.Name, Body: bytes.NewReader(body)})
	slot.Changed(sum(body), a.Outcome, a.done)
	return a.Outcome
}

// upload writes an object in two parts.
func (k *worker) upload() Outcome {
	slot, first, last := pick(k, k.objects), make([]byte, 5<<20), k.body()
	if k.rng.IntN(10) > 0 {
		return k.putObject() // parts are large
	}
	first[k.rng.IntN(len(first))] = 1
	c := k.home()
	begun, a := ask(c, "s3 CreateMultipartUpload", c.s3().CreateMultipartUpload, &s3.CreateMultipartUploadInput{Bucket: aws.String(objects), Key: &slot.Name})
	if !a.done || a.err != nil {
		return a.Outcome
	}
	in := &s3.CompleteMultipartUploadInput{Bucket: aws.String(objects), Key: &slot.Name, UploadId: begun.UploadId, MultipartUpload: &s3types.CompletedMultipartUpload{}}
	for i, part := range [][]byte{first, last} {
		number := aws.Int32(int32(i + 1))
		put, a := ask(c, "s3 UploadPart", c.s3().UploadPart, &s3.UploadPartInput{
			Bucket: aws.String(objects), Key: &slot.Name, UploadId: begun.UploadId, PartNumber: number, Body: bytes.NewReader(part),
		})
		if !a.done || a.err != nil {
			return a.Outcome
		}
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts, s3types.CompletedPart{ETag: put.ETag, PartNumber: number})
	}
	_, a = ask(c, "s3 CompleteMultipartUpload", c.s3().CompleteMultipartUpload, in)
	slot.Changed(sum(append(first, last...)), a.Outcome, a.done && a.err == nil)
	return a.Outcome
}

func (k *worker) deleteObject() Outcome {
	slot, c := pick(k, k.objects), k.home()
	_, a := ask(c, "s3 DeleteObject", c.s3().DeleteObject, &s3.DeleteObjectInput{Bucket: aws.String(objects), Key: &slot.Name})
	slot.Changed("", a.Outcome, a.done)
	return a.Outcome
}

func (k *worker) getObject() Outcome {
	slot := pick(k, k.objects)
	value, a := k.home().object(slot.Name)
	return k.found(slot, value, a)
}

// found notes what a thing was read as.
func (k *worker) found(slot *Slot, value string, a answer) Outcome {
	if a.Outcome == Answered && (a.err == nil || a.done) {
		if a.err != nil {
			return a.Outcome // the answer was cut off
		}
		if err := slot.Found(value); err != nil {
			k.Errorf("client %d: %v (request %s)", k.number, err, a.ID)
		}
	}
	return a.Outcome
}

// object returns the checksum of an object, or "".
func (c *caller) object(key string) (string, answer) {
	out, a := ask(c, "s3 GetObject", c.s3().GetObject, &s3.GetObjectInput{Bucket: aws.String(objects), Key: &key})
	if _, none := errors.AsType[*s3types.NoSuchKey](a.err); none {
		a.err = nil
		return "", a
	}
	if a.err != nil {
		return "", a
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	a.err = err
	return sum(body), a
}

func (k *worker) listObjects() Outcome {
	c := k.home()
	_, a := ask(c, "s3 ListObjectsV2", c.s3().ListObjectsV2, &s3.ListObjectsV2Input{Bucket: aws.String(objects), MaxKeys: aws.Int32(10)})
	return a.Outcome
}

func (k *worker) buckets() Outcome {
	c := k.home()
	_, a := ask(c, "s3 GetBucketTagging", c.s3().GetBucketTagging, &s3.GetBucketTaggingInput{Bucket: aws.String(objects)}) // there are none: 404
	return a.Outcome
}

func (k *worker) changeUser() Outcome {
	slot, c := pick(k, k.users), k.anywhere()
	people := iam.NewFromConfig(c.config)
	if is, known := slot.Known(); known && is == "" || !known && k.rng.IntN(2) == 0 {
		_, a := ask(c, "iam CreateUser", people.CreateUser, &iam.CreateUserInput{UserName: &slot.Name})
		slot.Changed("there", a.Outcome, a.done)
		return a.Outcome
	}
	_, a := ask(c, "iam DeleteUser", people.DeleteUser, &iam.DeleteUserInput{UserName: &slot.Name})
	slot.Changed("", a.Outcome, a.done)
	return a.Outcome
}

func (k *worker) getUser() Outcome {
	slot := pick(k, k.users)
	value, a := k.anywhere().user(slot.Name)
	return k.found(slot, value, a)
}

// user returns "there" if a user is, or "".
func (c *caller) user(name string) (string, answer) {
	_, a := ask(c, "iam GetUser", iam.NewFromConfig(c.config).GetUser, &iam.GetUserInput{UserName: &name})
	return there(a, "NoSuchEntity")
}

// there turns an answer into "there", or "" if it has the code for not being there.
func there(a answer, code string) (string, answer) {
	var api interface{ ErrorCode() string }
	if errors.As(a.err, &api) && api.ErrorCode() == code {
		a.err = nil
		return "", a
	}
	return "there", a
}

func (k *worker) listUsers() Outcome {
	c := k.anywhere()
	_, a := ask(c, "iam ListUsers", iam.NewFromConfig(c.config).ListUsers, &iam.ListUsersInput{MaxItems: aws.Int32(3)})
	return a.Outcome
}

func (k *worker) whoAmI() Outcome {
	c := k.anywhere()
	_, a := ask(c, "sts GetCallerIdentity", sts.NewFromConfig(c.config).GetCallerIdentity, &sts.GetCallerIdentityInput{})
	return a.Outcome
}

// assume is refused: root may assume no role.
func (k *worker) assume() Outcome {
	c := k.anywhere()
	_, a := ask(c, "sts AssumeRole", sts.NewFromConfig(c.config).AssumeRole, &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/" + exportRole), RoleSessionName: aws.String("try"),
	})
	return a.Outcome
}

func (k *worker) runInstance() Outcome {
	c := k.anywhere()
	out, a := ask(c, "ec2 RunInstances", ec2.NewFromConfig(c.config).RunInstances, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-029eb80bc237bec6f"), InstanceType: machines.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	if a.err == nil {
		slot := NewSlot("instance", c.config.Region+" "+*out.Instances[0].InstanceId)
		slot.Changed("there", Answered, true)
		k.instances = append(k.instances, slot)
	}
	return a.Outcome
}

func (k *worker) terminate() Outcome {
	if len(k.instances) < 3 {
		return k.runInstance()
	}
	slot := pick(k, k.instances)
	c, id := k.machine(slot.Name)
	_, a := ask(c, "ec2 TerminateInstances", ec2.NewFromConfig(c.config).TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	slot.Changed("", a.Outcome, a.done)
	return a.Outcome
}

func (w *world) machine(name string) (c *caller, id string) {
	var region string
	_, _ = fmt.Sscan(name, &region, &id)
	return w.caller(region), id
}

func (k *worker) describe() Outcome {
	if len(k.instances) == 0 {
		return k.runInstance()
	}
	slot := pick(k, k.instances)
	c, id := k.machine(slot.Name)
	value, a := c.instance(id)
	return k.found(slot, value, a)
}

// instance returns "there" if an instance is and is not being terminated, or "".
func (c *caller) instance(id string) (string, answer) {
	out, a := ask(c, "ec2 DescribeInstances", ec2.NewFromConfig(c.config).DescribeInstances, &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	if a.err != nil {
		return there(a, "InvalidInstanceID.NotFound")
	}
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			if s := i.State.Name; s == machines.InstanceStateNamePending || s == machines.InstanceStateNameRunning {
				return "there", a
			}
		}
	}
	return "", a
}

const lineStream = "lines"

func (k *worker) makeGroup() Outcome {
	c := k.home()
	logs := cloudwatchlogs.NewFromConfig(c.config)
	if value, known := k.group.Known(); known && value != "" {
		_, a := ask(c, "logs DescribeLogGroups", logs.DescribeLogGroups, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &k.group.Name})
		return a.Outcome
	}
	if _, a := ask(c, "logs CreateLogGroup", logs.CreateLogGroup, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &k.group.Name}); a.Outcome != Answered {
		return a.Outcome
	}
	_, a := ask(c, "logs CreateLogStream", logs.CreateLogStream, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &k.group.Name, LogStreamName: aws.String(lineStream)})
	if a.Outcome == Answered { // be it because it is there already
		k.group.Changed("there", Answered, true)
	}
	return a.Outcome
}

func (k *worker) putEvents() Outcome {
	if value, known := k.group.Known(); !known || value == "" {
		return k.makeGroup()
	}
	c := k.home()
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &k.group.Name, LogStreamName: aws.String(lineStream)}
	var put []*Slot
	for range 1 + k.rng.IntN(3) {
		slot := NewSlot("log event", fmt.Sprintf("line %d of client %d", len(k.lines)+len(put), k.number))
		put = append(put, slot)
		in.LogEvents = append(in.LogEvents, logtypes.InputLogEvent{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &slot.Name})
	}
	_, a := ask(c, "logs PutLogEvents", cloudwatchlogs.NewFromConfig(c.config).PutLogEvents, in)
	for _, slot := range put {
		slot.Changed("once", a.Outcome, a.done)
	}
	k.lines = append(k.lines, put...)
	return a.Outcome
}

func (k *worker) readEvents() Outcome {
	c := k.home()
	_, a := ask(c, "logs FilterLogEvents", cloudwatchlogs.NewFromConfig(c.config).FilterLogEvents, &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &k.group.Name, Limit: aws.Int32(10),
	})
	return a.Outcome
}
