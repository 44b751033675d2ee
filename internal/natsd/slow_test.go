package natsd

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// lazy is a way to the server whose clients stop reading when they are told to. Cut
// off, they read on.
type lazy struct {
	*Server
	mu   sync.Mutex
	stop chan struct{} // not nil: who reads waits until it is closed
}

func (l *lazy) InProcessConn() (net.Conn, error) {
	c, err := l.Server.InProcessConn()
	if err != nil {
		return nil, err
	}
	return &lazyConn{c, l}, nil
}

type lazyConn struct {
	net.Conn
	l *lazy
}

func (c *lazyConn) Read(p []byte) (int, error) {
	c.l.mu.Lock()
	stop := c.l.stop
	c.l.mu.Unlock()
	if stop != nil {
		<-stop
	}
	return c.Conn.Read(p)
}

// TestSlowConnection has a connection take nothing of what it asked for: the server
// keeps 128 MiB for it and no more, cuts it off, and it connects again by itself.
func TestSlowConnection(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := Start(t.Context(), Options{Dir: t.TempDir()})
	must(err)
	defer s.Close()
	way := &lazy{Server: s}
	slow := &Server{} // a second connection, made as the first is
	must(slow.connect(t.Context(), Options{Log: s.o.Log}, []nats.Option{nats.InProcessServer(way)}))
	defer slow.conn.Close()
	again := make(chan struct{}, 1)
	slow.conn.SetReconnectHandler(func(*nats.Conn) { again <- struct{}{} })
	sub, err := slow.conn.SubscribeSync("many")
	must(err)
	must(slow.conn.Flush())
	resume := make(chan struct{})
	way.mu.Lock()
	way.stop = resume
	way.mu.Unlock()

	message, kept := make([]byte, 1<<20), 0
	for s.srv.NumSlowConsumers() == 0 && kept < 2*maxPending {
		must(s.conn.Publish("many", message))
		must(s.conn.FlushTimeout(20 * time.Second)) // the server has it
		kept += len(message)
	}
	// A few are with the connection already, or in the reader's hands.
	if kept < maxPending-8<<20 || kept > maxPending+8<<20 {
		t.Errorf("%d MiB were kept for a connection that reads nothing", kept>>20)
	}
	way.mu.Lock()
	way.stop = nil
	way.mu.Unlock()
	close(resume)
	select {
	case <-again:
	case <-time.After(20 * time.Second):
		t.Fatalf("it did not connect again: it is %s", slow.conn.Status())
	}
	must(slow.conn.Flush())
	must(s.conn.Publish("many", []byte("after")))
	for {
		m, err := sub.NextMsg(20 * time.Second)
		must(err)
		if string(m.Data) == "after" {
			return
		}
	}
}
