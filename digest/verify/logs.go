package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"cairn/digest"
)

// checkLog checks one log file of a digest, in the background. trusted says
// that the digest is signed.
func (c *chain) checkLog(ctx context.Context, l digest.LogFile, trusted bool) error {
	r := c.run
	if err := r.acquire(ctx); err != nil {
		return err
	}
	r.begun.Add(1)
	r.work.Go(func() {
		defer r.release()
		f := r.logFinding(ctx, l)
		if f == nil && ctx.Err() != nil {
			return
		}
		outcome := Note
		if !trusted {
			outcome = Unverified
		}
		if f != nil {
			outcome = f.Severity
			f.Bucket, f.Key, f.Account, f.Region, f.Trail = r.bucketOf(l.Bucket), l.Object, c.at.Account, c.at.Region, c.trail
			r.found(*f)
		}
		r.Progress.LogFiles.Add(1)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.report.LogFiles.add(outcome)
	})
	return nil
}

// bucketOf is the bucket to look in for an object said to be in a bucket.
func (r *run) bucketOf(bucket string) string {
	if r.Bucket == "" {
		return ""
	}
	return bucket
}

// logFinding returns what is wrong with a log file, nil if nothing is.
func (r *run) logFinding(ctx context.Context, l digest.LogFile) *Finding {
	if l.HashAlgorithm != digest.HashAlgorithm {
		return &Finding{Severity: Unverified, Kind: Unreadable, Text: fmt.Sprintf("its digest gives a hash of the unknown kind %q", l.HashAlgorithm)}
	}
	var hash string
	var err error
	for try := 1; ; try++ {
		hash, err = r.hashLog(ctx, l)
		if err == nil || try == attempts || !errors.As(err, new(*readError)) || ctx.Err() != nil {
			break
		}
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return &Finding{Severity: Invalid, Kind: LogMissing, Text: "not found, though a digest lists it"}
	case errors.As(err, new(*readError)):
		return &Finding{Severity: Unverified, Kind: Unreadable, Text: fmt.Sprintf("could not be read: %v", err)}
	case errors.Is(err, digest.ErrTrailing):
		text := "data follows its end, which readers show and no digest covers"
		if hash != l.Hash {
			text += "; and its hash is not the one in its digest"
		}
		return &Finding{Severity: Invalid, Kind: LogTrailing, Text: text}
	case err != nil:
		return &Finding{Severity: Invalid, Kind: LogFormat, Text: fmt.Sprintf("it is not what CloudTrail delivers: %v", err)}
	case hash != l.Hash:
		return &Finding{Severity: Invalid, Kind: LogChanged, Text: "its hash is not the one in its digest"}
	}
	return nil
}

// hashLog reads a log file and returns the hash of its content, also if data
// follows it.
func (r *run) hashLog(ctx context.Context, l digest.LogFile) (string, error) {
	o, err := r.Source.Open(ctx, r.bucketOf(l.Bucket), l.Object)
	if err != nil {
		return "", asReadError(err)
	}
	defer o.Body.Close()
	sum := sha256.New()
	body := &watched{r: o.Body}
	// Hashing needs no memory, so that a file of any size may be read.
	_, err = digest.Inflate(sum, body, math.MaxInt64-1)
	r.Progress.Bytes.Add(body.n)
	if body.err != nil {
		return "", &readError{body.err}
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}
