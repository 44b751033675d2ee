// Package resource holds what the modules make, as typed values, and compares
// what is wanted with what an account has. It is pure: no AWS call, no clock.
//
// The types, attribute names and addresses are those of Terraform's AWS
// provider, because the same files are applied by Terraform too and people
// compare the two plans.
package resource

import (
	"slices"
	"strings"
)

// Spec is one resource's configuration: a pointer to one of the types of this
// package. Its attributes are its fields with an attr tag (see Attributes).
type Spec interface {
	// Kind is the resource type as Terraform calls it, such as aws_s3_bucket.
	Kind() string
}

// Resource is one wanted resource.
type Resource struct {
	// Address is where it is declared: module.NAME.TYPE.this.
	Address string
	// Provider is the provider block it is made with: aws or aws.ALIAS.
	Provider string
	// Spec is what it should be.
	Spec Spec
	// Needs holds the addresses that must be there before it.
	Needs []string
	// Part is the address of the resource this one is a setting of and goes
	// away with; empty for a resource of its own.
	Part string
	// Absent is true for a setting that is not to be there: an input that can
	// be taken away again has to be found to be taken away.
	Absent bool
}

// OwnerTag is the tag that the modules, as HCL and as Go, put on every resource
// that can have tags. Its value is the module's name.
const OwnerTag = "cairn:module"

// Owned reports whether found was made by the module that makes wanted: it
// bears the same owner tag. A resource that cannot have tags belongs to the
// one it is a part of, and counts as owned here.
func Owned(wanted, found Spec) bool {
	want, ok := tagsOf(wanted)
	if !ok {
		return true
	}
	have, _ := tagsOf(found)
	return have[OwnerTag] != "" && have[OwnerTag] == want[OwnerTag]
}

// OwnerOf is the module a wanted resource belongs to.
func OwnerOf(s Spec) string {
	tags, _ := tagsOf(s)
	return tags[OwnerTag]
}

func tagsOf(s Spec) (map[string]string, bool) {
	switch s := s.(type) {
	case *Bucket:
		return s.Tags, true
	case *LogGroup:
		return s.Tags, true
	case *Role:
		return s.Tags, true
	case *Trail:
		return s.Tags, true
	}
	return nil, false
}

// Bucket is an S3 bucket itself. Its settings are resources of their own.
type Bucket struct {
	Bucket string `attr:"bucket"`
	// ForceDestroy lets destroy empty the bucket. AWS does not keep it, so it
	// never shows as a change.
	ForceDestroy bool `attr:"force_destroy,local"`
	// ObjectLock can be set only when a bucket is made.
	ObjectLock bool              `attr:"object_lock_enabled,replace"`
	Tags       map[string]string `attr:"tags"`
}

// BucketVersioning says whether a bucket keeps old versions.
type BucketVersioning struct {
	Bucket string `attr:"bucket"`
	// Status is Enabled or Suspended.
	Status string `attr:"status"`
}

// BucketEncryption is a bucket's default encryption.
type BucketEncryption struct {
	Bucket string `attr:"bucket"`
	// Algorithm is AES256 or aws:kms.
	Algorithm string `attr:"sse_algorithm"`
	KMSKey    string `attr:"kms_master_key_id"`
	BucketKey bool   `attr:"bucket_key_enabled"`
}

// PublicAccessBlock keeps a bucket from being opened to the public.
type PublicAccessBlock struct {
	Bucket                string `attr:"bucket"`
	BlockPublicACLs       bool   `attr:"block_public_acls"`
	BlockPublicPolicy     bool   `attr:"block_public_policy"`
	IgnorePublicACLs      bool   `attr:"ignore_public_acls"`
	RestrictPublicBuckets bool   `attr:"restrict_public_buckets"`
}

// BucketPolicy is who may do what with a bucket.
type BucketPolicy struct {
	Bucket string `attr:"bucket"`
	Policy Policy `attr:"policy"`
}

// BucketObjectLock is how long a bucket's new objects are locked.
type BucketObjectLock struct {
	Bucket string `attr:"bucket"`
	// Mode is GOVERNANCE or COMPLIANCE.
	Mode string `attr:"mode"`
	Days int32  `attr:"days"`
}

// BucketLifecycle is when a bucket's objects move and go. It is one rule over
// all objects; what else a found configuration holds is told in Other, so
// that it shows as a change.
type BucketLifecycle struct {
	Bucket             string `attr:"bucket"`
	TransitionDays     int32  `attr:"transition_days"`
	StorageClass       string `attr:"storage_class"`
	ExpirationDays     int32  `attr:"expiration_days"`
	NoncurrentDays     int32  `attr:"noncurrent_days"`
	AbortMultipartDays int32  `attr:"abort_incomplete_multipart_upload_days"`
	Other              string `attr:"other_rules"`
}

// BucketLogging is where a bucket's access log goes.
type BucketLogging struct {
	Bucket       string `attr:"bucket"`
	TargetBucket string `attr:"target_bucket"`
	TargetPrefix string `attr:"target_prefix"`
}

