//go:build e2e

package test

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/test/kit"
)

// deliveries returns the records of keeper's own deliveries made at a time or
// later.
func deliveries(p *play, records []kit.JSON, since time.Time) (list []kit.JSON) {
	p.Helper()
	for _, r := range records {
		at, err := time.Parse(time.RFC3339, r.At("eventTime"))
		if err != nil {
			p.Fatal(err)
		}
		if kind(r) == "s3 PutObject by a service" && r.At("requestParameters", "bucketName") == keeper && !at.Before(since) {
			list = append(list, r)
		}
	}
	return list
}

// checkNoRecursion turns the trail's RecursiveLogging off and on again, with the
// SDK: from then on deliveries are in its log files, or are not; users' objects
// always are.
func checkNoRecursion(p *play) {
	p.Helper()
	ct, store := cloudtrail.NewFromConfig(p.root), s3.NewFromConfig(p.root, pathStyle)
	set := func(on bool) time.Time {
		p.Helper()
		out := do(p, ct.UpdateTrail, &cloudtrail.UpdateTrailInput{Name: aws.String("keeper"), RecursiveLogging: &on})
		got := do(p, ct.GetTrail, &cloudtrail.GetTrailInput{Name: aws.String("keeper")}).Trail
		if *out.RecursiveLogging != on || *got.RecursiveLogging != on {
			p.Errorf("RecursiveLogging is not %v: %v, %v", on, *out.RecursiveLogging, *got.RecursiveLogging)
		}
		return time.Now().Truncate(time.Second).Add(time.Second) // records have whole seconds
	}
	call := func() string {
		p.Helper()
		return requestID(do(p, sts.NewFromConfig(p.user).GetCallerIdentity, &sts.GetCallerIdentityInput{}).ResultMetadata)
	}
	off := set(false)
	time.Sleep(time.Until(off))
	p.recorded(keeper, call()) // so a file was delivered
	records := p.recorded(keeper, call())
	if list := deliveries(p, records, off); len(list) > 0 {
		p.Errorf("%d deliveries are recorded with RecursiveLogging off: %+v", len(list), list[0])
	}
	if len(deliveries(p, records, time.Time{})) == 0 {
		p.Error("the deliveries before are not recorded any more")
	}
	checkACL(p, records)
	on := set(true)
	call()
	kit.Eventually(p, "a record of a delivery with RecursiveLogging on again", func() bool {
		return len(deliveries(p, p.records(store, keeper), on)) > 0
	})
}

// checkACL looks for CloudTrail's look at the bucket it delivers to: one, at the
// first delivery.
func checkACL(p *play, records []kit.JSON) {
	p.Helper()
	checks := 0
	for _, r := range records {
		if kind(r) != "s3 GetBucketAcl by a service" || r.At("requestParameters", "bucketName") != keeper {
			continue
		}
		checks++
		if r.At("userIdentity", "invokedBy") != "cloudtrail.amazonaws.com" || r.At("sharedEventID") == "" || r.At("errorCode") != "" || r.At("readOnly") != "true" {
			p.Errorf("the check is recorded as %+v", r)
		}
	}
	if checks != 1 {
		p.Errorf("CloudTrail read the bucket's ACL %d times while it delivered", checks)
	}
}
