package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cairn/internal/logquery"
)

// alarmed is what one recommendation of CIS section "Monitoring" wants to be
// told of. Each is asked for by sample records, which some metric filter with
// an alarm has to match (spec 6.5).
type alarmed struct {
	// number is the N in 4.N (v1.4 to v5) and 5.N (v6).
	number   int
	id, what string
	// hub is the Security Hub control, empty if there is none.
	hub     string
	prowler string
	samples []probe
}

// probe is one sample record.
type probe struct {
	name    string
	members map[string]any
}

const (
	filterFamily = "cloudwatch_log_metric_filter_*"
	changeFamily = "cloudwatch_changes_to_*"
)

// calls are sample records of successful calls.
func calls(source string, names ...string) []probe {
	var list []probe
	for _, name := range names {
		list = append(list, probe{name, map[string]any{"eventSource": source, "eventName": name}})
	}
	return list
}

// with is one sample record with more members.
func with(name, source, event string, members map[string]any) probe {
	members["eventSource"], members["eventName"] = source, event
	return probe{name, members}
}

func alarms() []alarmed {
	const signin, ec2 = "signin.amazonaws.com", "ec2.amazonaws.com"
	login := map[string]any{"ConsoleLogin": "Success"}
	return []alarmed{
		{1, "alarm-unauthorized-calls", "unauthorized calls", "CloudWatch.2", filterFamily, []probe{
			with("AccessDenied", "s3.amazonaws.com", "GetObject", map[string]any{"errorCode": "AccessDenied"}),
			with("Client.UnauthorizedOperation", ec2, "RunInstances", map[string]any{"errorCode": "Client.UnauthorizedOperation"}),
		}},
		{2, "alarm-sign-in-without-mfa", "console sign-in without a second factor", "CloudWatch.3", filterFamily, []probe{
			with("ConsoleLogin without MFA", signin, "ConsoleLogin", map[string]any{"additionalEventData": map[string]any{"MFAUsed": "No"}, "responseElements": login}),
		}},
		{3, "alarm-root", "use of the root user", "CloudWatch.1", filterFamily, []probe{
			with("a call by root", ec2, "RunInstances", map[string]any{"userIdentity": map[string]any{"type": "Root"}}),
		}},
		{4, "alarm-iam-policies", "changes of IAM policies", "CloudWatch.4", filterFamily, calls("iam.amazonaws.com",
			"DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy", "CreatePolicy", "DeletePolicy",
			"CreatePolicyVersion", "DeletePolicyVersion", "AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy")},
		{5, "alarm-cloudtrail", "changes of CloudTrail", "CloudWatch.5", filterFamily, calls("cloudtrail.amazonaws.com",
			"CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging")},
		{6, "alarm-sign-in-failures", "failed console sign-ins", "CloudWatch.6", filterFamily, []probe{
			with("a failed ConsoleLogin", signin, "ConsoleLogin", map[string]any{"errorMessage": "Failed authentication"}),
		}},
		{7, "alarm-kms-keys", "disabled or deleted KMS keys", "CloudWatch.7", filterFamily, calls("kms.amazonaws.com", "DisableKey", "ScheduleKeyDeletion")},
		{8, "alarm-bucket-policies", "changes of bucket policies", "CloudWatch.8", filterFamily, calls("s3.amazonaws.com",
			"PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication",
			"DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication")},
		{9, "alarm-config", "changes of AWS Config", "CloudWatch.9", filterFamily, calls("config.amazonaws.com",
			"StopConfigurationRecorder", "DeleteDeliveryChannel", "PutDeliveryChannel", "PutConfigurationRecorder")},
		{10, "alarm-security-groups", "changes of security groups", "CloudWatch.10", filterFamily, calls(ec2,
			"AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress", "CreateSecurityGroup", "DeleteSecurityGroup")},
		{11, "alarm-network-acls", "changes of network ACLs", "CloudWatch.11", changeFamily, calls(ec2,
			"CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry", "ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation")},
		{12, "alarm-gateways", "changes of network gateways", "CloudWatch.12", changeFamily, calls(ec2,
			"CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway", "CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway")},
		{13, "alarm-route-tables", "changes of route tables", "CloudWatch.13", changeFamily, calls(ec2,
			"CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation", "DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable")},
		{14, "alarm-vpcs", "changes of VPCs", "CloudWatch.14", changeFamily, calls(ec2,
			"CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection", "DeleteVpcPeeringConnection",
			"RejectVpcPeeringConnection", "AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink", "EnableVpcClassicLink")},
		{15, "alarm-organizations", "changes of the organization", "", filterFamily, calls("organizations.amazonaws.com",
			"AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit", "CreatePolicy", "DeclineHandshake", "DeleteOrganization",
			"DeleteOrganizationalUnit", "DeletePolicy", "DetachPolicy", "DisablePolicyType", "EnablePolicyType", "InviteAccountToOrganization",
			"LeaveOrganization", "MoveAccount", "RemoveAccountFromOrganization", "UpdatePolicy", "UpdateOrganizationalUnit")},
	}
}

