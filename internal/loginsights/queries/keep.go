package queries

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"cairn/internal/loggroup"
	"cairn/internal/loginsights"
)

// A query's file is written when the query starts, and again with the result when
// it has ended: gzip, whose checksum tells whether it is whole, of a line of JSON
// that describes the query and one for each row. It is replaced as one, so that a
// crash leaves the old file or the new, and at most a temporary one beside it.
const (
	fileEnding = ".json.gz"
	newEnding  = ".new"
)

// described is the first line of a query's file.
type described struct {
	ID         string         `json:"id"`
	Owner      Owner          `json:"owner"`
	Caller     string         `json:"caller"`
	Groups     []loggroup.Ref `json:"groups"`
	Query      string         `json:"query"`
	Start      int64          `json:"start"`
	End        int64          `json:"end"`
	Status     Status         `json:"status"`
	Created    time.Time      `json:"created"`
	Began      time.Time      `json:"began"`
	Finish     time.Time      `json:"finish"`
	Statistics Statistics     `json:"statistics"`

	rows [][]loginsights.Field // the other lines
}

func (q *query) describe(end outcome) *described {
	q.mu.Lock()
	defer q.mu.Unlock()
	return &described{
		ID: q.id, Owner: q.spec.Owner, Caller: q.spec.Caller, Groups: q.spec.Groups, Query: q.spec.Query.String(),
		Start: q.spec.Start, End: q.spec.End, Status: end.status, Created: q.created, Began: q.began, Finish: end.finish,
		Statistics: Statistics{Matched: end.matched, Scanned: q.scanned.Load(), Bytes: q.bytes.Load()}, rows: end.rows,
	}
}

// save writes a query's file, durably.
func (r *Runner) save(d *described) error {
	if r.dir == nil {
		return nil
	}
	name := d.ID + fileEnding
	file, err := r.dir.Create(name + newEnding)
	if err == nil {
		err = errors.Join(d.write(file), r.dir.Finish(file))
	}
	if err == nil {
		err = r.dir.Rename(name+newEnding, name)
	}
	if err == nil {
		err = r.dir.Sync()
	}
	if err != nil {
		return fmt.Errorf("keep query in %s: %w", r.dir.Path(name), err)
	}
	return nil
}

func (d *described) write(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	z := gzip.NewWriter(buffered)
	lines := json.NewEncoder(z)
	lines.SetEscapeHTML(false)
	err := lines.Encode(d)
	for i := 0; err == nil && i < len(d.rows); i++ {
		err = lines.Encode(d.rows[i])
	}
	return errors.Join(err, z.Close(), buffered.Flush())
}

// forget deletes the file of a query that is kept no longer. If a crash brings it
// back, it is deleted at the next start.
func (r *Runner) forget(id string) {
	if r.dir == nil {
		return
	}
	if err := r.dir.Discard(id + fileEnding); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.o.Log.Error("result of a Logs Insights query that is no longer kept could not be deleted", "query", id, "error", err)
	}
}

// Restore reads the queries that the folder keeps. It is called once, before any
// other method. Queries that had not ended have failed; files that are damaged are
// named in the log and deleted.
func (r *Runner) Restore() error {
	if r.dir == nil {
		return nil
	}
	if err := r.dir.Make(); err != nil {
		return fmt.Errorf("make the folder of Logs Insights queries: %w", err)
	}
	entries, err := os.ReadDir(r.dir.Dir)
	if err != nil {
		return fmt.Errorf("read the folder of Logs Insights queries: %w", err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), newEnding)
		id, ours := strings.CutSuffix(name, fileEnding)
		if !ours {
			continue
		}
		if name == e.Name() {
			q, err := r.load(id)
			if err == nil {
				r.queries[id], r.order, r.kept = q, append(r.order, q), r.kept+q.size
				continue
			}
			r.o.Log.Error("file of a Logs Insights query is damaged and was deleted: start the query again", "file", r.dir.Path(name), "error", err)
		}
		if err := r.dir.Discard(e.Name()); err != nil {
			return fmt.Errorf("delete what a crash left of a Logs Insights query: %w", err)
		}
	}
	slices.SortFunc(r.order, func(a, b *query) int {
		return cmp.Or(a.created.Compare(b.created), strings.Compare(a.id, b.id))
	})
	r.expire(r.o.Now())
	return nil
}

// load reads a query's file.
func (r *Runner) load(id string) (*query, error) {
	file, err := os.Open(r.dir.Path(id + fileEnding))
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	d, err := parse(file)
	if err != nil {
		return nil, err
	}
	parsed, err := loginsights.Parse(d.Query)
	if err != nil {
		return nil, err
	}
	if d.ID != id || len(d.Groups) == 0 {
		return nil, fmt.Errorf("it describes query %q over %d log groups", d.ID, len(d.Groups))
	}
	end := outcome{status: d.Status, finish: d.Finish, rows: d.rows, matched: d.Statistics.Matched}
	if end.finish.IsZero() {
		end.status, end.finish = Failed, d.Created
		end.rows = errorRows("the engine ended before the query did: start it again")
	}
	end.size = sizeOf(end.rows)
	q := &query{
		id: id, created: d.Created, began: d.Began, outcome: end,
		spec: &Spec{Owner: d.Owner, Caller: d.Caller, Groups: d.Groups, Query: parsed, Start: d.Start, End: d.End},
	}
	q.scanned.Store(d.Statistics.Scanned)
	q.bytes.Store(d.Statistics.Bytes)
	return q, nil
}

// parse reads what write wrote, to its end: there the checksum is.
func parse(file io.Reader) (*described, error) {
	z, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return nil, err
	}
	lines := json.NewDecoder(z)
	d := &described{}
	if err := lines.Decode(d); err != nil {
		return nil, err
	}
	for {
		var row []loginsights.Field
		err := lines.Decode(&row)
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		d.rows = append(d.rows, row)
	}
}
