//go:build e2e

package test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"cairn/test/kit"
)

// TestBadInput sends CloudTrail what is no input of its operations. The answer is an
// error of its protocol, the trail stays as it is, and every failed call of an
// operation that there is is recorded with the error that was answered.
func TestBadInput(t *testing.T) {
	p := newPlay(t)
	ct := cloudtrail.NewFromConfig(p.root)
	trail := "keeper"
	before := do(t, ct.GetTrail, &cloudtrail.GetTrailInput{Name: &trail}).Trail
	const json11, target = "application/x-amz-json-1.1", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."
	var recorded []string
	codes := map[string]string{}
	for name, row := range map[string]struct {
		content, operation, body string
		status                   int
		code                     string
		recorded                 bool
	}{
		"cut short":            {json11, "UpdateTrail", `{"Name":"keeper","S3KeyPrefix":"p"`, 400, "SerializationException", true},
		"not an object":        {json11, "UpdateTrail", `["keeper"]`, 400, "SerializationException", true},
		"data after it":        {json11, "DeleteTrail", `{"Name":"keeper"} {}`, 400, "SerializationException", true},
		"a member twice":       {json11, "DeleteTrail", `{"Name":"none","Name":"keeper"}`, 400, "SerializationException", true},
		"an unknown member":    {json11, "StopLogging", `{"Name":"keeper","Force":true}`, 400, "SerializationException", true},
		"another type":         {json11, "UpdateTrail", `{"Name":"keeper","IsMultiRegionTrail":"no"}`, 400, "SerializationException", true},
		"an unknown value":     {json11, "PutEventSelectors", `{"TrailName":"keeper","EventSelectors":[{"ReadWriteType":"None"}]}`, 400, "ValidationException", true},
		"past a limit":         {json11, "UpdateTrail", `{"Name":"keeper","S3KeyPrefix":"` + strings.Repeat("p", 201) + `"}`, 400, "InvalidS3PrefixException", true},
		"no parameters":        {json11, "StopLogging", ``, 400, "InvalidTrailNameException", true},
		"a contradiction":      {json11, "UpdateTrail", `{"Name":"keeper","IncludeGlobalServiceEvents":false}`, 400, "InvalidParameterCombinationException", true},
		"a token of nobody":    {json11, "LookupEvents", `{"NextToken":"x"}`, 400, "InvalidNextTokenException", true},
		"an unknown operation": {json11, "StopAllTrails", `{}`, 400, "UnknownOperationException", false},
		"one that is not here": {json11, "ListInsightsMetricData", `{}`, 400, "UnknownOperationException", false},
		"a form":               {"application/x-www-form-urlencoded", "StopLogging", `{"Name":"keeper"}`, 400, "UnknownOperationException", false},
		"XML":                  {"text/xml; charset=utf-8", "StopLogging", `{"Name":"keeper"}`, 400, "UnknownOperationException", false},
		"no type at all":       {"", "StopLogging", `{"Name":"none"}`, 400, "TrailNotFoundException", true},
		"with a character set": {json11 + "; charset=utf-8", "StopLogging", `{"Name":"none"}`, 400, "TrailNotFoundException", true},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.e.Endpoint+"/", strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		if row.content != "" {
			req.Header.Set("Content-Type", row.content)
		}
		req.Header.Set("X-Amz-Target", target+row.operation)
		credentials, err := p.root.Credentials.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(row.body))
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, req, hex.EncodeToString(sum[:]), "cloudtrail", kit.Region, time.Now()); err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		var e struct {
			Type    string `json:"__type"`
			Message *string
		}
		if err := json.Unmarshal(answer, &e); err != nil || resp.StatusCode != row.status || e.Type != row.code || e.Message == nil {
			t.Errorf("%s: %s %s, want %d %s", name, resp.Status, answer, row.status, row.code)
		}
		if id := resp.Header.Get("X-Amzn-Requestid"); id == "" {
			t.Errorf("%s: the answer has no request id", name)
		} else if codes[id] = row.code; row.recorded {
			recorded = append(recorded, id)
		}
	}
	after := do(t, ct.GetTrail, &cloudtrail.GetTrailInput{Name: &trail}).Trail
	if status := do(t, ct.GetTrailStatus, &cloudtrail.GetTrailStatusInput{Name: &trail}); !*status.IsLogging || !reflect.DeepEqual(before, after) {
		t.Errorf("the trail was %+v and is %+v", before, after)
	}
	for _, r := range p.recorded(keeper, recorded...) {
		id := r.At("requestID")
		code, ours := codes[id]
		// Records do not say Exception.
		if want := strings.TrimSuffix(code, "Exception"); ours && r.At("errorCode") != code && r.At("errorCode") != want {
			t.Errorf("%s was answered %s and is recorded as %s", r.At("eventName"), code, r.At("errorCode"))
		}
		if response, _ := r.Get("responseElements"); ours && response.Kind != "null" {
			t.Errorf("%s failed, and its record has %s", r.At("eventName"), response.Text)
		}
	}
}
