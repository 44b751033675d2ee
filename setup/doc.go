// Package setup sets up CloudTrail trails on an AWS account (or on a cairn
// engine) from the same HCL files that Terraform reads: files that use the
// modules cloudtrail-bucket, cloudtrail-cloudwatch, cloudtrail and
// cloudtrail-validate-logs-role. Or from Go values that say the same.
//
// The steps are apart: Read finds out what the files describe (or Describe
// what Go values do), Connect whose account the credentials name, Plan what is
// there and what differs, and Apply changes it. Everything but Apply only
// reads. Packages setup/check/look and setup/check judge what is there.
//
// # Go values
//
// Describe takes the modules as structs whose fields are their inputs. One
// module's output becomes another's input by its Outputs method, and makes the
// other wait for everything the first makes, policies included:
//
//	bucket := &setup.Bucket{S3BucketName: "audit-logs"}
//	trail := &setup.Trail{TrailName: "audit", S3BucketName: bucket.Outputs().S3BucketName}
//	files, err := setup.Describe(setup.Description{Modules: []setup.Module{bucket, trail}})
//
// Everything from there on is the same for both. A module's Label is the name
// its block has in HCL: with equal ones, plans are equal byte for byte, up to
// the order of what does not depend on each other.
//
// # The account is the state
//
// There is no state file. A plan finds a resource by the name the folder's
// files give it, and compares. So a trail set up with Terraform shows no
// changes here and the other way around, nothing can get out of step, and
// nothing has to be stored or locked. The price: what the files no longer name
// is not found any more and stays as it is. Remove such things by hand, or
// destroy before changing a name.
//
// # Whose a resource is
//
// A name alone does not say that a resource may be changed. The modules put
// the tag cairn:module = MODULE on every resource that can have tags, in their
// HCL form as well as in the Go one: Terraform's plans and these agree on it,
// and what either made belongs to the modules for both. Settings of a bucket
// and policies of a role cannot have tags and belong with their bucket or
// role. Anything else that is found under a name from the files is refused by
// Plan, and left alone by PlanDestroy, unless Source.Adopt takes it over;
// that sets the tag, and the other tags as the files have them.
//
// Every resource is created with its tags in one call, so that there is no
// moment in which it is not known whose it is. On AWS this takes the
// permission s3:TagResource beside s3:CreateBucket.
//
// # Interruption
//
// Every step is made so that a process killed before, during or after it
// leaves an account from which planning and applying again arrives at what
// the files describe; likewise for destroying. A test kills both at every
// single request.
//
// # Files
//
// A folder's *.tf files are read together, and terraform.tfvars and
// *.auto.tfvars beside them. Supported are variable (type, default,
// validation, sensitive, nullable), locals, provider "aws" (alias, region,
// profile, assume_role, default_tags, allowed_account_ids,
// forbidden_account_ids, s3_use_path_style), module and output blocks,
// references to var, local and module, and Terraform's functions on texts,
// numbers and collections. The terraform block is accepted and not looked at:
// it says which Terraform to use and where it keeps its state, and cairn is
// not Terraform and keeps none. A module's source is a folder whose last
// element names one of the modules; the folder itself is not read, its
// contents are part of this package. Everything else is refused by file, line
// and column.
//
// A module block with providers = { aws = aws.ALIAS } is set up with that
// provider block's credentials, role and region: so one folder sets up
// several accounts. Modules may refer to each other across accounts.
package setup
