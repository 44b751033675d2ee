package trail

import (
	"strings"
	"testing"

	"cairn/event"
	"cairn/internal/awserr"
)

// objectCall is the header of an S3 data event, whose record names the bucket
// beside the object.
func objectCall(arn string, readOnly bool) event.Header {
	bucket, _, _ := strings.Cut(arn, "/")
	return event.Header{
		Category: event.Data, Source: "s3.amazonaws.com", Name: "PutObject", Type: event.APICall, ReadOnly: readOnly,
		UserARN:   "arn:aws:iam::111122223333:user/alice",
		Resources: []event.Resource{{Type: typeObject, ARN: arn}, {Type: "AWS::S3::Bucket", ARN: bucket, AccountID: "111122223333"}},
	}
}

func TestBasicSelectors(t *testing.T) {
	object, read := objectCall("arn:aws:s3:::b/logs/k", false), objectCall("arn:aws:s3:::b/logs/k", true)
	listing := event.Header{Category: event.Data, ReadOnly: true, Resources: []event.Resource{{Type: typeObject, ARNPrefix: "arn:aws:s3:::b/"}}}
	function := event.Header{Category: event.Data, Resources: []event.Resource{{Type: typeFunction, ARN: "arn:aws:lambda:r:1:function:f"}}}
	kms := event.Header{Category: event.Management, Source: "kms.amazonaws.com"}
	describe := event.Header{Category: event.Management, Source: "ec2.amazonaws.com", ReadOnly: true}
	run := event.Header{Category: event.Management, Source: "ec2.amazonaws.com"}
	s3 := func(values ...string) []DataResource { return []DataResource{{Type: typeObject, Values: values}} }
	tests := []struct {
		name string
		s    Selector
		yes  []event.Header
		no   []event.Header
	}{
		{"all management", DefaultSelectors()[0], []event.Header{kms, describe, run}, []event.Header{object}},
		{"without kms", Selector{ReadWrite: "All", Management: true, ExcludeSources: []string{"kms.amazonaws.com"}}, []event.Header{run}, []event.Header{kms}},
		{"writes", Selector{ReadWrite: "WriteOnly", Management: true, Data: s3("arn:aws:s3")}, []event.Header{run, object}, []event.Header{describe, read}},
		{"reads", Selector{ReadWrite: "ReadOnly", Management: true, Data: s3("arn:aws:s3")}, []event.Header{describe, read}, []event.Header{run, object}},
		{"one bucket", Selector{ReadWrite: "All", Data: s3("arn:aws:s3:::b/")}, []event.Header{object, listing}, []event.Header{run, objectCall("arn:aws:s3:::bb/k", false)}},
		{"one folder", Selector{ReadWrite: "All", Data: s3("arn:aws:s3:::x/", "arn:aws:s3:::b/logs/")}, []event.Header{object}, []event.Header{listing, objectCall("arn:aws:s3:::b/k", false)}},
		{"no values", Selector{ReadWrite: "All", Data: s3()}, nil, []event.Header{object, run}},
		{"all functions", Selector{ReadWrite: "All", Data: []DataResource{{typeFunction, []string{"arn:aws:lambda"}}}}, []event.Header{function}, []event.Header{object}},
		{"a function", Selector{ReadWrite: "All", Data: []DataResource{{typeFunction, []string{"arn:aws:lambda:r:1:function:f"}}}}, []event.Header{function}, nil},
		{"another function", Selector{ReadWrite: "All", Data: []DataResource{{typeFunction, []string{"arn:aws:lambda:r:1:function:"}}}}, nil, []event.Header{function}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i := range tt.yes {
				if !tt.s.matches(&tt.yes[i]) {
					t.Errorf("does not select %+v", tt.yes[i])
				}
			}
			for i := range tt.no {
				if tt.s.matches(&tt.no[i]) {
					t.Errorf("selects %+v", tt.no[i])
				}
			}
		})
	}
}

// dataOn returns an advanced selector of S3 data events with one more field.
func dataOn(f Field) Advanced {
	return Advanced{Fields: []Field{
		{Field: fieldCategory, Equals: []string{data}},
		{Field: fieldResourceType, Equals: []string{typeObject}},
		f,
	}}
}

