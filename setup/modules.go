package setup

// Module is one module: a *Bucket, *CloudWatch, *Trail or *ValidateLogsRole.
// Their fields are the inputs of the module in modules/cloudtrail, whose
// README says what each means, and messages call them by the names there
// (S3BucketName is s3_bucket_name). A field left at its zero value is an
// input not given: the module's default holds. Inputs whose default is not
// their zero value are pointers, set with new: Versioning: new(false).
type Module interface {
	// call returns the module's name and the label and provider of the block.
	call() (module, label, provider string)
}

// Bucket is the module cloudtrail-bucket: a bucket that CloudTrail may deliver
// to, private, TLS only, encrypted and versioned.
type Bucket struct {
	// Label is the block's name in addresses (module.LABEL.…); empty means
	// cloudtrail-bucket.
	Label string
	// Provider is an alias from Description.Aliases; empty means
	// Description.Provider.
	Provider string

	S3BucketName      Text            `input:"s3_bucket_name"`
	AccountIDs        []Text          `input:"account_ids"`
	S3BucketKeyPrefix Text            `input:"s3_bucket_key_prefix"`
	TrailARNs         []Text          `input:"trail_arns"`
	OrganizationID    Text            `input:"organization_id"`
	Versioning        *bool           `input:"versioning"`
	ForceDestroy      bool            `input:"force_destroy"`
	KMSKeyARN         Text            `input:"kms_key_arn"`
	ObjectLockMode    Text            `input:"object_lock_mode"`
	ObjectLockDays    int             `input:"object_lock_days"`
	ExpirationDays    int             `input:"expiration_days"`
	TransitionDays    int             `input:"transition_days"`
	AccessLogBucket   Text            `input:"access_log_bucket"`
	Tags              map[string]Text `input:"tags"`
}

// BucketOutputs are the outputs of a Bucket.
type BucketOutputs struct {
	S3BucketName Text `output:"s3_bucket_name"`
	S3BucketARN  Text `output:"s3_bucket_arn"`
}

func (b *Bucket) call() (module, label, provider string) {
	return "cloudtrail-bucket", orElse(b.Label, "cloudtrail-bucket"), b.Provider
}

// Outputs returns references to what the module puts out. Set Label before.
func (b *Bucket) Outputs() BucketOutputs {
	return BucketOutputs{S3BucketName: reference(b, "s3_bucket_name"), S3BucketARN: reference(b, "s3_bucket_arn")}
}

// CloudWatch is the module cloudtrail-cloudwatch: a log group, and the role
// with which CloudTrail writes there.
type CloudWatch struct {
	// Label is the block's name in addresses; empty means
	// cloudtrail-cloudwatch.
	Label string
	// Provider is an alias from Description.Aliases; empty means
	// Description.Provider.
	Provider string

	TrailName           Text            `input:"trail_name"`
	RetentionInDays     *int            `input:"retention_in_days"`
	LogGroupName        Text            `input:"log_group_name"`
	RoleName            Text            `input:"role_name"`
	KMSKeyARN           Text            `input:"kms_key_arn"`
	PermissionsBoundary Text            `input:"permissions_boundary"`
	Tags                map[string]Text `input:"tags"`
}

// CloudWatchOutputs are the outputs of a CloudWatch.
type CloudWatchOutputs struct {
	CloudWatchLogsRoleARN  Text `output:"cloud_watch_logs_role_arn"`
	CloudWatchLogsGroupARN Text `output:"cloud_watch_logs_group_arn"`
	LogGroupName           Text `output:"log_group_name"`
	RoleName               Text `output:"role_name"`
}

func (c *CloudWatch) call() (module, label, provider string) {
	return "cloudtrail-cloudwatch", orElse(c.Label, "cloudtrail-cloudwatch"), c.Provider
}

// Outputs returns references to what the module puts out. Set Label before.
func (c *CloudWatch) Outputs() CloudWatchOutputs {
	return CloudWatchOutputs{
		CloudWatchLogsRoleARN: reference(c, "cloud_watch_logs_role_arn"), CloudWatchLogsGroupARN: reference(c, "cloud_watch_logs_group_arn"),
		LogGroupName: reference(c, "log_group_name"), RoleName: reference(c, "role_name"),
	}
}

