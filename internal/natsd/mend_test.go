package natsd_test

import (
	"bytes"
	"context"
	"errors"
	"os/signal"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"

	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
)

// limitFiles bounds the size of this process's files, which makes writes beyond
// it fail, until the function it returns is called.
func limitFiles(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(unix.SIGXFSZ) // else the signal comes in place of the error
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	lift = func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(lift)
	return lift
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain:", what)
		}
	}
}

// TestMend makes a write fail: from then on the store is unusable, and says so,
// until it can write again, with all it had.
func TestMend(t *testing.T) {
	ctx := t.Context()
	s := natsdtest.StartDir(t, t.TempDir())
	js := s.JetStream()
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}); err != nil {
		t.Fatal(err)
	}
	small, large := []byte("small"), bytes.Repeat([]byte("x"), 4<<20)
	if _, err := js.Publish(ctx, "s", small); err != nil {
		t.Fatal(err)
	}
	lift := limitFiles(t, 512<<10)
	short, cancel := context.WithTimeout(ctx, time.Second) // there will be no answer
	defer cancel()
	if _, err := js.Publish(short, "s", large); err == nil {
		t.Fatal("a message that cannot be written was acknowledged")
	}
	until(t, "the store says that it is unusable", func() bool { return errors.Is(s.Err(), natsd.ErrStore) })
	time.Sleep(50 * time.Millisecond)
	if s.Err() == nil {
		t.Error("the store claims to work while it cannot write")
	}
	lift()
	until(t, "the store works again", func() bool { return s.Err() == nil })
	ack, err := js.Publish(ctx, "s", large)
	if err != nil || ack.Sequence != 2 {
		t.Errorf("publish after recovery: %+v, %v", ack, err)
	}
	st, err := js.Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := st.GetMsg(ctx, 1); err != nil || !bytes.Equal(m.Data, small) {
		t.Errorf("the message before the failure: %v", err)
	}
}
