package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cairn/event"
	"cairn/internal/arn"
	"cairn/internal/trail"
)

func eventRules() []rule {
	s3 := func(id, kind string, severity Severity, controls []Control, probe func(*Trail) *event.Header) rule {
		return rule{
			id: id, title: "the trail records " + kind + " S3 objects, in all buckets", severity: severity, controls: controls,
			judge: func(_ *Snapshot, t *Trail) verdict {
				return seen(t.Selectors, func(Selectors) verdict {
					if t.selects(probe(t)) {
						return pass("the event selectors take an object of any bucket")
					}
					return fail(input("cloudtrail", `event_selectors = [{ data_resources = [{ type = "AWS::S3::Object", values = ["arn:aws:s3"] }] }]`, ""),
						"the event selectors take no data events of an object in any bucket (%s)", t.selectorText())
				})
			},
		}
	}
	return []rule{
		{
			id: "trail-management-events", title: "the trail records management events, reads and writes", severity: High,
			controls: slices.Concat(cis("3.1", "3.1", "4.1"), hub("CloudTrail.1"), prowler("cloudtrail_multi_region_enabled_logging_management_events")),
			judge: func(_ *Snapshot, t *Trail) verdict {
				return seen(t.Selectors, func(Selectors) verdict {
					var lacks []string
					if !t.selects(managementRead(t)) {
						lacks = append(lacks, "reads")
					}
					if !t.selects(managementWrite(t)) {
						lacks = append(lacks, "writes")
					}
					if len(lacks) > 0 {
						return fail(input("cloudtrail", "event_selectors = []", ""), "the event selectors leave out %s (%s)", strings.Join(lacks, " and "), t.selectorText())
					}
					return pass("reads and writes")
				})
			},
		},
		{
			id: "trail-management-sources", title: "no service's management events are left out", severity: Low,
			judge: func(_ *Snapshot, t *Trail) verdict {
				return seen(t.Selectors, func(Selectors) verdict {
					var lacks []string
					// The only ones a trail can leave out (spec 4.7).
					for _, source := range []string{"kms.amazonaws.com", "rdsdata.amazonaws.com"} {
						h := managementWrite(t)
						if h.Source = source; t.selects(managementWrite(t)) && !t.selects(h) {
							lacks = append(lacks, source)
						}
					}
					if len(lacks) > 0 {
						return fail(input("cloudtrail", "event_selectors without exclude_management_event_sources", ""), "left out: %s", strings.Join(lacks, ", "))
					}
					return pass("none is left out")
				})
			},
		},
		s3("trail-s3-write-events", "writes of", Low, slices.Concat(cis("3.10", "3.8", "4.8"), hub("S3.22"), prowler("cloudtrail_s3_dataevents_write_enabled")), objectWrite),
		s3("trail-s3-read-events", "reads of", Low, slices.Concat(cis("3.11", "3.9", "4.9"), hub("S3.23"), prowler("cloudtrail_s3_dataevents_read_enabled")), objectRead),
		{
			id: "trail-insights", title: "unusual activity is looked for", severity: Info, controls: prowler("cloudtrail_insights_exist"),
			judge: func(_ *Snapshot, t *Trail) verdict {
				if !t.Insights {
					return fail(input("cloudtrail", `insight_types = ["ApiCallRateInsight", "ApiErrorRateInsight"]`, ""), "no Insights are on; they cost extra")
				}
				return pass("Insights are on")
			},
		},
		{
			id: "trail-notification", title: "new log files are announced", severity: Info, controls: checkov("CKV_AWS_252"),
			judge: func(_ *Snapshot, t *Trail) verdict {
				if t.SNSTopic == "" {
					return fail(input("cloudtrail", `sns_topic_name = "TOPIC"`, t.cli("update-trail --sns-topic-name TOPIC")), "no SNS topic is told")
				}
				return pass("%s is told", t.SNSTopic)
			},
		},
	}
}

// selects reports whether the trail's event selectors take a record.
func (t *Trail) selects(h *event.Header) bool {
	own := trail.Trail{
		Account: h.Account, HomeRegion: h.Region,
		Selection: trail.Selection{MultiRegion: true, GlobalEvents: true},
	}
	for _, s := range t.Selectors.Seen.Basic {
		sel := trail.Selector{ReadWrite: string(s.ReadWriteType), Management: aws.ToBool(s.IncludeManagementEvents), ExcludeSources: s.ExcludeManagementEventSources}
		if sel.ReadWrite == "" {
			sel.ReadWrite = "All"
		}
		if s.IncludeManagementEvents == nil {
			sel.Management = true
		}
		for _, d := range s.DataResources {
			sel.Data = append(sel.Data, trail.DataResource{Type: aws.ToString(d.Type), Values: d.Values})
		}
		own.Basic = append(own.Basic, sel)
	}
	for _, s := range t.Selectors.Seen.Advanced {
		var sel trail.Advanced
		for _, f := range s.FieldSelectors {
			sel.Fields = append(sel.Fields, trail.Field{
				Field: aws.ToString(f.Field), Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith,
			})
		}
		own.Advanced = append(own.Advanced, sel)
	}
	return own.Selects(h)
}

// selectorText says how many selectors there are.
func (t *Trail) selectorText() string {
	sel := t.Selectors.Seen
	switch {
	case len(sel.Advanced) > 0:
		return count(len(sel.Advanced), "advanced event selector")
	case len(sel.Basic) > 0:
		return count(len(sel.Basic), "event selector")
	}
	return "the default: all management events"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// The sample records selectors are asked about.

func sample(t *Trail, category, source, name string, readOnly bool) *event.Header {
	a, err := arn.Parse(t.ARN)
	if err != nil {
		a = arn.ARN{Partition: "aws", Region: t.HomeRegion}
	}
	h := &event.Header{
		Account: a.Account, Region: t.HomeRegion, Source: source, Name: name, Category: category, Type: "AwsApiCall", ReadOnly: readOnly,
		UserARN: "arn:" + a.Partition + ":iam::" + a.Account + ":user/somebody",
	}
	if category == event.Data {
		bucket := "arn:" + a.Partition + ":s3:::any-bucket-of-the-account"
		h.Resources = []event.Resource{{Type: "AWS::S3::Object", ARN: bucket + "/object"}, {Type: "AWS::S3::Bucket", ARN: bucket}}
	}
	return h
}

func managementRead(t *Trail) *event.Header {
	return sample(t, event.Management, "ec2.amazonaws.com", "DescribeInstances", true)
}

func managementWrite(t *Trail) *event.Header {
	return sample(t, event.Management, "ec2.amazonaws.com", "RunInstances", false)
}

func objectRead(t *Trail) *event.Header {
	return sample(t, event.Data, "s3.amazonaws.com", "GetObject", true)
}

func objectWrite(t *Trail) *event.Header {
	return sample(t, event.Data, "s3.amazonaws.com", "PutObject", false)
}
