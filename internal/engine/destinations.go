package engine

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/uuid"

	"cairn/internal/arn"
	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/delivery"
	"cairn/internal/identity"
	"cairn/internal/loggroup"
	"cairn/internal/service/cloudtrail"
	"cairn/internal/service/s3"
	"cairn/internal/trail"
)

// cloudTrail is the service principal that delivers.
const cloudTrail = "cloudtrail.amazonaws.com"

// destinations are where trails deliver to. Every delivery is a call through
// the dispatcher, like any client's: bucket policies and role policies apply to
// it, and it is recorded.
type destinations struct {
	dispatcher *call.Dispatcher
	objects    *s3.Service
	identities *identity.Store
	groups     *loggroup.Store
	logs, sts  *call.API

	mu       sync.Mutex
	sessions map[string]roleSession // by trail and role
}

// roleSession is a session of a trail's role, opened at since.
type roleSession struct {
	key, token string
	since      time.Time
}

var (
	_ delivery.Destinations   = &destinations{}
	_ cloudtrail.Destinations = &destinations{}
)

// sessionLife is how long a trail's role session is used before the role is
// assumed anew; AWS's lasts an hour.
const sessionLife = 50 * time.Minute

// asService returns a call that cloudtrail.amazonaws.com makes for a trail. It
// never leaves the engine, so it counts as secure.
func asService(t *trail.Trail, api *call.API, op *call.Operation, in any) *call.Call {
	return &call.Call{
		API: api, Op: op, Input: in, Principal: identity.ForService(cloudTrail, t.ARN(), t.Account),
		Region: t.HomeRegion, RequestID: requestID(api), SourceIP: cloudTrail, UserAgent: cloudTrail, Secure: true, Start: time.Now(),
	}
}

// requestID returns the id of a call the engine makes itself, in the service's form.
func requestID(api *call.API) string {
	if api.Match != nil {
		return strings.ToUpper(strings.ReplaceAll(uuid.NewString(), "-", "")[:16])
	}
	return uuid.NewString()
}

// do runs a call whose answer is not needed.
func (d *destinations) do(ctx context.Context, c *call.Call) error {
	out, err := d.dispatcher.Do(ctx, c)
	if closer, ok := out.(io.Closer); ok && err == nil {
		err = closer.Close()
	}
	return err
}

// logFile returns the call that writes a log file, or a digest (spec 1.4).
func (d *destinations) logFile(t *trail.Trail, key string, body []byte, metadata map[string]string) *call.Call {
	header := http.Header{
		"X-Amz-Acl": {"bucket-owner-full-control"}, "X-Amz-Server-Side-Encryption": {"AES256"},
		"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"},
	}
	for name, value := range metadata {
		header.Set("X-Amz-Meta-"+name, value)
	}
	op, in := d.objects.PutObject(t.Bucket, key, header, body)
	return asService(t, d.objects.API(), op, in)
}

// PutObject implements delivery.Destinations.
func (d *destinations) PutObject(ctx context.Context, t *trail.Trail, key string, body []byte, metadata map[string]string) error {
	return d.do(ctx, d.logFile(t, key, body, metadata))
}

// PutLogEvents implements delivery.Destinations.
func (d *destinations) PutLogEvents(ctx context.Context, t *trail.Trail, stream string, events []delivery.LogEvent, token string) error {
	group, err := groupName(t.LogGroupARN)
	if err != nil {
		return err
	}
	// Calls of a role are made in the role's account: one of another account would
	// write to the log group of this name there.
	if a, err := arn.Parse(t.RoleARN); err != nil || a.Account != t.Account {
		return fmt.Errorf("put events of %s as %s: the role is not of the trail's account", t.ARN(), t.RoleARN)
	}
	role, err := d.assume(ctx, t)
	if err != nil {
		return err
	}
	in := &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream, LogEvents: make([]types.InputLogEvent, len(events)),
	}
	texts := make([]string, len(events))
	for i := range events {
		// Records are never changed, so the text may share their memory.
		texts[i] = unsafe.String(unsafe.SliceData(events[i].Message), len(events[i].Message)) //nolint:gosec // see above
		in.LogEvents[i] = types.InputLogEvent{Timestamp: &events[i].Timestamp, Message: &texts[i]}
	}
	put := func() error {
		c := d.asRole(t, role, "PutLogEvents", in)
		c.Token = token
		return d.do(ctx, c)
	}
	if err := put(); !awserr.Is(err, "ResourceNotFoundException") {
		return err
	}
	create := d.asRole(t, role, "CreateLogStream", &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &stream})
	if err := d.do(ctx, create); err != nil && !awserr.Is(err, "ResourceAlreadyExistsException") {
		return err
	}
	return put()
}

// asRole returns a call to CloudWatch Logs in the trail's role.
func (d *destinations) asRole(t *trail.Trail, role identity.Principal, operation string, in any) *call.Call {
	c := asService(t, d.logs, d.logs.Operations[operation], in)
	c.Principal = role
	return c
}

// assume returns the session of the trail's role, and assumes the role first if
// the last time is too long ago. The role's policies are those of now.
func (d *destinations) assume(ctx context.Context, t *trail.Trail) (identity.Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key, now := t.ID+" "+t.RoleARN, time.Now()
	session, ok := d.sessions[key]
	if !ok || now.Sub(session.since) > sessionLife {
		out, err := d.dispatcher.Do(ctx, d.assumeRole(t))
		if err != nil {
			return identity.Principal{}, err
		}
		c := out.(*awssts.AssumeRoleOutput).Credentials
		session = roleSession{key: *c.AccessKeyId, token: *c.SessionToken, since: now}
		if d.sessions == nil {
			d.sessions = map[string]roleSession{}
		}
		d.sessions[key] = session
	}
	role, _, err := d.identities.Resolve(ctx, session.key, session.token, now)
	if err != nil {
		delete(d.sessions, key) // the role is gone, or another of its name is there
	}
	return role, err
}

// assumeRole returns the call by which CloudTrail assumes the trail's role.
func (d *destinations) assumeRole(t *trail.Trail) *call.Call {
	return asService(t, d.sts, d.sts.Operations["AssumeRole"], &awssts.AssumeRoleInput{
		RoleArn: aws.String(t.RoleARN), RoleSessionName: aws.String(sessionName(t)),
	})
}

// sessionName names the session after the service and the region. AWS's own
// choice is not documented.
func sessionName(t *trail.Trail) string { return "CloudTrail_" + t.HomeRegion }

// groupName returns the name in a log group's ARN, arn:...:log-group:NAME:*.
func groupName(groupARN string) (string, error) {
	a, err := arn.Parse(groupARN)
	if err != nil {
		return "", err
	}
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	name = strings.TrimSuffix(name, ":*")
	if !ok || name == "" {
		return "", fmt.Errorf("find the log group in %s: want arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*", groupARN)
	}
	return name, nil
}
