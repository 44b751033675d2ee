package engine

import (
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// maxConnections bounds the connections of the endpoint, however many files the
// system allows.
const maxConnections = 16 << 10

// connections is how many connections the endpoint takes at once: half of the
// files this process may have open. The stores need the others: a message store
// that cannot open its files switches itself off, and whoever can connect could
// bring that about.
func connections() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Cur/2 > maxConnections {
		return maxConnections
	}
	return max(1, int(files.Cur/2))
}

// limited is a listener that takes no more than a number of connections at once;
// the others wait in the system's queue.
type limited struct {
	net.Listener
	slots chan struct{}
	done  chan struct{}
	end   sync.Once
}

func limit(l net.Listener, n int) *limited {
	return &limited{Listener: l, slots: make(chan struct{}, n), done: make(chan struct{})}
}

// Accept waits for a free slot, then for a connection.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &counted{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

// Close ends the listener; connections go on.
func (l *limited) Close() error {
	l.end.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// counted is a connection that gives its slot back when it is closed.
type counted struct {
	net.Conn
	free func()
}

// Close closes the connection.
func (c *counted) Close() error {
	defer c.free()
	return c.Conn.Close()
}
