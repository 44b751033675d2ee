variable "assume_role_arn" {
  description = "Who may assume the role: an account (arn:aws:iam::ACCOUNT:root), a role or a user."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:iam::[0-9]{12}:(root|user/.+|role/.+)$", var.assume_role_arn))
    error_message = "AWS refuses the principal ARN \"${var.assume_role_arn}\": it is an account (arn:aws:iam::ACCOUNT:root), a role (…:role/NAME) or a user (…:user/NAME)"
  }
}

variable "s3_bucket_arn" {
  description = "ARN of the bucket the trail delivers to."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.s3_bucket_arn))
    error_message = "AWS refuses the bucket ARN \"${var.s3_bucket_arn}\": a bucket ARN looks like arn:aws:s3:::NAME"
  }
}

variable "role_name" {
  description = "Name of the role."
  type        = string
  default     = "cloudtrail-validate-logs"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.role_name))
    error_message = "AWS refuses the role name \"${var.role_name}\": a role name has 1 to 64 letters, digits, and _ + = , . @ -"
  }
}

variable "s3_bucket_key_prefix" {
  description = "Prefix of the keys the role may read, as the trail has it. Empty: the whole bucket."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = length(var.s3_bucket_key_prefix) <= 200 && !startswith(var.s3_bucket_key_prefix, "/") && !endswith(var.s3_bucket_key_prefix, "/")
    error_message = "AWS refuses the key prefix \"${var.s3_bucket_key_prefix}\": a key prefix has at most 200 characters and neither begins nor ends with a slash (CloudTrail puts one behind it)"
  }
}

variable "kms_key_arn" {
  description = "KMS key the log files are encrypted with, which the role may then decrypt with. Empty: none."
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
  description = "Tags of the role."
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
