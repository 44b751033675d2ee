package delivery

import (
	"bytes"
	"context"
	"fmt"
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
		text := g.file()
		body, err := s.compress(text)
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
		r.records += len(g.ends)
		if t.Validate {
			r.files = append(r.files, LogFile{Account: g.account, Region: g.region, LogFile: digest.LogFile{
				Bucket: t.Bucket, Object: key, Hash: digest.Hash(text),
				OldestEvent: g.oldest.UTC().Truncate(time.Second), NewestEvent: g.newest.UTC().Truncate(time.Second),
			}})
		}
	}
	return r, nil
}

// compress returns the log file: one gzip member, without name or time, of one
// JSON object (spec 1.2). The same records make the same bytes.
func (s *bucketSink) compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(text)/8 + 512)
	if s.gzip == nil {
		z, err := gzip.NewWriterLevel(&out, level)
		if err != nil {
			return nil, err
		}
		s.gzip = z
	} else {
		s.gzip.Reset(&out)
	}
	if _, err := s.gzip.Write(text); err != nil {
		return nil, err
	}
	if err := s.gzip.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
