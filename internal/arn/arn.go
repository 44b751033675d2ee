// Package arn parses Amazon Resource Names and matches the wildcards that
// policies use in them.
//
// Source: "Amazon Resource Names (ARNs)" in the AWS General Reference.
package arn

import (
	"fmt"
	"strings"
)

// Partition is the only partition the engine answers for.
const Partition = "aws"

// ARN is a parsed Amazon Resource Name:
// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE. Region and account may be
// empty; the resource may hold any character, colons and slashes included.
type ARN struct {
	Partition string
	Service   string
	Region    string
	Account   string
	Resource  string
}

// New makes an ARN of the engine's partition.
func New(service, region, account, resource string) ARN {
	return ARN{Partition: Partition, Service: service, Region: region, Account: account, Resource: resource}
}

// Parse splits s into its six parts. Partition, service and resource must not
// be empty.
func Parse(s string) (ARN, error) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return ARN{}, fmt.Errorf("parse ARN %q: want arn:partition:service:region:account:resource", s)
	}
	return ARN{Partition: parts[1], Service: parts[2], Region: parts[3], Account: parts[4], Resource: parts[5]}, nil
}

// String returns the ARN's text.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// Match reports whether value matches pattern, in which * stands for any run
// of characters (colons and slashes included) and ? for any one character.
func Match(pattern, value string) bool {
	return Wildcards{Run: '*', One: '?'}.Match(pattern, value)
}

// Wildcards are the bytes that are wildcards in a pattern.
type Wildcards struct {
	// Run stands for any run of bytes, One for any one.
	Run, One byte
	// Fold takes the ASCII letters of a value as lower case; the pattern
	// must be in lower case already.
	Fold bool
}

// Match reports whether value matches pattern. It takes time proportional to
// len(pattern)*len(value) at worst and allocates nothing.
func (w Wildcards) Match(pattern, value string) bool {
	p, v, star, mark := 0, 0, -1, 0
	for v < len(value) {
		c := value[v]
		if w.Fold && c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch {
		case p < len(pattern) && pattern[p] == w.Run:
			star, mark = p, v
			p++
		case p < len(pattern) && (pattern[p] == w.One || pattern[p] == c):
			p++
			v++
		case star >= 0:
			mark++
			p, v = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == w.Run {
		p++
	}
	return p == len(pattern)
}
