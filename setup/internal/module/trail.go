package module

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"cairn/setup/internal/resource"
)

func trailModule() *Module {
	return &Module{
		Name: "cloudtrail",
		Inputs: []Input{
			required("trail_name", trailName()),
			optionalText("s3_bucket_name", bucketName()),
			optionalText("bucket_name", bucketName()),
			optionalText("s3_bucket_key_prefix", keyPrefix()),
			optionalText("cloud_watch_logs_role_arn", roleARNs()),
			optionalText("cloud_watch_logs_group_arn", groupARNs()),
			optionalBool("is_multi_region_trail", true),
			optionalBool("include_global_service_events", true),
			optionalBool("enable_log_file_validation", true),
			optionalBool("enable_logging", true),
			optionalBool("is_organization_trail", false),
			optionalText("kms_key_arn", kmsKey()),
			optionalText("sns_topic_name", topicName()),
			{Name: "event_selectors", Type: cty.List(selectorType()), Default: cty.ListValEmpty(selectorValueType()), Check: checkSelectors},
			{Name: "advanced_event_selectors", Type: cty.List(advancedType()), Default: cty.ListValEmpty(advancedValueType()), Check: checkAdvanced},
			optionalList("insight_types", insightType()),
			tagsInput(),
		},
		Outputs: []string{"trail_arn", "trail_name", "home_region"},
		check:   checkTrail,
		build:   buildTrail,
		outputs: func(in Values, acc Account) map[string]string {
			return map[string]string{
				"trail_arn": trailARN(in, acc), "trail_name": in.text("trail_name"), "home_region": acc.Region,
			}
		},
	}
}

func trailARN(in Values, acc Account) string {
	return "arn:" + acc.Partition + ":cloudtrail:" + acc.Region + ":" + acc.ID + ":trail/" + in.text("trail_name")
}

func checkTrail(in Values) []Problem {
	var problems []Problem
	bad := func(input, text string) { problems = append(problems, Problem{Input: input, Text: text}) }
	switch s3, plain := in.given("s3_bucket_name"), in.given("bucket_name"); {
	case s3 && plain:
		bad("bucket_name", "bucket_name and s3_bucket_name mean the same: give one of them")
	case !s3 && !plain:
		bad("", "the bucket is missing: give s3_bucket_name or bucket_name")
	}
	switch role, group := in.given("cloud_watch_logs_role_arn"), in.given("cloud_watch_logs_group_arn"); {
	case role && !group:
		bad("cloud_watch_logs_role_arn", "cloud_watch_logs_group_arn is missing: it goes together with cloud_watch_logs_role_arn")
	case group && !role:
		bad("cloud_watch_logs_group_arn", "cloud_watch_logs_role_arn is missing: it goes together with cloud_watch_logs_group_arn")
	}
	if in.isBool("is_multi_region_trail", true) && in.isBool("include_global_service_events", false) {
		bad("include_global_service_events", "a multi-region trail must include global service events")
	}
	basic, advanced := in["event_selectors"], in["advanced_event_selectors"]
	if basic.IsKnown() && advanced.IsKnown() && basic.LengthInt() > 0 && advanced.LengthInt() > 0 {
		bad("advanced_event_selectors", "give event_selectors or advanced_event_selectors, not both")
	}
	return problems
}

// buildTrail makes what modules/cloudtrail/cloudtrail/main.tf makes.
func buildTrail(in Values, acc Account) []resource.Resource {
	group := in.text("cloud_watch_logs_group_arn")
	if group != "" {
		group = strings.TrimSuffix(group, ":*") + ":*"
	}
	bucket := in.text("s3_bucket_name")
	if bucket == "" {
		bucket = in.text("bucket_name")
	}
	selectors := eventSelectors(in["event_selectors"])
	if len(selectors) == 1 && selectors[0].IsDefault() {
		selectors = nil
	}
	return []resource.Resource{{Address: "aws_cloudtrail.this", Spec: &resource.Trail{
		Name:         in.text("trail_name"),
		ARN:          trailARN(in, acc),
		HomeRegion:   acc.Region,
		Bucket:       bucket,
		Prefix:       in.text("s3_bucket_key_prefix"),
		LogGroupARN:  group,
		LogRoleARN:   in.text("cloud_watch_logs_role_arn"),
		MultiRegion:  in.yes("is_multi_region_trail"),
		GlobalEvents: in.yes("include_global_service_events"),
		Validation:   in.yes("enable_log_file_validation"),
		Logging:      in.yes("enable_logging"),
		Organization: in.yes("is_organization_trail"),
		KMSKey:       in.text("kms_key_arn"),
		SNSTopic:     in.text("sns_topic_name"),
		Selectors:    selectors,
		Advanced:     advancedSelectors(in["advanced_event_selectors"]),
		InsightTypes: in.strings("insight_types"),
		Tags:         in.tags(acc, "cloudtrail"),
	}}}
}

// The selector types have optional members; a default of theirs must be of
// the type without the optional marks, which is the one values have.

func dataType() cty.Type {
	return cty.Object(map[string]cty.Type{"type": cty.String, "values": cty.List(cty.String)})
}

