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

module "cloudtrail" {
  source               = "../../modules/cloudtrail/cloudtrail"
  trail_name           = "digitalmarketplace-gds-audit-cloudtrail" // Can be any name
  bucket_name          = "gds-audit-cloudtrails" // The bucket being used
  s3_bucket_key_prefix = "${var.account_id}" // The id of the account exporting its log files
}

output "trail_arn" {
  value = module.cloudtrail.trail_arn
}
