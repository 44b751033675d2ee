package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/state"
)

// asked returns the call that a request of the account's root user is.
func (g *gate) asked(t *testing.T, r *http.Request) *call.Call {
	t.Helper()
	c := &call.Call{
		API: g.service.API(), HTTP: r, Start: time.Now(), RequestID: "R", Secure: true, Region: "us-east-1", Principal: g.principals["ROOT"+account],
	}
	var err error
	if c.Op, c.Input, err = c.API.Match(r); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHungUp has callers who go away while they are answered: that is no failure of
// the engine's. A failure of the engine's still is one.
func TestHungUp(t *testing.T) {
	g := newGate(t)
	makeBucket(t, g.root(), "home")
	putText(t, g.root(), "home", "k", "v")
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, path := range []string{"/home/k", "/home?list-type=2", "/home/k?tagging"} {
		_, err := g.dispatch.Do(gone, g.asked(t, httptest.NewRequestWithContext(gone, http.MethodGet, path, nil)))
		if e := awserr.From(err); e == nil || e.Status != http.StatusBadRequest || e.Code != "RequestTimeout" || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: ended with %v", path, err)
		}
	}
	if got := g.last(t, "GetObjectTagging")["errorCode"]; got != "RequestTimeout" {
		t.Errorf("recorded as %v", got)
	}
	_, err := g.dispatch.Do(gone, g.asked(t, httptest.NewRequestWithContext(gone, http.MethodGet, "/home/absent", nil)))
	if awserr.From(err).Status >= http.StatusInternalServerError {
		t.Errorf("an absent object ended with %v", err)
	}
	// A tag of the object is asked for before it is decided.
	c := g.asked(t, httptest.NewRequestWithContext(gone, http.MethodGet, "/home/k", nil))
	c.Principal = g.principals[g.user(t, "ann", account, mayOr(`"Action":"s3:GetObject","Condition":{"StringEquals":{"s3:ExistingObjectTag/a":"b"}}`))]
	if _, err := g.dispatch.Do(gone, c); !awserr.Is(err, "RequestTimeout") {
		t.Errorf("a check ended with %v", err)
	}
	// An upload whose body ends early.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/home/half", iotest.ErrReader(io.ErrUnexpectedEOF))
	r.ContentLength = 10
	if _, err := g.dispatch.Do(t.Context(), g.asked(t, r)); err == nil || awserr.From(err).Status >= http.StatusInternalServerError {
		t.Errorf("half an upload ended with %v", err)
	}
}

// TestDeletesEnd has a caller who is gone when the first objects are deleted: what
// the store has begun ends, no more is deleted, and the record says how far it came.
func TestDeletesEnd(t *testing.T) {
	store, err := state.Open(t.Context(), natsdtest.Start(t), "STATE")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	dir := t.TempDir()
	g := openGate(t, dir, store)
	root := g.root()
	makeBucket(t, root, "home")
	var named strings.Builder
	for i := range 50 {
		putText(t, root, "home", fmt.Sprintf("k%02d", i), "v")
		fmt.Fprintf(&named, "<Object><Key>k%02d</Key></Object>", i)
	}
	op := g.service.API().Operations["DeleteObjects"]
	run := op.Run
	op.Run = func(ctx context.Context, granted *call.Granted) (any, error) {
		return run(gone{ctx, func() bool {
			return !slices.ContainsFunc(allFiles(t, dir), func(f string) bool { return filepath.Base(f) == "k00" })
		}}, granted)
	}
	body := "<Delete><Quiet>true</Quiet>" + named.String() + "</Delete>"
	_, err = g.dispatch.Do(t.Context(), g.asked(t, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/home?delete", strings.NewReader(body))))
	if e := awserr.From(err); e == nil || e.Code != "RequestTimeout" || e.Status != http.StatusBadRequest {
		t.Errorf("ended with %v", err)
	}
	left := ok[*sdk.ListObjectsV2Output](t)(root.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String("home")}))
	if len(left.Contents) != 30 {
		t.Errorf("%d objects are left of 50", len(left.Contents))
	}
	if got, _ := g.last(t, "DeleteObjects")["errorMessage"].(string); !strings.Contains(got, "delete 20 of the 50") {
		t.Errorf("recorded as %q", got)
	}
}

// gone is a context that has ended when what it waits for is so.
type gone struct {
	context.Context
	ended func() bool
}

func (g gone) Err() error {
	if g.ended() {
		return context.Canceled
	}
	return nil
}

// allFiles lists all that is in a folder.
func allFiles(t *testing.T, dir string) (names []string) {
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since the folder was read
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return names
}
