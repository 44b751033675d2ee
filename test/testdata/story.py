"""Goes through the engine's services with boto3; any surprise is an exception."""

import gzip
import json
import time

import boto3
from botocore.exceptions import ClientError

ACCOUNT = "111122223333"
BUCKET, GROUP, TRAIL, ROLE = "story-bucket", "story-group", "story-trail", "story-role"


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        assert e.response["ResponseMetadata"]["RequestId"], "no request id"
        return e
    raise AssertionError(f"{call} was not refused with {code}")


s3, iam, logs = boto3.client("s3"), boto3.client("iam"), boto3.client("logs")
sts, ec2, trails = boto3.client("sts"), boto3.client("ec2"), boto3.client("cloudtrail")

# A bucket nobody opened to CloudTrail is refused, with AWS's words.
s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
e = refused("InsufficientS3BucketPolicyException", trails.create_trail, Name=TRAIL, S3BucketName=BUCKET)
assert f"Incorrect S3 bucket policy is detected for bucket: {BUCKET}" in str(e), e
refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=BUCKET)

service = {"Service": "cloudtrail.amazonaws.com"}
s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{BUCKET}"},
    {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject",
     "Resource": f"arn:aws:s3:::{BUCKET}/AWSLogs/{ACCOUNT}/*",
     "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}}]}))

# A role and a log group.
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
assert iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"] == trust
logs.create_log_group(logGroupName=GROUP)
logs.put_retention_policy(logGroupName=GROUP, retentionInDays=731)
refused("InvalidParameterException", logs.put_retention_policy, logGroupName=GROUP, retentionInDays=730)
group = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]
assert group["retentionInDays"] == 731 and group["arn"].endswith(":*"), group
refused("InvalidCloudWatchLogsLogGroupArnException", trails.create_trail, Name=TRAIL, S3BucketName=BUCKET,
        CloudWatchLogsLogGroupArn=group["arn"], CloudWatchLogsRoleArn=role["Arn"])
iam.put_role_policy(RoleName=ROLE, PolicyName="write", PolicyDocument=json.dumps({
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                            "Resource": group["arn"].removesuffix("*") + "log-stream:*"}]}))

# The trail.
trail = trails.create_trail(Name=TRAIL, S3BucketName=BUCKET, IsMultiRegionTrail=True,
                            CloudWatchLogsLogGroupArn=group["arn"], CloudWatchLogsRoleArn=role["Arn"])
refused("TrailAlreadyExistsException", trails.create_trail, Name=TRAIL, S3BucketName=BUCKET)
refused("TrailNotFoundException", trails.get_trail, Name="nobody")
assert not trails.get_trail_status(Name=TRAIL)["IsLogging"]
trails.start_logging(Name=trail["TrailARN"])
assert [t["Name"] for t in trails.describe_trails()["trailList"]] == [TRAIL]

# A user who may do one thing only, and a session of theirs.
user = iam.create_user(UserName="ann")["User"]
key = iam.create_access_key(UserName="ann")["AccessKey"]
iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=json.dumps({
    "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}}))
ann = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])
assert ann.client("sts").get_caller_identity()["Arn"] == user["Arn"]
ann.client("ec2").describe_instances()
refused("UnauthorizedOperation", ann.client("ec2").run_instances, ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1)
refused("AccessDenied", ann.client("s3").list_objects_v2, Bucket=BUCKET)
refused("AccessDenied", ann.client("sts").assume_role, RoleArn=role["Arn"], RoleSessionName="xx")

reader = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps({
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": {"AWS": user["Arn"]}, "Action": "sts:AssumeRole"}}))["Role"]
iam.attach_role_policy(RoleName="reader", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
c = ann.client("sts").assume_role(RoleArn=reader["Arn"], RoleSessionName="look")["Credentials"]
look = boto3.Session(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])
assert look.client("sts").get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/look"
look.client("s3").list_objects_v2(Bucket=BUCKET)
refused("AccessDenied", look.client("s3").put_object, Bucket=BUCKET, Key="k", Body=b"b")

bad = boto3.Session(key["AccessKeyId"], "not the secret")
refused("SignatureDoesNotMatch", bad.client("sts").get_caller_identity)
refused("SignatureDoesNotMatch", bad.client("s3").list_buckets)
unknown = boto3.Session("AKIAIOSFODNN7EXAMPLE", "x")
refused("InvalidClientTokenId", unknown.client("sts").get_caller_identity)
refused("InvalidAccessKeyId", unknown.client("s3").list_buckets)
refused("UnrecognizedClientException", unknown.client("logs").describe_log_groups)

instance = ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=1, MaxCount=1)["Instances"][0]
ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

# Everything above is in the bucket and in the log group, once.
wanted = {("RunInstances", "Client.UnauthorizedOperation", "IAMUser"), ("RunInstances", None, "Root"),
          ("TerminateInstances", None, "Root"), ("AssumeRole", "AccessDenied", "IAMUser"),
          ("AssumeRole", None, "IAMUser"), ("CreateAccessKey", None, "Root")}


def in_bucket():
    records = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for o in page.get("Contents", []):
            body = s3.get_object(Bucket=BUCKET, Key=o["Key"])["Body"].read()
            records += json.loads(gzip.decompress(body))["Records"]
    return records


def in_group():
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, filterPattern="")
    return [json.loads(e["message"]) for page in pages for e in page["events"]]


for read in in_bucket, in_group:
    for _ in range(60):
        records = read()
        seen = {(r["eventName"], r.get("errorCode"), r["userIdentity"].get("type")) for r in records}
        if wanted <= seen:
            break
        time.sleep(0.5)
    assert wanted <= seen, wanted - seen
    ids = [r["eventID"] for r in records]
    assert len(ids) == len(set(ids)), "a record came twice"
    text = json.dumps(records)
    assert key["SecretAccessKey"] not in text and c["SecretAccessKey"] not in text, "a secret was recorded"

assert len(trails.lookup_events(MaxResults=1)["Events"]) == 1
assert iam.list_mfa_devices()["MFADevices"] == []
assert iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
status = trails.get_trail_status(Name=TRAIL)
assert status["IsLogging"] and "LatestDeliveryError" not in status, status
trails.stop_logging(Name=TRAIL)
assert not trails.get_trail_status(Name=TRAIL)["IsLogging"]
trails.delete_trail(Name=TRAIL)
print("all steps done")
