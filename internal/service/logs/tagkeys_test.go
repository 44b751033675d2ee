package logs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"cairn/internal/identity"
	"cairn/internal/policy"
)

// TestTagsDecide denies by tags of log groups and of requests: every group of a
// query counts, every operation that tags, and those that take tags away.
func TestTagsDecide(t *testing.T) {
	e, ctx := start(t), t.Context()
	e.make("open", "s")
	if _, err := e.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("closed"), Tags: map[string]string{"secret": "yes"}}); err != nil {
		t.Fatal(err)
	}
	d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"},
		{"Effect":"Deny","Action":["logs:StartQuery","logs:Unmask"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/secret":"yes"}}},
		{"Effect":"Deny","Action":["logs:Untag*","logs:Tag*"],"Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"secret"}}},
		{"Effect":"Deny","Action":["logs:TagLogGroup","logs:CreateLogGroup"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/env":"prod"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	e.who = identity.Principal{Kind: identity.IAMUser, Account: account, ARN: "arn:aws:iam::" + account + ":user/ann", Policies: []*policy.Document{d}}
	query := func(groups ...string) error {
		_, err := e.StartQuery(ctx, &cwl.StartQueryInput{LogGroupNames: groups, StartTime: aws.Int64(1), EndTime: aws.Int64(2), QueryString: aws.String("fields @message")})
		return err
	}
	if err := query("open"); err != nil {
		t.Error(err)
	}
	closed, name, prod := aws.String(prefix+"closed"), aws.String("closed"), map[string]string{"env": "prod"}
	for what, do := range map[string]func() error{
		"query":        func() error { return query("closed") },
		"query of two": func() error { return query("open", "closed") },
		"unmask": func() error {
			_, err := e.FilterLogEvents(ctx, &cwl.FilterLogEventsInput{LogGroupName: name, Unmask: true})
			return err
		},
		"untag": func() error {
			_, err := e.UntagResource(ctx, &cwl.UntagResourceInput{ResourceArn: closed, TagKeys: []string{"secret"}})
			return err
		},
		"untag, former": func() error {
			_, err := e.UntagLogGroup(ctx, &cwl.UntagLogGroupInput{LogGroupName: name, Tags: []string{"secret"}})
			return err
		},
		"tag, former": func() error {
			_, err := e.TagLogGroup(ctx, &cwl.TagLogGroupInput{LogGroupName: name, Tags: prod})
			return err
		},
		"create with a tag": func() error {
			_, err := e.CreateLogGroup(ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("made"), Tags: prod})
			return err
		},
		"tag, key is denied": func() error {
			_, err := e.TagResource(ctx, &cwl.TagResourceInput{ResourceArn: closed, Tags: map[string]string{"secret": "no"}})
			return err
		},
	} {
		fails(t, what, do(), "AccessDeniedException", "explicit deny")
	}
}
