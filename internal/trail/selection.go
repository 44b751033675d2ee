package trail

import (
	"slices"
	"strings"
	"time"

	"cairn/event"
)

// Selection says which records a trail selects, of its account or organization.
type Selection struct {
	// MultiRegion selects records of all regions, not of the home region alone.
	MultiRegion bool
	// GlobalEvents selects records of global services, which happen in us-east-1.
	GlobalEvents bool
	// Basic and Advanced are the event selectors; at most one of them is set,
	// and with neither DefaultSelectors apply.
	Basic    []Selector `json:",omitempty"`
	Advanced []Advanced `json:",omitempty"`
	// Insights are the types of Insights events that are selected, of management
	// events: CallRate, ErrorRate. DataInsights are those of the data events that the
	// trail selects. InsightsSince is when they were asked for.
	Insights      []string  `json:",omitempty"`
	DataInsights  []string  `json:",omitempty"`
	InsightsSince time.Time `json:",omitzero"`
	// OrganizationID is the id (o-...) of the organization whose accounts' records
	// are selected; empty for a trail of its own account alone.
	OrganizationID string `json:",omitempty"`
	// NoRecursion leaves out the records that CloudTrail's own deliveries make
	// (RecursiveLogging false, spec 1.4).
	NoRecursion bool `json:",omitempty"`
}

// The types of Insights events.
const (
	CallRate  = "ApiCallRateInsight"
	ErrorRate = "ApiErrorRateInsight"
)

// InsightType returns the type of an Insights event: that of an error rate is
// about an error.
func InsightType(h *event.Header) string {
	if h.ErrorCode != "" {
		return ErrorRate
	}
	return CallRate
}

// Selector is a basic event selector.
type Selector struct {
	// ReadWrite is ReadOnly, WriteOnly or All.
	ReadWrite string
	// Management selects management events, except those of ExcludeSources.
	Management     bool
	ExcludeSources []string
	// Data selects data events on these resources.
	Data []DataResource
}

// DataResource names resources whose data events are selected.
type DataResource struct {
	// Type is AWS::S3::Object, AWS::Lambda::Function or AWS::DynamoDB::Table.
	Type string
	// Values are ARNs; objects are matched by prefix, the others exactly, and
	// "arn:aws:s3", "arn:aws:lambda" and "arn:aws:dynamodb" stand for all.
	Values []string
}

// Advanced is an advanced event selector: it matches a record if all of its
// fields do.
type Advanced struct {
	Name   string `json:",omitempty"`
	Fields []Field
}

// Field is a condition on one field of a record. All operators given must hold:
// a positive one for at least one of its values, a negative one for all.
// Values are compared as they are: case matters and there are no wildcards.
type Field struct {
	Field         string
	Equals        []string `json:",omitempty"`
	StartsWith    []string `json:",omitempty"`
	EndsWith      []string `json:",omitempty"`
	NotEquals     []string `json:",omitempty"`
	NotStartsWith []string `json:",omitempty"`
	NotEndsWith   []string `json:",omitempty"`
}

// DefaultSelectors returns the selectors of a new trail: all management events
// (spec 4.7).
func DefaultSelectors() []Selector {
	return []Selector{{ReadWrite: readWriteAll, Management: true, ExcludeSources: []string{}, Data: []DataResource{}}}
}

// Selectors returns the basic selectors in force, or nil if advanced ones are.
func (s *Selection) Selectors() []Selector {
	if len(s.Basic) == 0 && len(s.Advanced) == 0 {
		return DefaultSelectors()
	}
	return s.Basic
}

const (
	readWriteAll = "All"
	readOnly     = "ReadOnly"
	writeOnly    = "WriteOnly"

	typeObject   = "AWS::S3::Object"
	typeFunction = "AWS::Lambda::Function"
	typeTable    = "AWS::DynamoDB::Table"

	cloudTrail = "cloudtrail.amazonaws.com"
)

// ownDelivery reports whether a record is of CloudTrail writing log files or log
// events, for this trail or another one (spec 1.4).
func ownDelivery(h *event.Header) bool {
	return h.InvokedBy == cloudTrail && (h.Source == "s3.amazonaws.com" && h.Name == "PutObject" || h.Source == "logs.amazonaws.com" && h.Name == "PutLogEvents")
}

// covers applies the rules on regions and global services (spec 4.6).
func (s *Selection) covers(home string, h *event.Header) bool {
	if h.Global && !s.GlobalEvents {
		return false
	}
	return s.MultiRegion || h.Region == home
}