func alarmRules() []rule {
	var list []rule
	for _, a := range alarms() {
		number := fmt.Sprintf("4.%d", a.number)
		controls := cis(number, number, fmt.Sprintf("5.%d", a.number))
		if a.hub != "" {
			controls = append(controls, hub(a.hub)...)
		}
		list = append(list, rule{
			id: a.id, title: "an alarm tells of " + a.what, severity: Medium,
			controls: append(controls, prowler(a.prowler)...),
			judge:    onGroup(true, func(t *Trail) verdict { return a.judge(t) }),
		})
	}
	return list
}

// judge asks, for every sample, for a filter that matches it and an alarm on
// that filter's metric. A filter that matches what nobody wants to hear of
// does not count: an alarm that is always on tells nothing.
func (a *alarmed) judge(t *Trail) verdict {
	return seen(t.Group.Filters, func(filters []MetricFilter) verdict {
		var silent, noisy, unread []string
		var matching []*logquery.Pattern
		var names []string
		for _, f := range filters {
			p, err := logquery.Parse(f.Pattern)
			switch {
			case err != nil:
				unread = append(unread, fmt.Sprintf("%s (%v)", f.Name, err))
			case !slices.ContainsFunc(a.samples, func(s probe) bool { return p.Match(s.record()) }):
			case p.Match(harmless()):
				noisy = append(noisy, f.Name)
			case t.Group.Alarms.Not != nil:
				return notSeen(t.Group.Alarms.Not)
			case !t.Group.alarm(f):
				silent = append(silent, f.Name)
			default:
				matching, names = append(matching, p), append(names, f.Name)
			}
		}
		var missed []string
		for _, s := range a.samples {
			if !slices.ContainsFunc(matching, func(p *logquery.Pattern) bool { return p.Match(s.record()) }) {
				missed = append(missed, s.name)
			}
		}
		if len(missed) == 0 {
			return pass("metric filter %s, with an alarm that acts", strings.Join(names, ", "))
		}
		return a.missing(t, missed, silent, noisy, unread)
	})
}

func (a *alarmed) missing(t *Trail, missed, silent, noisy, unread []string) verdict {
	text := "no metric filter with an alarm matches " + few(missed)
	if len(missed) == len(a.samples) && len(silent)+len(noisy)+len(unread) == 0 {
		text = "no metric filter matches them"
	}
	for _, more := range []struct {
		names []string
		why   string
	}{
		{silent, "there is no alarm with an action on the metric of filter "},
		{noisy, "this one matches nearly every call, so that its alarm tells nothing: "},
		{unread, "this one's pattern cannot be understood: "},
	} {
		if len(more.names) > 0 {
			text += "; " + more.why + strings.Join(more.names, ", ")
		}
	}
	remedy := fmt.Sprintf("aws logs put-metric-filter --region %s --log-group-name %s with the pattern of CIS 4.%d, and aws cloudwatch put-metric-alarm on its metric, with an SNS topic to tell", t.Group.Region, t.Group.Name, a.number)
	return fail(remedy, "%s", text)
}

func few(names []string) string {
	const some = 4
	if len(names) > some {
		return fmt.Sprintf("%s and %d others", strings.Join(names[:some], ", "), len(names)-some)
	}
	return strings.Join(names, ", ")
}

// alarm reports whether an alarm that acts watches a filter's metric.
func (g *LogGroup) alarm(f MetricFilter) bool {
	return slices.ContainsFunc(g.Alarms.Seen, func(a Alarm) bool {
		return a.Acts && slices.ContainsFunc(a.Metrics, func(m Metric) bool { return slices.Contains(f.Metrics, m) })
	})
}

// record is the sample as a CloudTrail record.
func (p probe) record() []byte {
	all := map[string]any{
		"eventVersion": "1.11", "eventType": "AwsApiCall", "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.1", "userAgent": "aws-cli",
		"userIdentity": map[string]any{"type": "IAMUser", "userName": "somebody"}, "managementEvent": true, "eventCategory": "Management",
	}
	maps.Copy(all, p.members)
	text, err := json.Marshal(all)
	if err != nil { // strings and maps of strings always marshal
		panic(fmt.Sprintf("check: marshal sample: %v", err))
	}
	return text
}

// harmless is a record no alarm should be about.
func harmless() []byte {
	return with("", "ec2.amazonaws.com", "DescribeInstances", map[string]any{"readOnly": true}).record()
}
