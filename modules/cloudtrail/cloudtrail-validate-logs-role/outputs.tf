# The role waits for its policy: who assumes it before can read nothing.
output "role_arn" {
  description = "ARN of the role to assume, once it may read the log files."
  value       = aws_iam_role.this.arn
  depends_on  = [aws_iam_role_policy.this]
}
