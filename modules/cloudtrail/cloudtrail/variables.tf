variable "trail_name" {
  description = "Name of the trail."
  type        = string

  validation {
    condition     = length(var.trail_name) >= 3 && length(var.trail_name) <= 128 && can(regex("^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$", var.trail_name)) && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.trail_name))
    error_message = "AWS refuses the trail name \"${var.trail_name}\": a trail name has 3 to 128 letters, digits, periods, hyphens and underscores, begins and ends with a letter or digit, has no two of the others side by side, and is not written like an IPv4 address"
  }
}

variable "s3_bucket_name" {
  description = "Bucket to deliver to. Give this or bucket_name."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.s3_bucket_name == "" || (can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.s3_bucket_name)) && !strcontains(var.s3_bucket_name, "..") && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.s3_bucket_name)))
    error_message = "AWS refuses the bucket name \"${var.s3_bucket_name}\": a bucket name has 3 to 63 lower-case letters, digits, periods and hyphens, begins and ends with a letter or digit, has no two periods side by side, and is not written like an IPv4 address"
  }
  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\\.mrap|--x-s3|--table-s3)$", var.s3_bucket_name))
    error_message = "AWS refuses the bucket name \"${var.s3_bucket_name}\": names that begin with xn--, sthree- or amzn-s3-demo-, or end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3, are kept for S3"
  }
}

variable "bucket_name" {
  description = "Bucket to deliver to, by its other name. Give this or s3_bucket_name."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.bucket_name == "" || (can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket_name)) && !strcontains(var.bucket_name, "..") && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.bucket_name)))
    error_message = "AWS refuses the bucket name \"${var.bucket_name}\": a bucket name has 3 to 63 lower-case letters, digits, periods and hyphens, begins and ends with a letter or digit, has no two periods side by side, and is not written like an IPv4 address"
  }
  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\\.mrap|--x-s3|--table-s3)$", var.bucket_name))
    error_message = "AWS refuses the bucket name \"${var.bucket_name}\": names that begin with xn--, sthree- or amzn-s3-demo-, or end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3, are kept for S3"
  }
}

variable "s3_bucket_key_prefix" {
  description = "What every key begins with, before /AWSLogs/. Empty: nothing."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.s3_bucket_key_prefix) <= 200 && !startswith(var.s3_bucket_key_prefix, "/") && !endswith(var.s3_bucket_key_prefix, "/")
    error_message = "AWS refuses the key prefix \"${var.s3_bucket_key_prefix}\": a key prefix has at most 200 characters and neither begins nor ends with a slash (CloudTrail puts one behind it)"
  }
}

variable "cloud_watch_logs_role_arn" {
  description = "Role CloudTrail assumes to write to the log group. Give both or neither."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.cloud_watch_logs_role_arn == "" || can(regex("^arn:[^:]+:iam::[0-9]{12}:role/.+$", var.cloud_watch_logs_role_arn))
    error_message = "AWS refuses the role ARN \"${var.cloud_watch_logs_role_arn}\": a role ARN looks like arn:aws:iam::ACCOUNT:role/NAME"
  }
}

variable "cloud_watch_logs_group_arn" {
  description = "Log group to export to; \":*\" is added when missing. Give both or neither."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.cloud_watch_logs_group_arn == "" || can(regex("^arn:[^:]+:logs:[^:]+:[0-9]{12}:log-group:[^:*]+(:\\*)?$", var.cloud_watch_logs_group_arn))
    error_message = "AWS refuses the log group ARN \"${var.cloud_watch_logs_group_arn}\": a log group ARN looks like arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"
  }
}

variable "is_multi_region_trail" {
  description = "Record all regions."
  type        = bool
  default     = true
  nullable    = false
}

variable "include_global_service_events" {
  description = "Record services that have no region, such as IAM."
  type        = bool
  default     = true
  nullable    = false
}

variable "enable_log_file_validation" {
  description = "Deliver signed digests, by which removed or changed log files show."
  type        = bool
  default     = true
  nullable    = false
}

