package conditions

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/s3/config"
)

// TestBody reads the keys of bodies; of one that is no such document none can be
// told.
func TestBody(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		operation, body string
		want            policy.Context
		read            bool
	}{
		{"PutObjectTagging", `<Tagging><TagSet><Tag><Key>State</Key><Value>x</Value></Tag><Tag><Key>state</Key><Value>y</Value></Tag></TagSet></Tagging>`, policy.Context{requestTag + "state": {"x", "y"}, tagKeys: {"State", "state"}}, true},
		{"PutObjectRetention", `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2026-11-25T12:00:01Z</RetainUntilDate></Retention>`, policy.Context{lockMode: {"GOVERNANCE"}, lockUntil: {"2026-11-25T12:00:01Z"}, lockDays: {"2"}}, true},
		{"PutObjectRetention", `<Retention><RetainUntilDate>2026-11-23T12:00:00Z</RetainUntilDate></Retention>`, policy.Context{lockUntil: {"2026-11-23T12:00:00Z"}, lockDays: {"-1"}}, true},
		{"PutObjectRetention", `<Retention/>`, policy.Context{}, true},
		{"PutObjectLegalHold", `<LegalHold><Status>OFF</Status></LegalHold>`, policy.Context{legalHold: {"OFF"}}, true},
		{"CreateBucket", ``, policy.Context{}, false},
		{"CreateBucket", `<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`, policy.Context{location: {"eu-west-1"}}, true},
	} {
		got, doc := Body(row.operation, []byte(row.body), now)
		if diff := cmp.Diff(row.want, got); diff != "" || (doc != nil) != row.read {
			t.Errorf("%s: %s: read: %v; -want +got\n%s", row.operation, row.body, doc != nil, diff)
		}
	}
	deny := document(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/a":"b","s3:RequestObjectTagKeys":"a",
		"s3:object-lock-mode":"x","s3:object-lock-retain-until-date":"x","s3:object-lock-legal-hold":"x","s3:LocationConstraint":"x"},"NumericEquals":{"s3:object-lock-remaining-retention-days":"1"}}}}`)
	for _, body := range []string{"", "<Tagging>", "<Retention><Mode>a</Mode><Mode>b</Mode></Retention>"} {
		k, doc := Body("PutObjectTagging", []byte(body), now)
		q := policy.Query{Principal: policy.Principal{Account: "111122223333"}, Action: "s3:PutObjectTagging", Resource: "*", Context: k, Identity: []*policy.Document{deny}}
		if !policy.Evaluate(&q).Explicit || doc != nil {
			t.Errorf("%q got round a Deny: it gives %v", body, k)
		}
	}
}

// TestDays has retention in headers: of a date or an arrival that cannot be told, the
// days cannot either.
func TestDays(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	unknown := policy.Context{}
	unknown.SetUnknown(lockDays)
	for until, row := range map[string]struct {
		now  time.Time
		want []string
	}{
		"2026-11-26T12:00:00Z": {now, []string{"2"}},
		"2026-11-26T13:00:00Z": {time.Time{}, unknown[lockDays]},
		"tomorrow":             {now, unknown[lockDays]},
	} {
		h := http.Header{"X-Amz-Object-Lock-Retain-Until-Date": {until}}
		k := Of(&call.Call{Op: &call.Operation{Name: "PutObject"}, Start: row.now}, h, nil, &config.Bucket{})
		if diff := cmp.Diff(row.want, k[lockDays]); diff != "" {
			t.Errorf("%s: -want +got\n%s", until, diff)
		}
	}
}

func document(t *testing.T, text string) *policy.Document {
	t.Helper()
	d, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestWantTags reads an object's tags only where a policy asks for them, whichever
// it is, and AWS knows them.
func TestWantTags(t *testing.T) {
	asks := document(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}}}}`)
	other := document(t, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/a":"b"}}}}`)
	list := func(d *policy.Document) []*policy.Document { return []*policy.Document{other, d} }
	for name, row := range map[string]struct {
		who    identity.Principal
		policy *policy.Document
		action string
		want   bool
	}{
		"nobody asks":          {identity.Principal{Policies: list(other), Boundary: other, SessionPolicies: list(other)}, other, "s3:GetObject", false},
		"no policies":          {identity.Principal{}, nil, "s3:GetObject", false},
		"an identity policy":   {identity.Principal{Policies: list(asks)}, nil, "s3:GetObjectVersion", true},
		"a boundary":           {identity.Principal{Boundary: asks}, other, "s3:PutObjectTagging", true},
		"a session policy":     {identity.Principal{SessionPolicies: list(asks)}, other, "s3:GetObjectAcl", true},
		"the bucket's policy":  {identity.Principal{}, asks, "s3:DeleteObjectVersionTagging", true},
		"of a write":           {identity.Principal{}, asks, "s3:PutObject", false},
		"of a removal":         {identity.Principal{}, asks, "s3:DeleteObject", false},
		"of the bucket's tags": {identity.Principal{}, asks, "s3:GetBucketTagging", false},
	} {
		if got := WantTags(&call.Call{Principal: row.who}, &call.Check{Action: row.action, Policy: row.policy}); got != row.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
