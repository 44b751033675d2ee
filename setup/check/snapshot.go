package check

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"cairn/setup"
)

// Snapshot is what was seen of an account and its trails at one time.
type Snapshot struct {
	// Account is the 12-digit id of the account looked from, Region the region.
	Account, Region string
	// Endpoint is the URL asked instead of AWS, or empty.
	Endpoint string
	// Time is when it was looked at.
	Time time.Time
	// Narrowed is true if only some trails were asked for: then nothing can be
	// said about the account as a whole.
	Narrowed bool
	// Trails are the trails seen.
	Trails []Trail
	// Absent are the names of trails that were asked for, by name or by files,
	// and that the account has not.
	Absent []string
	// Files is the comparison with the files of a folder; nil without one.
	Files *Look[[]setup.Drift]
}

// Look is the outcome of one read: what was seen, or why nothing was.
type Look[T any] struct {
	// Seen counts if Not is nil.
	Seen T
	// Not says why nothing was seen.
	Not *Unseen
}

// Unseen says why something could not be looked at.
type Unseen struct {
	// Permission is what the caller needs, such as s3:GetBucketPolicy.
	Permission string
	// Why is what the endpoint answered.
	Why string
	// NotOffered is true if the endpoint does not know the operation: a
	// permission would not help.
	NotOffered bool
}

// Trail is a trail with everything that belongs to it.
type Trail struct {
	Name, ARN, HomeRegion     string
	Bucket, Prefix            string
	KMSKey, SNSTopic          string
	LogGroupARN, LogRoleARN   string
	MultiRegion, GlobalEvents bool
	Validation, Organization  bool
	Insights                  bool
	Status                    Look[Status]
	Selectors                 Look[Selectors]
	Tags                      Look[map[string]string]
	// BucketSeen is the bucket the trail delivers to; nil if it was not looked
	// at.
	BucketSeen *Bucket
	// Group and Role are nil if the trail exports to no log group.
	Group *LogGroup
	Role  *Role
}

// Status is a trail's logging and delivery state (spec 4.5). Times are zero
// if there was none.
type Status struct {
	Logging bool
	// Started is when logging was last started.
	Started time.Time
	// Delivered and DeliveryError are about the bucket.
	Delivered     time.Time
	DeliveryError string
	// GroupDelivered and GroupError are about the log group.
	GroupDelivered time.Time
	GroupError     string
	// DigestError is about digest files.
	DigestError string
}

// Selectors are a trail's event selectors; with neither kind it logs all
// management events.
type Selectors struct {
	Basic    []types.EventSelector
	Advanced []types.AdvancedEventSelector
}

// Bucket is a bucket's configuration. It is shared by the trails that deliver
// to it.
type Bucket struct {
	Name string
	// Exists is false if there is no such bucket; then nothing else was read.
	Exists Look[bool]
	// Policy is the bucket policy, empty if there is none.
	Policy Look[string]
	// PublicAccess is the bucket's public access block, all false if it has
	// none.
	PublicAccess Look[PublicAccess]
	Encryption   Look[Encryption]
	Versioning   Look[Versioning]
	ObjectLock   Look[ObjectLock]
	// LogsTo is the bucket server access logs go to, empty if there are none.
	LogsTo    Look[string]
	Lifecycle Look[Lifecycle]
	// Ownership is the object ownership setting; empty if there is none, which
	// means ObjectWriter.
	Ownership Look[string]
	// PublicGrants are the ACL's grants to everybody and to all AWS accounts,
	// such as "READ to AllUsers".
	PublicGrants Look[[]string]
}

// PublicAccess is a public access block.
type PublicAccess struct {
	BlockACLs, IgnoreACLs, BlockPolicy, RestrictBuckets bool
}

// Encryption is a bucket's default encryption.
type Encryption struct {
	// Algorithm is AES256, aws:kms or aws:kms:dsse; empty if there is none.
	Algorithm string
	// Key is the KMS key; empty for S3's or AWS's own.
	Key string
}

// Versioning is a bucket's versioning state.
type Versioning struct {
	// Status is Enabled, Suspended, or empty if it was never on.
	Status string
	// MFADelete is true if deleting versions takes a second factor.
	MFADelete bool
}

// ObjectLock is a bucket's default retention.
type ObjectLock struct {
	// Mode is GOVERNANCE or COMPLIANCE; empty if there is no default
	// retention.
	Mode string
	// For is how long, such as "365 days".
	For string
}

// Lifecycle is what a bucket's enabled lifecycle rules do.
type Lifecycle struct {
	// Rules is their number.
	Rules int
	// ExpireDays is the shortest expiration of current versions in days; 0 if
	// nothing expires.
	ExpireDays int32
	// AbortsUploads is true if unfinished multipart uploads are removed.
	AbortsUploads bool
}

// LogGroup is the log group a trail exports to.
type LogGroup struct {
	Name, Region string
	// Exists is false if there is no such group.
	Exists Look[bool]
	// RetentionDays is 0 for records kept for ever.
	RetentionDays int32
	KMSKey        string
	// Filters are the group's metric filters; Alarms all metric alarms of its
	// region.
	Filters Look[[]MetricFilter]
	Alarms  Look[[]Alarm]
}

// MetricFilter counts records that match a pattern.
type MetricFilter struct {
	Name, Pattern string
	// Metrics are the metrics it counts into.
	Metrics []Metric
}

// Metric names a CloudWatch metric.
type Metric struct{ Namespace, Name string }

// Alarm is a metric alarm.
type Alarm struct {
	Name string
	// Metrics are those it watches.
	Metrics []Metric
	// Acts is true if it does something when it goes off: its actions are
	// enabled and there is one.
	Acts bool
}

// Role is the role a trail exports to its log group with.
type Role struct {
	ARN, Name string
	// Trust is its trust policy; empty if there is no such role.
	Trust Look[string]
	// Policies are the texts of its inline and attached policies.
	Policies Look[[]RolePolicy]
	// Boundary is the text of its permissions boundary; empty if it has none.
	Boundary Look[string]
}

// RolePolicy is one policy of a role.
type RolePolicy struct{ Name, Text string }
