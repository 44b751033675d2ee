package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/service/s3/config"
)

// kind is a bucket configuration that is stored and returned as a document.
type kind struct {
	root string
	// absent is what an unconfigured bucket answers: a document, or an error
	// code with a text (spec 8).
	absent     *config.Node
	code, text string
	// accept refuses documents that ask for what the engine cannot do.
	accept func(s *Service, in *Input, doc *config.Node) error
}

var kinds = map[string]kind{
	config.PublicAccess: {root: "PublicAccessBlockConfiguration", code: "NoSuchPublicAccessBlockConfiguration", text: "The public access block configuration was not found"},
	config.Ownership:    {root: "OwnershipControls", code: "OwnershipControlsNotFoundError", text: "The bucket ownership controls were not found", accept: acceptOwnership},
	config.Encryption:   {root: "ServerSideEncryptionConfiguration", accept: acceptEncryption},
	config.Lifecycle:    {root: "LifecycleConfiguration", code: "NoSuchLifecycleConfiguration", text: "The lifecycle configuration does not exist", accept: acceptLifecycle},
	"tagging":           {root: "Tagging", code: "NoSuchTagSet", text: "The TagSet does not exist"},
	"cors":              {root: "CORSConfiguration", code: "NoSuchCORSConfiguration", text: "The CORS configuration does not exist"},
	"website":           {root: "WebsiteConfiguration", code: "NoSuchWebsiteConfiguration", text: "The specified bucket does not have a website configuration"},
	"replication":       {code: "ReplicationConfigurationNotFoundError", text: "The replication configuration was not found"},
	"logging":           {root: "BucketLoggingStatus", absent: config.El("BucketLoggingStatus"), accept: acceptLogging},
	"notification":      {root: "NotificationConfiguration", absent: config.El("NotificationConfiguration")},
	"accelerate":        {root: "AccelerateConfiguration", absent: config.El("AccelerateConfiguration"), accept: acceptAccelerate},
	"requestPayment": {
		root: "RequestPaymentConfiguration", absent: config.El("RequestPaymentConfiguration", config.Leaf("Payer", "BucketOwner")),
		accept: acceptPayment,
	},
}

// transitionSize is a header that belongs to the lifecycle configuration.
const transitionSize = "X-Amz-Transition-Default-Minimum-Object-Size"

func getDocument(_ context.Context, _ *Service, _ *call.Granted, in *Input) (*Output, error) {
	k := kinds[in.sub]
	doc, ok := in.bucket.Document(in.sub)
	if !ok {
		if k.absent != nil {
			return document(k.absent), nil
		}
		e := awserr.New(http.StatusNotFound, k.code, "%s", k.text)
		e.Detail = map[string]string{"BucketName": in.Bucket}
		return nil, e
	}
	out := document(doc)
	if in.sub == config.Lifecycle {
		out.Header.Set(transitionSize, in.bucket.TransitionSize)
	}
	return out, nil
}

func putDocument(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	k := kinds[in.sub]
	doc, err := in.readDocument(g.Call, k.root)
	if err != nil {
		return nil, err
	}
	if k.accept != nil {
		if err := k.accept(s, in, doc); err != nil {
			return nil, err
		}
	}
	out := &Output{}
	size := ""
	if in.sub == config.Lifecycle {
		if size, err = minimumSize(in.Header.Get(transitionSize)); err != nil {
			return nil, err
		}
		out.Header = http.Header{transitionSize: {size}}
	}
	return out, s.update(ctx, in.Bucket, func(b *config.Bucket) {
		if k.absent != nil && len(doc.Kids) == 0 {
			b.Unset(in.sub) // an empty document is how logging is switched off
			return
		}
		b.Set(in.sub, doc)
		if in.sub == config.Lifecycle {
			b.TransitionSize = size
		}
	})
}

func deleteDocument(ctx context.Context, s *Service, _ *call.Granted, in *Input) (*Output, error) {
	return &Output{Status: http.StatusNoContent}, s.update(ctx, in.Bucket, func(b *config.Bucket) { b.Unset(in.sub) })
}

