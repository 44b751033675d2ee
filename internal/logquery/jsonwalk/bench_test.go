package jsonwalk

import (
	"strings"
	"testing"
)

const sample = `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLEROLEID0001:deploy","arn":"arn:aws:sts::111122223333:assumed-role/deployer/deploy","accountId":"111122223333","accessKeyId":"ASIAEXAMPLEKEY000001","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLEROLEID0001","arn":"arn:aws:iam::111122223333:role/deployer","accountId":"111122223333","userName":"deployer"},"attributes":{"creationDate":"2025-10-02T09:00:00Z","mfaAuthenticated":"false"}}},"eventTime":"2025-10-02T09:12:44Z","eventSource":"s3.amazonaws.com","eventName":"PutObject","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"[aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.1]","requestParameters":{"bucketName":"example-bucket","Host":"example-bucket.s3.eu-west-1.amazonaws.com","key":"reports/2025/a.csv"},"responseElements":{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"},"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":20481,"SSEApplied":"Default_SSE_KMS","AuthenticationMethod":"AuthHeader","x-amz-id-2":"kCyk3pSYJ6hGvGqZgYqgkQ0jW2eXAMPLE=","bytesTransferredOut":0},"requestID":"4JE0EXAMPLE1A2B3","eventID":"6f0a2e4e-6d0b-4c2c-9d5f-1f0e3c7a9b11","readOnly":false,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::example-bucket/reports/2025/a.csv"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::example-bucket"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"example-bucket.s3.eu-west-1.amazonaws.com"}}`

type none struct{}

func (none) Value(int, Value) bool { return true }

func tree(tb testing.TB, paths ...string) *Tree {
	tb.Helper()
	var list []Path
	for _, text := range paths {
		p, err := Parse(text)
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, p)
	}
	return NewTree(list)
}

func BenchmarkWalk(b *testing.B) {
	long := `{"a":"` + strings.Repeat("word ", 4000) + `","b":1}`
	for _, bb := range []struct {
		name, message string
		paths         []string
	}{
		{"record/none", sample, nil},
		{"record/name", sample, []string{"eventName"}},
		{"record/ten", sample, []string{"eventTime", "eventName", "eventSource", "userIdentity.arn", "userIdentity.userName", "sourceIPAddress", "errorCode", "awsRegion", "resources[*].ARN", "readOnly"}},
		{"long", long, []string{"b"}},
	} {
		t := tree(b, bb.paths...)
		b.Run(bb.name+"/walk", func(b *testing.B) {
			b.SetBytes(int64(len(bb.message)))
			b.ReportAllocs()
			m := []byte(bb.message)
			for b.Loop() {
				if !t.Walk(m, none{}) {
					b.Fatal("not JSON")
				}
			}
		})
		b.Run(bb.name+"/find", func(b *testing.B) {
			b.SetBytes(int64(len(bb.message)))
			m := []byte(bb.message)
			for b.Loop() {
				t.Find(m, none{})
			}
		})
	}
}
