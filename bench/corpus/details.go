package corpus

import "fmt"

// details appends requestParameters, responseElements and additionalEventData,
// with the members and lengths that operations of a service have.
func (g *generator) details(b []byte, op *operation, failed bool) []byte {
	bucket := fmt.Sprintf("app-logs-%s-%d", g.account, g.r.IntN(12))
	switch {
	case op.source == "s3":
		b = fmt.Appendf(b, `,"requestParameters":{"bucketName":"%s","Host":"%[1]s.s3.%s.amazonaws.com"`, bucket, g.region)
		if op.name == "PutObject" {
			b = fmt.Appendf(b, `,"x-amz-acl":"bucket-owner-full-control","x-amz-server-side-encryption":"AES256","key":"AWSLogs/%[1]s/CloudTrail/%[2]s/%[3]s/%[1]s_CloudTrail_%[2]s_%[4]s.json.gz"},"responseElements":{"x-amz-server-side-encryption":"AES256"}`,
				g.account, g.region, g.delivered.Format("2006/01/02"), g.letters(16, letters))
		} else {
			b = append(b, `,"acl":""},"responseElements":null`...)
		}
		return fmt.Appendf(b, `,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":%d,"SSEApplied":"SSE_S3","AuthenticationMethod":"AuthHeader","x-amz-id-2":"%s","bytesTransferredOut":%d}`,
			g.r.IntN(9000), g.base64(57), g.r.IntN(900))
	case op.source == "kms":
		return fmt.Appendf(b, `,"requestParameters":{"keyId":"arn:aws:kms:%s:%s:key/%s","keySpec":"AES_256","encryptionContext":{"aws:cloudtrail:arn":"arn:aws:cloudtrail:%[1]s:%[2]s:trail/main","aws:s3:arn":"arn:aws:s3:::%s/AWSLogs/%[2]s/%s"}},"responseElements":null`,
			g.region, g.account, keys[g.r.IntN(len(keys))], bucket, g.letters(12, letters))
	case op.name == "AssumeRole" && !failed:
		return fmt.Appendf(b, `,"requestParameters":{"roleArn":"arn:aws:iam::%s:role/worker","roleSessionName":"session-%d","durationSeconds":3600},"responseElements":{"credentials":{"accessKeyId":"ASIA%s","sessionToken":"%s","expiration":"%s"},"assumedRoleUser":{"assumedRoleId":"AROA00000000000000042:session","arn":"arn:aws:sts::%[1]s:assumed-role/worker/session"}}`,
			g.account, g.r.IntN(40), g.letters(16, letters[:36]), g.base64(150), g.delivered.Format("Jan 2, 2006, 3:04:05 PM"))
	case op.name == "ConsoleLogin":
		return fmt.Appendf(b, `,"requestParameters":null,"responseElements":{"ConsoleLogin":"%s"},"additionalEventData":{"LoginTo":"https://console.aws.amazon.com/console/home?state=hashArgs%%23\u0026isauthcode=true","MobileVersion":"No","MFAUsed":"%s"}`,
			pick(failed, "Failure", "Success"), pick(g.r.IntN(3) > 0, "Yes", "No"))
	case op.readOnly:
		return g.question(b)
	}
	return g.change(b, failed)
}

// question appends what a call that reads has.
func (g *generator) question(b []byte) []byte {
	b = append(b, `,"requestParameters":{"maxResults":`...)
	b = fmt.Appendf(b, `%d,"filterSet":{"items":[`, 100*(1+g.r.IntN(10)))
	for i := range 1 + g.r.IntN(4) {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"name":"tag:Stage%d","valueSet":{"items":[{"value":"i-%016x"},{"value":"prod"}]}}`, i, g.r.Uint64())
	}
	return append(b, `]}},"responseElements":null`...)
}

// change appends what a call that changes something has: few are long, one in a
// thousand very much so.
func (g *generator) change(b []byte, failed bool) []byte {
	b = fmt.Appendf(b, `,"requestParameters":{"name":"thing-%d","description":"made by \"%s\" \u003cpipeline\u003e","tags":[{"key":"team","value":"core"},{"key":"commit","value":"%016x"}]}`,
		g.r.IntN(4000), pick(g.r.IntN(2) == 0, "terraform", "ci"), g.r.Uint64())
	if failed {
		return append(b, `,"responseElements":null`...)
	}
	b = append(b, `,"responseElements":{"items":[`...)
	n := 1 + g.r.IntN(3)
	if g.r.IntN(1000) == 0 {
		n = 40 + g.r.IntN(260)
	}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":"r-%016x","arn":"arn:aws:ec2:%s:%s:thing/%d","state":{"code":%d,"name":"pending"}}`, g.r.Uint64(), g.region, g.account, g.r.IntN(4000), g.r.IntN(80))
	}
	return append(b, `]}`...)
}

// resources appends the resources of calls on objects and keys.
func (g *generator) resources(b []byte, op *operation) []byte {
	switch op.source {
	case "s3":
		return fmt.Appendf(b, `,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::app-logs-%s-%d/AWSLogs/%[1]s/CloudTrail/%[3]s/%[4]s"},{"accountId":"%[1]s","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::app-logs-%[1]s-%[2]d"}]`,
			g.account, g.r.IntN(12), g.region, g.delivered.Format("2006/01/02"))
	case "kms":
		return fmt.Appendf(b, `,"resources":[{"accountId":"%s","type":"AWS::KMS::Key","ARN":"arn:aws:kms:%[2]s:%[1]s:key/%[3]s"}]`, g.account, g.region, keys[g.r.IntN(len(keys))])
	}
	return b
}

// keys are the ids of KMS keys.
var keys = []string{"0a1b2c3d-1111-4222-8333-444455556666", "1b2c3d4e-2222-4333-8444-555566667777", "2c3d4e5f-3333-4444-8555-666677778888"}

func pick(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
