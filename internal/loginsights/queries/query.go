package queries

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
)

var errTimeout = errors.New("the query took too long")

// query is one query, under way or ended.
type query struct {
	id      string
	spec    *Spec
	created time.Time
	cancel  context.CancelFunc

	// Counted while events are read, by any goroutine.
	scanned, bytes atomic.Int64

	mu    sync.Mutex
	began time.Time
	run   *loginsights.Run // until the end
	outcome
}

// outcome is how a query ended; until then it has a status alone.
type outcome struct {
	status  Status
	finish  time.Time
	rows    [][]loginsights.Field
	size    int64 // bytes it takes, about
	matched int64
	err     error
}

func (q *query) begin(now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.status == Scheduled {
		q.status, q.began = Running, now
	}
}

// counted is a prefilter that counts what it looks at.
type counted struct {
	*loginsights.Prefilter
	q *query
}

// Match implements lake.Predicate.
func (c counted) Match(message []byte) bool {
	c.q.count(message)
	return c.Prefilter.Match(message)
}

func (q *query) count(message []byte) {
	q.scanned.Add(1)
	q.bytes.Add(int64(len(message)))
}

// read runs the query over its log groups. A group that is deleted meanwhile has
// no more events.
func (q *query) read(ctx context.Context, src Source) error {
	for i := range q.spec.Groups {
		err := q.readGroup(ctx, src, q.spec.Groups[i])
		if err != nil && !errors.Is(err, loggroup.ErrGroupNotFound) {
			return err
		}
	}
	return context.Cause(ctx)
}

func (q *query) readGroup(ctx context.Context, src Source, ref loggroup.Ref) error {
	group := loginsights.Log(ref)
	e := loginsights.Event{Group: &group}
	where := loggroup.Query{Group: ref, Start: q.spec.Start, End: q.spec.End, Backward: q.spec.Query.Backward()}
	may := q.spec.Query.Prefilter()
	if may != nil {
		where.Where = counted{may, q}
	}
	var failed error
	err := src.Scan(ctx, &where, func(pos loggroup.Position, stream string, message []byte, ingestion int64) bool {
		if may == nil {
			q.count(message)
		}
		e.Pos, e.Stream, e.Message, e.Ingestion = pos, stream, message, ingestion
		var more bool
		more, failed = q.add(&e)
		return more && failed == nil && ctx.Err() == nil
	})
	switch {
	case failed != nil:
		return failed
	case err != nil && ctx.Err() == nil:
		return err
	}
	return context.Cause(ctx)
}

// add takes one event. The query is locked meanwhile, and between events those
// who ask for its result have their turn.
func (q *query) add(e *loginsights.Event) (more bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.status != Running {
		return false, nil
	}
	err = q.run.Add(e)
	return !q.run.Full(), err
}

// end returns the query's last status and result, which publish shows.
func (q *query) end(now time.Time, err error) outcome {
	q.mu.Lock()
	defer q.mu.Unlock()
	end := outcome{finish: now, matched: q.run.Matched}
	switch {
	case q.status == Cancelled:
		end.status = Cancelled
	case errors.Is(err, errTimeout):
		end.status = Timeout
	case errors.Is(err, context.Canceled):
		end.status = Cancelled
	case err != nil:
		end.status, end.err = Failed, err
	default:
		end.status = Complete
	}
	if end.err == nil {
		if end.rows, err = q.run.Rows(); err != nil {
			end.status, end.err = Failed, err
		}
	}
	if end.err != nil {
		end.rows = errorRows(publicError(end.err))
	}
	end.size = sizeOf(end.rows)
	return end
}

// publish gives the query its last status and result.
func (q *query) publish(end outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.outcome, q.run = end, nil
}

// errorRows are the result of a query that failed. The service says Failed and no
// more; a caller can do something about it only if he is told what.
func errorRows(text string) [][]loginsights.Field {
	return [][]loginsights.Field{{{Name: "@error", Value: text}}}
}

// sizeOf is about what a query with these rows takes, in memory or in the folder.
func sizeOf(rows [][]loginsights.Field) int64 {
	const query, overhead = 1024, 64
	size := int64(query)
	for _, row := range rows {
		size += overhead
		for i := range row {
			size += overhead + int64(len(row[i].Value))
		}
	}
	return size
}

// publicError is what a caller is told.
func publicError(err error) string {
	if limit, ok := errors.AsType[*loginsights.LimitError](err); ok {
		return limit.Error()
	}
	return "the log events could not be read"
}

// stop ends the query at the caller's wish.
func (q *query) stop() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.status != Scheduled && q.status != Running {
		return fmt.Errorf("stop query %s: %w", q.id, ErrEnded)
	}
	q.status = Cancelled
	q.cancel()
	return nil
}

func (q *query) active() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.status == Scheduled || q.status == Running
}

// ended returns when the query ended, the zero time if it has not, and the size
// of its result.
func (q *query) ended() (time.Time, int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.finish, q.size
}

// result returns the rows so far.
func (q *query) result() [][]loginsights.Field {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.run == nil {
		return q.rows
	}
	rows, err := q.run.Rows()
	if err != nil {
		return nil // its end will say so
	}
	return rows
}

func (q *query) info(now time.Time) Info {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := Info{ID: q.id, Spec: q.spec, Status: q.status, Created: q.created, Err: q.err}
	i.Statistics = Statistics{Matched: q.matched, Scanned: q.scanned.Load(), Bytes: q.bytes.Load()}
	if q.run != nil {
		i.Statistics.Matched = q.run.Matched
	}
	switch {
	case q.began.IsZero():
	case q.finish.IsZero():
		i.Took = now.Sub(q.began)
	default:
		i.Took = q.finish.Sub(q.began)
	}
	return i
}