func TestAdvancedOperators(t *testing.T) {
	v := func(s ...string) []string { return s }
	const a, b = "arn:aws:s3:::b/keep/x.json", "arn:aws:s3:::b/tmp/y.tmp"
	tests := []struct {
		name       string
		f          Field
		hasA, hasB bool
	}{
		{"equals", Field{Field: fieldResourceARN, Equals: v("x", a)}, true, false},
		{"starts with", Field{Field: fieldResourceARN, StartsWith: v("arn:aws:s3:::b/tmp/", "zzz")}, false, true},
		{"ends with", Field{Field: fieldResourceARN, EndsWith: v(".json")}, true, false},
		{"not equals", Field{Field: fieldResourceARN, NotEquals: v(a)}, false, true},
		{"not starts with: every value counts", Field{Field: fieldResourceARN, NotStartsWith: v("zzz", "arn:aws:s3:::b/tmp")}, true, false},
		{"not ends with", Field{Field: fieldResourceARN, NotEndsWith: v(".tmp", ".json")}, false, false},
		{"the bucket's own ARN does not count", Field{Field: fieldResourceARN, NotStartsWith: v("arn:aws:s3:::b/")}, false, false},
		{"operators together", Field{Field: fieldResourceARN, StartsWith: v("arn:aws:s3:::b/"), NotEndsWith: v(".tmp")}, true, false},
		{"case matters", Field{Field: fieldResourceARN, StartsWith: v("arn:aws:s3:::B/")}, false, false},
		{"no wildcards", Field{Field: fieldResourceARN, Equals: v("arn:aws:s3:::b/*")}, false, false},
		{"event name", Field{Field: fieldName, Equals: v("PutObject")}, true, true},
		{"event name, other", Field{Field: fieldName, NotStartsWith: v("Put")}, false, false},
		{"event source", Field{Field: fieldSource, EndsWith: v(".amazonaws.com")}, true, true},
		{"event type", Field{Field: fieldType, Equals: v("AwsApiCall")}, true, true},
		{"user", Field{Field: fieldUser, EndsWith: v("user/bob")}, false, false},
		{"console", Field{Field: fieldConsole, Equals: v("false")}, true, true},
		{"read only", Field{Field: fieldReadOnly, Equals: v("true")}, false, false},
		{"no such member", Field{Field: fieldEndpoint, NotEquals: v("vpce-1")}, true, true},
		{"no such error", Field{Field: fieldError, Equals: v("AccessDenied")}, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := Selection{Advanced: []Advanced{dataOn(tt.f)}}
			ha, hb := objectCall(a, false), objectCall(b, false)
			if got := s.matches(&ha); got != tt.hasA {
				t.Errorf("%s: %v", a, got)
			}
			if got := s.matches(&hb); got != tt.hasB {
				t.Errorf("%s: %v", b, got)
			}
			m := event.Header{Category: event.Management, Name: "PutObject", Source: "s3.amazonaws.com"}
			if s.matches(&m) {
				t.Error("selects a management event")
			}
		})
	}
}

func TestAnySelectorMatches(t *testing.T) {
	management := Advanced{Fields: []Field{{Field: fieldCategory, Equals: []string{management}}}}
	s := Selection{Advanced: []Advanced{management, dataOn(Field{Field: fieldReadOnly, Equals: []string{"false"}})}}
	for _, h := range []event.Header{{Category: event.Management}, objectCall("arn:aws:s3:::b/k", false)} {
		if !s.matches(&h) {
			t.Errorf("does not select %+v", h)
		}
	}
	if h := objectCall("arn:aws:s3:::b/k", true); s.matches(&h) {
		t.Errorf("selects %+v", h)
	}
}

func TestSelectorsInForce(t *testing.T) {
	if got := (&Selection{}).Selectors(); len(got) != 1 || !got[0].Management || got[0].Data == nil || got[0].ExcludeSources == nil {
		t.Errorf("default: %+v", got)
	}
	if got := (&Selection{Advanced: []Advanced{{}}}).Selectors(); got != nil {
		t.Errorf("beside advanced ones: %+v", got)
	}
}

