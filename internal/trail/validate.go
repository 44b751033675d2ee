package trail

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cairn/event"
	"cairn/internal/awserr"
)

// Limits on selectors (spec 4.2).
const (
	maxSelectors     = 5
	maxDataResources = 250
	maxValues        = 500
	maxSelectorName  = 1000
	maxValueLength   = 2048
)

// The fields of advanced selectors (spec 4.7).
const (
	fieldCategory     = "eventCategory"
	fieldSource       = "eventSource"
	fieldName         = "eventName"
	fieldType         = "eventType"
	fieldReadOnly     = "readOnly"
	fieldConsole      = "sessionCredentialFromConsole"
	fieldUser         = "userIdentity.arn"
	fieldError        = "errorCode"
	fieldEndpoint     = "vpcEndpointId"
	fieldResourceType = "resources.type"
	fieldResourceARN  = "resources.ARN"

	networkActivity = "NetworkActivity"
	management      = "Management"
	data            = "Data"
	accessDenied    = "VpceAccessDenied"
	allObjects      = "arn:aws:s3"
	allFunctions    = "arn:aws:lambda"
	allTables       = "arn:aws:dynamodb"
)

var resourceType = regexp.MustCompile(`^AWS::[A-Za-z0-9]+::[A-Za-z0-9]+$`)

// excludable are the sources whose management events a trail may leave out.
var excludable = []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"}

func badSelectors(format string, args ...any) error {
	return awserr.New(http.StatusBadRequest, "InvalidEventSelectorsException", format, args...)
}

// CheckSelectors reports why selectors cannot be put, as
// InvalidEventSelectorsException. Exactly one of the lists must be given.
func CheckSelectors(basic []Selector, advanced []Advanced) error {
	switch {
	case len(basic) > 0 && len(advanced) > 0:
		return badSelectors("A trail has either event selectors or advanced event selectors, not both.")
	case len(basic) > 0:
		return checkBasic(basic)
	case len(advanced) > 0:
		return checkAdvanced(advanced)
	}
	return badSelectors("At least one event selector or advanced event selector must be given.")
}

func checkBasic(list []Selector) error {
	if len(list) > maxSelectors {
		return badSelectors("A trail can have up to %d event selectors; %d were given.", maxSelectors, len(list))
	}
	values := 0
	for i := range list {
		s := &list[i]
		if !slices.Contains([]string{readWriteAll, readOnly, writeOnly}, s.ReadWrite) {
			return badSelectors("Value %s for ReadWriteType is invalid. It must be All, ReadOnly or WriteOnly.", s.ReadWrite)
		}
		if !s.Management && len(s.Data) == 0 {
			return badSelectors("Invalid combination of parameters in EventSelectors. When includeManagementEvents is false, DataResources must not be empty.")
		}
		for _, source := range s.ExcludeSources {
			if !slices.Contains(excludable, source) {
				return badSelectors("Value %s for ExcludeManagementEventSources is invalid. It must be one of: %s.", source, strings.Join(excludable, ", "))
			}
		}
		for j := range s.Data {
			if err := s.Data[j].check(); err != nil {
				return err
			}
			values += len(s.Data[j].Values)
		}
	}
	if values > maxDataResources {
		return badSelectors("A trail can have up to %d data resources over all event selectors; %d were given.", maxDataResources, values)
	}
	return nil
}

func (d *DataResource) check() error {
	valid, ok := map[string]func(string) bool{
		typeObject: func(v string) bool {
			bucket, _, slash := strings.Cut(strings.TrimPrefix(v, "arn:aws:s3:::"), "/")
			return v == allObjects || v == "arn:aws:s3:::" ||
				strings.HasPrefix(v, "arn:aws:s3:::") && slash && bucket != "" && !strings.ContainsAny(bucket, "*?:")
		},
		typeFunction: func(v string) bool { return v == allFunctions || hasResource(v, "arn:aws:lambda:", ":function:") },
		typeTable:    func(v string) bool { return v == allTables || hasResource(v, "arn:aws:dynamodb:", ":table/") },
	}[d.Type]
	if !ok {
		return badSelectors("Value %s for DataResources.Type is invalid. Use advanced event selectors for other types than %s, %s and %s.",
			d.Type, typeObject, typeFunction, typeTable)
	}
	for _, v := range d.Values {
		if !valid(v) {
			return badSelectors("Value %s for DataResources.Values is invalid.", v)
		}
	}
	return nil
}

func hasResource(v, prefix, part string) bool {
	rest, ok := strings.CutPrefix(v, prefix)
	return ok && strings.Contains(rest, part) && !strings.ContainsAny(rest, "*?")
}

func checkAdvanced(list []Advanced) error {
	values := 0
	for i := range list {
		a := &list[i]
		if len(a.Name) > maxSelectorName {
			return badSelectors("The name of an advanced event selector can have up to %d characters; it has %d.", maxSelectorName, len(a.Name))
		}
		if err := a.check(); err != nil {
			return err
		}
		for j := range a.Fields {
			values += a.Fields[j].values()
		}
	}
	if values > maxValues {
		return badSelectors("A trail can have up to %d values for all conditions of its advanced event selectors; %d were given.", maxValues, values)
	}
	return nil
}

func (f *Field) lists() [6][]string {
	return [6][]string{f.Equals, f.StartsWith, f.EndsWith, f.NotEquals, f.NotStartsWith, f.NotEndsWith}
}

