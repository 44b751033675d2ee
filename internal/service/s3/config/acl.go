package config

import (
	"slices"
	"strings"
)

// Canned ACLs that the engine knows by these names.
const (
	OwnerFullControl = "bucket-owner-full-control"
	LogDelivery      = "log-delivery-write"
)

// logGroup is S3's own group of those who deliver access logs.
const logGroup = "http://acs.amazonaws.com/groups/s3/LogDelivery"

// ACLDocument is the access control list of a bucket or object that belongs to
// an account alone or, with delivery, lets S3 deliver access logs too.
func ACLDocument(account string, delivery bool) *Node {
	id := Leaf("ID", CanonicalID(account))
	list := El("AccessControlList", grantTo("CanonicalUser", id, "FULL_CONTROL"))
	if delivery {
		for _, permission := range []string{"WRITE", "READ_ACP"} {
			list.Kids = append(list.Kids, grantTo("Group", Leaf("URI", logGroup), permission))
		}
	}
	return El("AccessControlPolicy", El("Owner", id), list)
}

func grantTo(kind string, who *Node, permission string) *Node {
	grantee := El("Grantee", who)
	grantee.Type = kind
	return El("Grant", grantee, Leaf("Permission", permission))
}

// CannedACL returns the canned ACL that an AccessControlPolicy spells out: one
// that gives everything to the account alone, or nobody anything, is
// OwnerFullControl; any but that and LogDelivery is "".
func CannedACL(doc *Node, account string) string {
	me := CanonicalID(account)
	var group []string
	for _, grant := range doc.Find("AccessControlList").All("Grant") {
		switch {
		case grant.At("Grantee", "ID") == me && grant.At("Permission") == "FULL_CONTROL":
		case strings.HasSuffix(grant.At("Grantee", "URI"), "/groups/s3/LogDelivery"):
			group = append(group, grant.At("Permission"))
		default:
			return ""
		}
	}
	slices.Sort(group)
	switch {
	case len(group) == 0:
		return OwnerFullControl
	case slices.Equal(group, []string{"READ_ACP", "WRITE"}):
		return LogDelivery
	}
	return ""
}
