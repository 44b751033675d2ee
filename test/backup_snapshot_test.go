//go:build e2e

package test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"cairn/test/kit"
)

// snapshot is what an account has, as its clients see it.
type snapshot struct {
	// Settings are answers that do not change by themselves, as JSON, by what
	// was asked.
	Settings map[string]string
	// Objects are metadata and checksum by bucket and key; Events are the messages
	// of log groups by group, stream, time and id; History is event history by id.
	// These grow.
	Objects, Events, History map[string]string
}

// takeSnapshot asks for all of it.
func takeSnapshot(t *testing.T, c aws.Config) snapshot {
	t.Helper()
	s := snapshot{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}
	keep := func(name string) func(any, error) {
		return func(answer any, err error) {
			t.Helper()
			b, jerr := json.Marshal(answer)
			if err != nil || jerr != nil {
				t.Fatalf("%s: %v %v", name, err, jerr)
			}
			s.Settings[name] = string(b)
		}
	}
	trails, users, objects, groups := cloudtrail.NewFromConfig(c), iam.NewFromConfig(c), s3.NewFromConfig(c, pathStyle), cloudwatchlogs.NewFromConfig(c)
	described, err := trails.DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{})
	must(t)(described, err)
	keep("trails")(described.TrailList, nil)
	for _, trail := range described.TrailList {
		out, err := trails.GetEventSelectors(t.Context(), &cloudtrail.GetEventSelectorsInput{TrailName: trail.TrailARN})
		must(t)(out, err)
		keep("selectors of "+*trail.Name)([]any{out.EventSelectors, out.AdvancedEventSelectors}, nil)
		status, err := trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: trail.TrailARN})
		must(t)(status, err)
		keep("status of "+*trail.Name)([]any{status.IsLogging, status.StartLoggingTime}, nil)
	}
	listed, err := users.ListUsers(t.Context(), &iam.ListUsersInput{})
	must(t)(listed, err)
	for _, u := range listed.Users {
		if !strings.HasPrefix(*u.UserName, "during-") {
			keep("user "+*u.UserName)([]any{u.UserId, u.CreateDate, u.Path}, nil)
		}
	}
	roles, err := users.ListRoles(t.Context(), &iam.ListRolesInput{})
	must(t)(roles, err)
	keep("roles")(roles.Roles, nil)
	buckets, err := objects.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	must(t)(buckets, err)
	keep("buckets")(buckets.Buckets, nil)
	for _, b := range buckets.Buckets {
		policy, err := objects.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: b.Name})
		if err == nil {
			keep("policy of "+*b.Name)(*policy.Policy, nil)
		}
		versioning, err := objects.GetBucketVersioning(t.Context(), &s3.GetBucketVersioningInput{Bucket: b.Name})
		must(t)(versioning, err)
		keep("versioning of "+*b.Name)(versioning.Status, nil)
		s.objects(t, objects, *b.Name)
	}
	logs, err := groups.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	must(t)(logs, err)
	for _, g := range logs.LogGroups {
		keep("log group "+*g.LogGroupName)([]any{g.Arn, g.CreationTime, g.RetentionInDays}, nil)
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(groups, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g.LogGroupName})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			must(t)(page, err)
			for _, e := range page.Events {
				s.Events[fmt.Sprint(*g.LogGroupName, " ", *e.LogStreamName, " ", *e.Timestamp, " ", *e.EventId)] = *e.Message
			}
		}
	}
	history := cloudtrail.NewLookupEventsPaginator(trails, &cloudtrail.LookupEventsInput{})
	for history.HasMorePages() {
		page, err := history.NextPage(t.Context())
		must(t)(page, err)
		for _, e := range page.Events {
			s.History[*e.EventId] = *e.CloudTrailEvent
		}
	}
	return s
}

// objects reads every version of every object of a bucket.
func (s *snapshot) objects(t *testing.T, c *s3.Client, bucket string) {
	t.Helper()
	pages := s3.NewListObjectVersionsPaginator(c, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t)(page, err)
		for _, v := range page.Versions {
			in := &s3.GetObjectInput{Bucket: &bucket, Key: v.Key}
			if id := aws.ToString(v.VersionId); id != "null" {
				in.VersionId = &id
			}
			got, err := c.GetObject(t.Context(), in)
			must(t)(got, err)
			sum := sha256.New()
			_, err = io.Copy(sum, got.Body)
			got.Body.Close()
			must(t)(sum, err)
			s.Objects[bucket+"/"+*v.Key+" "+aws.ToString(v.VersionId)] = fmt.Sprintf("%x %s %s %v %s", sum.Sum(nil), aws.ToString(got.ETag), aws.ToString(got.ContentType), got.Metadata, got.LastModified)
		}
	}
}

// within fails if something of a snapshot is not in a later one, or is otherwise.
func (s snapshot) within(t *testing.T, later snapshot) {
	t.Helper()
	for what, pair := range map[string][2]map[string]string{
		"settings": {s.Settings, later.Settings}, "objects": {s.Objects, later.Objects}, "log events": {s.Events, later.Events}, "event history": {s.History, later.History},
	} {
		before, after := pair[0], maps.Clone(pair[1])
		maps.DeleteFunc(after, func(name, _ string) bool { _, ok := before[name]; return !ok })
		if len(before) == 0 {
			t.Errorf("there were no %s to compare", what)
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("%s are not restored (-before +after):\n%.4000s", what, d)
		}
	}
}

