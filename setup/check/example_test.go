package check_test

import (
	"fmt"
	"time"

	"cairn/setup/check"
)

// Judges a snapshot made by hand; package look makes them from an account.
func ExampleFind() {
	snapshot := &check.Snapshot{
		Account: "111122223333", Region: "eu-west-1", Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Trails: []check.Trail{{
			Name: "audit", ARN: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit", HomeRegion: "eu-west-1", Bucket: "logs",
			MultiRegion: true, GlobalEvents: true, Validation: true,
			Status: check.Look[check.Status]{Seen: check.Status{Logging: false}},
		}},
	}
	for _, f := range check.Find(snapshot).AtLeast(check.Critical).Findings {
		fmt.Printf("%s %s: %s\n  %s\n", f.Status, f.ID, f.Evidence, f.Remedy)
	}
	// Output:
	// fail account-trail: none of audit is multi-region, logs, and takes all management events
	//   set one up: cairn apply in examples/own-bucket shows how
	// fail trail-logging: logging is off
	//   module cloudtrail: enable_logging = true; or: aws cloudtrail start-logging --region eu-west-1 --name audit
}
