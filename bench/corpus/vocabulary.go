package corpus

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// operation is a call that records are of.
type operation struct {
	source, name string
	readOnly     bool
	data         bool // a data event
	weight       float64
}

// frequent are the operations most records are of, with weights so that their
// shares fall as those of genuine records do, to the power of 0.7 (readers 4).
var frequent = []operation{
	{"s3", "PutObject", false, true, 840},
	{"s3", "GetBucketAcl", true, false, 306},
	{"kms", "GenerateDataKey", true, false, 244},
	{"s3", "GetObject", true, true, 141},
	{"kms", "Decrypt", true, false, 104},
	{"s3", "HeadBucket", true, true, 57},
	{"ec2", "DescribeRouteTables", true, false, 38},
	{"sts", "AssumeRole", false, false, 38},
	{"ec2", "DescribeInstances", true, false, 30},
	{"s3", "ListObjects", true, true, 26},
	{"sts", "GetCallerIdentity", true, false, 24},
	{"logs", "CreateLogStream", false, false, 22},
	{"iam", "GetRole", true, false, 20},
	{"signin", "ConsoleLogin", false, false, 8},
}

// rare are what the other records are of: verbs of things of services.
var (
	services = []string{"ec2", "iam", "lambda", "rds", "ecs", "eks", "dynamodb", "sqs", "sns", "cloudformation", "cloudtrail", "config", "ssm", "secretsmanager", "autoscaling", "elasticloadbalancing", "redshift", "glue", "athena", "organizations"}
	things   = []string{"Instance", "Volume", "Snapshot", "SecurityGroup", "Function", "Cluster", "Service", "Table", "Queue", "Topic", "Stack", "Trail", "Rule", "Parameter", "Secret", "Policy", "Role", "User", "AccessKey", "LoadBalancer", "TargetGroup", "Subnet"}
	verbs    = []string{"Describe", "Get", "List", "Create", "Delete", "Update", "Put", "Modify"}
)

const rareOperations = 810

// operations returns all operations with rising weight sums.
func operations() (list []operation, total float64) {
	list = append(list, frequent...)
	r := rand.New(rand.NewPCG(3, 3)) //nolint:gosec // it has to be repeatable
	seen := map[string]bool{}
	for i := 0; len(seen) < rareOperations; i++ {
		verb := verbs[r.IntN(len(verbs))]
		name := verb + things[r.IntN(len(things))]
		if r.IntN(2) == 0 {
			name += []string{"s", "Status", "Attributes", "Configuration", "Permissions", "Tags"}[r.IntN(6)]
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		list = append(list, operation{
			source: services[r.IntN(len(services))], name: name,
			readOnly: verb == "Describe" || verb == "Get" || verb == "List",
			weight:   600 / float64(len(seen)+20),
		})
	}
	for i := range list {
		total += list[i].weight
		list[i].weight = total
	}
	return list, total
}

// agents are user agents from short to long.
func agents() (list []string) {
	for i := range 60 {
		switch i % 5 {
		case 0:
			list = append(list, fmt.Sprintf("aws-sdk-go-v2/1.%d.0 os/linux lang/go#1.2%d.1 md/GOOS#linux md/GOARCH#amd64 api/s3#1.%d.2", 20+i, i%6, 40+i))
		case 1:
			list = append(list, fmt.Sprintf("[aws-cli/2.%d.%d Python/3.11.%d Linux/5.10.%d-generic exe/x86_64 prompt/off]", i%30, i%7, i%9, 100+i))
		case 2:
			list = append(list, fmt.Sprintf("Boto3/1.%d.%d md/Botocore#1.%d.%d ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.1%d Botocore/1.%d.%d", 20+i, i, 20+i, i, i%4, 20+i, i))
		case 3:
			list = append(list, []string{"cloudtrail.amazonaws.com", "config.amazonaws.com", "AWS Internal", "console.amazonaws.com"}[i/5%4])
		default:
			list = append(list, fmt.Sprintf("APN/1.0 HashiCorp/1.0 Terraform/1.%d.%d (+https://www.terraform.io) terraform-provider-aws/5.%d.0 aws-sdk-go/1.%d.%d (go1.2%d; linux; amd64) %s", i%9, i%5, i, 40+i, i, i%6, strings.Repeat("exec-env/AWS_ECS_FARGATE ", i%3)))
		}
	}
	return list
}

// regions of a multi-region trail, the busiest first.
var regions = []string{"us-east-1", "eu-west-1", "us-west-2", "eu-central-1", "us-east-2", "ap-southeast-2", "ap-south-1", "eu-north-1", "ca-central-1", "sa-east-1"}

// accounts of an organization, the busiest first.
var accounts = []string{"111122223333", "444455556666", "123456789012", "210987654321", "555566667777", "777788889999", "999900001111", "314159265358"}

// failures are error codes and their messages.
var failures = [][2]string{
	{"AccessDenied", "User: %s is not authorized to perform: %s:%s on resource: arn:aws:iam::%s:role/deploy because no identity-based policy allows the %[2]s:%[3]s action"},
	{"Client.UnauthorizedOperation", "You are not authorized to perform this operation. User: %s is not authorized to perform: %s:%s because no identity-based policy of account %s allows it"},
	{"NoSuchEntityException", "What %s asked of %s with %s cannot be found in %s."},
	{"ThrottlingException", "Rate exceeded"},
}
