# The role waits for its policy: a trail made between the two is refused with
# InvalidCloudWatchLogsLogGroupArnException "Access denied."
output "cloud_watch_logs_role_arn" {
  description = "ARN of the role CloudTrail assumes to write to the log group."
  value       = aws_iam_role.this.arn
  depends_on  = [aws_iam_role_policy.this]
}

output "cloud_watch_logs_group_arn" {
  description = "ARN of the log group, ending in \":*\" as CloudTrail asks for."
  value       = "${local.log_group_arn}:*"
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "role_name" {
  description = "Name of the role."
  value       = aws_iam_role.this.name
}
