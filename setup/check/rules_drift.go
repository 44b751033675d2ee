package check

import (
	"fmt"
	"strings"

	"cairn/setup"
)

func driftRule() rule {
	return rule{
		id: "trail-drift", title: "the trail and what it uses are as the files describe", severity: Medium,
		judge: func(s *Snapshot, t *Trail) verdict {
			if s.Files == nil {
				return verdict{}
			}
			return seen(*s.Files, func(all []setup.Drift) verdict {
				return drifted(all, func(d setup.Drift) bool { return t.uses(d) })
			})
		},
	}
}

// filesRule reports what differs and belongs to none of the trails.
func filesRule() rule {
	return rule{
		id: "files-drift", title: "everything else is as the files describe", severity: Medium,
		judge: func(s *Snapshot, _ *Trail) verdict {
			return seen(*s.Files, func(all []setup.Drift) verdict {
				return drifted(all, func(d setup.Drift) bool {
					for i := range s.Trails {
						if s.Trails[i].uses(d) {
							return false
						}
					}
					return true
				})
			})
		},
	}
}

// uses reports whether the resource is the trail or one the trail needs.
func (t *Trail) uses(d setup.Drift) bool {
	switch {
	case d.Kind == "aws_cloudtrail":
		return d.ID == t.Name
	case strings.HasPrefix(d.Kind, "aws_s3_bucket"):
		return d.ID == t.Bucket
	case d.Kind == "aws_cloudwatch_log_group":
		return t.Group != nil && d.ID == t.Group.Name
	case strings.HasPrefix(d.Kind, "aws_iam_role"):
		role, _, _ := strings.Cut(d.ID, ":")
		return t.Role != nil && role == t.Role.Name
	}
	return false
}

func drifted(all []setup.Drift, ours func(setup.Drift) bool) verdict {
	var list []string
	for _, d := range all {
		switch {
		case !ours(d):
		case d.Action == "create":
			list = append(list, d.Address+" is missing")
		default:
			list = append(list, fmt.Sprintf("%s differs in %s", d.Address, strings.Join(d.Attributes, ", ")))
		}
	}
	if len(list) > 0 {
		return fail("cairn plan shows the differences, cairn apply takes them away", "%s", strings.Join(list, "; "))
	}
	return pass("no differences")
}
