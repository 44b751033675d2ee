package sigv4

import (
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestKeys shows that remembered keys verify what they should and nothing else,
// that wrong requests are not remembered, and that the oldest are forgotten.
func TestKeys(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	k := NewKeys(2)
	verify := func(region, signedWith, secret string) error {
		r := docs.request(t, "GET /b/k", "", "", "", "")
		Sign(r, "AKID", signedWith, region, "s3", emptySHA256, now)
		r.Body = http.NoBody
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		return s.VerifyWith(k, r, secret, now)
	}
	for i, tc := range []struct {
		region, signedWith, secret, want string
		kept                             int
	}{
		{"a", "s1", "s2", "SignatureDoesNotMatch 403", 0},
		{"a", "s1", "s1", "ok", 1},
		{"a", "s1", "s1", "ok", 1},
		{"a", "s2", "s1", "SignatureDoesNotMatch 403", 1},
		{"a", "s1", "s2", "SignatureDoesNotMatch 403", 1},
		{"b", "s1", "s1", "ok", 2},
		{"a", "s1", "s1", "ok", 2}, // a is used again, so that b is the oldest
		{"c", "s1", "s1", "ok", 2},
	} {
		if got := outcome(verify(tc.region, tc.signedWith, tc.secret)); got != tc.want || k.order.Len() != tc.kept || len(k.byID) != tc.kept {
			t.Errorf("%d: %s, %d kept", i, got, k.order.Len())
		}
	}
	for e := k.order.Front(); e != nil; e = e.Next() {
		if scope := e.Value.(*derived).id.scope; scope == "20260506/b/s3/aws4_request" {
			t.Error("the oldest key is still there")
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, region := range []string{"a", "b", "c", "d"} {
				if err := verify(region, "s1", "s1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
