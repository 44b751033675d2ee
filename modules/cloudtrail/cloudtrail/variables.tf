variable "trail_name" {
  description = "Name of the trail."
  type        = string

  validation {
    condition     = length(var.trail_name) >= 3 && length(var.trail_name) <= 128 && can(regex("^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$", var.trail_name)) && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.trail_name))
    error_message = "A trail name has 3 to 128 letters, digits, periods, hyphens and underscores, begins and ends with a letter or digit, has no two of the others side by side, and is not written like an IPv4 address."
  }
}

variable "s3_bucket_name" {
  description = "Bucket to deliver to. Give this or bucket_name."
  type        = string
  default     = ""
  nullable    = false
}

variable "bucket_name" {
  description = "Bucket to deliver to, by its other name. Give this or s3_bucket_name."
  type        = string
  default     = ""
  nullable    = false
}

variable "s3_bucket_key_prefix" {
  description = "What every key begins with, before /AWSLogs/. Empty: nothing."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.s3_bucket_key_prefix) <= 200 && !startswith(var.s3_bucket_key_prefix, "/") && !endswith(var.s3_bucket_key_prefix, "/")
    error_message = "A key prefix has at most 200 characters and neither begins nor ends with a slash."
  }
}

variable "cloud_watch_logs_role_arn" {
  description = "Role CloudTrail assumes to write to the log group. Give both or neither."
  type        = string
  default     = ""
  nullable    = false
}

variable "cloud_watch_logs_group_arn" {
  description = "Log group to export to; \":*\" is added when missing. Give both or neither."
  type        = string
  default     = ""
  nullable    = false
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
}

variable "sns_topic_name" {
  description = "SNS topic (name or ARN) told of every log file. Empty: none."
  type        = string
  default     = ""
  nullable    = false
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
    condition     = length(var.event_selectors) <= 5 && alltrue([for s in var.event_selectors : contains(["All", "ReadOnly", "WriteOnly"], s.read_write_type)])
    error_message = "At most 5 selectors, each with read_write_type All, ReadOnly or WriteOnly."
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
}

variable "insight_types" {
  description = "Unusual activity to look for: ApiCallRateInsight, ApiErrorRateInsight. They cost extra."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for t in var.insight_types : contains(["ApiCallRateInsight", "ApiErrorRateInsight"], t)])
    error_message = "An insight type is ApiCallRateInsight or ApiErrorRateInsight."
  }
}

variable "tags" {
  description = "Tags of the trail."
  type        = map(string)
  default     = {}
  nullable    = false
}
