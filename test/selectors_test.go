//go:build e2e

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trails "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/test/kit"
)

// TestSelectors has trails that select data events of S3, with basic and with
// advanced selectors, and looks at what each of them gets. keeper selects
// everything, so what the others lack was lost to their selectors.
func TestSelectors(t *testing.T) {
	p := newPlay(t)
	store := s3.NewFromConfig(p.user, pathStyle)
	p.bucket(store, "quarry", trailPolicy("quarry"))
	p.bucket(store, "quarry-two", trailPolicy("quarry-two"))
	stones := []trails.DataResource{{Type: aws.String("AWS::S3::Object"), Values: []string{"arn:aws:s3:::quarry/stones/"}}}
	basic := func(what trails.ReadWriteType) *cloudtrail.PutEventSelectorsInput {
		return &cloudtrail.PutEventSelectorsInput{EventSelectors: []trails.EventSelector{{
			ReadWriteType: what, IncludeManagementEvents: aws.Bool(false), DataResources: stones,
		}}}
	}
	p.trail("stones", "kept-stones", basic(trails.ReadWriteTypeAll))
	p.trail("written", "kept-written", basic(trails.ReadWriteTypeWriteOnly))
	equals := func(field string, values ...string) trails.AdvancedFieldSelector {
		return trails.AdvancedFieldSelector{Field: &field, Equals: values}
	}
	p.trail("advanced", "kept-advanced", &cloudtrail.PutEventSelectorsInput{
		AdvancedEventSelectors: []trails.AdvancedEventSelector{{
			Name: aws.String("reads of stones"), FieldSelectors: []trails.AdvancedFieldSelector{
				equals("eventCategory", "Data"), equals("resources.type", "AWS::S3::Object"), equals("eventName", "GetObject"),
				{Field: aws.String("resources.ARN"), StartsWith: []string{"arn:aws:s3:::quarry/stones/"}},
			},
		}},
	})

	for _, place := range [][2]string{{"quarry", "sand/one"}, {"quarry-two", "stones/one"}, {"quarry", "stones/one"}} {
		bucket, key := aws.String(place[0]), aws.String(place[1])
		do(t, store.PutObject, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("x")})
		do(t, store.GetObject, &s3.GetObjectInput{Bucket: bucket, Key: key}).Body.Close()
	}
	// The objects named last are in the prefix, so they are the last any trail gets.
	put := do(t, store.PutObject, &s3.PutObjectInput{Bucket: aws.String("quarry"), Key: aws.String("stones/last"), Body: strings.NewReader("x")})
	got := do(t, store.GetObject, &s3.GetObjectInput{Bucket: aws.String("quarry"), Key: aws.String("stones/last")})
	got.Body.Close()
	written := requestID(put.ResultMetadata)
	read := requestID(got.ResultMetadata)
	who := do(t, sts.NewFromConfig(p.user).GetCallerIdentity, &sts.GetCallerIdentityInput{})
	p.recorded(keeper, requestID(who.ResultMetadata), written, read)

	const putOne, getOne = "PutObject quarry/stones/one", "GetObject quarry/stones/one"
	const putLast, getLast = "PutObject quarry/stones/last", "GetObject quarry/stones/last"
	for _, row := range []struct {
		bucket, marker string
		want           []string
	}{
		{"kept-stones", read, []string{putOne, getOne, putLast, getLast}},
		{"kept-written", written, []string{putOne, putLast}},
		{"kept-advanced", read, []string{getOne, getLast}},
	} {
		found := map[string]int{}
		for _, r := range p.recorded(row.bucket, row.marker) {
			found[called(r)]++
		}
		for _, want := range row.want {
			if found[want] != 1 {
				t.Errorf("%s has %d records of %s", row.bucket, found[want], want)
			}
			delete(found, want)
		}
		if len(found) > 0 {
			t.Errorf("%s also has %v", row.bucket, found)
		}
	}
	checkRecursion(p)
}

// checkRecursion shows what CloudTrail's documents warn of, and what the trail
// setting RecursiveLogging is for (spec 1.4): to deliver a log file is a data
// event like any other, so a trail that selects its own bucket gets a record of
// every delivery, which is delivered in turn.
func checkRecursion(p *play) {
	store := s3.NewFromConfig(p.root, pathStyle)
	kit.Eventually(p, "a record of the delivery of a record of a delivery", func() bool {
		own := 0
		for _, r := range p.records(store, keeper) {
			if kind(r) == "s3 PutObject by a service" && r.At("requestParameters", "bucketName") == keeper {
				own++
				if r.At("userIdentity", "invokedBy") != "cloudtrail.amazonaws.com" || !strings.Contains(r.At("requestParameters", "key"), "/CloudTrail/") {
					p.Errorf("the delivery is recorded as %+v", r)
				}
			}
		}
		return own > 1
	})
	checkNoRecursion(p)
}

// called says which operation was called on what.
func called(r kit.JSON) string {
	return fmt.Sprintf("%s %s/%s", r.At("eventName"), r.At("requestParameters", "bucketName"), r.At("requestParameters", "key"))
}
