// Package look reads an account's trails, and what belongs to them, for
// package check. All its calls are read-only.
//
//	reader, err := look.Connect(ctx)
//	reports, err := look.Run(ctx, []*look.Reader{reader}, look.Options{})
package look

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cairn/internal/arn"
	"cairn/setup"
	"cairn/setup/check"
	"cairn/setup/internal/account"
)

// Reader looks at one account.
type Reader struct {
	client *account.Client
	files  *setup.Account
	// owners are the clients of buckets that the files describe for other
	// accounts: what this account may not read of them, theirs may.
	owners map[string]*account.Client
}

// Connect finds AWS credentials and region the standard way (environment,
// profile, SSO, instance role) and asks STS whose they are. With
// AWS_ENDPOINT_URL set, all calls go there.
func Connect(ctx context.Context) (*Reader, error) {
	c, err := account.Connect(ctx, account.Target{NoFiles: true})
	if err != nil {
		return nil, err
	}
	return &Reader{client: c}, nil
}

// WithFiles returns a reader for each account and region that a folder's files
// are connected to, most often one. It looks at the trails the files describe
// there and compares the account with the files.
func WithFiles(a *setup.Account) []*Reader {
	var list []*Reader
	owners := map[string]*account.Client{}
	for _, part := range a.Split() {
		list = append(list, &Reader{client: part.Client(), files: part, owners: owners})
		for _, b := range part.Buckets() {
			owners[b] = part.Client()
		}
	}
	return list
}

// Account returns the 12-digit account id.
func (r *Reader) Account() string { return r.client.ID }

// Region returns the region looked from.
func (r *Reader) Region() string { return r.client.Region }

// Options narrow what is looked at.
type Options struct {
	// Trail is the name or ARN of the one trail to look at; empty for all.
	Trail string
}

// Look reads the account. What may not be read is said in the snapshot; an
// error means that there is nothing to judge: the endpoint cannot be reached,
// or the trails cannot be listed.
func (r *Reader) Look(ctx context.Context, o Options) (*check.Snapshot, error) {
	s := &check.Snapshot{
		Account: r.client.ID, Region: r.client.Region, Endpoint: r.client.Endpoint, Time: time.Now().UTC(),
		Narrowed: o.Trail != "" || r.files != nil,
	}
	list, err := r.describe(ctx, o.Trail)
	if err != nil {
		return nil, err
	}
	wanted := []string{o.Trail}
	if o.Trail == "" && r.files != nil {
		wanted = r.files.Trails()
	}
	for i := range list {
		t := describedTrail(&list[i])
		if !s.Narrowed || slices.ContainsFunc(wanted, func(name string) bool { return is(&t, name) }) {
			s.Trails = append(s.Trails, t)
		}
	}
	slices.SortFunc(s.Trails, func(a, b check.Trail) int { return strings.Compare(a.Name+a.ARN, b.Name+b.ARN) })
	for _, name := range wanted {
		if s.Narrowed && !slices.ContainsFunc(s.Trails, func(t check.Trail) bool { return is(&t, name) }) {
			s.Absent = append(s.Absent, name)
		}
	}
	return s, r.lookAround(ctx, s)
}

// is reports whether a trail is the one a name or an ARN means.
func is(t *check.Trail, name string) bool { return name != "" && (t.Name == name || t.ARN == name) }

// describe lists the trails that record this region, those at home in other
// regions included; and the one asked for by an ARN, wherever it is at home.
func (r *Reader) describe(ctx context.Context, asked string) ([]types.Trail, error) {
	fail := func(err error) error {
		if isDenied(err) {
			return fmt.Errorf("these credentials may not list the trails of account %s: allow cloudtrail:DescribeTrails (%w)", r.client.ID, account.Plain(err))
		}
		return fmt.Errorf("list the trails of account %s: %w", r.client.ID, account.Plain(err))
	}
	out, err := r.trails(r.client.Region).DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
	if err != nil {
		return nil, fail(err)
	}
	list := out.TrailList
	a, err := arn.Parse(asked)
	if err != nil || slices.ContainsFunc(list, func(t types.Trail) bool { return aws.ToString(t.TrailARN) == asked }) {
		return list, nil // a name, or found already
	}
	if out, err = r.trails(a.Region).DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{TrailNameList: []string{asked}}); err != nil {
		return nil, fail(err)
	}
	return append(list, out.TrailList...), nil
}

