package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/service/s3/config"
	"cairn/internal/service/s3/objects"
	"cairn/internal/state"
)

const classic = config.Classic

// checkCreateBucket asks for making the bucket and for what its headers set.
func checkCreateBucket(s *Service, c *call.Call, in *Input) ([]call.Check, error) {
	if err := config.ValidBucket(in.Bucket); err != nil {
		return nil, invalidBucketName(in.Bucket, err)
	}
	if c.Principal.Kind == identity.Anonymous {
		return nil, awserr.New(http.StatusForbidden, "AccessDenied", "Access Denied: anonymous callers cannot make buckets.")
	}
	if err := checkHeaders(s.routes[route{onBucket, put, ""}], in); err != nil {
		return nil, err
	}
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
		k, err := s.check(c, in, b, a, "")
		if err != nil {
			return nil, err
		}
		checks = append(checks, k)
	}
	return checks, nil
}

// createBucket makes a bucket. The intent is in state before the folder is
// made, so a crash in between leaves a row that repair takes back.
func createBucket(ctx context.Context, s *Service, g *call.Granted, in *Input) (*Output, error) {
	b, err := s.newBucket(g, in)
	if err != nil {
		return nil, err
	}
	done := &Output{Header: http.Header{"Location": {"/" + b.Name}}}
	if old, ok := s.buckets.Get(b.Name); ok && (old.Pending == "" || old.Account != b.Account) {
		if old.Account == b.Account && g.Region == classic && b.Region == old.Region {
			return done, nil // us-east-1 answers making one's own bucket again with success
		}
		return nil, exists(old, b.Account)
	}
	mu := s.lock(b.Name)
	if !mu.TryLock() {
		return nil, aborted(b.Name)
	}
	defer mu.Unlock()
	// A caller who hangs up now must not leave a row whose state nobody knows:
	// a write cut off while it is acknowledged may have happened.
	ctx = context.WithoutCancel(ctx)
	if old, ok := s.buckets.Get(b.Name); ok && old.Pending != "" && old.Account == b.Account {
		// An attempt that failed half-way; nobody else is at it, we hold the lock.
		if err := s.takeBack(ctx, b.Name); err != nil {
			return nil, err
		}
	}
	b.Pending = config.Making
	if err := s.buckets.Create(ctx, b, b.Name); err != nil {
		if errors.Is(err, state.ErrExists) {
			return nil, aborted(b.Name)
		}
		return nil, fmt.Errorf("keep the intent to make bucket %s: %w", b.Name, err)
	}
	// A crash here leaves the row without a folder.
	if err := s.makeFolder(ctx, b); err != nil {
		return nil, errors.Join(err, s.takeBack(ctx, b.Name))
	}
	// A crash here leaves the row and an empty folder that nobody could use
	// yet; repair removes both. The caller has no answer and asks again.
	if err := s.update(ctx, b.Name, func(b *config.Bucket) { b.Pending = "" }); err != nil {
		return nil, err
	}
	return done, nil
}

// exists is the error of making a bucket that is there.
func exists(b *config.Bucket, caller string) error {
	if b.Account == caller {
		return taken("BucketAlreadyOwnedByYou", b.Name, "Your previous request to create the named bucket succeeded and you already own it.")
	}
	return taken("BucketAlreadyExists", b.Name, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
}

// aborted is the error of a call that another one stands in the way of.
func aborted(bucket string) error {
	return taken("OperationAborted", bucket, "A conflicting conditional operation is currently in progress against this resource. Please try again.")
}

func taken(code, bucket, text string) error {
	e := awserr.New(http.StatusConflict, code, "%s", text)
	e.Detail = map[string]string{"BucketName": bucket}
	return e
}

// newBucket returns the bucket a request describes.
func (s *Service) newBucket(g *call.Granted, in *Input) (*config.Bucket, error) {
	data, err := in.readAll(g.Call, config.MaxDocument)
	if err != nil {
		return nil, err
	}
	constraint := ""
	var tags []*config.Node
	if len(data) > 0 {
		if in.doc, err = config.Read("CreateBucketConfiguration", data); err != nil {
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

// makeFolder makes the bucket in the object store.
func (s *Service) makeFolder(ctx context.Context, b *config.Bucket) error {
	h := http.Header{}
	if b.ObjectLock {
		h.Set("X-Amz-Bucket-Object-Lock-Enabled", "true")
	}
	_, err := s.ask(ctx, &objects.Request{Method: put, Bucket: b.Name, Header: h}, nil)
	return err
}

// takeBack removes what is left of a bucket that was not finished: its folder,
// then its row. Repeating it is harmless.
func (s *Service) takeBack(ctx context.Context, name string) error {
	_, err := s.ask(ctx, &objects.Request{Method: del, Bucket: name}, nil)
	if err != nil && !awserr.Is(err, "NoSuchBucket") {
		return fmt.Errorf("remove the folder of bucket %s: %w", name, err)
	}
	// A crash here leaves a row without a folder; repair comes here again.
	if err := s.buckets.Delete(ctx, name); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("remove bucket %s: %w", name, err)
	}
	s.policies.Delete(name)
	return nil
}

// deleteBucket removes an empty bucket. The intent is in state first: from
// then on nobody can write to the bucket. Readers find it until it is gone, so
// that one whose removal is refused never looks absent.
func deleteBucket(ctx context.Context, s *Service, _ *call.Granted, in *Input) (*Output, error) {
	mu := s.lock(in.Bucket)
	if !mu.TryLock() {
		return nil, aborted(in.Bucket)
	}
	defer mu.Unlock()
	ctx = context.WithoutCancel(ctx) // as in createBucket
	if err := s.update(ctx, in.Bucket, func(b *config.Bucket) { b.Pending = config.Removing }); err != nil {
		return nil, err
	}
	// A crash here leaves a bucket that is being removed; repair goes on.
	if err := s.finishRemoval(ctx, in.Bucket); err != nil {
		return nil, err
	}
	return &Output{Status: http.StatusNoContent}, nil
}

// finishRemoval removes a bucket whose removal was intended, or gives it back
// if it is not empty.
func (s *Service) finishRemoval(ctx context.Context, name string) error {
	err := s.takeBack(ctx, name)
	if err == nil {
		return nil
	}
	err = errors.Join(s.update(ctx, name, func(b *config.Bucket) { b.Pending = "" }), err)
	if awserr.Is(err, "VersionedBucketNotEmpty") || awserr.Is(err, "BucketNotEmpty") {
		text := "The bucket you tried to delete is not empty"
		if awserr.Is(err, "VersionedBucketNotEmpty") {
			text += ". You must delete all versions in the bucket."
		}
		return taken("BucketNotEmpty", name, text)
	}
	return err
}

// repair finishes what a crash interrupted: buckets that were being made are
// taken back (their callers got no answer), removals go on.
func (s *Service) repair(ctx context.Context) error {
	for _, row := range s.buckets.List() {
		name := row.Key[0]
		switch row.Value.Pending {
		case config.Making:
			if err := s.takeBack(ctx, name); err != nil {
				return err
			}
		case config.Removing:
			if err := s.finishRemoval(ctx, name); err != nil && !awserr.Is(err, "BucketNotEmpty") {
				return err
			}
		}
	}
	return nil
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
	for _, row := range s.buckets.List() {
		b := row.Value
		if b.Account != g.Account() || b.Pending == config.Making || !strings.HasPrefix(b.Name, prefix) || b.Name <= after || region != "" && b.Region != region {
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
