package loggroup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/state"
)

const (
	// retentionMargin is how much longer than the retention a batch stays on
	// disk. Retention counts from an event's own time, which may lie two hours
	// after its ingestion; the rest is room for clocks that disagree.
	retentionMargin = 24 * time.Hour
	// dedupWindow is how long JetStream itself refuses a repeated token. The
	// tokens in the index reach further back; this catches two appends at once.
	dedupWindow = 2 * time.Minute
	// clusterReplicas is how many servers of a cluster keep a group.
	clusterReplicas = 3
)

// CreateGroup makes a log group. g's Class, RetentionDays, Protected and Tags
// are taken over. It returns ErrGroupExists if there is one of that name.
func (s *Store) CreateGroup(ctx context.Context, ref Ref, g Group) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	if old, ok := s.groups.Get(ref.key()...); ok {
		if old.Ready && !old.Deleting {
			return ErrGroupExists
		}
		// An earlier attempt failed in this process; nobody was told that the
		// group exists, so what is left of it goes first.
		if err := s.finishDelete(ctx, ref, old); err != nil {
			return err
		}
	}
	g.ID, g.Created, g.Ready, g.Deleting = newID(), s.millis(), false, false
	// A crash after this leaves a row that is not ready: Open completes it.
	if err := s.groups.Create(ctx, &g, ref.key()...); err != nil {
		if errors.Is(err, state.ErrExists) {
			return ErrGroupExists
		}
		return fmt.Errorf("create log group %s: %w", ref.Name, err)
	}
	return s.finishCreate(ctx, ref, &g)
}

// finishCreate makes the group's JetStream stream and marks the row ready.
func (s *Store) finishCreate(ctx context.Context, ref Ref, g *Group) error {
	// A crash after this leaves the stream, empty: Open comes here again.
	if _, err := s.js.CreateOrUpdateStream(ctx, s.config(g)); err != nil {
		return fmt.Errorf("create the stream of log group %s: %w", ref.Name, err)
	}
	_, err := s.groups.Update(ctx, func(g *Group) error { g.Ready = true; return nil }, ref.key()...)
	if err != nil {
		return fmt.Errorf("create log group %s: %w", ref.Name, err)
	}
	return nil
}

func (s *Store) config(g *Group) jetstream.StreamConfig {
	replicas := 1
	if s.js.Conn().ConnectedClusterName() != "" {
		replicas = clusterReplicas
	}
	return jetstream.StreamConfig{
		Name: streamName(g.ID), Subjects: []string{subject(g.ID, "*")}, Description: "cairn log group",
		Storage: jetstream.FileStorage, Replicas: replicas, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxAge: maxAge(g.RetentionDays), Duplicates: dedupWindow,
		// A direct get is quick, but a replica that is behind may answer it.
		AllowDirect: replicas == 1,
	}
}

// maxAge returns how long batches stay on disk; 0 means for good.
func maxAge(retentionDays int) time.Duration {
	if retentionDays == 0 {
		return 0
	}
	return time.Duration(retentionDays)*24*time.Hour + retentionMargin
}

// Group returns a log group, or ErrGroupNotFound. The result is shared: never
// modify it.
func (s *Store) Group(ref Ref) (*Group, error) {
	g, ok := s.groups.Get(ref.key()...)
	if !ok || g.Deleting || !g.Ready {
		return nil, ErrGroupNotFound
	}
	return g, nil
}

// Named is a log group with its name.
type Named struct {
	Name string
	*Group
}

// Groups returns the log groups of an account in a region, sorted by name.
func (s *Store) Groups(account, region string) []Named {
	var list []Named
	for _, row := range s.groups.List(account, region) {
		if row.Value.Ready && !row.Value.Deleting {
			list = append(list, Named{row.Key[2], row.Value})
		}
	}
	return list
}

// StoredBytes returns what the group's events take on disk.
func (s *Store) StoredBytes(ctx context.Context, ref Ref) (int64, error) {
	g, err := s.Group(ref)
	if err != nil {
		return 0, err
	}
	js, err := s.js.Stream(ctx, streamName(g.ID))
	if err != nil {
		return 0, s.lost(ref, g, err)
	}
	table, err := s.lake.Table(g.ID)
	if err != nil {
		return 0, fmt.Errorf("read the segments of log group %s: %w", ref.Name, err)
	}
	return int64(js.CachedInfo().State.Bytes) + table.Size().Stored, nil
}

// DeleteGroup deletes a log group with all its events, for good.
func (s *Store) DeleteGroup(ctx context.Context, ref Ref) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	if _, err := s.Group(ref); err != nil {
		return err
	}
	// After this the group is gone for every caller. A crash leaves data nobody
	// can reach: Open deletes it.
	g, err := s.groups.Update(ctx, func(g *Group) error { g.Deleting = true; return nil }, ref.key()...)
	if err != nil {
		return fmt.Errorf("delete log group %s: %w", ref.Name, notFound(err, ErrGroupNotFound))
	}
	return s.finishDelete(ctx, ref, g)
}

