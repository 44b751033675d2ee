package s3_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/internal/call"
	"cairn/internal/identity"
)

// TestHowSigned tells presigned URLs from signed requests by their signature, not
// by how a query looks, and knows how old a signature is.
func TestHowSigned(t *testing.T) {
	g := newGate(t)
	makeBucket(t, g.root(), "home")
	putText(t, g.root(), "home", "k", "text")
	deny := func(condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},
			{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":` + condition + `}]}`
	}
	for name, row := range map[string]struct {
		deny   string
		change func(url string) string // of a presigned URL; nil for a signed request
		status int
		method string // in the record
	}{
		"no URLs, a URL":               {`{"StringNotEquals":{"s3:authType":"REST-HEADER"}}`, func(u string) string { return u }, http.StatusForbidden, "QueryString"},
		"no URLs, one spelt otherwise": {`{"StringNotEquals":{"s3:authType":"REST-HEADER"}}`, func(u string) string { return strings.Replace(u, "X-Amz-Signature", "X-Amz%2DSignature", 1) }, http.StatusForbidden, "QueryString"},
		"URLs only, a request":         {`{"StringNotEquals":{"s3:authType":"REST-QUERY-STRING"}}`, nil, http.StatusForbidden, "AuthHeader"},
		"an old signature":             {`{"NumericGreaterThan":{"s3:signatureAge":"-1"}}`, func(u string) string { return u }, http.StatusForbidden, "QueryString"},
		"a new signature":              {`{"NumericGreaterThan":{"s3:signatureAge":"600000"}}`, func(u string) string { return u }, http.StatusOK, "QueryString"},
	} {
		t.Run(name, func(t *testing.T) {
			c, ctx := g.client(g.user(t, "ann", account, deny(row.deny))), t.Context()
			if row.change == nil {
				// The text is in a parameter's value.
				_, err := c.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("home"), Prefix: aws.String("X-Amz-Signature=")})
				wantCode(t, err, "AccessDenied")
				return
			}
			signed, err := sdk.NewPresignClient(c).PresignGetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String("home"), Key: aws.String("k")})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := g.Client().Get(row.change(signed.URL))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != row.status {
				t.Errorf("answered %d %s", resp.StatusCode, text)
			}
			if got := g.last(t, "GetObject")["additionalEventData"].(map[string]any)["AuthenticationMethod"]; got != row.method {
				t.Errorf("recorded as %v", got)
			}
		})
	}
}

// TestKeysOfServices refuses keys that cannot be kept from services too, whatever
// a trail's prefix says and a bucket policy allows.
func TestKeysOfServices(t *testing.T) {
	g := newGate(t)
	c := g.root()
	makeBucket(t, c, "trail-logs")
	doc := allow("Allow", `{"Service":"cloudtrail.amazonaws.com"}`, `"s3:PutObject"`, `"arn:aws:s3:::trail-logs/*"`, "")
	ok[*sdk.PutBucketPolicyOutput](t)(c.PutBucketPolicy(t.Context(), &sdk.PutBucketPolicyInput{Bucket: aws.String("trail-logs"), Policy: &doc}))
	for key, want := range map[string]bool{"logs/k": true, "../other/k": false, ".sgwtmp/k": false, "a//k": false} {
		op, in := g.service.PutObject("trail-logs", key, nil, []byte("x"))
		err := g.dispatch.Would(t.Context(), &call.Call{
			API: g.service.API(), Op: op, Input: in, Principal: identity.ForService("cloudtrail.amazonaws.com", "arn", account),
			Region: "us-east-1", Secure: true, Start: time.Now(),
		})
		if (err == nil) != want {
			t.Errorf("%s: %v", key, err)
		}
	}
}
