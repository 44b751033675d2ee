package trail

import (
	"testing"

	"cairn/event"
)

// TestNoRecursion: what CloudTrail's deliveries record is left out, if the trail
// wants it to be; what others write and what else CloudTrail does is not.
func TestNoRecursion(t *testing.T) {
	all := []Selector{{ReadWrite: readWriteAll, Management: true, Data: []DataResource{{Type: typeObject, Values: []string{allObjects}}}}}
	object := objectCall("arn:aws:s3:::b/AWSLogs/k", false)
	with := func(h event.Header, source, name, invokedBy string) event.Header {
		h.Account, h.Source, h.Name, h.InvokedBy = "1", source, name, invokedBy
		return h
	}
	management := event.Header{Category: event.Management}
	for _, tt := range []struct {
		name string
		h    event.Header
		left bool
	}{
		{"a log file", with(object, "s3.amazonaws.com", "PutObject", cloudTrail), true},
		{"log events", with(management, "logs.amazonaws.com", "PutLogEvents", cloudTrail), true},
		{"the check of the bucket", with(management, "s3.amazonaws.com", "GetBucketAcl", cloudTrail), false},
		{"the stream of log events", with(management, "logs.amazonaws.com", "CreateLogStream", cloudTrail), false},
		{"an object of another service", with(object, "s3.amazonaws.com", "PutObject", "delivery.logs.amazonaws.com"), false},
		{"an object of a user", with(object, "s3.amazonaws.com", "PutObject", ""), false},
		{"log events of a user", with(management, "logs.amazonaws.com", "PutLogEvents", ""), false},
		{"a call of the name to another service", with(management, "logs.amazonaws.com", "PutObject", cloudTrail), false},
	} {
		for _, leave := range []bool{false, true} {
			tr := &Trail{Account: "1", Selection: Selection{MultiRegion: true, Basic: all, NoRecursion: leave}}
			if got, want := tr.Selects(&tt.h), !leave || !tt.left; got != want {
				t.Errorf("%s, NoRecursion %v: selected %v", tt.name, leave, got)
			}
			// A span keeps what was selected in it.
			if got, want := tr.SelectsAs(&Selection{MultiRegion: true, Basic: all, NoRecursion: !leave}, &tt.h), leave || !tt.left; got != want {
				t.Errorf("%s, in a span with NoRecursion %v: selected %v", tt.name, !leave, got)
			}
		}
	}
}