// LogGroup is a CloudWatch Logs log group.
type LogGroup struct {
	Name string `attr:"name"`
	// ARN is without the ":*" at the end.
	ARN string `attr:"arn,computed"`
	// RetentionDays is 0 for records that are kept for ever.
	RetentionDays int32             `attr:"retention_in_days"`
	KMSKey        string            `attr:"kms_key_id"`
	Tags          map[string]string `attr:"tags"`
}

// Role is an IAM role.
type Role struct {
	Name     string            `attr:"name"`
	ARN      string            `attr:"arn,computed"`
	Trust    Policy            `attr:"assume_role_policy"`
	Boundary string            `attr:"permissions_boundary"`
	Tags     map[string]string `attr:"tags"`
}

// RolePolicy is a policy written into a role.
type RolePolicy struct {
	Name   string `attr:"name"`
	Role   string `attr:"role"`
	Policy Policy `attr:"policy"`
}

// Trail is a CloudTrail trail, with its logging state and its selectors.
type Trail struct {
	Name         string             `attr:"name"`
	ARN          string             `attr:"arn,computed"`
	HomeRegion   string             `attr:"home_region,computed"`
	Bucket       string             `attr:"s3_bucket_name"`
	Prefix       string             `attr:"s3_key_prefix"`
	LogGroupARN  string             `attr:"cloud_watch_logs_group_arn"`
	LogRoleARN   string             `attr:"cloud_watch_logs_role_arn"`
	MultiRegion  bool               `attr:"is_multi_region_trail"`
	GlobalEvents bool               `attr:"include_global_service_events"`
	Validation   bool               `attr:"enable_log_file_validation"`
	Logging      bool               `attr:"enable_logging"`
	Organization bool               `attr:"is_organization_trail"`
	KMSKey       string             `attr:"kms_key_id"`
	SNSTopic     string             `attr:"sns_topic_name"`
	Selectors    []EventSelector    `attr:"event_selector"`
	Advanced     []AdvancedSelector `attr:"advanced_event_selector"`
	InsightTypes []string           `attr:"insight_types"`
	Tags         map[string]string  `attr:"tags"`
}

// EventSelector is a basic event selector.
type EventSelector struct {
	ReadWrite      string         `json:"read_write_type"`
	Management     bool           `json:"include_management_events"`
	ExcludeSources []string       `json:"exclude_management_event_sources,omitempty"`
	Data           []DataResource `json:"data_resource,omitempty"`
}

// DataResource names objects whose data events are recorded.
type DataResource struct {
	Type   string   `json:"type"`
	Values []string `json:"values"`
}

// IsDefault reports whether s is what a trail without selectors does, which
// AWS does not tell from none (spec 4.7).
func (s *EventSelector) IsDefault() bool {
	return s.ReadWrite == "All" && s.Management && len(s.ExcludeSources) == 0 && len(s.Data) == 0
}

// AdvancedSelector is an advanced event selector.
type AdvancedSelector struct {
	Name   string          `json:"name,omitempty"`
	Fields []FieldSelector `json:"field_selector"`
}

// SortFields puts the fields in the order of their names. All of them have to
// hold, so their order means nothing, and Terraform's provider sends them in
// any.
func (s *AdvancedSelector) SortFields() {
	slices.SortStableFunc(s.Fields, func(a, b FieldSelector) int { return strings.Compare(a.Field, b.Field) })
}

// FieldSelector is one condition of an advanced event selector.
type FieldSelector struct {
	Field         string   `json:"field"`
	Equals        []string `json:"equals,omitempty"`
	NotEquals     []string `json:"not_equals,omitempty"`
	StartsWith    []string `json:"starts_with,omitempty"`
	NotStartsWith []string `json:"not_starts_with,omitempty"`
	EndsWith      []string `json:"ends_with,omitempty"`
	NotEndsWith   []string `json:"not_ends_with,omitempty"`
}

// Kind implements Spec.
func (*Bucket) Kind() string { return "aws_s3_bucket" }

// Kind implements Spec.
func (*BucketVersioning) Kind() string { return "aws_s3_bucket_versioning" }

// Kind implements Spec.
func (*BucketEncryption) Kind() string { return "aws_s3_bucket_server_side_encryption_configuration" }

// Kind implements Spec.
func (*PublicAccessBlock) Kind() string { return "aws_s3_bucket_public_access_block" }

// Kind implements Spec.
func (*BucketPolicy) Kind() string { return "aws_s3_bucket_policy" }

// Kind implements Spec.
func (*BucketObjectLock) Kind() string { return "aws_s3_bucket_object_lock_configuration" }

// Kind implements Spec.
func (*BucketLifecycle) Kind() string { return "aws_s3_bucket_lifecycle_configuration" }

// Kind implements Spec.
func (*BucketLogging) Kind() string { return "aws_s3_bucket_logging" }

// Kind implements Spec.
func (*LogGroup) Kind() string { return "aws_cloudwatch_log_group" }

// Kind implements Spec.
func (*Role) Kind() string { return "aws_iam_role" }

// Kind implements Spec.
func (*RolePolicy) Kind() string { return "aws_iam_role_policy" }

// Kind implements Spec.
func (*Trail) Kind() string { return "aws_cloudtrail" }
