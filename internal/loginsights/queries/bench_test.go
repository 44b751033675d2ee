package queries_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cairn/internal/lake"
	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
	"cairn/internal/loginsights/queries"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state/statetest"
)

const benchRecords = 200_000

// BenchmarkGroup runs queries over a log group of 200,000 records in segments,
// from start to end. The target is 200,000 records a second on two cores.
func BenchmarkGroup(b *testing.B) {
	js := natsdtest.Start(b)
	segments, err := lake.Open(lake.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer segments.Close()
	groups, err := loggroup.Open(b.Context(), js, statetest.Open(b, js), loggroup.Options{Lake: segments})
	if err != nil {
		b.Fatal(err)
	}
	defer groups.Close()
	ref := loggroup.Ref{Account: owner.Account, Region: owner.Region, Name: "trail"}
	fill(b, groups, ref)
	r := queries.New(groups, queries.Options{})
	defer r.Close()
	for _, text := range []string{
		`stats count(*) by eventName`,
		`filter userIdentity.userName = "user-77" | stats count(*) by eventName`,
		`fields @timestamp, @message | sort @timestamp desc | limit 20`,
	} {
		b.Run(text, func(b *testing.B) {
			q, err := loginsights.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				id, err := r.Start(&queries.Spec{Owner: owner, Query: q, Groups: []loggroup.Ref{ref}, End: 1 << 50})
				if err != nil {
					b.Fatal(err)
				}
				for {
					info, _, err := r.Get(owner, id)
					if err != nil || info.Err != nil {
						b.Fatal(err, info.Err)
					}
					if info.Status == queries.Complete {
						break
					}
					time.Sleep(5 * time.Millisecond)
				}
			}
			b.ReportMetric(float64(b.N)*benchRecords/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// fill appends the records, and waits until they are in segments.
func fill(b *testing.B, groups *loggroup.Store, ref loggroup.Ref) {
	b.Helper()
	if err := groups.CreateGroup(b.Context(), ref, loggroup.Group{Class: "STANDARD"}); err != nil {
		b.Fatal(err)
	}
	if err := groups.CreateStream(b.Context(), ref, "s"); err != nil {
		b.Fatal(err)
	}
	base := time.Now().Add(-time.Hour).UnixMilli()
	var batch []loggroup.Event
	for i := range benchRecords {
		batch = append(batch, loggroup.Event{Timestamp: base + int64(i), Message: record(i)})
		if len(batch) == 500 {
			if _, err := groups.Append(b.Context(), ref, "s", batch, ""); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	ctx, stop := context.WithTimeout(b.Context(), 20*time.Second) // it moves what there is
	defer stop()
	groups.Run(ctx)
}

// record makes a record of about 1.3 kB in the order of members of genuine ones.
func record(i int) string {
	user := fmt.Sprintf("user-%d", i%100)
	return fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE%03d:%s","arn":"arn:aws:sts::111122223333:assumed-role/role-%d/%s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLEEXAMPLE%02d","userName":"%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEEXAMPLE","arn":"arn:aws:iam::111122223333:role/role-%d","accountId":"111122223333","userName":"role-%d"},"attributes":{"creationDate":"2026-03-04T04:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-03-04T05:06:07Z","eventSource":"%s.amazonaws.com","eventName":"Describe%d","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.%d","userAgent":"aws-sdk-go-v2/1.30.0 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.170.0","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef%d"}]},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-0123456789abcdef"}]}}]}},"responseElements":null,"requestID":"01234567-89ab-cdef-0123-%012d","eventID":"fedcba98-7654-3210-fedc-%012d","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"ec2.eu-west-1.amazonaws.com"}}`,
		i%100, user, i%7, user, i%100, user, i%7, i%7, []string{"ec2", "iam", "sts"}[i%3], i%40, i%250, i%10, i, i)
}
