package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
)

// TestPolicyIsTheOwners keeps other accounts from a bucket's policy, although it
// allows them everything: they could let in whom they like, and keep the owner out.
func TestPolicyIsTheOwners(t *testing.T) {
	g := newGate(t)
	owner, guest, ctx := g.root(), g.client("ROOT"+other), t.Context()
	makeBucket(t, owner, "home")
	b, doc := aws.String("home"), allow("Allow", `{"AWS":"`+other+`"}`, `"s3:*"`, `["arn:aws:s3:::home","arn:aws:s3:::home/*"]`, "")
	ok[*sdk.PutBucketPolicyOutput](t)(owner.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &doc}))
	putText(t, guest, "home", "k", "text")
	_, err := guest.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: aws.String(strings.Replace(doc, "Allow", "Deny", 1))})
	wantCode(t, err, "MethodNotAllowed")
	_, err = guest.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})
	wantCode(t, err, "MethodNotAllowed")
	_, err = guest.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: b})
	wantCode(t, err, "MethodNotAllowed")
	if got := ok[*sdk.GetBucketPolicyOutput](t)(owner.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})); *got.Policy != doc {
		t.Errorf("the policy is %s", *got.Policy)
	}
}

// TestTagsOfUploads decides by the tags an object is to have.
func TestTagsOfUploads(t *testing.T) {
	g := newGate(t)
	makeBucket(t, g.root(), "home")
	ann := g.client(g.user(t, "ann", account, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:PutObject","s3:PutObjectTagging"],"Resource":"*","Condition":{"ForAllValues:StringEquals":{"s3:RequestObjectTagKeys":["team","state"]}}},
		{"Effect":"Deny","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/state":"final"}}}]}`))
	for tags, want := range map[string]bool{"": true, "team=own": true, "team=own&state=draft": true, "owner=ann": false, "team=own&x=y": false, "state=final": false, "state=draft&State=final": false} {
		_, err := ann.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("home"), Key: aws.String("k"), Tagging: aws.String(tags), Body: strings.NewReader("x")})
		if want && err != nil {
			t.Errorf("%q: %v", tags, err)
		} else if !want {
			wantCode(t, err, "AccessDenied")
		}
	}
}
