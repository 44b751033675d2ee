package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"cairn/digest"
	"cairn/internal/trail"
)

// level is gzip's level: log files compress to about a fourteenth at once, and
// the CPU is better spent elsewhere.
const level = gzip.BestSpeed

// result counts what a sink wrote.
type result struct {
	writes    int
	records   int
	oversized int
	// files are the log files, if the trail wants them digested.
	files []LogFile
}

// sink writes the records of a plan. What it writes depends on the plan, the
// records and the trail's configuration alone, so that it can be repeated.
type sink interface {
	write(ctx context.Context, t *trail.Trail, p *Plan, b *batch) (result, error)
}

// bucketSink writes a log file for each account and region, and one for their
// Insights events. Digests list both, so that both are protected: whether AWS's
// list the latter is not documented. One goroutine owns it.
type bucketSink struct {
	dest Destinations
	// gzip is used again and again: a new one costs a megabyte.
	gzip *gzip.Writer
}

func (s *bucketSink) write(ctx context.Context, t *trail.Trail, p *Plan, b *batch) (result, error) {
	var r result
	for _, g := range b.groups {
		unique := trail.Unique(t.ARN(), t.ID, g.account, g.region, mark(p.From), mark(p.To), p.Time)
		key := trail.File{
			Prefix: t.Prefix, OrganizationID: b.organization, Account: g.account, Region: g.region, Insights: g.insights,
			Time: p.Stamp, Unique: unique,
		}.Key()
		body, hash, err := s.compress(g, t.Validate)
		if err != nil {
			return r, fmt.Errorf("compress log file %s: %w", key, err)
		}
		// A crash before this leaves the plan and the files before this one; a
		// crash after it, this one too. The plan is then carried out again and
		// writes them all with the same names and bytes.
		if err := s.dest.PutObject(ctx, t, key, body, nil); err != nil {
			return r, fmt.Errorf("write log file %s to bucket %s: %w", key, t.Bucket, err)
		}
		r.writes++
		r.records += len(g.records)
		if t.Validate {
			r.files = append(r.files, LogFile{Account: g.account, Region: g.region, LogFile: digest.LogFile{
				Bucket: t.Bucket, Object: key, Hash: hash,
				OldestEvent: g.oldest.UTC().Truncate(time.Second), NewestEvent: g.newest.UTC().Truncate(time.Second),
			}})
		}
	}
	return r, nil
}

// compress returns the log file, one gzip member without name or time (spec 1.2),
// and, if wanted, the hash of its content. The same records make the same bytes.
func (s *bucketSink) compress(g *group, hashed bool) (body []byte, hash string, err error) {
	var out bytes.Buffer
	out.Grow(g.size/8 + 512)
	if s.gzip == nil {
		z, err := gzip.NewWriterLevel(&out, level)
		if err != nil {
			return nil, "", err
		}
		s.gzip = z
	} else {
		s.gzip.Reset(&out)
	}
	to, sum := io.Writer(s.gzip), sha256.New()
	if hashed {
		to = io.MultiWriter(s.gzip, sum)
	}
	if err := g.writeTo(to); err != nil {
		return nil, "", err
	}
	if err := s.gzip.Close(); err != nil {
		return nil, "", err
	}
	if hashed {
		hash = hex.EncodeToString(sum.Sum(nil))
	}
	return out.Bytes(), hash, nil
}
