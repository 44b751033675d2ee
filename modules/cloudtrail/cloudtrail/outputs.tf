output "trail_arn" {
  description = "ARN of the trail."
  value       = aws_cloudtrail.this.arn
}

output "trail_name" {
  description = "Name of the trail."
  value       = aws_cloudtrail.this.name
}

output "home_region" {
  description = "Region the trail was made in, where alone it can be changed."
  value       = aws_cloudtrail.this.home_region
}
