package event

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func full() *Record {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890, time.FixedZone("", 3600))
	return &Record{
		EventVersion: "1.11",
		UserIdentity: UserIdentity{
			Type: "AssumedRole", PrincipalID: "AROAEXAMPLE:s", ARN: "arn:aws:sts::111122223333:assumed-role/r/s",
			AccountID: "111122223333", AccessKeyID: "ASIAEXAMPLE", UserName: "n", InvokedBy: "x.amazonaws.com",
			SessionContext: &SessionContext{
				Issuer:       &SessionIssuer{Type: "Role", PrincipalID: "AROAEXAMPLE", ARN: "arn:aws:iam::111122223333:role/r", AccountID: "111122223333", UserName: "r"},
				CreationDate: at,
			},
		},
		EventTime: at, EventSource: "s3.amazonaws.com", EventName: "PutObject", AWSRegion: "eu-west-1",
		SourceIPAddress: "127.0.0.1", UserAgent: "[cli]", ErrorCode: "AccessDenied", ErrorMessage: "no",
		RequestParameters: []byte(`{"a":1}`), ResponseElements: []byte(`{"b":2}`), AdditionalEventData: []byte(`{"c":3}`),
		RequestID: "R", EventID: "E", ReadOnly: true,
		Resources: []Resource{{Type: "AWS::S3::Object", ARN: "arn:aws:s3:::b/k"}, {AccountID: "1", Type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::b"}, {Type: "AWS::S3::Object", ARNPrefix: "arn:aws:s3:::b/"}},
		EventType: APICall, APIVersion: "20140328", ManagementEvent: true, RecipientAccountID: "111122223333",
		SharedEventID: "S", EventCategory: Data,
		TLSDetails:                   &TLSDetails{TLSVersion: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ClientProvidedHostHeader: "h"},
		SessionCredentialFromConsole: true,
	}
}

// keys returns the member names of a JSON object in order.
func keys(t *testing.T, object []byte) (names []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	if tok, err := d.Token(); err != nil || tok != json.Delim('{') {
		t.Fatalf("%s is not an object: %v", object, err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// TestAppendOrder holds the encoder to the member order of genuine records.
func TestAppendOrder(t *testing.T) {
	b := full().Append(nil)
	want := strings.Fields(`eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent
		errorCode errorMessage requestParameters responseElements additionalEventData requestID eventID readOnly
		resources eventType apiVersion managementEvent recipientAccountId sharedEventID eventCategory tlsDetails
		sessionCredentialFromConsole`)
	if d := cmp.Diff(want, keys(t, b)); d != "" {
		t.Error(d)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(b, &top); err != nil {
		t.Fatal(err)
	}
	for member, want := range map[string]string{
		"userIdentity": "type principalId arn accountId accessKeyId userName sessionContext invokedBy",
		"tlsDetails":   "tlsVersion cipherSuite clientProvidedHostHeader",
	} {
		if d := cmp.Diff(strings.Fields(want), keys(t, top[member])); d != "" {
			t.Errorf("%s: %s", member, d)
		}
	}
	if got := string(top["eventTime"]); got != `"2026-03-04T04:06:07Z"` {
		t.Errorf("eventTime is %s, want whole seconds in UTC", got)
	}
	if got := string(top["sessionCredentialFromConsole"]); got != `"true"` {
		t.Errorf("sessionCredentialFromConsole is %s, want a string", got)
	}
	if bytes.ContainsAny(b, "\n") {
		t.Error("the record spans lines")
	}
}

// TestAppendAlways lists the members that every record has (spec 2.1).
func TestAppendAlways(t *testing.T) {
	b := (&Record{UserIdentity: UserIdentity{Type: "AWSAccount", HasPrincipalID: true, AccountID: "anonymous"}}).Append(nil)
	want := strings.Fields(`eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent
		requestParameters responseElements eventID readOnly eventType managementEvent recipientAccountId eventCategory`)
	if d := cmp.Diff(want, keys(t, b)); d != "" {
		t.Error(d)
	}
	for _, part := range []string{`"requestParameters":null`, `"responseElements":null`, `{"type":"AWSAccount","principalId":"","accountId":"anonymous"}`} {
		if !bytes.Contains(b, []byte(part)) {
			t.Errorf("%s lacks %s", b, part)
		}
	}
}

func TestAppendLimits(t *testing.T) {
	r := full()
	r.UserAgent = strings.Repeat("a", maxText-1) + "é" + strings.Repeat("b", 10)
	r.RequestParameters = []byte(`{"p":"` + strings.Repeat("x", maxObject) + `"}`)
	r.AdditionalEventData = []byte(`{"p":"` + strings.Repeat("x", maxData) + `"}`)
	var got struct {
		UserAgent                              string
		RequestParameters, AdditionalEventData map[string]any
	}
	if err := json.Unmarshal(r.Append(nil), &got); err != nil {
		t.Fatal(err)
	}
	if got.UserAgent != strings.Repeat("a", maxText-1) {
		t.Errorf("the user agent was cut to %d bytes: ...%q", len(got.UserAgent), got.UserAgent[len(got.UserAgent)-4:])
	}
	omitted := map[string]any{"omitted": true}
	if !cmp.Equal(got.RequestParameters, omitted) || !cmp.Equal(got.AdditionalEventData, omitted) {
		t.Errorf("over the limits: %.80v %.80v", got.RequestParameters, got.AdditionalEventData)
	}
}

// TestAppendWhole: a record is at most 256 KB, whatever is in it, and says what was
// left out of it.
func TestAppendWhole(t *testing.T) {
	object := func(n int) []byte { return []byte(`{"p":"` + strings.Repeat("x", n-len(`{"p":""}`)) + `"}`) }
	resources := func(n int) (list []Resource) {
		for range n {
			list = append(list, Resource{Type: "AWS::S3::Object", ARN: "arn:aws:s3:::b/" + strings.Repeat("\x01", 1024)})
		}
		return list
	}
	long := full()
	for _, s := range []*string{
		&long.UserAgent, &long.ErrorCode, &long.ErrorMessage, &long.RequestID, &long.SourceIPAddress, &long.AWSRegion, &long.EventName,
		&long.UserIdentity.ARN, &long.UserIdentity.PrincipalID, &long.UserIdentity.UserName, &long.UserIdentity.SessionContext.Issuer.ARN,
		&long.TLSDetails.ClientProvidedHostHeader,
	} {
		*s = strings.Repeat("\x01", 100_000)
	}
	for _, tt := range []struct {
		name    string
		r       *Record
		parts   [3]int // bytes of additionalEventData, responseElements, requestParameters
		n       int    // resources
		omitted string // a letter for each that is left out: a, o, i, r
	}{
		{"each at its limit", full(), [3]int{maxData, maxObject, maxObject}, 1, ""},
		{"and some resources", full(), [3]int{maxData, maxObject, maxObject}, 8, "a"},
		{"a response that does not fit then", full(), [3]int{maxData, maxObject, maxObject}, 13, "ao"},
		{"nothing in it fits", full(), [3]int{10, 10, maxObject}, 41, "aoi"},
		{"only resources", full(), [3]int{}, 60, "r"},
		{"long texts", long, [3]int{maxData, maxObject, maxObject}, 2, "ao"},
		{"everything", long, [3]int{maxData, maxObject, maxObject}, 60, "aoir"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := *tt.r
			r.AdditionalEventData, r.ResponseElements, r.RequestParameters, r.Resources = nil, nil, nil, resources(tt.n)
			for i, p := range []*[]byte{&r.AdditionalEventData, &r.ResponseElements, &r.RequestParameters} {
				if tt.parts[i] > 0 {
					*p = object(tt.parts[i])
				}
			}
			prefix := []byte("before")
			b := r.Append(prefix)
			if b = b[len(prefix):]; len(b) > MaxBytes {
				t.Errorf("%d bytes", len(b))
			}
			var got map[string]json.RawMessage
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			left := ""
			for i, member := range []string{"additionalEventData", "responseElements", "requestParameters"} {
				switch s := string(got[member]); {
				case s == string(omitted):
					left += "aoi"[i : i+1]
				case tt.parts[i] == 0 && s != "" && s != "null" || tt.parts[i] > 0 && len(s) != tt.parts[i]:
					t.Errorf("%s has %d bytes", member, len(s))
				}
			}
			if got["resources"] == nil {
				left += "r"
			}
			if left != tt.omitted {
				t.Errorf("left out %q, want %q; %d bytes", left, tt.omitted, len(b))
			}
		})
	}
}

func TestEncode(t *testing.T) {
	r := full()
	e := r.Encode(true)
	want := Header{
		ID: "E", Time: r.EventTime, Account: "111122223333", Region: "eu-west-1", Source: "s3.amazonaws.com", Name: "PutObject",
		Category: Data, Type: APICall, UserARN: r.UserIdentity.ARN, InvokedBy: "x.amazonaws.com", ErrorCode: "AccessDenied",
		ReadOnly: true, Global: true, FromConsole: true, Resources: r.Resources,
	}
	if d := cmp.Diff(want, e.Header); d != "" {
		t.Error(d)
	}
	if !bytes.Equal(e.JSON, r.Append(nil)) {
		t.Error("the entry's JSON is not the record's")
	}
}

// FuzzAppendString compares the encoder with encoding/json's decoder: what it
// wrote is read back as it was, with invalid UTF-8 replaced.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\r\t\x00\x1f\u2028\u2029é\U0001f5ff", "\xff\xfe", "a\xc3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		b := AppendString(nil, s)
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q became %s: %v", s, b, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q came back as %q", want, got)
		}
		if bytes.ContainsAny(b, "\n\r") {
			t.Errorf("%q spans lines", b)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	r, buf := full(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.Append(buf[:0])
	}
}