variable "enable_logging" {
  description = "Record. False pauses the trail and keeps its configuration."
  type        = bool
  default     = true
  nullable    = false
}

variable "is_organization_trail" {
  description = "Record all accounts of the organization. Only for its management or delegated administrator account."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key to encrypt log files with. Empty: the bucket's own encryption."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:(key|alias)/.+$", var.kms_key_arn))
    error_message = "AWS refuses the KMS key ARN \"${var.kms_key_arn}\": a KMS key ARN looks like arn:aws:kms:REGION:ACCOUNT:key/ID"
  }
}

variable "sns_topic_name" {
  description = "SNS topic (name or ARN) told of every log file. Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.sns_topic_name == "" || can(regex("^(arn:[^:]+:sns:[^:]+:[0-9]{12}:)?[A-Za-z0-9_-]{1,256}$", var.sns_topic_name))
    error_message = "AWS refuses the SNS topic \"${var.sns_topic_name}\": it is the name of a topic or its ARN, arn:aws:sns:REGION:ACCOUNT:NAME"
  }
}

variable "event_selectors" {
  description = "Which events to record, as basic selectors. Empty: all management events."
  type = list(object({
    read_write_type                  = optional(string, "All")
    include_management_events        = optional(bool, true)
    exclude_management_event_sources = optional(list(string), [])
    data_resources = optional(list(object({
      type   = string
      values = list(string)
    })), [])
  }))
  default  = []
  nullable = false

  validation {
    condition     = length(var.event_selectors) <= 5
    error_message = "AWS refuses ${length(var.event_selectors)} event selectors: a trail has at most 5"
  }
  validation {
    condition     = alltrue([for s in var.event_selectors : contains(["All", "ReadOnly", "WriteOnly"], s.read_write_type)])
    error_message = "AWS refuses the read_write_type ${join(", ", [for s in var.event_selectors : "\"${s.read_write_type}\"" if !contains(["All", "ReadOnly", "WriteOnly"], s.read_write_type)])}: it is All, ReadOnly or WriteOnly"
  }
}

variable "advanced_event_selectors" {
  description = "Which events to record, as advanced selectors. Not together with event_selectors."
  type = list(object({
    name = optional(string, "")
    field_selectors = list(object({
      field           = string
      equals          = optional(list(string), [])
      not_equals      = optional(list(string), [])
      starts_with     = optional(list(string), [])
      not_starts_with = optional(list(string), [])
      ends_with       = optional(list(string), [])
      not_ends_with   = optional(list(string), [])
    }))
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for s in var.advanced_event_selectors : anytrue([for f in s.field_selectors : f.field == "eventCategory" && length(f.equals) > 0])])
    error_message = "AWS refuses an advanced event selector without a field_selector that says what eventCategory equals"
  }
}

variable "insight_types" {
  description = "Unusual activity to look for: ApiCallRateInsight, ApiErrorRateInsight. They cost extra."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for t in var.insight_types : contains(["ApiCallRateInsight", "ApiErrorRateInsight"], t)])
    error_message = "AWS refuses the insight type ${join(", ", [for t in var.insight_types : "\"${t}\"" if !contains(["ApiCallRateInsight", "ApiErrorRateInsight"], t)])}: it is ApiCallRateInsight or ApiErrorRateInsight"
  }
}

variable "tags" {
  description = "Tags of the trail."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(var.tags) <= 49
    error_message = "AWS refuses ${length(var.tags)} tags: a resource has at most 50, and one says which module it belongs to"
  }
  validation {
    condition     = alltrue([for k, x in var.tags : length(k) >= 1 && length(k) <= 128 && length(x) <= 256 && !startswith(lower(k), "aws:") && !startswith(k, "cairn:")])
    error_message = "AWS refuses the tag ${join(", ", [for k, x in var.tags : "\"${k}\"" if !(length(k) >= 1 && length(k) <= 128 && length(x) <= 256 && !startswith(lower(k), "aws:") && !startswith(k, "cairn:"))])}: a key has 1 to 128 characters and begins neither with aws: nor with cairn:, a value has at most 256"
  }
}