func selectorValueType() cty.Type {
	return cty.Object(selectorMembers())
}

func selectorType() cty.Type {
	m := selectorMembers()
	return cty.ObjectWithOptionalAttrs(m, sortedKeys(m))
}

func selectorMembers() map[string]cty.Type {
	return map[string]cty.Type{
		"read_write_type":                  cty.String,
		"include_management_events":        cty.Bool,
		"exclude_management_event_sources": cty.List(cty.String),
		"data_resources":                   cty.List(dataType()),
	}
}

func fieldMembers() map[string]cty.Type {
	m := map[string]cty.Type{"field": cty.String}
	for _, op := range fieldOperators() {
		m[op] = cty.List(cty.String)
	}
	return m
}

func fieldOperators() []string {
	return []string{"equals", "not_equals", "starts_with", "not_starts_with", "ends_with", "not_ends_with"}
}

func advancedType() cty.Type {
	field := cty.ObjectWithOptionalAttrs(fieldMembers(), fieldOperators())
	return cty.ObjectWithOptionalAttrs(map[string]cty.Type{"name": cty.String, "field_selectors": cty.List(field)}, []string{"name"})
}

func advancedValueType() cty.Type {
	return cty.Object(map[string]cty.Type{"name": cty.String, "field_selectors": cty.List(cty.Object(fieldMembers()))})
}

// noNulls refuses nulls in selectors, except for members that may be left out.
func noNulls(v cty.Value) error {
	return cty.Walk(v, func(path cty.Path, x cty.Value) (bool, error) {
		if !x.IsNull() {
			return true, nil
		}
		if step, ok := path[len(path)-1].(cty.GetAttrStep); ok && !slices.Contains([]string{"type", "values", "field", "field_selectors"}, step.Name) {
			return false, nil
		}
		return false, fmt.Errorf("a selector holds a null where a value is needed")
	})
}

func checkSelectors(v cty.Value) error {
	if err := noNulls(v); err != nil {
		return err
	}
	selectors := eventSelectors(v)
	if len(selectors) > 5 {
		return fmt.Errorf("AWS refuses %d event selectors: a trail has at most 5", len(selectors))
	}
	var kinds []string
	for _, s := range selectors {
		kinds = append(kinds, s.ReadWrite)
	}
	return rule{"read_write_type", oneOf("All", "ReadOnly", "WriteOnly"), "it is All, ReadOnly or WriteOnly"}.of(kinds...)
}

// checkAdvanced follows "AdvancedEventSelector" in the CloudTrail API
// Reference.
func checkAdvanced(v cty.Value) error {
	if err := noNulls(v); err != nil {
		return err
	}
	for _, s := range advancedSelectors(v) {
		if !slices.ContainsFunc(s.Fields, func(f resource.FieldSelector) bool { return f.Field == "eventCategory" && len(f.Equals) > 0 }) {
			return errors.New("AWS refuses an advanced event selector without a field_selector that says what eventCategory equals")
		}
	}
	return nil
}

func eventSelectors(v cty.Value) []resource.EventSelector {
	var out []resource.EventSelector
	for _, e := range v.AsValueSlice() {
		s := resource.EventSelector{ReadWrite: "All", Management: true, ExcludeSources: optionalStrings(e, "exclude_management_event_sources")}
		if x := e.GetAttr("read_write_type"); !x.IsNull() {
			s.ReadWrite = x.AsString()
		}
		if x := e.GetAttr("include_management_events"); !x.IsNull() {
			s.Management = x.True()
		}
		if data := e.GetAttr("data_resources"); !data.IsNull() {
			for _, d := range data.AsValueSlice() {
				s.Data = append(s.Data, resource.DataResource{Type: d.GetAttr("type").AsString(), Values: optionalStrings(d, "values")})
			}
		}
		out = append(out, s)
	}
	return out
}

func advancedSelectors(v cty.Value) []resource.AdvancedSelector {
	var out []resource.AdvancedSelector
	for _, e := range v.AsValueSlice() {
		var s resource.AdvancedSelector
		if n := e.GetAttr("name"); !n.IsNull() {
			s.Name = n.AsString()
		}
		for _, f := range e.GetAttr("field_selectors").AsValueSlice() {
			s.Fields = append(s.Fields, resource.FieldSelector{
				Field:         f.GetAttr("field").AsString(),
				Equals:        optionalStrings(f, "equals"),
				NotEquals:     optionalStrings(f, "not_equals"),
				StartsWith:    optionalStrings(f, "starts_with"),
				NotStartsWith: optionalStrings(f, "not_starts_with"),
				EndsWith:      optionalStrings(f, "ends_with"),
				NotEndsWith:   optionalStrings(f, "not_ends_with"),
			})
		}
		s.SortFields()
		out = append(out, s)
	}
	return out
}

func optionalStrings(v cty.Value, name string) []string {
	if x := v.GetAttr(name); !x.IsNull() {
		return stringList(x)
	}
	return nil
}

func sortedKeys(m map[string]cty.Type) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