func minimumSize(v string) (string, error) {
	switch v {
	case "":
		return "all_storage_classes_128K", nil
	case "all_storage_classes_128K", "varies_by_storage_class":
		return v, nil
	}
	return "", invalidArgument(strings.ToLower(transitionSize), v, "Invalid transition default minimum object size found")
}

func acceptLifecycle(_ *Service, _ *Input, doc *config.Node) error {
	config.NameRules(doc)
	return nil
}

func acceptEncryption(_ *Service, _ *Input, doc *config.Node) error {
	if strings.HasPrefix(doc.At("Rule", "ApplyServerSideEncryptionByDefault", "SSEAlgorithm"), "aws:kms") {
		return config.NoKMS()
	}
	return nil
}

// acceptOwnership refuses to switch ACLs off while one is set that grants
// others something, as S3 does.
func acceptOwnership(_ *Service, in *Input, doc *config.Node) error {
	if doc.At("Rule", "ObjectOwnership") == config.BucketOwnerEnforced && in.bucket.ACL != "" {
		return awserr.New(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership", "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	return nil
}

func acceptLogging(s *Service, in *Input, doc *config.Node) error {
	target := doc.At("LoggingEnabled", "TargetBucket")
	if target == "" {
		return nil
	}
	b, err := s.buckets.Get(target)
	if err != nil || b.Account != in.bucket.Account {
		return awserr.New(http.StatusBadRequest, "InvalidTargetBucketForLogging", "The target bucket for logging does not exist, or is owned by another account")
	}
	return nil
}

func acceptAccelerate(_ *Service, in *Input, _ *config.Node) error {
	if strings.Contains(in.Bucket, ".") {
		return awserr.New(http.StatusBadRequest, "InvalidRequest", "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
	}
	return nil
}

func acceptPayment(_ *Service, _ *Input, doc *config.Node) error {
	if doc.At("Payer") != "BucketOwner" {
		return notImplemented("buckets whose requester pays")
	}
	return nil
}

func getPolicy(_ context.Context, s *Service, _ *call.Granted, in *Input) (*Output, error) {
	if in.bucket.Policy == "" {
		return nil, noPolicy(in)
	}
	text := in.bucket.Policy
	if s.principals != nil {
		text = s.principals.ShowPrincipals(text)
	}
	b := []byte(text)
	return &Output{Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(b)), Length: int64(len(b))}, nil
}

func noPolicy(in *Input) error {
	e := awserr.New(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
	e.Detail = map[string]string{"BucketName": in.Bucket}
	return e
}

func putPolicy(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	data, err := in.readAll(g.Call, config.MaxPolicy+1)
	if err != nil {
		return nil, err
	}
	in.policy = data
	p, err := config.ReadPolicy(in.Bucket, data)
	if err != nil {
		return nil, err
	}
	kept := string(data)
	if s.principals != nil {
		if err := config.CheckPrincipals(p.Document, s.principals); err != nil {
			return nil, err
		}
		kept = s.principals.BindPrincipals(kept)
	}
	err = s.buckets.Update(ctx, in.Bucket, func(b *config.Bucket) error {
		// Asked of the row that is written, so that switching the block on at
		// the same time cannot be overtaken.
		if b.Block.BlockPublicPolicy && p.Public {
			return g.API.Denied("User: " + g.Principal.ARN + " is not authorized to perform: s3:PutBucketPolicy on resource: " +
				config.ARN(in.Bucket, "") + " because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.")
		}
		b.Policy = kept
		return nil
	})
	return &Output{Status: http.StatusNoContent}, err
}

func deletePolicy(ctx context.Context, s *Service, _ *call.Granted, in *Input) (*Output, error) {
	return &Output{Status: http.StatusNoContent}, s.update(ctx, in.Bucket, func(b *config.Bucket) { b.Policy = "" })
}

func getPolicyStatus(_ context.Context, s *Service, _ *call.Granted, in *Input) (*Output, error) {
	if in.bucket.Policy == "" {
		return nil, noPolicy(in)
	}
	p, err := s.buckets.Policy(in.bucket)
	if err != nil {
		return nil, err
	}
	public := "FALSE"
	if p.Public {
		public = "TRUE"
	}
	return document(config.El("PolicyStatus", config.Leaf("IsPublic", public))), nil
}
