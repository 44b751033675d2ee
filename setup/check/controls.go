package check

import "slices"

// The ids are those of the table in spec "Terraform" 4, which says of some
// that they are from memory: those are not marked as verified.

// cis returns a recommendation of CIS AWS Foundations by its number in v1.4,
// in v3 (to v5) and in v6; empty where it is none.
func cis(v14, v3, v6 string) []Control {
	var list []Control
	for _, c := range []Control{{"CIS AWS v1.4", v14, true}, {"CIS AWS v3", v3, true}, {"CIS AWS v6", v6, true}} {
		if c.ID != "" {
			list = append(list, c)
		}
	}
	return list
}

// hub returns Security Hub controls.
func hub(ids ...string) []Control {
	verified := []string{"CloudTrail.1", "CloudTrail.2", "CloudTrail.4", "CloudTrail.7", "CloudWatch.1"}
	var list []Control
	for _, id := range ids {
		list = append(list, Control{"Security Hub", id, slices.Contains(verified, id)})
	}
	return list
}

func checkov(ids ...string) []Control { return listed("Checkov", ids) }

func prowler(ids ...string) []Control { return listed("Prowler", ids) }

func listed(framework string, ids []string) []Control {
	var list []Control
	for _, id := range ids {
		list = append(list, Control{framework, id, true})
	}
	return list
}
