package show

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// whoPaths are the fields that tell who made a call.
var whoPaths = []string{
	"userIdentity.type", "userIdentity.arn", "userIdentity.userName", "userIdentity.principalId", "userIdentity.accountId",
	"userIdentity.invokedBy", "recipientAccountId",
}

// who names the caller as briefly as it can: ann, root, role/session,
// ec2.amazonaws.com. Callers from other accounts are named with theirs.
func who(f [][]byte) string {
	var v [7]string
	for i := range v {
		v[i] = Plainly(f[i])
	}
	kind, arn, user, principal, account, invokedBy, recipient := v[0], v[1], v[2], v[3], v[4], v[5], v[6]
	var name string
	_, path, _ := strings.Cut(afterColons(arn, 5), "/")
	switch {
	case kind == "Root":
		name = "root"
	case kind == "AWSService" || kind == "" && invokedBy != "":
		return invokedBy
	case kind == "AssumedRole" && path != "":
		name = path
	case user != "":
		name = user
	case path != "":
		name = path
	case kind == "AWSAccount" && principal == "":
		return account // a whole account, or anonymous
	case principal != "":
		name = principal
	default:
		name = kind
	}
	if account != "" && recipient != "" && account != recipient {
		name += "@" + account
	}
	return name
}

// afterColons returns what follows the nth colon.
func afterColons(s string, n int) string {
	for range n {
		_, rest, ok := strings.Cut(s, ":")
		if !ok {
			return ""
		}
		s = rest
	}
	return s
}

// what names service and operation: ec2:RunInstances, as policies do.
func what(f [][]byte) string {
	source, _ := strings.CutSuffix(Plainly(f[0]), ".amazonaws.com")
	if source == "" {
		return Plainly(f[1])
	}
	return source + ":" + Plainly(f[1])
}

// result tells how the call ended. Sign-in says its result in the response.
func result(f [][]byte) string {
	switch {
	case Plainly(f[0]) != "":
		return Plainly(f[0])
	case Plainly(f[1]) != "":
		return "failed"
	case bytes.Contains(f[2], []byte(`"Failure"`)):
		return "Failure"
	}
	return "ok"
}

// onPaths are the fields that tell what a call was about.
var onPaths = []string{"resources", "requestParameters", "responseElements", "recipientAccountId"}

// on names what a call was about: the first of the resources that the record
// lists, or what the request names.
func on(f [][]byte) string {
	var resources []struct{ ARN, ARNPrefix string }
	if len(f[0]) > 0 && json.Unmarshal(f[0], &resources) == nil && len(resources) > 0 {
		if name := resources[0].ARN + resources[0].ARNPrefix; name != "" {
			return short(name, Plainly(f[3]))
		}
	}
	if s := instances(f[2]); s != "" {
		return s // what was created tells more than what it was created from
	}
	if s := named(f[1]); s != "" {
		return short(s, Plainly(f[3]))
	}
	return short(named(f[2]), Plainly(f[3]))
}

// short leaves out of an ARN what says nothing: the partition and, if it is the
// record's own, the account.
func short(name, account string) string {
	parts := strings.SplitN(name, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[4] != "" && parts[4] != account {
		return name
	}
	if parts[2] == "s3" {
		return parts[5]
	}
	return parts[2] + ":" + parts[5]
}

// telling are members of requests that name what a call is about, the most
// telling first.
var telling = []string{
	"instanceId", "functionName", "roleName", "userName", "groupName", "policyArn", "policyName", "roleArn", "trailName", "keyId", "secretId",
	"tableName", "dBInstanceIdentifier", "logGroupName", "queueUrl", "topicArn", "stackName", "clusterName", "repositoryName", "resourceArn",
	"resourceId", "arn", "name", "id", "imageId",
}

// named finds in a request or response the name of what it is about.
func named(raw []byte) string {
	if len(raw) == 0 || raw[0] != '{' {
		return ""
	}
	var m map[string]json.RawMessage
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	if bucket := Plainly(m["bucketName"]); bucket != "" {
		if key := Plainly(m["key"]); key != "" {
			return bucket + "/" + key
		}
		return bucket
	}
	if s := instances(raw); s != "" {
		return s
	}
	for _, key := range telling {
		if s := stringOf(m[key]); s != "" {
			return s
		}
	}
	var keys []string
	for key := range m {
		low := strings.ToLower(key)
		if strings.HasSuffix(low, "name") || strings.HasSuffix(low, "arn") || strings.HasSuffix(low, "id") || strings.HasSuffix(low, "identifier") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // the same for every record of a kind
	for _, key := range keys {
		if s := stringOf(m[key]); s != "" {
			return s
		}
	}
	return ""
}

// stringOf returns a value that is a string.
func stringOf(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	return Plainly(raw)
}

// instances lists the instances of an EC2 request or response.
func instances(raw []byte) string {
	var m struct {
		Set struct {
			Items []struct {
				ID string `json:"instanceId"`
			} `json:"items"`
		} `json:"instancesSet"`
	}
	if !bytes.Contains(raw, []byte(`"instanceId"`)) || json.Unmarshal(raw, &m) != nil {
		return ""
	}
	var ids []string
	for _, item := range m.Set.Items {
		if item.ID != "" {
			ids = append(ids, item.ID)
		}
	}
	return strings.Join(ids, " ")
}
