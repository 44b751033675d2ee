// Package setup sets up CloudTrail trails on an AWS account (or on a cairn
// engine) from the same HCL files that Terraform reads: files that use the
// modules cloudtrail-bucket, cloudtrail-cloudwatch and cloudtrail.
//
// The steps are apart: Read finds out what the files describe, Connect whose
// account the credentials name, Plan what is there and what differs, and Apply
// changes it. Everything but Apply only reads.
//
// # The account is the state
//
// There is no state file. A resource belongs to a folder if it has the name
// the folder's files give it: a plan finds it by that name, whoever made it,
// and destroy removes it. So a trail set up with Terraform shows no changes
// here and the other way around, nothing can get out of step, and nothing has
// to be stored or locked. The price: what the files no longer describe is not
// found any more and stays as it is; that includes a bucket's versioning,
// lifecycle, access log and object lock settings when their inputs are taken
// away. Remove such things by hand, or destroy before changing a name.
//
// # Files
//
// A folder's *.tf files are read together, and terraform.tfvars and
// *.auto.tfvars beside them. Supported are variable (type, default,
// validation, sensitive, nullable), locals, provider "aws" (region, profile,
// default_tags, allowed_account_ids, forbidden_account_ids,
// s3_use_path_style), module and output blocks, references to var, local and
// module, and Terraform's functions on texts, numbers and collections. The
// terraform block is accepted and not looked at: it says which Terraform to
// use and where it keeps its state, and cairn is not Terraform and keeps
// none. A module's source is a folder whose last element names one of the
// three modules; the folder itself is not read, its contents are part of
// this package. Everything else is refused by file, line and column.
package setup
