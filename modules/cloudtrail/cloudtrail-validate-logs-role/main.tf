locals {
  log_files = var.s3_bucket_key_prefix != "" ? "${var.s3_bucket_arn}/${var.s3_bucket_key_prefix}/*" : "${var.s3_bucket_arn}/*"
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = [var.assume_role_arn]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.role_name
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary != "" ? var.permissions_boundary : null
  tags                 = merge(var.tags, { "cairn:module" = "cloudtrail-validate-logs-role" })
}

# What `aws cloudtrail validate-logs` asks for, and nothing that changes
# anything.
data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadTrailsAndKeys"
    actions   = ["cloudtrail:DescribeTrails", "cloudtrail:ListPublicKeys"]
    resources = ["*"]
  }

  statement {
    sid       = "ListLogFiles"
    actions   = ["s3:GetBucketLocation", "s3:ListBucket"]
    resources = [var.s3_bucket_arn]
  }

  statement {
    sid       = "ReadLogFiles"
    actions   = ["s3:GetObject"]
    resources = [local.log_files]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn != "" ? [var.kms_key_arn] : []

    content {
      sid       = "DecryptLogFiles"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "cloudtrail-validate-logs"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.read.json
}
