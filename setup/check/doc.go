// Package check says what is right and wrong with the trails of an account.
//
// It works in steps that stand apart:
//
//	Reader.Look  (package look) reads trails, buckets, log groups, roles and
//	             alarms, with read-only calls, into a Snapshot
//	Find         judges a Snapshot; it is pure: the same Snapshot has the
//	             same findings
//	Report       is the findings, as JSON by encoding/json
//	WriteText    shows a Report to a person
//
// What could not be read, because the caller may not or because the endpoint
// does not offer it, is said so in the Snapshot, and becomes a finding of the
// status Unknown that names the permission. It is never guessed.
//
// Questions of permission (may CloudTrail write to the bucket, may anybody
// else) are answered by evaluating policies the way AWS does, and questions
// about selectors and metric filters by asking what they would do with sample
// records, so that a policy or pattern that is worded differently and means
// the same is judged the same.
package check
