terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

variable "account_id" {
  description = "The id of the account whose calls are recorded."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account id has 12 digits."
  }
}

variable "region" {
  description = "The home region of the trail."
  type        = string
  default     = "eu-west-1"
}

module "cloudtrail-bucket" {
  source         = "../../modules/cloudtrail/cloudtrail-bucket"
  s3_bucket_name = "digitalmarketplaces-account-cloudtrail-bucket" // Can be any name
}

module "cloudtrail-cloudwatch" {
  source            = "../../modules/cloudtrail/cloudtrail-cloudwatch"
  trail_name        = "digitalmarketplaces-account-cloudtrail" // Can be any name
  retention_in_days = 731 // How long to make logs accessible in CloudWatch for
}

module "cloudtrail" {
  source                     = "../../modules/cloudtrail/cloudtrail"
  trail_name                 = "digitalmarketplaces-account-cloudtrail" // Can be any name
  s3_bucket_name             = "${module.cloudtrail-bucket.s3_bucket_name}"
  s3_bucket_key_prefix       = "${var.account_id}"
  cloud_watch_logs_role_arn  = "${module.cloudtrail-cloudwatch.cloud_watch_logs_role_arn}"
  cloud_watch_logs_group_arn = "${module.cloudtrail-cloudwatch.cloud_watch_logs_group_arn}"
}

output "trail_arn" {
  value = module.cloudtrail.trail_arn
}

output "s3_bucket_name" {
  value = module.cloudtrail-bucket.s3_bucket_name
}

output "log_group_name" {
  value = module.cloudtrail-cloudwatch.log_group_name
}
