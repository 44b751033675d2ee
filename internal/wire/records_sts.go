package wire

// STSNames holds the one member of STS that does not begin with an upper-case
// letter.
var STSNames = map[string]string{"PolicyDescriptorType.Arn": "arn"}

// STSRecords spells STS's records (spec 2.5): times as "Jan 2, 2006, 3:04:05 PM",
// session tokens kept, no secret keys and none of the proofs a caller hands in.
var STSRecords = Spelling{
	Times: TimeSTS,
	Omit: map[string]bool{
		"AssumeRoleInput.TokenCode":                       true,
		"AssumeRoleWithSAMLInput.SAMLAssertion":           true,
		"AssumeRoleWithWebIdentityInput.WebIdentityToken": true,
		"Credentials.SecretAccessKey":                     true,
		"GetDelegatedAccessTokenInput.TradeInToken":       true,
		"GetSessionTokenInput.TokenCode":                  true,
		"GetWebIdentityTokenOutput.WebIdentityToken":      true,
	},
	Order: map[string][]string{
		"AssumeRoleInput": {
			"RoleArn", "RoleSessionName", "PolicyArns", "Policy", "DurationSeconds", "Tags", "TransitiveTagKeys",
			"ExternalId", "SerialNumber", "TokenCode", "SourceIdentity",
		},
		"AssumeRoleOutput":        {"Credentials"},
		"AssumeRoleWithSAMLInput": {"RoleArn", "PrincipalArn", "SAMLAssertion", "PolicyArns", "Policy"},
		"AssumeRoleWithSAMLOutput": {
			"Credentials", "AssumedRoleUser", "PackedPolicySize", "Subject", "SubjectType", "Issuer",
		},
		"AssumeRoleWithWebIdentityInput": {
			"RoleArn", "RoleSessionName", "WebIdentityToken", "ProviderId", "PolicyArns", "Policy",
		},
		"AssumeRoleWithWebIdentityOutput": {
			"Credentials", "SubjectFromWebIdentityToken", "SourceIdentity", "AssumedRoleUser", "PackedPolicySize", "Provider",
		},
		"AssumedRoleUser":               {"AssumedRoleId"},
		"Credentials":                   {"AccessKeyId", "SessionToken"},
		"FederatedUser":                 {"FederatedUserId"},
		"GetCallerIdentityOutput":       {"UserId"},
		"GetDelegatedAccessTokenOutput": {"Credentials", "PackedPolicySize"},
		"GetFederationTokenInput":       {"Name", "Policy", "PolicyArns"},
		"GetWebIdentityTokenInput":      {"Audience", "DurationSeconds"},
		"ProvidedContext":               {"ProviderArn"},
	},
}
