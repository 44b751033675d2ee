package s3_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"cairn/internal/natsd/natsdtest"
	"cairn/internal/service/s3/config"
	"cairn/internal/state"
)

// A bucket whose removal is refused, because it is not empty, looks absent to
// nobody while that is found out.
func TestRefusedRemovalHidesNothing(t *testing.T) {
	g := newGate(t)
	c, ctx, b := g.root(), t.Context(), aws.String("full")
	makeBucket(t, c, "full")
	putText(t, c, "full", "k", "v")
	done := make(chan error)
	go func() {
		var unexpected error
		for range 100 {
			_, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: b})
			var e smithy.APIError
			if !errors.As(err, &e) || e.ErrorCode() != "BucketNotEmpty" {
				unexpected = err
			}
		}
		done <- unexpected
	}()
	looks := 0
	for {
		select {
		case err := <-done:
			if err != nil || looks < 10 {
				t.Errorf("%d looks; a removal ended with %v", looks, err)
			}
			return
		default:
		}
		looks++
		if _, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: b}); err != nil {
			t.Fatalf("look %d: %v", looks, err)
		}
		if got := getText(t, c, "full", "k"); got != "v" {
			t.Fatalf("look %d: the object is %q", looks, got)
		}
		list := ok[*sdk.ListBucketsOutput](t)(c.ListBuckets(ctx, &sdk.ListBucketsInput{}))
		if len(list.Buckets) != 1 {
			t.Fatalf("look %d: %d buckets are listed", looks, len(list.Buckets))
		}
	}
}

// A removal that failed half-way leaves a bucket that can be read and deleted, but
// not written to: the next start would remove it.
func TestRemovalHalfWay(t *testing.T) {
	js := natsdtest.Start(t)
	stores := make([]*state.Store, 2) // the service's, and one to write behind its back
	for i := range stores {
		var err error
		if stores[i], err = state.Open(t.Context(), js, "STATE"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stores[i].Close)
	}
	g := openGate(t, filepath.Join(t.TempDir(), "objects"), stores[0])
	c, ctx, b := g.root(), t.Context(), aws.String("half")
	makeBucket(t, c, "half")
	rows := state.NewTable[config.Bucket](stores[1], "s3-buckets")
	if _, err := rows.Update(ctx, func(b *config.Bucket) error { b.Pending = config.Removing; return nil }, "half"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: aws.String("k")}) // a write that leaves nothing
		if err != nil {
			wantCode(t, err, "OperationAborted")
			break
		}
		if time.Now().After(deadline) { // the service follows the table a moment later
			t.Fatal("the bucket is written to while it is being removed")
		}
	}
	_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: aws.String("k")})
	wantCode(t, err, "OperationAborted")
	ok[*sdk.HeadBucketOutput](t)(c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: b}))
	ok[*sdk.DeleteBucketOutput](t)(c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: b}))
	if _, there := g.service.Owner("half"); there {
		t.Error("the bucket is still there")
	}
}
