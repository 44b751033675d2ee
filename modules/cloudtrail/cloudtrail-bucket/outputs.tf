# The outputs wait for the policy: a trail made between bucket and policy is
# refused with InsufficientS3BucketPolicyException.
output "s3_bucket_name" {
  description = "Name of the bucket, once a trail may write to it."
  value       = aws_s3_bucket.this.bucket
  depends_on  = [aws_s3_bucket_policy.this, aws_s3_bucket_public_access_block.this]
}

output "s3_bucket_arn" {
  description = "ARN of the bucket, once a trail may write to it."
  value       = aws_s3_bucket.this.arn
  depends_on  = [aws_s3_bucket_policy.this, aws_s3_bucket_public_access_block.this]
}
