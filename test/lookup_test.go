//go:build e2e

package test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"cairn/test/kit"
)

// lookedUp is an event as `aws cloudtrail lookup-events` prints it.
type lookedUp struct {
	EventID, EventName, EventSource, Username, ReadOnly, AccessKeyID, CloudTrailEvent string
	EventTime                                                                         float64
	Resources                                                                         []struct{ ResourceType, ResourceName string }
}

// lookup runs `aws cloudtrail lookup-events`.
func lookup(t *testing.T, c kit.Client, aws string, args ...string) []lookedUp {
	t.Helper()
	var out struct{ Events []lookedUp }
	c.JSON(t, &out, aws, append([]string{"cloudtrail", "lookup-events", "--region", "us-east-1"}, args...)...)
	return out.Events
}

// TestLookupEvents looks calls up with the aws CLI, by every attribute and page by
// page, before and after the engine was killed.
func TestLookupEvents(t *testing.T) {
	aws, dir := kit.Tool(t, "aws"), t.TempDir()
	e := kit.StartEngine(t, dir)
	c := kit.Client{Env: e.Environment(t, "")}
	c.Must(t, aws, "iam", "create-user", "--user-name", "ann")
	all := lookup(t, c, aws)
	if len(all) != 1 {
		t.Fatalf("%d events right after the first call", len(all))
	}
	made := all[0]
	var record struct{ EventID, EventTime, RecipientAccountID string }
	if err := json.Unmarshal([]byte(made.CloudTrailEvent), &record); err != nil {
		t.Fatal(err)
	}
	if made.EventName != "CreateUser" || made.EventSource != "iam.amazonaws.com" || made.Username != "root" || made.ReadOnly != "false" ||
		record.EventID != made.EventID || record.RecipientAccountID != e.Account || time.Unix(int64(made.EventTime), 0).UTC().Format(time.RFC3339) != record.EventTime {
		t.Errorf("%+v", made)
	}
	if !slices.ContainsFunc(made.Resources, func(r struct{ ResourceType, ResourceName string }) bool {
		return r.ResourceType == "AWS::IAM::User" && r.ResourceName == "ann"
	}) {
		t.Errorf("resources %v", made.Resources)
	}
	for i := range 4 {
		c.Must(t, aws, "iam", "create-role", "--role-name", fmt.Sprint("role", i), "--assume-role-policy-document",
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	}
	check := func() {
		t.Helper()
		for key, value := range map[string]string{
			"EventId": made.EventID, "EventName": "CreateUser", "ResourceName": "ann", "ResourceType": "AWS::IAM::User",
		} {
			got := lookup(t, c, aws, "--lookup-attributes", "AttributeKey="+key+",AttributeValue="+value)
			if len(got) != 1 || got[0].EventID != made.EventID {
				t.Errorf("by %s=%s: %d events", key, value, len(got))
			}
		}
		for key, value := range map[string]string{
			"Username": "root", "EventSource": "iam.amazonaws.com", "ReadOnly": "false", "AccessKeyId": made.AccessKeyID,
		} {
			got := lookup(t, c, aws, "--lookup-attributes", "AttributeKey="+key+",AttributeValue="+value)
			got = slices.DeleteFunc(got, func(e lookedUp) bool { return e.EventName == "LookupEvents" }) // looking is recorded too
			if len(got) != 5 {
				t.Errorf("by %s=%s: %d events", key, value, len(got))
			}
		}
		paged := lookup(t, c, aws, "--page-size", "2", "--lookup-attributes", "AttributeKey=EventSource,AttributeValue=iam.amazonaws.com")
		if len(paged) != 5 || !slices.IsSortedFunc(paged, func(a, b lookedUp) int { return int(b.EventTime - a.EventTime) }) || paged[4].EventName != "CreateUser" {
			t.Errorf("%d events in pages of two", len(paged))
		}
		if got := lookup(t, c, aws, "--end-time", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)); len(got) != 0 {
			t.Errorf("%d events before an hour ago", len(got))
		}
		if got := lookup(t, c, aws, "--event-category", "insight"); len(got) != 0 {
			t.Errorf("%d Insights events", len(got))
		}
	}
	check()
	e.Stop(t, syscall.SIGKILL)
	e = kit.StartEngine(t, dir)
	c = kit.Client{Env: e.Environment(t, "")}
	check()
}

