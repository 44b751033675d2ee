package fairlisten

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// served answers on a listener that takes n connections; a request for /hold is
// answered when hold is closed.
func served(t *testing.T, n int, secure bool) (address string, hold chan struct{}, l *Listener) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = New(inner, n)
	hold = make(chan struct{})
	s := &http.Server{ConnState: NoteState, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/hold" {
			<-hold
		}
		_, _ = io.WriteString(w, "answered")
	})}
	var front net.Listener = l
	if secure {
		front = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{localPair(t)}})
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(front) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		_ = s.Close()
		serving.Wait()
	})
	return inner.Addr().String(), hold, l
}

func localPair(t *testing.T) tls.Certificate {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0]
}

// from connects from one of this machine's own addresses, 127.0.0.x.
func from(t *testing.T, last byte, address string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, last)}, Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", address)
	if err != nil {
		t.Skipf("this system has no address 127.0.0.%d: %v", last, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second)) // the test's own end
	return c
}

func ask(t *testing.T, c net.Conn, path string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

func answered(c net.Conn) error {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err
}

// await waits for something the server does in its own time.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

func (l *Listener) count(busy bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !busy {
		return l.open
	}
	idle := 0
	for _, s := range l.sources {
		idle += s.idle.Len()
	}
	return l.open - idle
}

// TestGreedyClient has one client take all connections. Others come in all the same, and
// at his cost: the connections of a modest client and calls that run stay.
func TestGreedyClient(t *testing.T) {
	if n := Most(); n < 1 || n > maxConnections {
		t.Errorf("the endpoint takes %d connections", n)
	}
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			address, hold, l := served(t, 8, secure)
			open := func(last byte) net.Conn {
				c := from(t, last, address)
				if secure {
					return tls.Client(c, &tls.Config{InsecureSkipVerify: true})
				}
				return c
			}
			modest := open(2)
			ask(t, modest, "/")
			if err := answered(modest); err != nil {
				t.Fatal(err)
			}
			running := open(3) // the greedy one's, with a call that takes long
			ask(t, running, "/hold")
			await(t, "the call runs", func() bool { return l.count(true) == 1 })
			for range 100 {
				from(t, 3, address) // says nothing
			}
			await(t, "all places are taken", func() bool { return l.count(false) == 8 })
			for range 10 {
				c := open(4)
				ask(t, c, "/")
				if err := answered(c); err != nil {
					t.Fatalf("a third client: %v", err)
				}
				_ = c.Close()
			}
			ask(t, modest, "/")
			if err := answered(modest); err != nil {
				t.Errorf("the modest client's connection: %v", err)
			}
			if n := l.count(false); n > 8 {
				t.Errorf("%d connections are open", n)
			}
			close(hold)
			if err := answered(running); err != nil {
				t.Errorf("the call that ran: %v", err)
			}
		})
	}
}

// TestWaits takes no connection while a request runs on each of them, and
// takes it when one of the requests ends or the listener does.
func TestWaits(t *testing.T) {
	address, hold, l := served(t, 2, false)
	held := []net.Conn{from(t, 2, address), from(t, 2, address)}
	for _, c := range held {
		ask(t, c, "/hold")
	}
	await(t, "both calls run", func() bool { return l.count(true) == 2 })
	late := from(t, 3, address)
	ask(t, late, "/")
	_ = late.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := late.Read(make([]byte, 1)); err == nil {
		t.Fatal("a third connection was taken")
	}
	_ = late.SetReadDeadline(time.Now().Add(20 * time.Second))
	close(hold)
	for _, c := range append(held, late) {
		if err := answered(c); err != nil {
			t.Error(err)
		}
	}
}

// TestEnds ends an Accept that waits for a place, and counts a connection
// that is closed twice once.
func TestEnds(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := New(inner, 1)
	from(t, 1, inner.Addr().String())
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = first.Close(), first.Close()
	if n := l.count(false); n != 0 || len(l.sources) != 0 {
		t.Errorf("%d connections of %d sources are left", n, len(l.sources))
	}
	from(t, 1, inner.Addr().String())
	second, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	NoteState(second, http.StateActive)
	ended := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	from(t, 1, inner.Addr().String())
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
}

// TestSources says whose connections count together.
func TestSources(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"10.0.0.1:1", "10.0.0.1:2", true},
		{"10.0.0.1:1", "10.0.0.2:1", false},
		{"10.0.0.1:1", "[::ffff:10.0.0.1]:1", true},
		{"[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"[fe80::1%lo]:1", "[fe80::2]:1", true},
	} {
		a, err := net.ResolveTCPAddr("tcp", row.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := net.ResolveTCPAddr("tcp", row.b)
		if err != nil {
			t.Fatal(err)
		}
		if same := sourceOf(a) == sourceOf(b); same != row.same {
			t.Errorf("%s and %s are one source: %v", row.a, row.b, same)
		}
	}
}
