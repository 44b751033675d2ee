//go:build e2e

package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn/test/kit"
)

// TestOrganizationLogs has an organization's trail export to a log group, asks
// cairn validate about its bucket, and has a member account try everything on it.
func TestOrganizationLogs(t *testing.T) {
	aws := kit.Tool(t, "aws")
	e := kit.StartEngine(t, t.TempDir(), "--digest-interval", "2s", "--account", digestAccount)
	c := kit.Client{Env: e.Environment(t, ""), Dir: t.TempDir()}
	const member, arn = "444455556666", "arn:aws:cloudtrail:eu-west-1:" + digestAccount + ":trail/audit"
	c.Must(t, kit.Binary(t), "account", "add", "--data", e.Dir, member)
	m := kit.Client{Env: e.Environment(t, member), Dir: c.Dir}
	var o struct{ Organization struct{ ID string } }
	c.JSON(t, &o, aws, "organizations", "describe-organization")
	id := o.Organization.ID

	c.Must(t, aws, "s3", "mb", "s3://audited")
	c.Must(t, aws, "s3api", "put-bucket-policy", "--bucket", "audited", "--policy", fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::audited"},
		{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":["arn:aws:s3:::audited/AWSLogs/%s/*","arn:aws:s3:::audited/AWSLogs/%s/*"]}]}`, digestAccount, id))
	c.Must(t, aws, "logs", "create-log-group", "--log-group-name", "org")
	c.Must(t, aws, "iam", "create-role", "--role-name", "to-logs", "--assume-role-policy-document",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
	mayWrite := func(streams ...string) {
		t.Helper()
		var list []string
		for _, s := range streams {
			list = append(list, fmt.Sprintf(`"arn:aws:logs:eu-west-1:%s:log-group:org:log-stream:%s"`, digestAccount, s))
		}
		c.Must(t, aws, "iam", "put-role-policy", "--role-name", "to-logs", "--policy-name", "p", "--policy-document",
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":[`+strings.Join(list, ",")+`]}}`)
	}
	create := []string{
		"cloudtrail", "create-trail", "--name", "audit", "--s3-bucket-name", "audited", "--is-organization-trail", "--is-multi-region-trail",
		"--enable-log-file-validation", "--cloud-watch-logs-log-group-arn", "arn:aws:logs:eu-west-1:" + digestAccount + ":log-group:org:*",
		"--cloud-watch-logs-role-arn", "arn:aws:iam::" + digestAccount + ":role/to-logs",
	}
	mayWrite(digestAccount + "_CloudTrail_eu-west-1*")
	if _, stderr, code := c.Both(t, aws, create...); code == 0 || !strings.Contains(stderr, "InvalidCloudWatchLogsLogGroupArnException") {
		t.Errorf("without the organization's streams: %d %s", code, stderr)
	}
	mayWrite(digestAccount+"_CloudTrail_eu-west-1*", id+"_*")
	c.Must(t, aws, create...)
	c.Must(t, aws, "cloudtrail", "start-logging", "--name", "audit")
	c.Must(t, aws, "iam", "create-user", "--user-name", "manager")
	m.Must(t, aws, "iam", "create-user", "--user-name", "worker")

	for _, w := range []struct{ account, user string }{{digestAccount, "manager"}, {member, "worker"}} {
		kit.Eventually(t, "the records of "+w.account+" in its stream", func() bool {
			var out struct {
				Events []struct{ LogStreamName, Message string }
			}
			c.JSON(t, &out, aws, "logs", "filter-log-events", "--log-group-name", "org", "--filter-pattern", `{ $.eventName = "CreateUser" && $.requestParameters.userName = "`+w.user+`" }`)
			for _, e := range out.Events {
				if want := id + "_" + w.account + "_CloudTrail_eu-west-1"; e.LogStreamName != want || !strings.Contains(e.Message, `"recipientAccountId":"`+w.account+`"`) {
					t.Errorf("in stream %s, want %s: %s", e.LogStreamName, want, e.Message)
				}
			}
			return len(out.Events) == 1
		})
	}
	memberTries(t, m, aws, arn)
	time.Sleep(4 * time.Second) // two digests at least
	c.Must(t, aws, "cloudtrail", "stop-logging", "--name", "audit")
	var whole, own judged
	kit.Eventually(t, "the final digests", func() bool {
		before := whole.Report.Digests.Valid
		var code int
		whole, code = cairnValidate(t, c, "s3://audited")
		time.Sleep(3 * time.Second)
		return code == 0 && before == whole.Report.Digests.Valid
	})
	var keys struct{ Contents []struct{ Key string } }
	c.JSON(t, &keys, aws, "s3api", "list-objects-v2", "--bucket", "audited")
	digests, logs := 0, 0
	for _, k := range keys.Contents {
		if strings.Contains(k.Key, "/CloudTrail-Digest/") {
			digests++
		} else {
			logs++
		}
	}
	if r := whole.Report; r.Digests.Valid != digests || r.LogFiles.Valid != logs || logs < 3 || len(whole.Findings) != 0 {
		t.Errorf("there are %d digests and %d log files: %+v", digests, logs, whole)
	}
	own, code := cairnValidate(t, c, "--trail", arn, "--account", member)
	if r := own.Report; code != 0 || r.LogFiles.Valid == 0 || r.LogFiles.Valid >= logs || r.Digests.Valid >= digests {
		t.Errorf("of the member: exit code %d: %+v", code, own)
	}
	// A member's log file that is changed is found.
	for _, k := range keys.Contents {
		if strings.Contains(k.Key, "/"+member+"/CloudTrail/") {
			c.Must(t, aws, "s3api", "delete-object", "--bucket", "audited", "--key", k.Key)
			if j, code := cairnValidate(t, c, "--trail", arn); code != 3 || len(j.Findings) != 1 || j.Findings[0].Key != k.Key {
				t.Errorf("without %s: exit code %d: %+v", k.Key, code, j)
			}
			break
		}
	}
}

// memberTries has a member look at the organization's trail and try to change it.
func memberTries(t *testing.T, m kit.Client, aws, arn string) {
	t.Helper()
	for _, args := range []string{
		"describe-trails", "list-trails", "get-trail --name " + arn, "get-trail-status --name " + arn, "get-event-selectors --trail-name " + arn,
	} {
		if out, stderr, code := m.Both(t, aws, append([]string{"cloudtrail"}, strings.Fields(args)...)...); code != 0 ||
			strings.Contains(args, "trails") && !strings.Contains(out, arn) {
			t.Errorf("a member's %s: %d %s %s", args, code, out, stderr)
		}
	}
	const selectors = `[{"ReadWriteType":"ReadOnly"}]`
	for _, args := range [][]string{
		{"stop-logging", "--name", arn},
		{"start-logging", "--name", arn},
		{"delete-trail", "--name", arn},
		{"update-trail", "--name", arn, "--s3-bucket-name", "another"},
		{"update-trail", "--name", arn, "--no-enable-log-file-validation"},
		{"put-event-selectors", "--trail-name", arn, "--event-selectors", selectors},
		{"put-insight-selectors", "--trail-name", arn, "--insight-selectors", `[{"InsightType":"ApiCallRateInsight"}]`},
		{"add-tags", "--resource-id", arn, "--tags-list", "Key=a,Value=b"},
		{"remove-tags", "--resource-id", arn, "--tags-list", "Key=a"},
	} {
		_, stderr, code := m.Both(t, aws, append([]string{"cloudtrail"}, args...)...)
		if code == 0 || !strings.Contains(stderr, "NotOrganizationMasterAccountException") {
			t.Errorf("a member's %s: %d %s", args[0], code, stderr)
		}
	}
	var status struct{ IsLogging bool }
	m.JSON(t, &status, aws, "cloudtrail", "get-trail-status", "--name", arn)
	if !status.IsLogging {
		t.Error("the trail does not log any more")
	}
}
