package cloudtrail

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"cairn/digest"
	"cairn/internal/delivery"
)

func TestListPublicKeys(t *testing.T) {
	c := newClient(t)
	c.ok("ListPublicKeys", `{}`, `{"PublicKeyList":[]}`)
	key, err := c.keys.At(t.Context(), region, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.keys.At(t.Context(), "us-east-1", c.now); err != nil {
		t.Fatal(err)
	}
	der := digest.MarshalPublicKey(&key.PublicKey)
	list := func(body string, want int) {
		t.Helper()
		text, err := c.do("ListPublicKeys", body)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			PublicKeyList []struct {
				Value, Fingerprint                 string
				ValidityStartTime, ValidityEndTime float64
			}
		}
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatal(err)
		}
		if len(out.PublicKeyList) != want {
			t.Fatalf("%s: %s, want %d keys", body, text, want)
		}
		for _, k := range out.PublicKeyList {
			if k.Value != base64.StdEncoding.EncodeToString(der) || k.Fingerprint != digest.Fingerprint(der) || k.ValidityEndTime-k.ValidityStartTime != 2_592_000 {
				t.Errorf("key %+v", k)
			}
		}
	}
	list(`{}`, 1)
	list(`{"StartTime":1772366400,"EndTime":1772370000}`, 1)
	list(`{"StartTime":1772366399}`, 1)
	list(`{"StartTime":1600000000,"EndTime":1600000001}`, 0)
	c.refused("ListPublicKeys", `{"StartTime":1772370000,"EndTime":1772366400}`, "InvalidTimeRangeException", "before EndTime")
	c.refused("ListPublicKeys", `{"EndTime":1600000000}`, "InvalidTimeRangeException", "current time")
	c.refused("ListPublicKeys", `{"NextToken":"x"}`, "InvalidTokenException", "")
	c.region = "ap-south-1"
	list(`{}`, 0)
}

func TestDigestStatus(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket","EnableLogFileValidation":true}`, "")
	row := &delivery.Progress{TrailID: c.trail("audit").ID, Digests: &delivery.Digests{Succeeded: c.now, Error: "AccessDenied"}}
	if err := c.svc.Progress.Create(t.Context(), row, account, region, "audit", string(delivery.Bucket)); err != nil {
		t.Fatal(err)
	}
	c.ok("GetTrailStatus", `{"Name":"audit"}`, `{"IsLogging":false,"LatestDeliveryAttemptTime":"","LatestNotificationAttemptTime":"",
		"LatestNotificationAttemptSucceeded":"","LatestDeliveryAttemptSucceeded":"","TimeLoggingStarted":"","TimeLoggingStopped":"",
		"LatestDigestDeliveryTime":1772366400.001,"LatestDigestDeliveryError":"AccessDenied"}`)
}

// TestDeleteWaits checks that deleting a trail that logs waits until delivery has
// removed it, but not for ever, and that a deleted trail cannot be named.
func TestDeleteWaits(t *testing.T) {
	c := newClient(t)
	c.ok("CreateTrail", `{"Name":"audit","S3BucketName":"bucket"}`, "")
	c.ok("StartLogging", `{"Name":"audit"}`, "")
	c.ok("DeleteTrail", `{"Name":"audit"}`, `{}`) // delivery does not run: it goes on in vain
	tr := c.trail("audit")
	if s := tr.Spans[0]; !tr.Deleted.Equal(c.now) || !s.Cut || s.To.Seq != c.journal.end.Seq-1 {
		t.Errorf("deleted %v, span %+v, journal ends at %v", tr.Deleted, s, c.journal.end)
	}
	c.refused("GetTrail", `{"Name":"audit"}`, "TrailNotFoundException", "")
	c.refused("StartLogging", `{"Name":"audit"}`, "TrailNotFoundException", "")
	c.ok("DescribeTrails", `{}`, `{"trailList":[]}`)
	c.ok("DescribeTrails", `{"trailNameList":["audit"]}`, `{"trailList":[]}`)
	c.ok("ListTrails", `{}`, `{"Trails":[]}`)

	c.ok("CreateTrail", `{"Name":"other","S3BucketName":"bucket"}`, "")
	c.ok("StartLogging", `{"Name":"other"}`, "")
	c.svc.DeleteWait = time.Minute
	go func() { // as delivery does
		for {
			changed := c.svc.Trails.Changed()
			if tr, ok := c.svc.Trails.Get(delivery.TrailKey(account, region, "other")...); ok && !tr.Deleted.IsZero() {
				_ = c.svc.Trails.Delete(t.Context(), delivery.TrailKey(account, region, "other")...)
				return
			}
			select {
			case <-changed:
			case <-t.Context().Done():
				return
			}
		}
	}()
	c.ok("DeleteTrail", `{"Name":"other"}`, `{}`)
}