func (r *Reader) trails(region string) *cloudtrail.Client {
	return cloudtrail.NewFromConfig(r.client.Config(), func(o *cloudtrail.Options) { o.Region = region })
}

func describedTrail(t *types.Trail) check.Trail {
	topic := aws.ToString(t.SnsTopicARN)
	if topic == "" {
		topic = aws.ToString(t.SnsTopicName)
	}
	return check.Trail{
		Name: aws.ToString(t.Name), ARN: aws.ToString(t.TrailARN), HomeRegion: aws.ToString(t.HomeRegion),
		Bucket: aws.ToString(t.S3BucketName), Prefix: aws.ToString(t.S3KeyPrefix),
		KMSKey: aws.ToString(t.KmsKeyId), SNSTopic: topic,
		LogGroupARN: aws.ToString(t.CloudWatchLogsLogGroupArn), LogRoleARN: aws.ToString(t.CloudWatchLogsRoleArn),
		MultiRegion: aws.ToBool(t.IsMultiRegionTrail), GlobalEvents: aws.ToBool(t.IncludeGlobalServiceEvents),
		Validation: aws.ToBool(t.LogFileValidationEnabled), Organization: aws.ToBool(t.IsOrganizationTrail),
		Insights: aws.ToBool(t.HasInsightSelectors),
	}
}

// looking is one Look under way: the reads that can be made at the same time.
// The mutex guards fatal.
type looking struct {
	r     *Reader
	ctx   context.Context //nolint:containedctx // it lives as long as one call of Look
	tasks []func()

	mu    sync.Mutex
	fatal []error
}

// parallel bounds the calls made at a time, as planning does.
const parallel = 10

// ask puts a read on the list. Its outcome is written to into.
func ask[T any](l *looking, permission string, into *check.Look[T], read func(context.Context) (T, error)) {
	l.tasks = append(l.tasks, func() {
		v, err := read(l.ctx)
		if err == nil {
			into.Seen = v
			return
		}
		if into.Not = unseen(err, permission); into.Not == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.fatal = append(l.fatal, fmt.Errorf("%s: %w", permission, err))
		}
	})
}

// run makes the reads on the list.
func (l *looking) run() error {
	var wg sync.WaitGroup
	free := make(chan struct{}, parallel)
	for _, task := range l.tasks {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			task()
		})
	}
	wg.Wait()
	l.tasks = nil
	if len(l.fatal) > 0 {
		return fmt.Errorf("look at account %s: %w", l.r.client.ID, l.fatal[0])
	}
	return nil
}

// lookAround reads what belongs to the trails.
func (r *Reader) lookAround(ctx context.Context, s *check.Snapshot) error {
	l := &looking{r: r, ctx: ctx}
	buckets := map[string]*check.Bucket{}
	alarms := map[string]*check.Look[[]check.Alarm]{}
	for i := range s.Trails {
		t := &s.Trails[i]
		l.trail(t)
		if buckets[t.Bucket] == nil {
			buckets[t.Bucket] = &check.Bucket{Name: t.Bucket}
		}
		t.BucketSeen = buckets[t.Bucket]
		if t.LogGroupARN == "" {
			continue
		}
		t.Group, t.Role = l.group(t.LogGroupARN), l.role(t.LogRoleARN)
		if region := t.Group.Region; alarms[region] == nil {
			alarms[region] = &check.Look[[]check.Alarm]{}
			ask(l, "cloudwatch:DescribeAlarms", alarms[region], func(ctx context.Context) ([]check.Alarm, error) {
				return r.describeAlarms(ctx, region)
			})
		}
	}
	if r.files != nil {
		s.Files = &check.Look[[]setup.Drift]{}
		ask(l, "what cairn plan reads", s.Files, func(ctx context.Context) ([]setup.Drift, error) {
			list, err := r.files.Drift(ctx)
			if err != nil {
				return nil, errUncompared{err}
			}
			return list, nil
		})
	}
	for _, b := range buckets {
		l.bucket(b)
	}
	err := l.run()
	for i := range s.Trails {
		if g := s.Trails[i].Group; g != nil {
			g.Alarms = *alarms[g.Region]
		}
	}
	return err
}

