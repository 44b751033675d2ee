package config

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// BucketOwnerEnforced is the object ownership that switches ACLs off, the
// default of new buckets.
const BucketOwnerEnforced = "BucketOwnerEnforced"

// Bucket is what state holds of a bucket. It is immutable once read.
type Bucket struct {
	// Name is unique in the engine; Account owns it; Region is where it says
	// it is.
	Name    string    `json:"name"`
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Created time.Time `json:"created"`
	// Pending is Making or Removing from the intent to do so until the
	// bucket's folder is made or gone; empty for a bucket in use.
	Pending string `json:"pending,omitempty"`
	// ObjectLock is true if the bucket is made with object lock.
	ObjectLock bool `json:"objectLock,omitempty"`
	// Policy is the bucket policy, with unique ids of users and roles in place
	// of their ARNs; empty if there is none.
	Policy string `json:"policy,omitempty"`
	// ACL is the canned ACL; empty means private.
	ACL string `json:"acl,omitempty"`
	// Documents are the stored configurations by sub-resource, such as
	// "lifecycle", as XML. A sub-resource that is not there is not configured.
	Documents map[string]string `json:"documents,omitempty"`
	// TransitionSize is the x-amz-transition-default-minimum-object-size of
	// the lifecycle configuration.
	TransitionSize string `json:"transitionSize,omitempty"`
	// Block and Ownership repeat what Documents say of public access and
	// object ownership, for the checks of every call.
	Block     PublicAccessBlock `json:"block"`
	Ownership string            `json:"ownership,omitempty"`
	// Retention repeats the default retention of ObjectLock's document; nil
	// if there is none.
	Retention *Retention `json:"retention,omitempty"`
}

// The values of Bucket.Pending.
const (
	Making   = "making"
	Removing = "removing"
)

// PublicAccessBlock are the four switches of Block Public Access.
type PublicAccessBlock struct {
	BlockPublicAcls       bool `json:"blockPublicAcls,omitempty"`
	IgnorePublicAcls      bool `json:"ignorePublicAcls,omitempty"`
	BlockPublicPolicy     bool `json:"blockPublicPolicy,omitempty"`
	RestrictPublicBuckets bool `json:"restrictPublicBuckets,omitempty"`
}

// Sub-resources whose documents the engine itself reads.
const (
	Encryption        = "encryption"
	Ownership         = "ownershipControls"
	PublicAccess      = "publicAccessBlock"
	Lifecycle         = "lifecycle"
	ObjectLock        = "object-lock"
	defaultEncryption = `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`
)

// NewBucket returns a bucket with the defaults AWS gives new buckets since
// April 2023: public access blocked, ACLs off, SSE-S3.
func NewBucket(name, account, region string, now time.Time) *Bucket {
	b := &Bucket{Name: name, Account: account, Region: region, Created: now.UTC().Truncate(time.Second)}
	b.Set(PublicAccess, El("PublicAccessBlockConfiguration",
		Leaf("BlockPublicAcls", "true"), Leaf("IgnorePublicAcls", "true"),
		Leaf("BlockPublicPolicy", "true"), Leaf("RestrictPublicBuckets", "true")))
	b.Set(Ownership, El("OwnershipControls", El("Rule", Leaf("ObjectOwnership", BucketOwnerEnforced))))
	return b
}

// Set stores a document of a sub-resource. b must be a copy of its own.
func (b *Bucket) Set(sub string, doc *Node) {
	if b.Documents == nil {
		b.Documents = map[string]string{}
	}
	switch sub {
	case PublicAccess:
		on := func(name string) bool { return strings.EqualFold(doc.At(name), "true") }
		b.Block = PublicAccessBlock{
			on("BlockPublicAcls"), on("IgnorePublicAcls"), on("BlockPublicPolicy"), on("RestrictPublicBuckets"),
		}
		doc = El(doc.Name, boolean("BlockPublicAcls", b.Block.BlockPublicAcls), boolean("IgnorePublicAcls", b.Block.IgnorePublicAcls),
			boolean("BlockPublicPolicy", b.Block.BlockPublicPolicy), boolean("RestrictPublicBuckets", b.Block.RestrictPublicBuckets))
	case Ownership:
		b.Ownership = doc.At("Rule", "ObjectOwnership")
	case ObjectLock:
		b.ObjectLock, b.Retention = true, readRetention(doc)
	}
	b.Documents[sub] = string(doc.XML())
}

func boolean(name string, v bool) *Node {
	if v {
		return Leaf(name, "true")
	}
	return Leaf(name, "false")
}

// Unset removes the document of a sub-resource. b must be a copy of its own.
// Without ownership controls objects belong to their writers, as they did
// before AWS had them.
func (b *Bucket) Unset(sub string) {
	delete(b.Documents, sub)
	switch sub {
	case PublicAccess:
		b.Block = PublicAccessBlock{}
	case Ownership:
		b.Ownership = ""
	case Lifecycle:
		b.TransitionSize = ""
	}
}

// Document returns the stored document of a sub-resource. Encryption is never
// absent: AWS encrypts every bucket with SSE-S3 at least.
func (b *Bucket) Document(sub string) (*Node, bool) {
	text, ok := b.Documents[sub]
	if !ok && sub == Encryption {
		text, ok = defaultEncryption, true
	}
	if !ok {
		return nil, false
	}
	n, err := ParseXML([]byte(text))
	return n, err == nil
}

// ARN returns the bucket's ARN, or that of an object in it.
func ARN(bucket, key string) string {
	if key == "" {
		return "arn:aws:s3:::" + bucket
	}
	return "arn:aws:s3:::" + bucket + "/" + key
}

// CanonicalID returns the canonical user id of an account: 64 hex digits that
// do not tell the account.
func CanonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical user of account " + account))
	return hex.EncodeToString(sum[:])
}
