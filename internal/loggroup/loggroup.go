// Package loggroup keeps log groups and log streams: what CloudWatch Logs
// stores. Metadata is in the state store. Events are put into JetStream, and
// moved from there into segments of a lake.
//
//	state   loggroups/ACCOUNT/REGION/NAME          -> Group, with a random ID
//	        logstreams/ACCOUNT/REGION/NAME/STREAM  -> one log stream, with a random ID
//	JetStream stream  LOGS_<group ID>
//	        subject   cairn.logs.<group ID>.<stream ID>
//	        message   one batch of events (see batch.go): one Append
//	lake    table     <group ID>, its mark the last batch that is in it
//
// The IDs are random, so a group that is deleted and made again under its name
// shares nothing with the former one.
//
// An append costs one message and nothing else: the events are durable and
// visible then. What is older or more than a bound, the tail's end, is moved in
// the background (move.go); a query reads segments and tail as one.
//
// What reading needs to know of the tail's batches (which times they span, which
// tokens they were appended with) stands in their headers. It is kept in memory,
// a few dozen bytes for about a megabyte of events, and rebuilt from the headers
// alone when a group is first used after a start.
//
// Every use of a group first asks JetStream for its last sequence number and
// reads the headers it does not know yet, so several processes may use one
// cluster. Segments are files of one process, and kept on one disk only: with a
// cluster everything stays in JetStream, which keeps it three times.
package loggroup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/lake"
	"cairn/internal/state"
)

var (
	// ErrGroupNotFound says that the log group does not exist.
	ErrGroupNotFound = errors.New("log group does not exist")
	// ErrGroupExists says that the log group exists already.
	ErrGroupExists = errors.New("log group exists already")
	// ErrStreamNotFound says that the log stream does not exist.
	ErrStreamNotFound = errors.New("log stream does not exist")
	// ErrStreamExists says that the log stream exists already.
	ErrStreamExists = errors.New("log stream exists already")
)

// Ref names a log group.
type Ref struct {
	Account, Region, Name string
}

// Group is a log group as the state store keeps it.
type Group struct {
	// ID is random and unique to this incarnation of the group.
	ID string `json:"id"`
	// Created is when it was made, in milliseconds since 1970.
	Created int64 `json:"created"`
	// RetentionDays is how long events stay; 0 means for good.
	RetentionDays int `json:"retentionDays,omitempty"`
	// Class is the log class, such as STANDARD.
	Class string `json:"class"`
	// Protected refuses deletion.
	Protected bool `json:"protected,omitempty"`
	// Tags are the group's tags.
	Tags map[string]string `json:"tags,omitempty"`
	// Filters are its metric filters, sorted by name.
	Filters []MetricFilter `json:"filters,omitempty"`
	// Ready is false until the group's JetStream stream is there.
	Ready bool `json:"ready,omitempty"`
	// Deleting is true from the decision to delete until all is gone.
	Deleting bool `json:"deleting,omitempty"`
}

// stream is a log stream as the state store keeps it.
type stream struct {
	ID       string `json:"id"`
	Created  int64  `json:"created"`
	Deleting bool   `json:"deleting,omitempty"`
}

// Event is one log event to append.
type Event struct {
	// Timestamp is in milliseconds since 1970.
	Timestamp int64
	Message   string
}

// Options configures a Store.
type Options struct {
	// Log receives what is wrong with stored data; nil drops it.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Lake is where events are moved to; nil leaves them in JetStream. Only one
	// process may use the groups then. The caller closes it after the store.
	Lake *lake.Lake
}

// Store keeps the log groups of all accounts. Its methods may be called
// concurrently.
type Store struct {
	js      jetstream.JetStream
	groups  *state.Table[Group]
	streams *state.Table[stream]
	lake    *lake.Lake
	moves   bool // events are moved to the lake
	log     *slog.Logger
	now     func() time.Time
	budget  int64  // of a page, see lake.Query; set in tests
	bounds  bounds // of the tails

	admin sync.Mutex // held while groups and streams are made and deleted
	// moving is held while batches are moved, and while what they belong to is
	// deleted. It is taken after admin.
	moving sync.Mutex

	mu   sync.Mutex
	open map[string]*index // by group ID
	due  map[string]bool   // IDs of the groups whose segments need care soon
}

// Open opens the store and completes what a crash left half done: groups that
// were being made, deleted or given another retention. Groups themselves are
// read when they are first used.
func Open(ctx context.Context, js jetstream.JetStream, st *state.Store, o Options) (*Store, error) {
	s := &Store{
		js: js, log: o.Log, now: o.Now, open: map[string]*index{}, due: map[string]bool{},
		lake: o.Lake, moves: o.Lake != nil, bounds: normalBounds,
		groups: state.NewTable[Group](st, "loggroups"), streams: state.NewTable[stream](st, "logstreams"),
	}
	if s.lake == nil {
		s.lake = lake.None()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.repair(ctx); err != nil {
		return nil, fmt.Errorf("open log groups: %w", err)
	}
	return s, nil
}

// repair runs the same steps as normal work, from where they stopped.
func (s *Store) repair(ctx context.Context) error {
	for _, row := range s.groups.List() {
		ref := Ref{row.Key[0], row.Key[1], row.Key[2]}
		var err error
		switch g := row.Value; {
		case g.Deleting:
			err = s.finishDelete(ctx, ref, g)
		case !g.Ready:
			err = s.finishCreate(ctx, ref, g)
		default:
			err = s.applyRetention(ctx, ref, g)
		}
		if err != nil {
			return err
		}
	}
	for _, row := range s.streams.List() {
		if !row.Value.Deleting {
			continue
		}
		if err := s.finishDeleteStream(ctx, Ref{row.Key[0], row.Key[1], row.Key[2]}, row.Key[3], row.Value); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) millis() int64 { return s.now().UnixMilli() }

func newID() string { return rand.Text() }

func streamName(groupID string) string { return "LOGS_" + groupID }

func subject(groupID, streamID string) string { return "cairn.logs." + groupID + "." + streamID }

// Close lets go of what is kept in memory, after Run has returned. The store
// must not be used afterwards.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.open)
}
