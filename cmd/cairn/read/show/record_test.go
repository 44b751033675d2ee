package show_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/cmd/cairn/read/show"
)

// row returns a record's values in columns, as a CSV writer prints them.
func row(t *testing.T, record string, names ...string) string {
	t.Helper()
	columns := show.Columns(names)
	var out bytes.Buffer
	w := show.NewCSV(&out, columns, plainFields(show.Paths(columns)...))
	if err := w.Record("", []byte(record)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	_, values, _ := strings.Cut(out.String(), "\n")
	return strings.TrimSuffix(values, "\n")
}

// TestWho names callers of every type.
func TestWho(t *testing.T) {
	for identity, want := range map[string]string{
		`{"type":"Root","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333"}`:                                              "root",
		`{"type":"Root","accountId":"444455556666"}`:                                                                                     "root@444455556666",
		`{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/eng/ann","userName":"ann","accountId":"111122223333"}`:                  "ann",
		`{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/deploy/ci","accountId":"111122223333"}`:                     "deploy/ci",
		`{"type":"AssumedRole","arn":"arn:aws:sts::444455556666:assumed-role/deploy/ci","accountId":"444455556666"}`:                     "deploy/ci@444455556666",
		`{"type":"FederatedUser","principalId":"1:bob","arn":"arn:aws:sts::111122223333:federated-user/bob","accountId":"111122223333"}`: "bob",
		`{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}`:                                                                          "ec2.amazonaws.com",
		`{"accountId":"111122223333","invokedBy":"AWS Internal"}`:                                                                        "AWS Internal",
		`{"type":"AWSAccount","principalId":"AIDAX","accountId":"444455556666"}`:                                                         "AIDAX@444455556666",
		`{"type":"AWSAccount","principalId":"","accountId":"anonymous"}`:                                                                 "anonymous",
		`{"type":"WebIdentityUser","principalId":"p:a:s","userName":"s","identityProvider":"p"}`:                                         "s",
		`{"type":"Unknown"}`: "Unknown",
		`"nobody"`:           "",
	} {
		record := `{"userIdentity":` + identity + `,"recipientAccountId":"111122223333"}`
		if got := row(t, record, "who", "type"); !strings.HasPrefix(got, want+",") {
			t.Errorf("%s is %s, want %s", identity, got, want)
		}
	}
}

// TestOn names what calls were about.
func TestOn(t *testing.T) {
	for members, want := range map[string]string{
		`"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"ARN":"arn:aws:s3:::b"}]`:                       "b/k",
		`"resources":[{"ARNPrefix":"arn:aws:s3:::b/x"}]`:                                                                   "b/x",
		`"resources":[{"ARN":"arn:aws:iam::444455556666:role/r"}]`:                                                         "arn:aws:iam::444455556666:role/r",
		`"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k"}],"requestParameters":{"keyId":"x"}`:               "kms:key/k",
		`"requestParameters":{"bucketName":"b","key":"k","Host":"h"}`:                                                      "b/k",
		`"requestParameters":{"bucketName":"b"}`:                                                                           "b",
		`"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}`:                       "i-1 i-2",
		`"requestParameters":{"imageId":"ami-1"},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-3"}]}}`:     "i-3",
		`"requestParameters":{"policyArn":"arn:aws:iam::aws:policy/P","roleName":"r"}`:                                     "r",
		`"requestParameters":{"clusterIdentifier":"c","size":3}`:                                                           "c",
		`"requestParameters":{"maxResults":3},"responseElements":{"trailARN":"arn:aws:cloudtrail:r:111122223333:trail/t"}`: "cloudtrail:trail/t",
		`"requestParameters":null`:      "",
		`"requestParameters":"a"`:       "",
		`"resources":{"ARN":"x"}`:       "",
		`"resources":[{"type":"only"}]`: "",
	} {
		if got := row(t, `{"recipientAccountId":"111122223333",`+members+`}`, "on"); got != want && got != `"`+want+`"` && (want != "" || got != "") {
			t.Errorf("%s is %s, want %s", members, got, want)
		}
	}
}

// TestWhatResult names the call and how it ended.
func TestWhatResult(t *testing.T) {
	for record, want := range map[string]string{
		`{"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","errorMessage":"no"}`:                      "s3:GetObject,AccessDenied",
		`{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}`:                "signin:ConsoleLogin,Failure",
		`{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}`:                "signin:ConsoleLogin,ok",
		`{"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","errorMessage":"Failed authentication","responseElements":{}}`: "signin:ConsoleLogin,failed",
		`{"eventName":"Lone"}`: "Lone,ok",
	} {
		if got := row(t, record, "what", "result"); got != want {
			t.Errorf("%s is %s, want %s", record, got, want)
		}
	}
}

// TestPath reads fields as people write them, and suggests what was meant.
func TestPath(t *testing.T) {
	for word, want := range map[string]string{
		"event": "eventName", "user": "userIdentity.arn", "eventName": "eventName", "$.errorCode": "errorCode",
		"requestParameters.bucketName": "requestParameters.bucketName", "resources[0].ARN": "resources[0].ARN", "event_name": "eventName", "ip": "sourceIPAddress",
	} {
		if got, err := show.Path(word); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", word, got, err, want)
		}
	}
	for word, want := range map[string]string{
		"evnt":                "did you mean event?",
		"requestParameter.x":  "did you mean requestParameters?",
		"eventname":           "did you mean eventName?",
		"":                    `"" is not a field of records (`,
		"completely-else":     `"completely-else" is not a field of records (`,
		"requestParameters.[": "requestParameters.[",
	} {
		if got, err := show.Path(word); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v; want %s", word, got, err, want)
		}
	}
}

// TestJSONWriter prints records as they are, one a line, and for a terminal
// without what is invisible.
func TestJSONWriter(t *testing.T) {
	record := "{\"a\": \"\u202e\\u001b\",\n \"b\":\t1 }"
	for terminal, want := range map[bool]string{
		false: "{\"a\": \"\u202e\\u001b\", \"b\":\t1 }\n",
		true:  "{\"a\": \"\\u202e\\u001b\", \"b\":1 }\n",
	} {
		var out bytes.Buffer
		w := show.NewJSON(&out, terminal)
		if err := w.Record("", []byte(record)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("terminal %v: %s", terminal, diff)
		}
	}
}