// TestOrganizationTrail makes an organization's trail, acts in an account made
// before it and in one made after, and validates the digests of both with the aws
// CLI, which asks Organizations for the path.
func TestOrganizationTrail(t *testing.T) {
	aws := kit.Tool(t, "aws")
	e := kit.StartEngine(t, t.TempDir(), "--digest-interval", "2s", "--account", digestAccount)
	c := kit.Client{Env: e.Environment(t, "")}
	var o struct {
		Organization struct{ ID, MasterAccountID string }
	}
	c.JSON(t, &o, aws, "organizations", "describe-organization")
	if o.Organization.MasterAccountID != digestAccount {
		t.Fatalf("%+v", o)
	}
	addAccount := func(id string) kit.Client {
		t.Helper()
		if out, err := exec.Command(kit.Binary(t), "account", "add", "--data", e.Dir, id).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return kit.Client{Env: e.Environment(t, id)}
	}
	before := addAccount("444455556666")
	c.Must(t, aws, "s3", "mb", "s3://audited")
	policy := func(folder string) {
		t.Helper()
		c.Must(t, aws, "s3api", "put-bucket-policy", "--bucket", "audited", "--policy", fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::audited"},
			{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::audited/AWSLogs/%s/*",
			 "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceArn":"arn:aws:cloudtrail:eu-west-1:%s:trail/audit"}}}]}`, folder, digestAccount))
	}
	create := []string{
		"cloudtrail", "create-trail", "--name", "audit", "--s3-bucket-name", "audited", "--is-organization-trail", "--is-multi-region-trail",
		"--enable-log-file-validation",
	}
	policy(digestAccount)
	if _, stderr, code := c.Both(t, aws, create...); code == 0 || !strings.Contains(stderr, "InsufficientS3BucketPolicyException") {
		t.Errorf("without the organization's folder: %d %s", code, stderr)
	}
	policy(o.Organization.ID)
	if _, stderr, code := before.Both(t, aws, create...); code == 0 || !strings.Contains(stderr, "NotOrganizationMasterAccountException") {
		t.Errorf("by a member: %d %s", code, stderr)
	}
	c.Must(t, aws, create...)
	started := time.Now().UTC().Truncate(time.Second)
	c.Must(t, aws, "cloudtrail", "start-logging", "--name", "audit")
	after := addAccount("555566667777")
	const arn = "arn:aws:cloudtrail:eu-west-1:" + digestAccount + ":trail/audit"
	for _, m := range []kit.Client{before, after} {
		m.Must(t, aws, "iam", "create-user", "--user-name", "ann")
		m.Must(t, aws, "sts", "get-caller-identity")
		if out := m.Must(t, aws, "cloudtrail", "describe-trails"); !strings.Contains(out, arn) {
			t.Errorf("a member does not see the trail: %s", out)
		}
		if _, stderr, code := m.Both(t, aws, "cloudtrail", "stop-logging", "--name", arn); code == 0 || !strings.Contains(stderr, "NotOrganizationMasterAccountException") {
			t.Errorf("a member stops the trail: %d %s", code, stderr)
		}
	}
	time.Sleep(4 * time.Second) // two digests at least
	c.Must(t, aws, "cloudtrail", "stop-logging", "--name", "audit")
	// Of these, the first place has records of the other account's calls only if a
	// folder is wrong.
	for _, place := range [][2]string{
		{digestAccount, kit.Region}, {"444455556666", kit.Region}, {"444455556666", "us-east-1"}, {"555566667777", kit.Region}, {"555566667777", "us-east-1"},
	} {
		validate := []string{
			"cloudtrail", "validate-logs", "--region", place[1], "--trail-arn", arn, "--account-id", place[0], "--start-time", started.Format(time.RFC3339),
		}
		kit.Eventually(t, "valid digests of "+place[0]+" in "+place[1], func() bool {
			out, _, code := c.Both(t, aws, validate...)
			return code == 0 && ratio.MatchString(out) && strings.Contains(out, "log files valid") && !strings.Contains(out, "INVALID")
		})
	}
	var keys struct{ Contents []struct{ Key string } }
	c.JSON(t, &keys, aws, "s3api", "list-objects-v2", "--bucket", "audited")
	for _, k := range keys.Contents {
		if !strings.HasPrefix(k.Key, "AWSLogs/"+o.Organization.ID+"/") {
			t.Errorf("written outside the organization's folder: %s", k.Key)
		}
	}
}
