package journal

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
)

// faulty is a store whose answers to writes can be tampered with.
type faulty struct {
	jetstream.JetStream

	mu      sync.Mutex
	publish func(try int, write func() (*jetstream.PubAck, error)) (*jetstream.PubAck, error)
	tries   int
}

func (f *faulty) PublishMsg(ctx context.Context, m *nats.Msg, o ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	f.mu.Lock()
	f.tries++
	try, publish := f.tries, f.publish
	f.mu.Unlock()
	return publish(try, func() (*jetstream.PubAck, error) { return f.JetStream.PublishMsg(ctx, m, o...) })
}

// TestPublishFaults is the table of what can go wrong with a write, and what the
// appender hears and a reader finds then.
func TestPublishFaults(t *testing.T) {
	type write = func() (*jetstream.PubAck, error)
	refusal := &jetstream.APIError{Code: 400, ErrorCode: 10052, Description: "no"}
	tests := []struct {
		name    string
		publish func(try int, w write) (*jetstream.PubAck, error)
		want    error
		found   int
	}{
		{"answer lost once", func(try int, w write) (*jetstream.PubAck, error) {
			ack, err := w()
			if try == 1 {
				return nil, context.DeadlineExceeded
			}
			return ack, err
		}, nil, 1},
		{"request lost once", func(try int, w write) (*jetstream.PubAck, error) {
			if try == 1 {
				return nil, nats.ErrTimeout
			}
			return w()
		}, nil, 1},
		{"no leader for a moment", func(try int, w write) (*jetstream.PubAck, error) {
			if try == 1 {
				return nil, jetstream.ErrNoStreamResponse
			}
			return w()
		}, nil, 1},
		{"all answers lost", func(_ int, w write) (*jetstream.PubAck, error) {
			if _, err := w(); err != nil {
				return nil, err
			}
			return nil, nats.ErrTimeout
		}, ErrUnknown, 1},
		{"all requests lost", func(int, write) (*jetstream.PubAck, error) { return nil, nats.ErrTimeout }, ErrUnknown, 0},
		{"nobody there", func(int, write) (*jetstream.PubAck, error) { return nil, nats.ErrNoResponders }, ErrRefused, 0},
		{"refused", func(int, write) (*jetstream.PubAck, error) { return nil, refusal }, ErrRefused, 0},
		{"answer lost, then refused", func(try int, w write) (*jetstream.PubAck, error) {
			if try == 1 {
				_, _ = w()
				return nil, nats.ErrTimeout
			}
			return nil, refusal
		}, ErrUnknown, 1},
		{"write failed in the store", func(int, write) (*jetstream.PubAck, error) {
			return nil, &jetstream.APIError{Code: 503, ErrorCode: storeFailed, Description: "input/output error"}
		}, ErrUnknown, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			js := natsdtest.Start(t)
			f := &faulty{JetStream: js, publish: tt.publish}
			j := openTest(t, f, Options{giveUp: 250 * time.Millisecond})
			err := j.Append(t.Context(), entry(0))
			if !errors.Is(err, tt.want) {
				t.Errorf("Append = %v, want %v", err, tt.want)
			}
			if errors.Is(err, ErrUnknown) && errors.Is(err, ErrRefused) {
				t.Errorf("Append cannot decide: %v", err)
			}
			numbers(t, readAll(t, openTest(t, js, Options{}), Position{}, 1), tt.found)
			// The journal goes on with the next.
			f.mu.Lock()
			f.publish = func(_ int, w write) (*jetstream.PubAck, error) { return w() }
			f.mu.Unlock()
			must(t, j.Append(t.Context(), entry(tt.found)))
			numbers(t, readAll(t, openTest(t, js, Options{}), Position{}, 1), tt.found+1)
		})
	}
}

// TestServerRestart takes a listening server away under an appender.
func TestServerRestart(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	url, stop := natsdtest.Listen(t, dir, -1)
	c, err := natsd.Start(ctx, natsd.Options{URL: url})
	must(t, err)
	t.Cleanup(c.Close)
	j := openTest(t, c.JetStream(), Options{poll: 10 * time.Millisecond, tryTimeout: 300 * time.Millisecond, TailBytes: 1})
	must(t, j.Append(ctx, entry(0)))
	stop()
	appended, waited := make(chan error, 1), make(chan error, 1)
	go func() { waited <- j.Wait(ctx, Position{Seq: 2}) }()
	go func() { appended <- j.Append(ctx, entry(1)) }()
	if _, _, err := j.Read(ctx, Position{Seq: 1}, 1); err == nil {
		t.Error("read from a server that is gone")
	}
	natsdtest.Listen(t, dir, natsdtest.Port(t, url))
	must(t, <-appended)
	must(t, <-waited)
	numbers(t, readAll(t, openTest(t, c.JetStream(), Options{}), Position{}, 1), 2)
}

// TestBackpressure holds the store up, and looks at who waits and who leaves.
func TestBackpressure(t *testing.T) {
	hold, reached := make(chan struct{}), make(chan struct{}, 10)
	f := &faulty{JetStream: natsdtest.Start(t)}
	f.publish = func(_ int, w func() (*jetstream.PubAck, error)) (*jetstream.PubAck, error) {
		reached <- struct{}{}
		<-hold
		return w()
	}
	j := openTest(t, f, Options{MaxPending: 4000})
	taken, queued, blocked := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	leave, cancel := context.WithCancel(t.Context())
	go func() { taken <- j.Append(leave, entry(0)) }()
	<-reached // the writer has it
	go func() { queued <- j.Append(leave, entry(99)) }()
	for j.Stats().PendingRecords < 2 {
		time.Sleep(time.Millisecond)
	}
	go func() { blocked <- j.Append(leave, entry(98), entry(97)) }() // no room for it
	select {
	case err := <-blocked:
		t.Fatalf("let in above the bound: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	if s := j.Stats(); s.PendingRecords != 2 || s.PendingBytes > 4000 {
		t.Errorf("above the bound: %+v", s)
	}
	cancel()
	if err := <-taken; !errors.Is(err, ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("left while it was being written: %v", err)
	}
	for _, c := range []chan error{queued, blocked} {
		if err := <-c; errors.Is(err, ErrUnknown) || !errors.Is(err, context.Canceled) {
			t.Errorf("left before it was being written: %v", err)
		}
	}
	close(hold)
	must(t, j.Append(t.Context(), entry(1)))
	numbers(t, readAll(t, j, Position{}, 1), 2) // 0 was written, the others never
	if s := j.Stats(); s.PendingBytes != 0 || s.PendingRecords != 0 {
		t.Errorf("%+v", s)
	}
}
