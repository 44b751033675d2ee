package s3

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/s3/config"
)

const classic = config.Classic

// checkCreateBucket asks for making the bucket and for what its headers set.
func checkCreateBucket(ctx context.Context, s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	if err := config.ValidBucket(in.Bucket); err != nil {
		return nil, invalidBucketName(in.Bucket, err)
	}
	if c.Principal.Kind == identity.Anonymous {
		return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied: anonymous callers cannot make buckets.")
	}
	if err := checkHeaders(s.routes[route{onBucket, put, ""}], in); err != nil {
		return nil, err
	}
	in.readAsked(c)
	b := &config.Bucket{Name: in.Bucket, Account: c.Account()}
	actions := []string{"s3:CreateBucket"}
	if strings.EqualFold(in.Header.Get("X-Amz-Bucket-Object-Lock-Enabled"), "true") {
		actions = append(actions, "s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning")
	}
	if in.Header.Get("X-Amz-Object-Ownership") != "" {
		actions = append(actions, "s3:PutBucketOwnershipControls")
	}
	var checks []call.Check
	for _, a := range actions {
		k, err := s.check(ctx, c, in, b, a, "")
		if err != nil {
			return nil, err
		}
		checks = append(checks, k)
	}
	return checks, nil
}

func createBucket(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	b, err := s.newBucket(g, in)
	if err != nil {
		return nil, err
	}
	err = s.buckets.Make(ctx, b)
	if awserr.Is(err, "BucketAlreadyOwnedByYou") && g.Region == classic {
		// us-east-1 answers making one's own bucket again with success
		if old, _ := s.buckets.Get(b.Name); old != nil && old.Region == b.Region {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	return &Output{Header: http.Header{"Location": {"/" + b.Name}}}, nil
}

// newBucket returns the bucket a request describes.
func (s *Service) newBucket(g *call.Granted, in *Input) (*config.Bucket, error) {
	if in.unread != nil {
		return nil, in.unread
	}
	constraint := ""
	var tags []*config.Node
	if len(in.data) > 0 {
		var err error
		if in.doc, err = config.Read("CreateBucketConfiguration", in.data); err != nil {
			return nil, err
		}
		constraint, tags = in.doc.At("LocationConstraint"), in.doc.Find("Tags").All("Tag")
	}
	region, err := config.Location(g.Region, constraint)
	if err != nil {
		return nil, err
	}
	b := config.NewBucket(in.Bucket, g.Account(), region, s.now())
	if len(tags) > 0 {
		b.Set("tagging", config.El("Tagging", config.El("TagSet", tags...)))
	}
	b.ObjectLock = strings.EqualFold(in.Header.Get("X-Amz-Bucket-Object-Lock-Enabled"), "true")
	if v := in.Header.Get("X-Amz-Object-Ownership"); v != "" {
		doc := config.El("OwnershipControls", config.El("Rule", config.Leaf("ObjectOwnership", v)))
		if _, err := config.Read("OwnershipControls", doc.XML()); err != nil {
			return nil, invalidArgument("x-amz-object-ownership", v, "Invalid x-amz-object-ownership header: "+v)
		}
		b.Set(config.Ownership, doc)
	}
	return b, checkNewACL(b, in)
}

func deleteBucket(ctx context.Context, s *Service, _ *call.Granted, in *Input) (*Output, error) {
	return &Output{Status: http.StatusNoContent}, s.buckets.Remove(ctx, in.Bucket)
}

func headBucket(_ context.Context, _ *Service, _ *call.Granted, in *Input) (*Output, error) {
	return &Output{Header: http.Header{
		"X-Amz-Bucket-Region": {in.bucket.Region}, "X-Amz-Access-Point-Alias": {"false"}, "Content-Type": {"application/xml"},
	}}, nil
}

func getLocation(_ context.Context, _ *Service, _ *call.Granted, in *Input) (*Output, error) {
	region := in.bucket.Region
	if region == classic {
		region = ""
	}
	return document(config.Leaf("LocationConstraint", region)), nil
}

// listBuckets lists the caller's account's buckets.
func listBuckets(_ context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	most := 10_000
	if v := in.Query.Get("max-buckets"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > most {
			return nil, invalidArgument("max-buckets", v, "Argument max-buckets must be an integer between 1 and 10000")
		}
		most = n
	}
	prefix, after, region := in.Query.Get("prefix"), in.Query.Get("continuation-token"), in.Query.Get("bucket-region")
	list := config.El("Buckets")
	next := ""
	for _, b := range s.buckets.All() {
		if b.Account != g.Account() || !strings.HasPrefix(b.Name, prefix) || b.Name <= after || region != "" && b.Region != region {
			continue
		}
		if len(list.Kids) == most {
			next = list.Kids[most-1].At("Name")
			break
		}
		list.Kids = append(list.Kids, config.El("Bucket", config.Leaf("Name", b.Name),
			config.Leaf("CreationDate", b.Created.UTC().Format(time.RFC3339)), config.Leaf("BucketRegion", b.Region)))
	}
	doc := config.El("ListAllMyBucketsResult", owner("Owner", g.Account()), list)
	if next != "" {
		doc.Kids = append(doc.Kids, config.Leaf("ContinuationToken", next))
	}
	if prefix != "" {
		doc.Kids = append(doc.Kids, config.Leaf("Prefix", prefix))
	}
	return document(doc), nil
}

func owner(name, account string) *config.Node {
	return config.El(name, config.Leaf("ID", config.CanonicalID(account)))
}
