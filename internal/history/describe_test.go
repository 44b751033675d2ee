package history

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/google/go-cmp/cmp"

	"cairn/event"
)

func TestAttributes(t *testing.T) {
	w := newWorld(t)
	role := func(r *event.Record) {
		r.UserIdentity = event.UserIdentity{Type: "AssumedRole", PrincipalID: "AROA1:build", AccessKeyID: "ASIA1", AccountID: account}
		r.EventSource, r.EventName, r.ReadOnly = "ec2.amazonaws.com", "DescribeInstances", true
		r.RequestParameters = []byte(`{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}`)
	}
	root := func(r *event.Record) {
		r.UserIdentity = event.UserIdentity{Type: "Root", PrincipalID: account, AccountID: account}
		r.EventSource, r.EventName = "cloudtrail.amazonaws.com", "CreateTrail"
		r.RequestParameters = []byte(`{"name":"main","s3BucketName":"logs"}`)
		r.ResponseElements = []byte(`{"trailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"}`)
	}
	user := func(r *event.Record) { r.RequestParameters = []byte(`{"userName":"bob"}`) }
	w.journal.add(call("user", 1, user), call("role", 2, role), call("root", 3, root))
	for _, tt := range []struct {
		attribute Attribute
		value     string
		want      []string
	}{
		{EventID, "role", []string{"role"}},
		{EventName, "CreateTrail", []string{"root"}},
		{EventName, "Create", nil},
		{EventSource, "iam.amazonaws.com", []string{"user"}},
		{ReadOnly, "true", []string{"role"}},
		{ReadOnly, "false", []string{"root", "user"}},
		{Username, "ann", []string{"user"}},
		{Username, "bob", nil}, // who was made, not who made
		{Username, "build", []string{"role"}},
		{Username, "root", []string{"root"}},
		{AccessKeyID, "ASIA1", []string{"role"}},
		{ResourceType, "AWS::IAM::User", []string{"user"}},
		{ResourceType, "AWS::EC2::Instance", []string{"role"}},
		{ResourceName, "i-2", []string{"role"}},
		{ResourceName, "logs", []string{"root"}},
		{ResourceName, "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", []string{"root"}},
		{ResourceName, "ann", nil},
	} {
		w.wants(Query{Attribute: tt.attribute, Value: tt.value}, tt.want...)
	}
}

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Event
	}{
		{
			`{"eventID":"1","eventName":"AssumeRole","eventSource":"sts.amazonaws.com","eventTime":"2026-03-01T12:00:00Z","readOnly":true,
			"userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},
			"requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/x","roleSessionName":"s"},
			"responseElements":{"credentials":{"accessKeyId":"ASIA1","sessionToken":"t"},"assumedRoleUser":{"assumedRoleId":"AROA1:s","arn":"arn:aws:sts::111122223333:assumed-role/x/s"}},
			"resources":[{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/x"}]}`,
			Event{ID: "1", Name: "AssumeRole", Source: "sts.amazonaws.com", Time: noon, ReadOnly: "true", Resources: []Resource{
				{"AWS::IAM::Role", "arn:aws:iam::111122223333:role/x"},
				{"AWS::IAM::AccessKey", "ASIA1"},
				{"AWS::STS::AssumedRole", "AROA1:s"},
				{"AWS::STS::AssumedRole", "arn:aws:sts::111122223333:assumed-role/x/s"},
			}},
		},
		{
			`{"eventID":"2","eventTime":"2026-03-01T12:00:00Z","eventCategory":"Insight","insightDetails":{"eventName":"RunInstances","eventSource":"ec2.amazonaws.com"}}`,
			Event{ID: "2", Name: "RunInstances", Source: "ec2.amazonaws.com", Time: noon},
		},
		{
			`{"eventID":"3","eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com","eventTime":"2026-03-01T12:00:00Z","readOnly":false,
			"userIdentity":{"type":"AWSAccount","principalId":"AIDA9","accountId":"444455556666"},
			"requestParameters":{"bucketName":"b","bucketPolicy":{"Statement":[{"Resource":"arn:aws:s3:::b/*"}]}},"responseElements":null}`,
			Event{ID: "3", Name: "PutBucketPolicy", Source: "s3.amazonaws.com", Time: noon, ReadOnly: "false", Resources: []Resource{
				{"AWS::S3::Bucket", "b"}, {"AWS::S3::Object", "arn:aws:s3:::b/*"},
			}},
		},
	} {
		got, err := Describe([]byte(tt.text))
		if err != nil {
			t.Fatal(err)
		}
		got.Record = nil
		if d := cmp.Diff(&tt.want, got); d != "" {
			t.Error(d)
		}
	}
	if _, err := Describe([]byte(`{"eventID":`)); err == nil {
		t.Error("half a record was read")
	}
}

// FuzzDescribe: whatever a record holds, reading it ends, and what it shows can be
// found by it.
func FuzzDescribe(f *testing.F) {
	f.Add(`{"eventSource":"iam.amazonaws.com","requestParameters":{"userName":"a"},"responseElements":{"user":{"arn":"arn:aws:iam::1:user/a"}}}`)
	f.Add(`{"eventSource":"ec2.amazonaws.com","requestParameters":[[[{"imageId":["a",["b"]]}]]]}`)
	f.Add(`{"eventSource":"s3.amazonaws.com","responseElements":{"bucketName":{"bucketName":"x"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Describe([]byte(text))
		if err != nil {
			return
		}
		for _, r := range e.Resources {
			if strings.Contains(text, `\`) {
				return // records of our own escape nothing a name or type can have
			}
			for attribute, value := range map[Attribute]string{ResourceName: r.Name, ResourceType: r.Type} {
				q := Query{Attribute: attribute, Value: value}
				m, err := q.match()
				if err != nil {
					t.Fatal(err)
				}
				if !m.Match([]byte(text)) {
					t.Errorf("%q shows %v and is not found by it", text, r)
				}
			}
		}
	})
}

// TestEveryAttribute: there is none that LookupEvents knows and this package does
// not.
func TestEveryAttribute(t *testing.T) {
	for _, k := range types.LookupAttributeKey("").Values() {
		q := Query{Attribute: Attribute(k), Value: "x"}
		if m, err := q.match(); err != nil || m.Match([]byte(`{}`)) {
			t.Errorf("%s: %v, %v", k, m, err)
		}
	}
}