// finishDelete deletes events, then the rows of log streams, then the group's:
// a crash in between leaves the group's row, which says what is left to do.
func (s *Store) finishDelete(ctx context.Context, ref Ref, g *Group) error {
	s.moving.Lock() // no batch of it is on its way into a segment
	defer s.moving.Unlock()
	s.mu.Lock()
	delete(s.open, g.ID)
	s.mu.Unlock()
	// Empty first: of a stream whose deletion a crash cut short, and which holds
	// messages, nobody could tell that it was meant to go (package natsd).
	js, err := s.js.Stream(ctx, streamName(g.ID))
	if err == nil {
		err = js.Purge(ctx)
	}
	if err == nil {
		err = s.js.DeleteStream(ctx, streamName(g.ID))
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete the events of log group %s: %w", ref.Name, err)
	}
	if err := s.lake.Drop(g.ID); err != nil {
		return fmt.Errorf("delete the events of log group %s: %w", ref.Name, err)
	}
	for _, row := range s.streams.List(ref.key()...) {
		if err := s.streams.Delete(ctx, row.Key...); err != nil && !errors.Is(err, state.ErrNotFound) {
			return fmt.Errorf("delete log stream %s of log group %s: %w", row.Key[3], ref.Name, err)
		}
	}
	if err := s.groups.Delete(ctx, ref.key()...); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("delete log group %s: %w", ref.Name, err)
	}
	return nil
}

// SetRetention sets how many days events stay; 0 means for good. Older events
// disappear from answers when it returns, and from disk within a day or so.
func (s *Store) SetRetention(ctx context.Context, ref Ref, days int) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	// A crash after this leaves JetStream with the former age; answers follow
	// the row already, and Open applies it.
	g, err := s.update(ctx, ref, func(g *Group) { g.RetentionDays = days })
	if err != nil {
		return err
	}
	s.wake(g.ID)
	return s.applyRetention(ctx, ref, g)
}

// applyRetention makes JetStream's age limit what the row says.
func (s *Store) applyRetention(ctx context.Context, ref Ref, g *Group) error {
	js, err := s.js.Stream(ctx, streamName(g.ID))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		table, terr := s.lake.Table(g.ID)
		if terr == nil && table.Mark() == "" && len(s.streams.List(ref.key()...)) == 0 {
			return s.finishCreate(ctx, ref, g) // nothing was ever put into it
		}
		// One lost group must not keep the others from starting. Every use of
		// this one fails with the same reason.
		s.log.ErrorContext(ctx, "log group has lost its events", "group", ref.Name, "account", ref.Account, "stream", streamName(g.ID))
		return nil
	}
	if err == nil && js.CachedInfo().Config.MaxAge != maxAge(g.RetentionDays) {
		_, err = s.js.UpdateStream(ctx, s.config(g))
	}
	if err != nil {
		return fmt.Errorf("set the retention of log group %s: %w", ref.Name, err)
	}
	return nil
}

// SetProtected sets whether the group refuses to be deleted.
func (s *Store) SetProtected(ctx context.Context, ref Ref, protected bool) error {
	_, err := s.update(ctx, ref, func(g *Group) { g.Protected = protected })
	return err
}

// Tag adds tags to a group, or replaces those with the same key; check may
// refuse the outcome.
func (s *Store) Tag(ctx context.Context, ref Ref, tags map[string]string, check func(all map[string]string) error) error {
	if _, err := s.Group(ref); err != nil {
		return err
	}
	_, err := s.groups.Update(ctx, func(g *Group) error {
		if g.Tags == nil {
			g.Tags = map[string]string{}
		}
		maps.Copy(g.Tags, tags)
		return check(g.Tags)
	}, ref.key()...)
	if err != nil {
		return fmt.Errorf("tag log group %s: %w", ref.Name, notFound(err, ErrGroupNotFound))
	}
	return nil
}

// Untag removes tags from a group; a key it does not have is no error.
func (s *Store) Untag(ctx context.Context, ref Ref, keys []string) error {
	_, err := s.update(ctx, ref, func(g *Group) {
		for _, k := range keys {
			delete(g.Tags, k)
		}
	})
	return err
}

func (s *Store) update(ctx context.Context, ref Ref, change func(*Group)) (*Group, error) {
	if _, err := s.Group(ref); err != nil {
		return nil, err
	}
	g, err := s.groups.Update(ctx, func(g *Group) error { change(g); return nil }, ref.key()...)
	if err != nil {
		return nil, fmt.Errorf("update log group %s: %w", ref.Name, notFound(err, ErrGroupNotFound))
	}
	return g, nil
}

func (r Ref) key() []string { return []string{r.Account, r.Region, r.Name} }

// notFound turns the state store's error for a missing row into ours.
func notFound(err, ours error) error {
	if errors.Is(err, state.ErrNotFound) {
		return ours
	}
	return err
}

// lost explains a group whose JetStream stream cannot be opened.
func (s *Store) lost(ref Ref, g *Group, err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if now, ok := s.groups.Get(ref.key()...); !ok || now.ID != g.ID || now.Deleting {
			return ErrGroupNotFound // deleted in the meantime
		}
		return fmt.Errorf("log group %s has lost its events: stream %s is missing (restore the data folder, or delete the group): %w", ref.Name, streamName(g.ID), err)
	}
	return fmt.Errorf("open the stream of log group %s: %w", ref.Name, err)
}