// errUncompared marks an error of comparing: whatever it is, the rest can be
// looked at, and the text says what to do.
type errUncompared struct{ error }

// Unwrap returns the error of comparing.
func (e errUncompared) Unwrap() error { return e.error }

// trail asks for a trail's state in its home region.
func (l *looking) trail(t *check.Trail) {
	c := l.r.trails(t.HomeRegion)
	ask(l, "cloudtrail:GetTrailStatus", &t.Status, func(ctx context.Context) (check.Status, error) {
		out, err := c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &t.ARN})
		if err != nil {
			return check.Status{}, err
		}
		return check.Status{
			Logging: aws.ToBool(out.IsLogging), Started: aws.ToTime(out.StartLoggingTime),
			Delivered: aws.ToTime(out.LatestDeliveryTime), DeliveryError: aws.ToString(out.LatestDeliveryError),
			GroupDelivered: aws.ToTime(out.LatestCloudWatchLogsDeliveryTime), GroupError: aws.ToString(out.LatestCloudWatchLogsDeliveryError),
			DigestError: aws.ToString(out.LatestDigestDeliveryError),
		}, nil
	})
	ask(l, "cloudtrail:GetEventSelectors", &t.Selectors, func(ctx context.Context) (check.Selectors, error) {
		out, err := c.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &t.ARN})
		if err != nil {
			return check.Selectors{}, err
		}
		return check.Selectors{Basic: out.EventSelectors, Advanced: out.AdvancedEventSelectors}, nil
	})
	ask(l, "cloudtrail:ListTags", &t.Tags, func(ctx context.Context) (map[string]string, error) {
		out, err := c.ListTags(ctx, &cloudtrail.ListTagsInput{ResourceIdList: []string{t.ARN}})
		if err != nil {
			return nil, err
		}
		tags := map[string]string{}
		for _, r := range out.ResourceTagList {
			for _, tag := range r.TagsList {
				tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
		}
		return tags, nil
	})
}

// role asks for a role's policies. A role of another account cannot be read
// by anybody here.
func (l *looking) role(text string) *check.Role {
	role := &check.Role{ARN: text}
	a, err := arn.Parse(text)
	role.Name = a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]
	if err != nil || a.Account != l.r.client.ID {
		not := &check.Unseen{Permission: "iam:GetRole", Why: fmt.Sprintf("%s is not a role of account %s", text, l.r.client.ID)}
		role.Trust.Not, role.Policies.Not, role.Boundary.Not = not, not, not
		return role
	}
	c := iam.NewFromConfig(l.r.client.Config())
	var boundary string
	l.tasks = append(l.tasks, func() {
		sub := &looking{r: l.r, ctx: l.ctx}
		ask(sub, "iam:GetRole", &role.Trust, func(ctx context.Context) (text string, err error) {
			text, boundary, err = trust(ctx, c, role.Name)
			return text, err
		})
		ask(sub, "iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies, iam:GetPolicy and iam:GetPolicyVersion", &role.Policies,
			func(ctx context.Context) ([]check.RolePolicy, error) { return rolePolicies(ctx, c, role.Name) })
		err := sub.run()
		if err == nil && boundary != "" {
			ask(sub, "iam:GetPolicy and iam:GetPolicyVersion", &role.Boundary, func(ctx context.Context) (string, error) {
				return managedPolicy(ctx, c, boundary)
			})
			err = sub.run()
		}
		if role.Trust.Not != nil {
			role.Boundary.Not = role.Trust.Not // whether it has one was not seen
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if err != nil {
			l.fatal = append(l.fatal, errors.Unwrap(err))
		}
	})
	return role
}