// Trail is the module cloudtrail: a trail that logs.
type Trail struct {
	// Label is the block's name in addresses; empty means cloudtrail.
	Label string
	// Provider is an alias from Description.Aliases; empty means
	// Description.Provider.
	Provider string

	TrailName    Text `input:"trail_name"`
	S3BucketName Text `input:"s3_bucket_name"`
	// BucketName is another name for S3BucketName: give one of them.
	BucketName                 Text                    `input:"bucket_name"`
	S3BucketKeyPrefix          Text                    `input:"s3_bucket_key_prefix"`
	CloudWatchLogsRoleARN      Text                    `input:"cloud_watch_logs_role_arn"`
	CloudWatchLogsGroupARN     Text                    `input:"cloud_watch_logs_group_arn"`
	IsMultiRegionTrail         *bool                   `input:"is_multi_region_trail"`
	IncludeGlobalServiceEvents *bool                   `input:"include_global_service_events"`
	EnableLogFileValidation    *bool                   `input:"enable_log_file_validation"`
	EnableLogging              *bool                   `input:"enable_logging"`
	IsOrganizationTrail        bool                    `input:"is_organization_trail"`
	KMSKeyARN                  Text                    `input:"kms_key_arn"`
	SNSTopicName               Text                    `input:"sns_topic_name"`
	EventSelectors             []EventSelector         `input:"event_selectors"`
	AdvancedEventSelectors     []AdvancedEventSelector `input:"advanced_event_selectors"`
	InsightTypes               []Text                  `input:"insight_types"`
	Tags                       map[string]Text         `input:"tags"`
}

// EventSelector is one of a trail's event_selectors.
type EventSelector struct {
	// ReadWriteType is All, ReadOnly or WriteOnly; empty means All.
	ReadWriteType Text `input:"read_write_type"`
	// IncludeManagementEvents is true if nil.
	IncludeManagementEvents       *bool          `input:"include_management_events"`
	ExcludeManagementEventSources []Text         `input:"exclude_management_event_sources"`
	DataResources                 []DataResource `input:"data_resources"`
}

// DataResource says whose data events an event selector takes.
type DataResource struct {
	// Type is such as AWS::S3::Object.
	Type Text `input:"type,always"`
	// Values are the ARNs, or how they begin.
	Values []Text `input:"values,always"`
}

// AdvancedEventSelector is one of a trail's advanced_event_selectors.
type AdvancedEventSelector struct {
	Name           Text            `input:"name"`
	FieldSelectors []FieldSelector `input:"field_selectors,always"`
}

// FieldSelector says what one field of an event must be.
type FieldSelector struct {
	// Field is such as eventCategory.
	Field         Text   `input:"field,always"`
	Equals        []Text `input:"equals"`
	NotEquals     []Text `input:"not_equals"`
	StartsWith    []Text `input:"starts_with"`
	NotStartsWith []Text `input:"not_starts_with"`
	EndsWith      []Text `input:"ends_with"`
	NotEndsWith   []Text `input:"not_ends_with"`
}

// TrailOutputs are the outputs of a Trail.
type TrailOutputs struct {
	TrailARN   Text `output:"trail_arn"`
	TrailName  Text `output:"trail_name"`
	HomeRegion Text `output:"home_region"`
}

func (t *Trail) call() (module, label, provider string) {
	return "cloudtrail", orElse(t.Label, "cloudtrail"), t.Provider
}

// Outputs returns references to what the module puts out. Set Label before.
func (t *Trail) Outputs() TrailOutputs {
	return TrailOutputs{TrailARN: reference(t, "trail_arn"), TrailName: reference(t, "trail_name"), HomeRegion: reference(t, "home_region")}
}

// ValidateLogsRole is the module cloudtrail-validate-logs-role: a role for
// whoever checks log files, often from another account.
type ValidateLogsRole struct {
	// Label is the block's name in addresses; empty means
	// cloudtrail-validate-logs-role.
	Label string
	// Provider is an alias from Description.Aliases; empty means
	// Description.Provider.
	Provider string

	AssumeRoleARN       Text            `input:"assume_role_arn"`
	S3BucketARN         Text            `input:"s3_bucket_arn"`
	RoleName            Text            `input:"role_name"`
	S3BucketKeyPrefix   Text            `input:"s3_bucket_key_prefix"`
	KMSKeyARN           Text            `input:"kms_key_arn"`
	PermissionsBoundary Text            `input:"permissions_boundary"`
	Tags                map[string]Text `input:"tags"`
}

// ValidateLogsRoleOutputs are the outputs of a ValidateLogsRole.
type ValidateLogsRoleOutputs struct {
	RoleARN Text `output:"role_arn"`
}

func (v *ValidateLogsRole) call() (module, label, provider string) {
	return "cloudtrail-validate-logs-role", orElse(v.Label, "cloudtrail-validate-logs-role"), v.Provider
}

// Outputs returns references to what the module puts out. Set Label before.
func (v *ValidateLogsRole) Outputs() ValidateLogsRoleOutputs {
	return ValidateLogsRoleOutputs{RoleARN: reference(v, "role_arn")}
}
