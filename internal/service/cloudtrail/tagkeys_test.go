package cloudtrail

import (
	"testing"

	"cairn/internal/identity"
	"cairn/internal/policy"
)

// TestTagKeysDecide takes no tag away that a policy keeps.
func TestTagKeysDecide(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"trail","S3BucketName":"bucket-1","TagsList":[{"Key":"owner","Value":"ann"},{"Key":"x","Value":"y"}]}`, "")
	d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudtrail:*","Resource":"*"},
		{"Effect":"Deny","Action":"cloudtrail:RemoveTags","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"owner"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	c.who = identity.Principal{Kind: identity.IAMUser, Account: account, ARN: "arn:aws:iam::" + account + ":user/ann", Policies: []*policy.Document{d}}
	const id = `"ResourceId":"arn:aws:cloudtrail:` + region + `:` + account + `:trail/trail"`
	c.refused("RemoveTags", `{`+id+`,"TagsList":[{"Key":"x"},{"Key":"owner"}]}`, "AccessDeniedException", "explicit deny")
	c.ok("RemoveTags", `{`+id+`,"TagsList":[{"Key":"x"}]}`, "")
}