// fill puts something of everything into an engine, before it is backed up.
func fill(t *testing.T, c aws.Config) {
	t.Helper()
	objects, groups := s3.NewFromConfig(c, pathStyle), cloudwatchlogs.NewFromConfig(c)
	bucket := aws.String("kept")
	must(t)(objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: kit.Region}}))
	must(t)(objects.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}}))
	for n := range 3 {
		for _, key := range []string{"plain", "in a/folder", "ünicode +%"} {
			must(t)(objects.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: bucket, Key: &key, Body: strings.NewReader(strings.Repeat(key, n+1)), ContentType: aws.String("text/x-kept"), Metadata: map[string]string{"n": fmt.Sprint(n)},
			}))
		}
	}
	group, stream := aws.String("kept"), aws.String("stream")
	must(t)(groups.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))
	must(t)(groups.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: group, RetentionInDays: aws.Int32(30)}))
	must(t)(groups.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}))
	for n := range 20 {
		must(t)(groups.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: group, LogStreamName: stream, LogEvents: []logtypes.InputLogEvent{{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: aws.String(fmt.Sprint("event ", n))}},
		}))
	}
}

// TestRestoreRefused has the ways a backup or a folder can be wrong: each is
// refused by its name, and nothing is written.
func TestRestoreRefused(t *testing.T) {
	dir, good := t.TempDir(), filepath.Join(t.TempDir(), "good")
	e := kit.StartEngine(t, dir)
	e.Stop(t, syscall.SIGTERM)
	run := func(args ...string) (string, error) {
		out, err := exec.Command(kit.Binary(t), args...).CombinedOutput()
		return string(out), err
	}
	if out, err := run("backup", good, "--data", dir); err != nil {
		t.Fatal(out)
	}
	edit := func(name, old, replacement string) func(t *testing.T, copied, to string) {
		return func(t *testing.T, copied, _ string) {
			b, err := os.ReadFile(filepath.Join(copied, name))
			must(t)(b, err)
			changed := regexp.MustCompile(old).ReplaceAll(b, []byte(replacement))
			if string(changed) == string(b) {
				t.Fatalf("%s has no %s", name, old)
			}
			must(t)(nil, os.WriteFile(filepath.Join(copied, name), changed, 0o600))
		}
	}
	for name, row := range map[string]struct {
		spoil func(t *testing.T, copied, to string)
		says  string
	}{
		"a folder that is not empty": {func(t *testing.T, _, to string) {
			must(t)(nil, os.MkdirAll(to, 0o700))
			must(t)(nil, os.WriteFile(filepath.Join(to, "mine"), []byte("mine"), 0o600))
		}, "not empty"},
		"a damaged file":    {edit("data/cairn.json", `\d`, "x"), "cairn.json"},
		"a damaged list":    {edit("MANIFEST", `[0-9a-f]{64}`, strings.Repeat("0", 64)), "MANIFEST"},
		"no list":           {func(t *testing.T, copied, _ string) { must(t)(nil, os.Remove(filepath.Join(copied, "MANIFEST"))) }, "MANIFEST"},
		"a file is missing": {func(t *testing.T, copied, _ string) { must(t)(nil, os.Remove(filepath.Join(copied, "data/seal.key"))) }, "seal.key"},
		"no backup":         {func(t *testing.T, copied, _ string) { must(t)(nil, os.RemoveAll(copied)) }, "MANIFEST"},
		"a data folder": {func(t *testing.T, copied, _ string) {
			must(t)(nil, os.RemoveAll(copied))
			must(t)(nil, os.CopyFS(copied, os.DirFS(dir)))
		}, "MANIFEST"},
		"one inside another": {nil, "inside"},
	} {
		t.Run(name, func(t *testing.T) {
			copied, to := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "to")
			must(t)(nil, os.CopyFS(copied, os.DirFS(good)))
			if row.spoil == nil {
				to = filepath.Join(copied, "to")
			} else {
				row.spoil(t, copied, to)
			}
			out, err := run("restore", copied, "--data", to)
			if err == nil || !strings.Contains(out, row.says) {
				t.Errorf("it said %v %s", err, out)
			}
			left, _ := filepath.Glob(filepath.Join(to, "*"))
			if len(left) > 1 || len(left) == 1 && filepath.Base(left[0]) != "mine" {
				t.Errorf("it left %v", left)
			}
		})
	}
	t.Run("another format", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "other")
		must(t)(nil, os.CopyFS(other, os.DirFS(dir)))
		edit("cairn.json", `"format": *1`, `"format": 7`)(t, other, "")
		for _, args := range [][]string{{"backup", filepath.Join(t.TempDir(), "b"), "--data", other}, {"serve", "--data", other, "--listen", "127.0.0.1:0"}} {
			if out, err := run(args...); err == nil || !strings.Contains(out, "format 7") {
				t.Errorf("%v said %v %s", args, err, out)
			}
		}
	})
}