func (f *Field) values() int {
	n := 0
	for _, list := range f.lists() {
		n += len(list)
	}
	return n
}

// onlyEquals reports whether the field has no other operator than Equals.
func (f *Field) onlyEquals() bool { return len(f.Equals) > 0 && len(f.Equals) == f.values() }

// rule says what one category allows for a field.
type rule struct {
	required bool
	// check reports whether the operators and values are allowed; nil allows all.
	check func(f *Field) bool
	// want says in words what check wants.
	want string
}

var (
	equalsOnly = rule{check: (*Field).onlyEquals, want: "only the Equals operator"}
	oneEquals  = rule{
		required: true, want: "exactly one value, with the Equals operator",
		check: func(f *Field) bool { return f.onlyEquals() && len(f.Equals) == 1 },
	}
	boolean = rule{
		want:  "Equals with the value true or false",
		check: func(f *Field) bool { return f.onlyEquals() && !f.hasOther(f.Equals, []string{"true", "false"}) },
	}
	anything = rule{}
)

func (*Field) hasOther(values, allowed []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(allowed, v) })
}

// rules lists, for each category, the fields a trail's selectors may use.
var rules = map[string]map[string]rule{
	management: {
		fieldCategory: oneEquals, fieldReadOnly: boolean,
		fieldSource: {
			want: "NotEquals with kms.amazonaws.com or rdsdata.amazonaws.com",
			check: func(f *Field) bool {
				return f.values() == len(f.NotEquals) && !f.hasOther(f.NotEquals, excludable)
			},
		},
	},
	data: {
		fieldCategory: oneEquals, fieldReadOnly: boolean, fieldResourceARN: anything, fieldName: anything,
		fieldSource: anything, fieldType: anything, fieldConsole: anything, fieldUser: anything,
		fieldResourceType: {
			required: true, want: "one type such as AWS::S3::Object, with the Equals operator",
			check: func(f *Field) bool { return oneEquals.check(f) && resourceType.MatchString(f.Equals[0]) },
		},
	},
	networkActivity: {
		fieldCategory: oneEquals, fieldName: anything, fieldEndpoint: anything, fieldUser: anything,
		fieldSource: {required: true, check: equalsOnly.check, want: equalsOnly.want},
		fieldError: {
			want:  "Equals with the value " + accessDenied,
			check: func(f *Field) bool { return f.onlyEquals() && !f.hasOther(f.Equals, []string{accessDenied}) },
		},
	},
}

func (a *Advanced) check() error {
	category := a.field(fieldCategory)
	if category == nil || !oneEquals.check(category) {
		return badSelectors("An advanced event selector needs the field %s with %s.", fieldCategory, oneEquals.want)
	}
	fields, ok := rules[category.Equals[0]]
	if !ok {
		return badSelectors("Value %s for %s is invalid. A trail's selectors can use %s, %s and %s.",
			category.Equals[0], fieldCategory, management, data, networkActivity)
	}
	seen := map[string]bool{}
	for i := range a.Fields {
		f := &a.Fields[i]
		r, ok := fields[f.Field]
		switch {
		case !ok:
			return badSelectors("Field %s is invalid for %s events of a trail.", f.Field, category.Equals[0])
		case seen[f.Field]:
			return badSelectors("Field %s is given more than once in one advanced event selector.", f.Field)
		case f.values() == 0:
			return badSelectors("Field %s has no operator with values.", f.Field)
		case r.check != nil && !r.check(f):
			return badSelectors("Field %s of %s events takes %s.", f.Field, category.Equals[0], r.want)
		}
		seen[f.Field] = true
		if err := f.checkValues(); err != nil {
			return err
		}
	}
	for name, r := range fields {
		if r.required && !seen[name] {
			return badSelectors("An advanced event selector for %s events needs the field %s.", category.Equals[0], name)
		}
	}
	return nil
}

func (f *Field) checkValues() error {
	for _, list := range f.lists() {
		for _, v := range list {
			if v == "" || len(v) > maxValueLength {
				return badSelectors("A value of field %s has %d characters; it must have 1 to %d.", f.Field, len(v), maxValueLength)
			}
		}
	}
	return nil
}

// CheckInsights reports why a trail cannot log Insights events of these types, as
// InvalidInsightSelectorsException: it must log the events they come from, write
// management events for call rates, any management events for error rates, and any
// data events for either of data events. AWS's texts are not known; these are ours.
func (t *Trail) CheckInsights(types, ofData []string) error {
	for _, typ := range types {
		h := event.Header{Category: event.Management}
		ok := t.matches(&h)
		if typ == ErrorRate && !ok {
			h.ReadOnly = true
			ok = t.matches(&h)
		}
		if !ok {
			return awserr.New(http.StatusBadRequest, "InvalidInsightSelectorsException",
				"%s needs management events that the trail's event selectors leave out. Put event selectors that select them first.", typ)
		}
	}
	if len(ofData) > 0 && !t.logsData() {
		return awserr.New(http.StatusBadRequest, "InvalidInsightSelectorsException",
			"%s of data events needs a trail that logs some. Put event selectors that select them first.", ofData[0])
	}
	return nil
}

// logsData reports whether the selectors select any data events.
func (s *Selection) logsData() bool {
	for i := range s.Basic {
		if len(s.Basic[i].Data) > 0 {
			return true
		}
	}
	for i := range s.Advanced {
		if f := s.Advanced[i].field(fieldCategory); f != nil && slices.Contains(f.Equals, data) {
			return true
		}
	}
	return false
}
