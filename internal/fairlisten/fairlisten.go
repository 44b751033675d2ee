// Package fairlisten bounds the connections a server has open, and keeps one
// client from taking all of them.
package fairlisten

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// maxConnections bounds the connections of the endpoint, however many files the
// system allows.
const maxConnections = 16 << 10

// Most is how many connections an endpoint may have open at once: half of the
// files this process may have open. The stores need the others: a message store
// that cannot open its files switches itself off, and whoever can connect could
// bring that about.
func Most() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Cur/2 > maxConnections {
		return maxConnections
	}
	return max(1, int(files.Cur/2))
}

// Listener is a listener that takes no more than a number of connections at once.
// When all are taken, a new one takes the place of another that no request came
// on, or none since the last answer: the oldest of the source that holds the most.
// So whoever fills all places takes them from himself. If a request runs on every
// one, new connections wait in the system's queue.
//
// Its server has to call NoteState as connections change.
type Listener struct {
	net.Listener
	most int // connections
	done chan struct{}
	end  sync.Once

	mu      sync.Mutex
	open    int
	sources map[netip.Prefix]*source
	changed chan struct{} // has room for one: a place is free, or a request ended
}

// source is an address that connections come from.
type source struct {
	open int
	idle list.List // of *counted without a request, the oldest first
}

// New returns a listener that takes n connections of l at once.
func New(l net.Listener, n int) *Listener {
	return &Listener{Listener: l, most: n, done: make(chan struct{}), sources: map[netip.Prefix]*source{}, changed: make(chan struct{}, 1)}
}

// Accept waits for a connection, then for a place for it.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		k, rival := l.place(c)
		switch {
		case k != nil:
			return k, nil
		case rival != nil:
			_ = rival.Close() // gives back its place; its client connects again
			continue
		}
		select {
		case <-l.changed:
		case <-l.done:
			_ = c.Close()
			return nil, net.ErrClosed
		}
	}
}

// place gives a connection a place, or names the one whose place it may take; both
// are nil if it has to wait.
func (l *Listener) place(c net.Conn) (*counted, *counted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.most {
		var greedy *source
		for _, s := range l.sources {
			if s.idle.Len() > 0 && (greedy == nil || s.open > greedy.open) {
				greedy = s
			}
		}
		if greedy == nil {
			return nil, nil
		}
		return nil, greedy.idle.Front().Value.(*counted)
	}
	from := sourceOf(c.RemoteAddr())
	s := l.sources[from]
	if s == nil {
		s = &source{}
		l.sources[from] = s
	}
	k := &counted{Conn: c, l: l, from: from, source: s}
	k.waits = s.idle.PushBack(k)
	s.open++
	l.open++
	return k, nil
}

// sourceOf is who is taken for one client: an IPv4 address, or the 64 bits of an
// IPv6 address that a network is given as one.
func sourceOf(a net.Addr) netip.Prefix {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// tell notes that something changed, for an Accept that waits.
func (l *Listener) tell() {
	select {
	case l.changed <- struct{}{}:
	default: // it is told already
	}
}

// Close ends the listener; connections go on.
func (l *Listener) Close() error {
	l.end.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// counted is a connection that gives its place back when it is closed. Its fields
// but Conn belong to the listener's lock.
type counted struct {
	net.Conn
	l      *Listener
	from   netip.Prefix
	source *source
	waits  *list.Element // among the source's idle ones; nil while a request runs
	closed bool
}

// Close closes the connection.
func (c *counted) Close() error {
	c.l.mu.Lock()
	if !c.closed {
		c.closed = true
		c.busy(true)
		c.l.open--
		if c.source.open--; c.source.open == 0 {
			delete(c.l.sources, c.from)
		}
	}
	c.l.mu.Unlock()
	defer c.l.tell()
	return c.Conn.Close()
}

// busy notes whether a request runs, or anything else that keeps the connection
// from being closed for another.
func (c *counted) busy(now bool) {
	switch {
	case now && c.waits != nil:
		c.source.idle.Remove(c.waits)
		c.waits = nil
	case !now && c.waits == nil && !c.closed:
		c.waits = c.source.idle.PushBack(c)
	}
}

// NoteState is to be the server's http.Server.ConnState: it tells connections on which
// a request runs from those that only are open.
func NoteState(c net.Conn, state http.ConnState) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	k, ok := c.(*counted)
	if !ok {
		return
	}
	k.l.mu.Lock()
	k.busy(state != http.StateNew && state != http.StateIdle)
	k.l.mu.Unlock()
	k.l.tell()
}
