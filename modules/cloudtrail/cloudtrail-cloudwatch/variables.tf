variable "trail_name" {
  description = "Name of the trail the log group and role are for; their names derive from it."
  type        = string

  validation {
    condition     = length(var.trail_name) >= 3 && length(var.trail_name) <= 128 && can(regex("^[A-Za-z0-9]([._-]?[A-Za-z0-9])*$", var.trail_name)) && !can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$", var.trail_name))
    error_message = "AWS refuses the trail name \"${var.trail_name}\": a trail name has 3 to 128 letters, digits, periods, hyphens and underscores, begins and ends with a letter or digit, has no two of the others side by side, and is not written like an IPv4 address"
  }
}

variable "retention_in_days" {
  description = "Days the log group keeps records. 0: for ever."
  type        = number
  default     = 731
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_in_days)
    error_message = "CloudWatch Logs does not keep records for ${var.retention_in_days} days; the accepted values around it are ${var.retention_in_days < 0 ? "0 (for ever) or 1" : var.retention_in_days > 3653 ? "3653 or 0 (for ever)" : "${max(0, [for d in [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] : d if d < var.retention_in_days]...)} or ${min(3653, [for d in [0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653] : d if d > var.retention_in_days]...)}"}"
  }
}

variable "log_group_name" {
  description = "Name of the log group. Empty: TRAIL_NAME-cloudtrail-log-group."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.log_group_name == "" || can(regex("^[A-Za-z0-9_/.#-]{1,512}$", var.log_group_name))
    error_message = "AWS refuses the log group name \"${var.log_group_name}\": a log group name has 1 to 512 letters, digits, and _ - / . #"
  }
}

variable "role_name" {
  description = "Name of the role. Empty: TRAIL_NAME-cloudwatch-logs, shortened to IAM's 64 characters."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.role_name == "" || can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.role_name))
    error_message = "AWS refuses the role name \"${var.role_name}\": a role name has 1 to 64 letters, digits, and _ + = , . @ -"
  }
}

variable "kms_key_arn" {
  description = "KMS key to encrypt the log group with. Empty: CloudWatch Logs' own."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:(key|alias)/.+$", var.kms_key_arn))
    error_message = "AWS refuses the KMS key ARN \"${var.kms_key_arn}\": a KMS key ARN looks like arn:aws:kms:REGION:ACCOUNT:key/ID"
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the role. Empty: none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.permissions_boundary == "" || can(regex("^arn:[^:]+:iam::(aws|[0-9]{12}):policy/.+$", var.permissions_boundary))
    error_message = "AWS refuses the permissions boundary \"${var.permissions_boundary}\": it is the ARN of a managed policy, arn:aws:iam::ACCOUNT:policy/NAME"
  }
}

variable "tags" {
  description = "Tags of the log group and the role."
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
