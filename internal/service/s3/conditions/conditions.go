// Package conditions is what policies may ask about a request to S3: the condition
// keys of S3's own, with the values a request gives them. It is pure.
//
// A key that AWS sends has to be here: a Deny on one that is absent would silently
// have no effect.
//
// Source: "Actions, resources, and condition keys for Amazon S3" in the Service
// Authorization Reference.
package conditions

import (
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/policy"
	"cairn/internal/service/s3/config"
)

const (
	existingTag = "s3:existingobjecttag/"
	requestTag  = "s3:requestobjecttag/"
	tagKeys     = "s3:requestobjecttagkeys"
	lockMode    = "s3:object-lock-mode"
	lockUntil   = "s3:object-lock-retain-until-date"
	lockDays    = "s3:object-lock-remaining-retention-days"
	legalHold   = "s3:object-lock-legal-hold"
	location    = "s3:locationconstraint"
)

// Of returns the keys that a call, its headers and its query give for a check on a
// bucket or an object of it.
func Of(c *call.Call, h http.Header, query url.Values, b *config.Bucket) policy.Context {
	k := policy.Context{
		"s3:resourceaccount": {b.Account}, "aws:resourceaccount": {b.Account},
		"s3:authtype": {"REST-HEADER"}, "s3:signatureversion": {"AWS4-HMAC-SHA256"},
	}
	if c.Presigned {
		k["s3:authtype"] = []string{"REST-QUERY-STRING"}
	}
	if !c.Signed.IsZero() {
		k["s3:signatureage"] = []string{strconv.FormatInt(max(0, c.Start.Sub(c.Signed).Milliseconds()), 10)}
	}
	if c.Principal.Kind == identity.Anonymous {
		delete(k, "s3:authtype")
		delete(k, "s3:signatureversion")
	}
	if v, ok := strings.CutPrefix(c.TLSVersion, "TLSv"); ok {
		k["s3:tlsversion"] = []string{v}
	}
	for _, name := range []string{"prefix", "delimiter", "max-keys", "versionid"} {
		for param, values := range query {
			if strings.EqualFold(param, name) {
				k["s3:"+name] = values
			}
		}
	}
	if creates, ok := creation[c.Op.Name]; ok {
		k["s3:objectcreationoperation"] = []string{strconv.FormatBool(creates)}
	}
	headers(k, h, c.Start)
	return k
}

// creation says of the operations of PutObject whether an object is there
// afterwards. Parts of an upload are none yet.
var creation = map[string]bool{
	"PutObject": true, "CopyObject": true, "CompleteMultipartUpload": true,
	"CreateMultipartUpload": false, "UploadPart": false, "UploadPartCopy": false,
}

// named are the headers that are condition keys by their own name.
var named = []string{
	"x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp",
	"x-amz-server-side-encryption", "x-amz-storage-class", "x-amz-copy-source", "x-amz-metadata-directive",
	"x-amz-content-sha256", "x-amz-website-redirect-location", "x-amz-object-ownership", "if-match", "if-none-match",
}

// headers adds the keys that a request's headers give.
func headers(k policy.Context, h http.Header, now time.Time) {
	for _, name := range named {
		if v := h.Get(name); v != "" {
			k["s3:"+name] = []string{v}
		}
	}
	if tags, err := url.ParseQuery(h.Get("X-Amz-Tagging")); err == nil {
		for name, values := range tags {
			for _, v := range values {
				addTag(k, name, v)
			}
		}
	}
	if v := h.Get("X-Amz-Object-Lock-Legal-Hold"); v != "" {
		k[legalHold] = []string{v}
	}
	retention(k, h.Get("X-Amz-Object-Lock-Mode"), h.Get("X-Amz-Object-Lock-Retain-Until-Date"), now)
}

func addTag(k policy.Context, name, value string) {
	k.AddTag(requestTag, name, value)
	k[tagKeys] = append(k[tagKeys], name)
}

// retention adds the keys of a version's retention. Days that have begun count
// whole, so that "30 days from now" is 30 when it arrives; AWS does not say how it
// rounds.
func retention(k policy.Context, mode, until string, now time.Time) {
	if mode != "" {
		k[lockMode] = []string{mode}
	}
	if until == "" {
		return
	}
	k[lockUntil] = []string{until}
	t, err := time.Parse(time.RFC3339, until)
	if err != nil || now.IsZero() {
		k.SetUnknown(lockDays)
		return
	}
	k[lockDays] = []string{strconv.Itoa(int(math.Ceil(t.Sub(now).Hours() / 24)))}
}

// roots are the documents in whose bodies policies take an interest, by operation.
var roots = map[string]string{
	"PutObjectTagging": "Tagging", "PutObjectRetention": "Retention", "PutObjectLegalHold": "LegalHold",
	"CreateBucket": "CreateBucketConfiguration",
}

// Body returns the keys that the body of an operation gives, and the document they
// were read from. Of a body that is no such document nothing can be told: its keys
// are unknown, and the document is nil.
func Body(operation string, body []byte, now time.Time) (policy.Context, *config.Node) {
	k := policy.Context{}
	if operation == "CreateBucket" && len(body) == 0 {
		return k, nil // a bucket where the call is made
	}
	doc, err := config.Read(roots[operation], body)
	if err != nil {
		return Untold(), nil
	}
	for _, t := range doc.Find("TagSet").All("Tag") { // those of a new bucket are in Tags
		addTag(k, t.At("Key"), t.At("Value"))
	}
	retention(k, doc.At("Mode"), doc.At("RetainUntilDate"), now)
	if v := doc.At("Status"); v != "" {
		k[legalHold] = []string{v}
	}
	if v := doc.At("LocationConstraint"); v != "" {
		k[location] = []string{v}
	}
	return k, doc
}

// Untold returns the keys a body can give, all unknown.
func Untold() policy.Context {
	k := policy.Context{}
	for _, key := range []string{requestTag, tagKeys, lockMode, lockUntil, lockDays, legalHold, location} {
		k.SetUnknown(key)
	}
	return k
}

// tagged are the actions for which AWS knows the tags an object has. It does not for
// writing and deleting objects.
var tagged = map[string]bool{
	"s3:GetObject": true, "s3:GetObjectVersion": true, "s3:GetObjectAttributes": true, "s3:GetObjectVersionAttributes": true,
	"s3:GetObjectAcl": true, "s3:GetObjectVersionAcl": true, "s3:PutObjectAcl": true, "s3:PutObjectVersionAcl": true,
	"s3:GetObjectTagging": true, "s3:GetObjectVersionTagging": true, "s3:PutObjectTagging": true, "s3:PutObjectVersionTagging": true,
	"s3:DeleteObjectTagging": true, "s3:DeleteObjectVersionTagging": true,
}

// WantTags reports whether a check depends on the tags the object has: to know them
// costs a read.
func WantTags(c *call.Call, k *call.Check) bool {
	if !tagged[k.Action] {
		return false
	}
	p := &c.Principal
	for _, list := range [][]*policy.Document{{k.Policy, p.Boundary}, p.Policies, p.SessionPolicies} {
		for _, d := range list {
			if d.Mentions(existingTag) {
				return true
			}
		}
	}
	return false
}

// Tags adds the tags an object has, as GetObjectTagging answers them. A nil document
// says that they are not known.
func Tags(k policy.Context, doc *config.Node) {
	if doc == nil {
		k.SetUnknown(existingTag)
		return
	}
	for _, t := range doc.Find("TagSet").All("Tag") {
		k.AddTag(existingTag, t.At("Key"), t.At("Value"))
	}
}
