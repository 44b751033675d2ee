data "aws_partition" "current" {}
data "aws_caller_identity" "current" {}

locals {
  log_group_name = var.log_group_name != "" ? var.log_group_name : "${var.trail_name}-cloudtrail-log-group"

  # IAM allows 64 characters, a trail's name has up to 128: a long name keeps
  # its beginning and gets a hash, so that two long names still differ.
  derived_role_name = length(var.trail_name) <= 48 ? "${var.trail_name}-cloudwatch-logs" : "${substr(var.trail_name, 0, 39)}-${substr(sha256(var.trail_name), 0, 8)}-cloudwatch-logs"
  role_name         = var.role_name != "" ? var.role_name : local.derived_role_name

  account_id = data.aws_caller_identity.current.account_id

  # Since version 3 of the provider, a log group's arn has no ":*" at its end.
  log_group_arn = trimsuffix(aws_cloudwatch_log_group.this.arn, ":*")

  # A multi-region trail writes ACCOUNT_CloudTrail_REGION streams of all
  # regions into the one group of its home region.
  log_streams = "${local.log_group_arn}:log-stream:${local.account_id}_CloudTrail_*"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
  retention_in_days = var.retention_in_days
  kms_key_id        = var.kms_key_arn != "" ? var.kms_key_arn : null
  tags              = merge(var.tags, { "cairn:module" = "cloudtrail-cloudwatch" })
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["cloudtrail.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = local.role_name
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary != "" ? var.permissions_boundary : null
  tags                 = merge(var.tags, { "cairn:module" = "cloudtrail-cloudwatch" })
}

data "aws_iam_policy_document" "write" {
  statement {
    sid       = "AWSCloudTrailCreateLogStream20141101"
    actions   = ["logs:CreateLogStream"]
    resources = [local.log_streams]
  }

  statement {
    sid       = "AWSCloudTrailPutLogEvents20141101"
    actions   = ["logs:PutLogEvents"]
    resources = [local.log_streams]
  }
}

resource "aws_iam_role_policy" "this" {
  name   = "cloudtrail-cloudwatch-logs"
  role   = aws_iam_role.this.name
  policy = data.aws_iam_policy_document.write.json
}
