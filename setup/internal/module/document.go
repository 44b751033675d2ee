package module

import (
	"encoding/json"
	"fmt"

	"cairn/setup/internal/resource"
)

// document and statement are policy documents as AWS writes them.
type document struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

type statement struct {
	Sid       string                         `json:"Sid,omitempty"`
	Effect    string                         `json:"Effect"`
	Principal any                            `json:"Principal,omitempty"`
	Action    []string                       `json:"Action"`
	Resource  []string                       `json:"Resource,omitempty"`
	Condition map[string]map[string][]string `json:"Condition,omitempty"`
}

// cloudTrail is the service's principal.
func cloudTrail() map[string]string { return map[string]string{"Service": "cloudtrail.amazonaws.com"} }

func policyOf(statements ...statement) resource.Policy {
	text, err := json.Marshal(document{Version: "2012-10-17", Statement: statements})
	if err != nil { // strings and maps of strings always marshal
		panic(fmt.Sprintf("module: marshal policy: %v", err))
	}
	return resource.Policy(text)
}
