variable "s3_bucket_name" {
  description = "Name of the bucket to make. Bucket names are shared by all accounts of the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.s3_bucket_name)) && !strcontains(var.s3_bucket_name, "..") && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.s3_bucket_name))
    error_message = "AWS refuses the bucket name \"${var.s3_bucket_name}\": a bucket name has 3 to 63 lower-case letters, digits, periods and hyphens, begins and ends with a letter or digit, has no two periods side by side, and is not written like an IPv4 address"
  }
  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\\.mrap|--x-s3|--table-s3)$", var.s3_bucket_name))
    error_message = "AWS refuses the bucket name \"${var.s3_bucket_name}\": names that begin with xn--, sthree- or amzn-s3-demo-, or end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3, are kept for S3"
  }
}

variable "account_ids" {
  description = "Accounts whose trails may write to the bucket. Empty: this account alone."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for x in var.account_ids : can(regex("^[0-9]{12}$", x))])
    error_message = "AWS refuses the account id ${join(", ", [for x in var.account_ids : "\"${x}\"" if !can(regex("^[0-9]{12}$", x))])}: an account id has 12 digits"
  }
}

variable "s3_bucket_key_prefix" {
  description = "The one prefix trails may write under. Empty: any prefix, since every key still names its account (PREFIX/AWSLogs/ACCOUNT/)."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.s3_bucket_key_prefix) <= 200 && !startswith(var.s3_bucket_key_prefix, "/") && !endswith(var.s3_bucket_key_prefix, "/")
    error_message = "AWS refuses the key prefix \"${var.s3_bucket_key_prefix}\": a key prefix has at most 200 characters and neither begins nor ends with a slash (CloudTrail puts one behind it)"
  }
}

variable "trail_arns" {
  description = "The only trails that may write (aws:SourceArn). Empty: any trail of account_ids."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for x in var.trail_arns : can(regex("^arn:[^:]+:cloudtrail:[^:]+:[0-9]{12}:trail/.+$", x))])
    error_message = "AWS refuses the trail ARN ${join(", ", [for x in var.trail_arns : "\"${x}\"" if !can(regex("^arn:[^:]+:cloudtrail:[^:]+:[0-9]{12}:trail/.+$", x))])}: a trail ARN looks like arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME"
  }
}

variable "organization_id" {
  description = "Organization whose organization trail may write for all member accounts (o-...). Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.organization_id == "" || can(regex("^o-[a-z0-9]{10,32}$", var.organization_id))
    error_message = "AWS refuses the organization id \"${var.organization_id}\": an organization id is o- and 10 to 32 lower-case letters and digits"
  }
}

variable "versioning" {
  description = "Keep every version of every object."
  type        = bool
  default     = true
  nullable    = false
}

variable "force_destroy" {
  description = "Let destroy empty the bucket first: all versions of all log files, those locked in GOVERNANCE mode too."
  type        = bool
  default     = false
  nullable    = false
}

variable "kms_key_arn" {
  description = "KMS key to encrypt objects with. Empty: S3's own keys (SSE-S3)."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:(key|alias)/.+$", var.kms_key_arn))
    error_message = "AWS refuses the KMS key ARN \"${var.kms_key_arn}\": a KMS key ARN looks like arn:aws:kms:REGION:ACCOUNT:key/ID"
  }
}

variable "object_lock_mode" {
  description = "Default retention of new objects: GOVERNANCE or COMPLIANCE, with object_lock_days. Empty: no object lock."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.object_lock_mode == "" || contains(["GOVERNANCE", "COMPLIANCE"], var.object_lock_mode)
    error_message = "AWS refuses the object lock mode \"${var.object_lock_mode}\": it is GOVERNANCE or COMPLIANCE, or empty for no lock"
  }
}

variable "object_lock_days" {
  description = "Days each new object is locked for, with object_lock_mode. 0: no object lock."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.object_lock_days >= 0 && var.object_lock_days <= 36500 && floor(var.object_lock_days) == var.object_lock_days
    error_message = "AWS refuses the object_lock_days ${var.object_lock_days}: it is a whole number of days from 0 to 36500"
  }
}

variable "expiration_days" {
  description = "Days after which log files are deleted, old versions included. 0: never."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.expiration_days >= 0 && var.expiration_days <= 2147483647 && floor(var.expiration_days) == var.expiration_days
    error_message = "AWS refuses the expiration_days ${var.expiration_days}: it is a whole number of days from 0 to 2147483647"
  }
}

variable "transition_days" {
  description = "Days after which log files move to GLACIER_IR, which is cheaper and still readable at once. 0: never."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.transition_days >= 0 && var.transition_days <= 2147483647 && floor(var.transition_days) == var.transition_days
    error_message = "AWS refuses the transition_days ${var.transition_days}: it is a whole number of days from 0 to 2147483647"
  }
}

variable "access_log_bucket" {
  description = "Bucket for S3 server access logs of this one. Empty: none are kept."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.access_log_bucket == "" || (can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.access_log_bucket)) && !strcontains(var.access_log_bucket, "..") && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.access_log_bucket)))
    error_message = "AWS refuses the bucket name \"${var.access_log_bucket}\": a bucket name has 3 to 63 lower-case letters, digits, periods and hyphens, begins and ends with a letter or digit, has no two periods side by side, and is not written like an IPv4 address"
  }
  validation {
    condition     = !can(regex("^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\\.mrap|--x-s3|--table-s3)$", var.access_log_bucket))
    error_message = "AWS refuses the bucket name \"${var.access_log_bucket}\": names that begin with xn--, sthree- or amzn-s3-demo-, or end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3, are kept for S3"
  }
}

variable "tags" {
  description = "Tags of the bucket."
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
