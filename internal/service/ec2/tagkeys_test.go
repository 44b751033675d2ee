package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"cairn/internal/policy"
	"cairn/internal/service/servicetest"
)

// TestTagKeysDecide takes no tag away that a policy keeps, named or not, and sets
// none twice in different case to get round one.
func TestTagKeysDecide(t *testing.T) {
	e := start(t)
	in := launch(1)
	in.TagSpecifications[0].Tags = append(in.TagSpecifications[0].Tags, types.Tag{Key: s("Owner"), Value: s("ann")})
	id := *servicetest.OK[ec2.RunInstancesOutput](e, "RunInstances", in).Instances[0].InstanceId
	d, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"},
		{"Effect":"Deny","Action":"ec2:DeleteTags","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"Owner"}}},
		{"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/env":"prod"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	e.Who.Kind, e.Who.ARN, e.Who.Policies = "IAMUser", "arn:aws:iam::"+account+":user/ann", []*policy.Document{d}
	gone := func(tags ...types.Tag) *ec2.DeleteTagsInput {
		return &ec2.DeleteTagsInput{Resources: []string{id}, Tags: tags}
	}
	e.Fails("DeleteTags", gone(types.Tag{Key: s("Owner")}), "UnauthorizedOperation", "")
	e.Fails("DeleteTags", gone(), "UnauthorizedOperation", "")
	e.Fails("DeleteTags", gone(types.Tag{Key: s("env"), Value: s("prod")}), "UnauthorizedOperation", "")
	e.Fails("CreateTags", &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: s("env"), Value: s("prod")}, {Key: s("Env"), Value: s("x")}}}, "UnauthorizedOperation", "")
	servicetest.OK[ec2.DeleteTagsOutput](e, "DeleteTags", gone(types.Tag{Key: s("Name")}))
	if tags := one(e, id).Tags; len(tags) != 1 || *tags[0].Key != "Owner" {
		t.Errorf("left: %+v", tags)
	}
}
