package loginsights_test

import (
	"fmt"
	"testing"

	"cairn/internal/lake"
	"cairn/internal/loginsights"
)

// BenchmarkRun measures the language alone: records a second of about the size
// of genuine ones, through one core.
func BenchmarkRun(b *testing.B) {
	for _, query := range []string{
		`stats count(*) by eventName`,
		`filter eventSource = "ec2.amazonaws.com" and userIdentity.userName like /^a/ | stats count(*) by bin(1h), eventName`,
		`fields @timestamp, eventName, userIdentity.arn | sort @timestamp desc | limit 100`,
		`parse @message /"userName":"(?<who>[a-z]+)"/ | stats count(*) by who`,
	} {
		b.Run(query, func(b *testing.B) {
			q, err := loginsights.Parse(query)
			if err != nil {
				b.Fatal(err)
			}
			r, err := q.Run(loginsights.Options{})
			if err != nil {
				b.Fatal(err)
			}
			var list []*loginsights.Event
			for i := range 1000 {
				list = append(list, &loginsights.Event{Message: record(i), Stream: "s", Group: &loginsights.Log{}})
			}
			size := 0
			for i := range b.N {
				e := list[i%len(list)]
				e.Pos = lake.Position{Timestamp: start + int64(i), Seq: uint64(i)}
				if err := r.Add(e); err != nil {
					b.Fatal(err)
				}
				size += len(e.Message)
			}
			b.SetBytes(int64(size / b.N))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// record makes a record of about 1.3 kB in the order of members of genuine ones.
func record(i int) []byte {
	user := []string{"ada", "bob", "carl", "dora", "eve"}[i%5]
	return fmt.Appendf(nil, `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEEXAMPLE%03d:%s","arn":"arn:aws:sts::111122223333:assumed-role/role-%d/%s","accountId":"111122223333","accessKeyId":"ASIAEXAMPLEEXAMPLE%02d","userName":"%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEEXAMPLE","arn":"arn:aws:iam::111122223333:role/role-%d","accountId":"111122223333","userName":"role-%d"},"webIdFederationData":{},"attributes":{"creationDate":"2026-03-04T04:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2026-03-04T05:06:07Z","eventSource":"%s.amazonaws.com","eventName":"Describe%d","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.%d","userAgent":"aws-sdk-go-v2/1.30.0 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.170.0","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef%d"}]},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-0123456789abcdef"}]}}]}},"responseElements":null,"requestID":"01234567-89ab-cdef-0123-%012d","eventID":"fedcba98-7654-3210-fedc-%012d","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"ec2.eu-west-1.amazonaws.com"}}`,
		i%100, user, i%7, user, i%100, user, i%7, i%7, []string{"ec2", "iam", "sts"}[i%3], i%40, i%250, i%10, i, i)
}
