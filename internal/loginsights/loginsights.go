// Package loginsights is the query language of CloudWatch Logs Insights: it
// reads a query, plans it, and runs it over a stream of log events. It is pure:
// no state, no clock, no I/O.
//
//	query text --Parse--> *Query --Run--> *Run --Add(event)...--> Rows
//
// A query is a chain of commands, each in its own file (cmd_*.go); functions
// are in families (fn_*.go), aggregate functions in agg_*.go. The plan cuts the
// chain into segments. A segment takes rows one by one, defines fields and drops
// rows, and ends in what needs to see all rows: groups (stats), or the first
// rows in some order (sort, dedup, limit). Nothing else is kept, so memory is
// bounded by groups and results, whatever is read; Options bounds these.
//
// Source: "CloudWatch Logs Insights language query syntax" in the CloudWatch
// Logs User Guide (spec 6.6). Where that is silent or known to differ from what
// the service does, the choice is written beside the code that makes it. The
// choices that concern the whole language:
//
//   - A comparison with a field the event does not have is neither true nor
//     false, as in SQL: filter keeps an event only if its condition is true, so
//     neither x = 1 nor x != 1 nor not (x = 1) keeps one without x.
//   - A field that is an object or an array is there, and its value is its
//     JSON; the service knows its members only. There is no limit to the number
//     of fields found in an event.
//   - Booleans are 1 and 0 in results, and equal both those and true and false.
//   - Numbers as text compare and calculate as numbers where the other side is
//     a number.
//   - Every other command than those in cmd_*.go is refused, never ignored.
package loginsights

import (
	"cairn/internal/lake"
	"cairn/internal/loginsights/syntax"
	"cairn/internal/loginsights/value"
)

// Limits of a query (spec 6.6).
const (
	// MaxRows is the most rows a query may ask for; DefaultRows is how many it
	// gets if it does not say.
	MaxRows     = 100_000
	DefaultRows = 10_000

	maxStats   = 2   // stats commands in a query, as the guide says
	maxDefined = 100 // fields that a query defines before stats, and after; ours
)

// Event is a log event as a query sees it.
type Event struct {
	// Pos is the event's place in its group; Pos.Timestamp is @timestamp.
	Pos lake.Position
	// Ingestion is @ingestionTime, in milliseconds since 1970.
	Ingestion int64
	// Message is @message. It may be overwritten once Add returned.
	Message []byte
	// Stream is @logStream.
	Stream string
	// Group is the log group; @log is ACCOUNT:NAME of it.
	Group *Log
}

// Log is a log group.
type Log struct {
	Account, Region, Name string
}

// Field is a field of a result row.
type Field = value.Field

// Fields returns all fields of a message as GetLogRecord shows them: a member of
// a JSON message by its dotted name, if it is neither an object nor an array.
func Fields(message string) []Field { return value.Fields(message) }

// Query is a query that was read and understood. It is immutable.
type Query struct {
	source   string
	commands []command
	may      *Prefilter
	backward bool
}

// Parse reads a query. The error is a *syntax.Error.
func Parse(query string) (*Query, error) {
	p, err := syntax.New(query)
	if err != nil {
		return nil, err
	}
	commands, err := readCommands(p)
	if err != nil {
		return nil, err
	}
	q := &Query{source: query, commands: commands}
	c, err := q.compile(&Options{})
	if err != nil {
		return nil, err
	}
	q.may = newPrefilter(c.needles)
	q.backward = c.segments[0].top != nil && c.segments[0].top.latest()
	return q, nil
}

// Prefilter returns what every event that the first filters keep fulfils, or nil
// if there is nothing to say.
func (q *Query) Prefilter() *Prefilter { return q.may }

// Backward reports whether the query is quicker if it takes the latest events
// first: its result then has those. The order changes no result.
func (q *Query) Backward() bool { return q.backward }

// String returns the query as it was given to Parse.
func (q *Query) String() string { return q.source }
