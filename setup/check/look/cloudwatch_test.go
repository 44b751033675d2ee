package look

import (
	"errors"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cairn/setup/check"
)

const alarmsXML = `<DescribeAlarmsResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><DescribeAlarmsResult><MetricAlarms>
<member><AlarmName>one</AlarmName><ActionsEnabled>true</ActionsEnabled><AlarmActions><member>arn:aws:sns:eu-west-1:1:t</member></AlarmActions><Namespace>N</Namespace><MetricName>M</MetricName></member>
<member><AlarmName>off</AlarmName><ActionsEnabled>false</ActionsEnabled><AlarmActions><member>arn:aws:sns:eu-west-1:1:t</member></AlarmActions><Namespace>N</Namespace><MetricName>O</MetricName></member>
<member><AlarmName>math</AlarmName><ActionsEnabled>true</ActionsEnabled><Metrics><member><Id>e</Id><Expression>m*2</Expression></member><member><Id>m</Id><MetricStat><Metric><Namespace>N</Namespace><MetricName>P</MetricName></Metric></MetricStat></member></Metrics></member>
</MetricAlarms><NextToken>more</NextToken></DescribeAlarmsResult></DescribeAlarmsResponse>`

func TestParseAlarms(t *testing.T) {
	got, next, err := parseAlarms([]byte(alarmsXML))
	if err != nil || next != "more" {
		t.Fatalf("next %q, %v", next, err)
	}
	want := []check.Alarm{
		{Name: "one", Metrics: []check.Metric{{Namespace: "N", Name: "M"}}, Acts: true},
		{Name: "off", Metrics: []check.Metric{{Namespace: "N", Name: "O"}}},
		{Name: "math", Metrics: []check.Metric{{Namespace: "N", Name: "P"}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, _, err := parseAlarms([]byte("{}")); err == nil {
		t.Error("JSON was read as XML")
	}
}

func TestQueryError(t *testing.T) {
	for _, tt := range []struct {
		body    string
		status  int
		code    string
		offered bool
	}{
		{`<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`, 403, "AccessDenied", true},
		{`<Error><Code>InvalidAction</Code></Error>`, 400, "InvalidAction", false},
		{`{"__type":"UnknownService"}`, 501, "NotImplemented", false},
		{``, 403, "AccessDenied", true},
		{`<html>`, 502, "Bad Gateway", true},
	} {
		err := queryError([]byte(tt.body), tt.status)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != tt.code || notOffered(err) == tt.offered {
			t.Errorf("%d %s: %v", tt.status, tt.body, err)
		}
	}
}

// FuzzParseAlarms: whatever an endpoint answers is read or refused.
func FuzzParseAlarms(f *testing.F) {
	f.Add([]byte(alarmsXML))
	f.Add([]byte("<DescribeAlarmsResponse/>"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if list, next, err := parseAlarms(body); err != nil && (list != nil || next != "") {
			t.Errorf("an error and %d alarms", len(list))
		}
		if queryError(body, 400) == nil {
			t.Error("no error")
		}
	})
}
