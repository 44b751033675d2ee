package look

import (
	"context"
	"slices"

	"cairn/setup/check"
)

// Run looks at the accounts of some readers and returns a report for each. A
// trail asked for by name that one of several accounts has is not missed in
// the others.
func Run(ctx context.Context, readers []*Reader, o Options) ([]*check.Report, error) {
	var snapshots []*check.Snapshot
	for _, r := range readers {
		s, err := r.Look(ctx, o)
		if err != nil {
			return nil, err
		}
		snapshots = append(snapshots, s)
	}
	has := func(s *check.Snapshot) bool { return len(s.Trails) > 0 }
	if o.Trail != "" && slices.ContainsFunc(snapshots, has) {
		snapshots = slices.DeleteFunc(snapshots, func(s *check.Snapshot) bool { return !has(s) })
	}
	var reports []*check.Report
	for _, s := range snapshots {
		reports = append(reports, check.Find(s))
	}
	return reports, nil
}
