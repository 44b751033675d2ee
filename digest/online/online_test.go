package online_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cairn/digest/digesttest"
	"cairn/digest/online"
	"cairn/digest/verify"
)

// account serves a store with one trail of three hours and connects to it.
func account(t *testing.T, s *digesttest.Server) *online.Account {
	t.Helper()
	return online.New(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(digesttest.Serve(t, s)),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	}, 8)
}

func trail(t *testing.T, files int) (*digesttest.Trail, *digesttest.Server) {
	t.Helper()
	tr := digesttest.NewTrail(digesttest.Store{}, "t1")
	for range 3 {
		tr.Hour(t, files)
	}
	return tr, &digesttest.Server{Store: tr.Store, Trails: []*digesttest.Trail{tr}, LatestDigest: tr.At.Add(time.Minute)}
}

func TestValidateOnline(t *testing.T) {
	tr, s := trail(t, 400) // more than one page of log files
	a := account(t, s)
	recorder := &verify.Recorder{Source: a}
	r, err := verify.Run(t.Context(), verify.Options{
		Source: a, Keys: recorder, Bucket: tr.Bucket,
		Found: func(f verify.Finding) { t.Errorf("found %+v", f) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Digests.Valid != 3 || r.LogFiles.Valid != 1200 {
		t.Errorf("%+v", r)
	}
	keys := recorder.List().Keys
	if len(keys) != 1 || keys[0].Region != "eu-west-1" || keys[0].Fingerprint != digesttest.PublicKey().Fingerprint {
		t.Errorf("recorded %+v", keys)
	}
}

func TestTrail(t *testing.T) {
	tr, s := trail(t, 1)
	a := account(t, s)
	for _, name := range []string{"t1", tr.ARN()} {
		got, err := a.Trail(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Bucket != tr.Bucket || got.Account != tr.Account || got.HomeRegion != tr.Home || !got.Validation {
			t.Errorf("%s is %+v", name, got)
		}
	}
	if _, err := a.Trail(t.Context(), "t2"); err == nil || !strings.Contains(err.Error(), "there is no such trail in eu-west-1") {
		t.Errorf("an unknown trail: %v", err)
	}
	latest, err := a.LatestDigest(t.Context(), tr.ARN(), "eu-west-1")
	if err != nil || !latest.Equal(tr.At.Add(time.Minute)) {
		t.Errorf("the latest digest is of %v, %v", latest, err)
	}
}

func TestObjects(t *testing.T) {
	tr, s := trail(t, 1)
	s.Store["ct-bucket/odd/a b+c&d%é"] = digesttest.Object{Body: []byte("x")}
	a := account(t, s)
	var beside []string
	folders, err := a.Folders(t.Context(), tr.Bucket, "odd/", func(key string) { beside = append(beside, key) })
	if err != nil || len(folders) != 0 || !slices.Equal(beside, []string{"odd/a b+c&d%é"}) {
		t.Errorf("folders %q, files %q, %v", folders, beside, err)
	}
	var keys []string
	for key, err := range a.List(t.Context(), tr.Bucket, "", tr.Digests[0]) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	want := slices.DeleteFunc(tr.Store.Keys(tr.Bucket), func(k string) bool { return k <= tr.Digests[0] })
	if !slices.Equal(keys, want) {
		t.Errorf("listed %q, want %q", keys, want)
	}
	o, err := a.Open(t.Context(), tr.Bucket, "odd/a b+c&d%é")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Body.Close()
	if b, err := io.ReadAll(o.Body); err != nil || string(b) != "x" || o.Metadata == nil {
		t.Errorf("read %q, %v, metadata %v", b, err, o.Metadata)
	}
	if _, err := a.Open(t.Context(), tr.Bucket, "none"); !errors.Is(err, verify.ErrNotFound) {
		t.Errorf("an object that is not there: %v", err)
	}
}