func TestCheckSelectors(t *testing.T) {
	v := func(s ...string) []string { return s }
	basic := func(s Selector) error { return CheckSelectors([]Selector{s}, nil) }
	on := func(typ string, values ...string) error {
		return basic(Selector{ReadWrite: "All", Data: []DataResource{{typ, values}}})
	}
	fields := func(f ...Field) error { return CheckSelectors(nil, []Advanced{{Fields: f}}) }
	cat := func(c string) Field { return Field{Field: fieldCategory, Equals: v(c)} }
	typ := Field{Field: fieldResourceType, Equals: v(typeObject)}
	many := make([]string, 251)
	for i := range many {
		many[i] = "arn:aws:s3:::b/"
	}
	tests := []struct {
		name string
		err  error
		want string // part of the message; empty if there must be no error
	}{
		{"default", CheckSelectors(DefaultSelectors(), nil), ""},
		{"nothing", CheckSelectors(nil, nil), "At least one"},
		{"both", CheckSelectors(DefaultSelectors(), []Advanced{{}}), "not both"},
		{"six", CheckSelectors(make([]Selector, 6), nil), "up to 5"},
		{"read write type", basic(Selector{ReadWrite: "all", Management: true}), "Value all for ReadWriteType"},
		{"no events", basic(Selector{ReadWrite: "All"}), "When includeManagementEvents is false, DataResources must not be empty."},
		{"excluded", basic(Selector{ReadWrite: "All", Management: true, ExcludeSources: v("kms.amazonaws.com", "rdsdata.amazonaws.com")}), ""},
		{"not excludable", basic(Selector{ReadWrite: "All", Management: true, ExcludeSources: v("s3.amazonaws.com")}), "Value s3.amazonaws.com"},
		{"no values", on(typeObject), ""},
		{"all buckets", on(typeObject, "arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::b/", "arn:aws:s3:::b/p*"), ""},
		{"star", on(typeObject, "arn:aws:s3:::*"), "Value arn:aws:s3:::* for DataResources.Values is invalid."},
		{"star bucket", on(typeObject, "arn:aws:s3:::*/"), "is invalid"},
		{"bucket without slash", on(typeObject, "arn:aws:s3:::b"), "is invalid"},
		{"functions", on(typeFunction, "arn:aws:lambda", "arn:aws:lambda:r:1:function:f"), ""},
		{"function without name", on(typeFunction, "arn:aws:lambda:r:1:layer:f"), "is invalid"},
		{"tables", on(typeTable, "arn:aws:dynamodb", "arn:aws:dynamodb:r:1:table/t"), ""},
		{"other service", on(typeTable, "arn:aws:s3"), "is invalid"},
		{"other type", on("AWS::SNS::Topic", "arn:aws:sns"), "Use advanced event selectors"},
		{"too many values", on(typeObject, many...), "up to 250"},

		{"management", fields(cat(management), Field{Field: fieldReadOnly, Equals: v("true")}, Field{Field: fieldSource, NotEquals: v("kms.amazonaws.com")}), ""},
		{"no category", fields(typ), "needs the field eventCategory"},
		{"two categories", fields(Field{Field: fieldCategory, Equals: v(management, data)}), "exactly one value"},
		{"unknown category", fields(cat("Insight")), "Value Insight"},
		{"management by name", fields(cat(management), Field{Field: fieldName, Equals: v("x")}), "Field eventName is invalid"},
		{"management source equals", fields(cat(management), Field{Field: fieldSource, Equals: v("kms.amazonaws.com")}), "takes NotEquals"},
		{"management source other", fields(cat(management), Field{Field: fieldSource, NotEquals: v("s3.amazonaws.com")}), "takes NotEquals"},
		{"data without type", fields(cat(data)), "needs the field resources.type"},
		{"data", fields(cat(data), typ, Field{Field: fieldUser, NotStartsWith: v("arn:")}, Field{Field: fieldResourceARN, EndsWith: v("x")}), ""},
		{"bad type", fields(cat(data), Field{Field: fieldResourceType, Equals: v("S3")}), "one type"},
		{"two types", fields(cat(data), Field{Field: fieldResourceType, Equals: v(typeObject, typeTable)}), "one type"},
		{"read only maybe", fields(cat(data), typ, Field{Field: fieldReadOnly, Equals: v("maybe")}), "true or false"},
		{"field twice", fields(cat(data), typ, typ), "more than once"},
		{"no operator", fields(cat(data), typ, Field{Field: fieldName}), "no operator"},
		{"empty value", fields(cat(data), typ, Field{Field: fieldName, Equals: v("")}), "has 0 characters"},
		{"long value", fields(cat(data), typ, Field{Field: fieldName, Equals: v(strings.Repeat("x", 2049))}), "has 2049 characters"},
		{"unknown field", fields(cat(data), typ, Field{Field: "EventName", Equals: v("x")}), "Field EventName is invalid"},
		{"network", fields(cat(networkActivity), Field{Field: fieldSource, Equals: v("kms.amazonaws.com")}, Field{Field: fieldError, Equals: v(accessDenied)}), ""},
		{"network without source", fields(cat(networkActivity)), "needs the field eventSource"},
		{"network error", fields(cat(networkActivity), Field{Field: fieldSource, Equals: v("x")}, Field{Field: fieldError, Equals: v("y")}), "VpceAccessDenied"},
		{"long name", CheckSelectors(nil, []Advanced{{Name: strings.Repeat("n", 1001)}}), "up to 1000"},
		{"too many conditions", CheckSelectors(nil, []Advanced{dataOn(Field{Field: fieldName, Equals: append(many, many...)})}), "up to 500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			switch {
			case tt.want == "" && tt.err != nil:
				t.Error(tt.err)
			case tt.want != "" && (!awserr.Is(tt.err, "InvalidEventSelectorsException") || !strings.Contains(tt.err.Error(), tt.want)):
				t.Errorf("err = %v, want one with %q", tt.err, tt.want)
			}
		})
	}
}
