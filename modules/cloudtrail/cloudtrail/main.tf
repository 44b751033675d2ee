locals {
  bucket    = var.s3_bucket_name != "" ? var.s3_bucket_name : var.bucket_name
  group_arn = var.cloud_watch_logs_group_arn == "" ? null : "${trimsuffix(var.cloud_watch_logs_group_arn, ":*")}:*"

  # AWS does not tell the default selector from none at all, and the provider
  # hides it when reading: written out, it would show as a change for ever.
  default_selector = jsonencode([{
    data_resources                   = []
    exclude_management_event_sources = []
    include_management_events        = true
    read_write_type                  = "All"
  }])
  event_selectors = jsonencode(var.event_selectors) == local.default_selector ? [] : var.event_selectors
}

resource "aws_cloudtrail" "this" {
  name                          = var.trail_name
  s3_bucket_name                = local.bucket
  s3_key_prefix                 = var.s3_bucket_key_prefix != "" ? var.s3_bucket_key_prefix : null
  cloud_watch_logs_group_arn    = local.group_arn
  cloud_watch_logs_role_arn     = var.cloud_watch_logs_role_arn != "" ? var.cloud_watch_logs_role_arn : null
  is_multi_region_trail         = var.is_multi_region_trail
  include_global_service_events = var.include_global_service_events
  enable_log_file_validation    = var.enable_log_file_validation
  enable_logging                = var.enable_logging
  is_organization_trail         = var.is_organization_trail
  kms_key_id                    = var.kms_key_arn != "" ? var.kms_key_arn : null
  sns_topic_name                = var.sns_topic_name != "" ? var.sns_topic_name : null
  tags                          = merge(var.tags, { "cairn:module" = "cloudtrail" })

  dynamic "event_selector" {
    for_each = local.event_selectors
    content {
      read_write_type                  = event_selector.value.read_write_type
      include_management_events        = event_selector.value.include_management_events
      exclude_management_event_sources = event_selector.value.exclude_management_event_sources

      dynamic "data_resource" {
        for_each = event_selector.value.data_resources
        content {
          type   = data_resource.value.type
          values = data_resource.value.values
        }
      }
    }
  }

  dynamic "advanced_event_selector" {
    for_each = var.advanced_event_selectors
    content {
      name = advanced_event_selector.value.name != "" ? advanced_event_selector.value.name : null

      dynamic "field_selector" {
        for_each = advanced_event_selector.value.field_selectors
        content {
          field           = field_selector.value.field
          equals          = length(field_selector.value.equals) > 0 ? field_selector.value.equals : null
          not_equals      = length(field_selector.value.not_equals) > 0 ? field_selector.value.not_equals : null
          starts_with     = length(field_selector.value.starts_with) > 0 ? field_selector.value.starts_with : null
          not_starts_with = length(field_selector.value.not_starts_with) > 0 ? field_selector.value.not_starts_with : null
          ends_with       = length(field_selector.value.ends_with) > 0 ? field_selector.value.ends_with : null
          not_ends_with   = length(field_selector.value.not_ends_with) > 0 ? field_selector.value.not_ends_with : null
        }
      }
    }
  }

  dynamic "insight_selector" {
    for_each = var.insight_types
    content {
      insight_type = insight_selector.value
    }
  }

  lifecycle {
    precondition {
      condition     = var.bucket_name == "" || var.s3_bucket_name == ""
      error_message = "bucket_name and s3_bucket_name mean the same: give one of them"
    }
    precondition {
      condition     = var.bucket_name != "" || var.s3_bucket_name != ""
      error_message = "the bucket is missing: give s3_bucket_name or bucket_name"
    }
    precondition {
      condition     = (var.cloud_watch_logs_role_arn != "") == (var.cloud_watch_logs_group_arn != "")
      error_message = "${var.cloud_watch_logs_role_arn == "" ? "cloud_watch_logs_role_arn" : "cloud_watch_logs_group_arn"} is missing: it goes together with ${var.cloud_watch_logs_role_arn == "" ? "cloud_watch_logs_group_arn" : "cloud_watch_logs_role_arn"}"
    }
    precondition {
      condition     = !var.is_multi_region_trail || var.include_global_service_events
      error_message = "a multi-region trail must include global service events"
    }
    precondition {
      condition     = length(var.event_selectors) == 0 || length(var.advanced_event_selectors) == 0
      error_message = "give event_selectors or advanced_event_selectors, not both"
    }
  }
}