// matches applies the event selectors, of which any may match; or the insight
// selectors, to Insights events.
func (s *Selection) matches(h *event.Header) bool {
	if h.Category == event.Insight {
		if h.InsightSource() != "" { // it is this trail's, see SelectsAs
			return slices.Contains(s.DataInsights, InsightType(h))
		}
		return slices.Contains(s.Insights, InsightType(h))
	}
	if len(s.Advanced) > 0 {
		for i := range s.Advanced {
			if s.Advanced[i].matches(h) {
				return true
			}
		}
		return false
	}
	if len(s.Basic) == 0 {
		return h.Category == event.Management
	}
	for i := range s.Basic {
		if s.Basic[i].matches(h) {
			return true
		}
	}
	return false
}

func (s *Selector) matches(h *event.Header) bool {
	if s.ReadWrite == readOnly && !h.ReadOnly || s.ReadWrite == writeOnly && h.ReadOnly {
		return false
	}
	switch h.Category {
	case event.Management:
		return s.Management && !slices.Contains(s.ExcludeSources, h.Source)
	case event.Data:
		for i := range s.Data {
			if s.Data[i].matches(h) {
				return true
			}
		}
	}
	return false
}

func (d *DataResource) matches(h *event.Header) bool {
	for i := range h.Resources {
		r := &h.Resources[i]
		if r.Type != d.Type {
			continue
		}
		name := resourceARN(r)
		for _, v := range d.Values {
			if d.valueMatches(v, name) {
				return true
			}
		}
	}
	return false
}

func (d *DataResource) valueMatches(value, name string) bool {
	switch d.Type {
	case typeObject:
		return strings.HasPrefix(name, value)
	case typeFunction:
		return name == value || value == allFunctions
	case typeTable:
		return name == value || value == allTables
	}
	return false
}

// resourceARN returns the resource's ARN, or for listings the prefix listed.
func resourceARN(r *event.Resource) string {
	if r.ARN == "" {
		return r.ARNPrefix
	}
	return r.ARN
}

func (a *Advanced) matches(h *event.Header) bool {
	for i := range a.Fields {
		f := &a.Fields[i]
		switch f.Field {
		case fieldResourceARN:
			if !a.matchesARN(f, h) {
				return false
			}
		case fieldResourceType:
			if !anyResource(h, f) {
				return false
			}
		default:
			if !f.holds(fieldValue(f.Field, h)) {
				return false
			}
		}
	}
	return true
}

// anyResource reports whether the record touches a resource of the type asked
// for.
func anyResource(h *event.Header, f *Field) bool {
	for i := range h.Resources {
		if f.holds(h.Resources[i].Type) {
			return true
		}
	}
	return false
}

// matchesARN compares the ARNs of the resources of the selector's type only: an
// object's record names its bucket too, and a condition that excludes some
// objects must not be met by the bucket's ARN.
func (a *Advanced) matchesARN(f *Field, h *event.Header) bool {
	typ := a.field(fieldResourceType)
	for i := range h.Resources {
		r := &h.Resources[i]
		if (typ == nil || typ.holds(r.Type)) && f.holds(resourceARN(r)) {
			return true
		}
	}
	return false
}

func (a *Advanced) field(name string) *Field {
	for i := range a.Fields {
		if a.Fields[i].Field == name {
			return &a.Fields[i]
		}
	}
	return nil
}

// fieldValue returns a record's value of a field, empty if the record has none.
func fieldValue(field string, h *event.Header) string {
	switch field {
	case fieldCategory:
		return h.Category
	case fieldSource:
		return h.Source
	case fieldName:
		return h.Name
	case fieldType:
		return h.Type
	case fieldReadOnly:
		return boolText(h.ReadOnly)
	case fieldConsole:
		return boolText(h.FromConsole)
	case fieldUser:
		return h.UserARN
	case fieldError:
		return h.ErrorCode
	}
	return ""
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (f *Field) holds(v string) bool {
	return (len(f.Equals) == 0 || slices.Contains(f.Equals, v)) &&
		(len(f.StartsWith) == 0 || anyPrefix(f.StartsWith, v)) &&
		(len(f.EndsWith) == 0 || anySuffix(f.EndsWith, v)) &&
		!slices.Contains(f.NotEquals, v) && !anyPrefix(f.NotStartsWith, v) && !anySuffix(f.NotEndsWith, v)
}

func anyPrefix(list []string, v string) bool {
	for _, p := range list {
		if strings.HasPrefix(v, p) {
			return true
		}
	}
	return false
}

func anySuffix(list []string, v string) bool {
	for _, p := range list {
		if strings.HasSuffix(v, p) {
			return true
		}
	}
	return false
}
