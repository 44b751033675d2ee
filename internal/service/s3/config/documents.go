package config

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cairn/internal/awserr"
)

var (
	storageClass = enum("StorageClass", "GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR")
	tag          = el("Tag", need(text("Key")), need(text("Value")))
	grant        = el("Grant",
		need(el("Grantee", text("ID"), text("DisplayName"), text("URI"), text("EmailAddress"), text("Type"))),
		need(enum("Permission", "FULL_CONTROL", "WRITE", "WRITE_ACP", "READ", "READ_ACP")))
	lifecycleRule = el("Rule",
		text("ID"), text("Prefix"),
		el("Filter", text("Prefix"), number("ObjectSizeGreaterThan", 0), number("ObjectSizeLessThan", 0), tag,
			el("And", text("Prefix"), number("ObjectSizeGreaterThan", 0), number("ObjectSizeLessThan", 0), many(tag))),
		need(enum("Status", "Enabled", "Disabled")),
		many(el("Transition", date("Date"), number("Days", 0), need(storageClass))),
		el("Expiration", date("Date"), number("Days", 1), flag("ExpiredObjectDeleteMarker")),
		many(el("NoncurrentVersionTransition", number("NoncurrentDays", 0), number("NewerNoncurrentVersions", 1), need(storageClass))),
		el("NoncurrentVersionExpiration", number("NoncurrentDays", 1), number("NewerNoncurrentVersions", 1)),
		el("AbortIncompleteMultipartUpload", number("DaysAfterInitiation", 1)))
	corsRule = el("CORSRule",
		text("ID"), many(text("AllowedHeader")), need(many(enum("AllowedMethod", "GET", "PUT", "HEAD", "POST", "DELETE"))),
		need(many(text("AllowedOrigin"))), many(text("ExposeHeader")), number("MaxAgeSeconds", 0))
	routingRule = el("RoutingRule",
		el("Condition", text("HttpErrorCodeReturnedEquals"), text("KeyPrefixEquals")),
		need(el("Redirect", text("HostName"), text("HttpRedirectCode"), enum("Protocol", "http", "https"),
			text("ReplaceKeyPrefixWith"), text("ReplaceKeyWith"))))
)

// documents are the documents clients send for buckets and objects, by root element.
// Source: Amazon S3 API Reference, data types.
var documents = byName(
	el("VersioningConfiguration", enum("Status", "Enabled", "Suspended"), enum("MfaDelete", "Enabled", "Disabled")),
	el("PublicAccessBlockConfiguration",
		flag("BlockPublicAcls"), flag("IgnorePublicAcls"), flag("BlockPublicPolicy"), flag("RestrictPublicBuckets")),
	el("OwnershipControls",
		need(el("Rule", need(enum("ObjectOwnership", BucketOwnerEnforced, "BucketOwnerPreferred", "ObjectWriter"))))),
	el("ServerSideEncryptionConfiguration",
		need(el("Rule",
			el("ApplyServerSideEncryptionByDefault", need(enum("SSEAlgorithm", "AES256", "aws:kms", "aws:kms:dsse")), text("KMSMasterKeyID")),
			flag("BucketKeyEnabled"),
			el("BlockedEncryptionTypes", many(enum("EncryptionType", "NONE", "SSE-C")))))),
	el("BucketLoggingStatus",
		el("LoggingEnabled", need(text("TargetBucket")), need(text("TargetPrefix")), el("TargetGrants", many(grant)),
			el("TargetObjectKeyFormat", el("SimplePrefix"),
				el("PartitionedPrefix", enum("PartitionDateSource", "EventTime", "DeliveryTime"))))),
	el("Tagging", need(el("TagSet", many(tag)))),
	el("Retention", enum("Mode", "GOVERNANCE", "COMPLIANCE"), text("RetainUntilDate")),
	el("LegalHold", need(enum("Status", "ON", "OFF"))),
	el("CORSConfiguration", need(many(corsRule))),
	el("WebsiteConfiguration",
		el("IndexDocument", need(text("Suffix"))), el("ErrorDocument", need(text("Key"))),
		el("RedirectAllRequestsTo", need(text("HostName")), enum("Protocol", "http", "https")),
		el("RoutingRules", many(routingRule))),
	el("NotificationConfiguration"),
	el("LifecycleConfiguration", need(many(lifecycleRule))),
	el("AccelerateConfiguration", enum("Status", "Enabled", "Suspended")),
	el("RequestPaymentConfiguration", need(enum("Payer", "BucketOwner", "Requester"))),
	el("ObjectLockConfiguration", enum("ObjectLockEnabled", "Enabled"),
		el("Rule", need(el("DefaultRetention", need(enum("Mode", "GOVERNANCE", "COMPLIANCE")), number("Days", 1), number("Years", 1))))),
	el("CreateBucketConfiguration", text("LocationConstraint"), el("Tags", many(tag))),
	el("AccessControlPolicy", el("Owner", text("ID"), text("DisplayName")), el("AccessControlList", many(grant))),
	el("Delete", flag("Quiet"), need(many(el("Object",
		need(text("Key")), text("VersionId"), text("ETag"), text("LastModifiedTime"), text("Size"))))),
)

