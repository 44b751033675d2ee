variable "trail_name" {
  description = "Name of the trail the log group and role are for; their names derive from it."
  type        = string

  validation {
    condition     = length(var.trail_name) >= 3 && length(var.trail_name) <= 128 && can(regex("^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$", var.trail_name)) && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.trail_name))
    error_message = "A trail name has 3 to 128 letters, digits, periods, hyphens and underscores, begins and ends with a letter or digit, has no two of the others side by side, and is not written like an IPv4 address."
  }
}

variable "retention_in_days" {
  description = "Days the log group keeps records. 0: for ever."
  type        = number
  default     = 731
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_in_days)
    error_message = "CloudWatch Logs keeps records for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days, or for ever (0)."
  }
}

variable "log_group_name" {
  description = "Name of the log group. Empty: TRAIL_NAME-cloudtrail-log-group."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.log_group_name == "" || can(regex("^[A-Za-z0-9_/.#-]{1,512}$", var.log_group_name))
    error_message = "A log group name has 1 to 512 letters, digits, and _ - / . #"
  }
}

variable "role_name" {
  description = "Name of the role. Empty: TRAIL_NAME-cloudwatch-logs, shortened to IAM's 64 characters."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.role_name == "" || can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.role_name))
    error_message = "A role name has 1 to 64 letters, digits, and _ + = , . @ -"
  }
}

variable "kms_key_arn" {
  description = "KMS key to encrypt the log group with. Empty: CloudWatch Logs' own."
  type        = string
  default     = ""
  nullable    = false
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the role. Empty: none."
  type        = string
  default     = ""
  nullable    = false
}

variable "tags" {
  description = "Tags of the log group and the role."
  type        = map(string)
  default     = {}
  nullable    = false
}
