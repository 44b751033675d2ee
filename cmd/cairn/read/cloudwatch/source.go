package cloudwatch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"cairn/internal/scan"
)

const (
	// maxAge is how old an event may be when it is put into a group.
	maxAge = 14 * 24 * time.Hour
	// slices is how many pieces a group is read in, and minSlice and maxSlice
	// bound how long each is.
	slices             = 100
	minSlice, maxSlice = 5 * time.Minute, 24 * time.Hour
)

// Source returns the group's records as those of files, so that they are
// searched like any others: each file is a slice of time. The pattern is one
// that CloudWatch Logs is asked for; empty asks for all.
func (g *Group) Source(now time.Time, pattern string) scan.Source {
	return &source{group: g, now: now, pattern: pattern}
}

type source struct {
	group   *Group
	now     time.Time
	pattern string
}

// List implements [scan.Source]. A trail's events have the time of their
// delivery, which is after the event.
func (s *source) List(ctx context.Context, within scan.Window, newest bool, each func(scan.File) error) error {
	from, to := s.group.Created.Add(-maxAge), s.now.Add(minSlice) // the other clock may be ahead
	if within.From.After(from) {
		from = within.From
	}
	late := within.Late
	if late == 0 {
		late = scan.DefaultLate
	}
	if !within.To.IsZero() && within.To.Add(late).Before(to) {
		to = within.To.Add(late)
	}
	width := Slice(to.Sub(from))
	if newest {
		return backwards(ctx, from, to, width, each)
	}
	for start := from; start.Before(to); start = start.Add(width) {
		end := start.Add(width)
		if end.After(to) {
			end = to
		}
		if err := errors.Join(ctx.Err(), each(scan.File{Key: key(start, end), Time: end})); err != nil {
			return err
		}
	}
	return nil
}

// backwards gives slices from the newest on: short ones first, since events of a
// slice come oldest first, and all of it is read before its newest is known.
func backwards(ctx context.Context, from, to time.Time, width time.Duration, each func(scan.File) error) error {
	steps := []time.Duration{minSlice + time.Minute, minSlice, 30 * time.Minute, 2 * time.Hour}
	for end := to; end.After(from); {
		step := width
		if len(steps) > 0 {
			step, steps = min(width, steps[0]), steps[1:]
		}
		start := end.Add(-step)
		if start.Before(from) {
			start = from
		}
		// Whatever is in slices before this one was delivered before its start,
		// and happened before that.
		if err := errors.Join(ctx.Err(), each(scan.File{Key: key(start, end), Time: start})); err != nil {
			return err
		}
		end = start
	}
	return nil
}

// Slice is how long the pieces are in which so much time of a group is read.
func Slice(span time.Duration) time.Duration {
	return min(max(span/slices, minSlice), maxSlice).Truncate(time.Millisecond)
}

// key names a slice, as the place of records and of what is wrong there.
func key(start, end time.Time) string {
	return start.UTC().Format(stamp) + "--" + end.UTC().Format(stamp)
}

const stamp = "2006-01-02T15:04:05.000Z"

// Open implements [scan.Source]: the messages of a slice that can be records, in
// the form of a log file.
func (s *source) Open(ctx context.Context, f scan.File) (io.ReadCloser, error) {
	var times [2]time.Time
	for i, at := range []int{0, len(stamp) + 2} {
		t, err := time.Parse(stamp, f.Key[at:at+len(stamp)])
		if err != nil {
			return nil, fmt.Errorf("open %s: it is no slice of a log group: %w", f.Key, err)
		}
		times[i] = t
	}
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	out := &reader{PipeReader: r, cancel: cancel}
	out.done.Go(func() {
		b := bufio.NewWriterSize(w, 64<<10)
		before := `{"Records":[`
		err := s.group.Events(ctx, times[0], times[1], s.pattern, func(e Event) error {
			if !IsRecord(e.Message) {
				return nil
			}
			_, err := b.WriteString(before)
			before = ","
			_, err2 := b.Write(e.Message)
			return errors.Join(err, err2)
		})
		if before != "," {
			_, _ = b.WriteString(before) // an error stays, and Flush tells it
		}
		_, _ = b.WriteString("]}")
		w.CloseWithError(errors.Join(err, b.Flush())) // nil is the end
	})
	return out, nil
}

// reader ends the requests when it is closed.
type reader struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func (r *reader) Close() error {
	r.cancel()
	err := r.PipeReader.Close()
	r.done.Wait()
	return err
}
