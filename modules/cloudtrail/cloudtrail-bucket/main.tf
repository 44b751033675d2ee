data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

locals {
  bucket_arn  = "arn:${data.aws_partition.current.partition}:s3:::${var.s3_bucket_name}"
  account_ids = length(var.account_ids) > 0 ? var.account_ids : [data.aws_caller_identity.current.account_id]

  # A key is [PREFIX/]AWSLogs/ACCOUNT/...; when no prefix is given, any prefix
  # will do, because the account in the key is what tells the writers apart.
  folders = var.s3_bucket_key_prefix != "" ? ["${var.s3_bucket_key_prefix}/AWSLogs"] : ["AWSLogs", "*/AWSLogs"]
  write_resources = flatten([
    for folder in local.folders : [for id in local.account_ids : "${local.bucket_arn}/${folder}/${id}/*"]
  ])

  # aws:SourceArn is the trail that writes. Without it, a trail of any account
  # of the world could be pointed at this bucket (the confused deputy).
  source_condition = length(var.trail_arns) > 0 ? {
    operator = "StringEquals"
    values   = var.trail_arns
    } : {
    operator = "StringLike"
    values   = [for id in local.account_ids : "arn:${data.aws_partition.current.partition}:cloudtrail:*:${id}:trail/*"]
  }

  object_lock = var.object_lock_mode != "" && var.object_lock_days > 0
  lifecycle   = var.expiration_days > 0 || var.transition_days > 0
}

resource "aws_s3_bucket" "this" {
  bucket              = var.s3_bucket_name
  force_destroy       = var.force_destroy
  object_lock_enabled = local.object_lock
  tags                = merge(var.tags, { "cairn:module" = "cloudtrail-bucket" })

  lifecycle {
    precondition {
      condition     = (var.object_lock_mode != "") == (var.object_lock_days > 0)
      error_message = "object_lock_mode and object_lock_days go together: give both or neither"
    }
    precondition {
      condition     = var.object_lock_days == 0 || var.versioning
      error_message = "object lock needs versioning: leave versioning = true"
    }
    precondition {
      condition     = var.expiration_days == 0 || var.transition_days < var.expiration_days
      error_message = "transition_days (${var.transition_days}) must come before expiration_days (${var.expiration_days})"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  count  = var.versioning ? 1 : 0
  bucket = aws_s3_bucket.this.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.bucket

  rule {
    bucket_key_enabled = var.kms_key_arn != ""

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn != "" ? "aws:kms" : "AES256"
      kms_master_key_id = var.kms_key_arn != "" ? var.kms_key_arn : null
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.bucket
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "DenyInsecureTransport"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [local.bucket_arn, "${local.bucket_arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "AWSCloudTrailAclCheck20150319"
    actions   = ["s3:GetBucketAcl"]
    resources = [local.bucket_arn]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = local.source_condition.operator
      variable = "aws:SourceArn"
      values   = local.source_condition.values
    }
  }

  statement {
    sid       = "AWSCloudTrailWrite20150319"
    actions   = ["s3:PutObject"]
    resources = local.write_resources

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
    condition {
      test     = local.source_condition.operator
      variable = "aws:SourceArn"
      values   = local.source_condition.values
    }
  }

  # An organization trail writes the members' files under the organization's id.
  dynamic "statement" {
    for_each = var.organization_id != "" ? [var.organization_id] : []

    content {
      sid       = "AWSCloudTrailOrganizationWrite20150319"
      actions   = ["s3:PutObject"]
      resources = [for folder in local.folders : "${local.bucket_arn}/${folder}/${statement.value}/*"]

      principals {
        type        = "Service"
        identifiers = ["cloudtrail.amazonaws.com"]
      }
      condition {
        test     = "StringEquals"
        variable = "s3:x-amz-acl"
        values   = ["bucket-owner-full-control"]
      }
      condition {
        test     = local.source_condition.operator
        variable = "aws:SourceArn"
        values   = local.source_condition.values
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.bucket
  policy = data.aws_iam_policy_document.bucket.json

  # S3 refuses two changes of one bucket's access at the same time.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  count  = local.object_lock ? 1 : 0
  bucket = aws_s3_bucket.this.bucket

  rule {
    default_retention {
      mode = var.object_lock_mode
      days = var.object_lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count  = local.lifecycle ? 1 : 0
  bucket = aws_s3_bucket.this.bucket

  rule {
    id     = "cloudtrail-logs"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    dynamic "transition" {
      for_each = var.transition_days > 0 ? [var.transition_days] : []
      content {
        days          = transition.value
        storage_class = "GLACIER_IR"
      }
    }
    dynamic "expiration" {
      for_each = var.expiration_days > 0 ? [var.expiration_days] : []
      content {
        days = expiration.value
      }
    }
    dynamic "noncurrent_version_expiration" {
      for_each = var.expiration_days > 0 ? [var.expiration_days] : []
      content {
        noncurrent_days = noncurrent_version_expiration.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  count         = var.access_log_bucket != "" ? 1 : 0
  bucket        = aws_s3_bucket.this.bucket
  target_bucket = var.access_log_bucket
  target_prefix = "${var.s3_bucket_name}/"
}