func byName(list ...schema) map[string]*schema {
	m := map[string]*schema{}
	for i := range list {
		m[list[i].name] = &list[i]
	}
	return m
}

// Read parses the document of the given root element. What S3's schema does
// not know is refused with MalformedXML (400).
func Read(root string, b []byte) (*Node, error) {
	n, err := ParseXML(b)
	if err == nil && n.Name != root {
		err = fmt.Errorf("the document is a %s, not a %s", n.Name, root)
	}
	if err == nil && n.Space != "" && n.Space != Namespace {
		err = fmt.Errorf("the document is in the namespace %s", n.Space)
	}
	if err == nil {
		err = documents[root].check(n)
	}
	if err == nil {
		err = beyondSchema(n)
	}
	if err != nil {
		return nil, malformedXML(err)
	}
	return n, nil
}

func malformedXML(cause error) error {
	return awserr.Wrap(cause, http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema: %s", cause)
}

// beyondSchema checks what a schema cannot say.
func beyondSchema(n *Node) error {
	switch n.Name {
	case "LifecycleConfiguration":
		return checkLifecycle(n)
	case "Tagging":
		return checkTags(n.Find("TagSet").All("Tag"))
	case "ObjectLockConfiguration":
		if d := n.Find("Rule", "DefaultRetention"); d != nil && (d.Find("Days") == nil) == (d.Find("Years") == nil) {
			return fmt.Errorf("element DefaultRetention must hold either Days or Years")
		} else if d != nil {
			return errors.Join(atMost(d, "Days", 36500), atMost(d, "Years", 100))
		}
	case "BucketLoggingStatus":
		return ValidBucketOrEmpty(n.At("LoggingEnabled", "TargetBucket"))
	}
	return nil
}

// ValidBucketOrEmpty says what is wrong with a bucket's name, if it is given.
func ValidBucketOrEmpty(name string) error {
	if name == "" {
		return nil
	}
	return ValidBucket(name)
}

// checkTags applies the limits of bucket tags.
func checkTags(tags []*Node) error {
	if len(tags) > 50 {
		return fmt.Errorf("%d tags are more than the 50 a bucket can have", len(tags))
	}
	seen := map[string]bool{}
	for _, t := range tags {
		key, value := t.At("Key"), t.At("Value")
		switch {
		case key == "" || len(key) > 128*4 || len(value) > 256*4:
			return fmt.Errorf("tag %q: keys have 1 to 128 characters, values at most 256", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return fmt.Errorf("tag %q: keys that begin with aws: belong to the system", key)
		case seen[key]:
			return fmt.Errorf("tag %q is given more than once", key)
		}
		seen[key] = true
	}
	return nil
}
