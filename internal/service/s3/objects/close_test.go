package objects

import (
	"context"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"cairn/internal/awserr"
)

// Close waits for a write before it stops the server, which waits ten seconds only: a
// write that takes longer would be recorded as a failure, and happen.
func TestCloseWaits(t *testing.T) {
	s := openStore(t, t.TempDir())
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	closed := make(chan error)
	s.backing.stage = func(*os.File) error {
		go func() { closed <- s.Close() }()
		for {
			stack := closing()
			if strings.Contains(stack, "(*WaitGroup).Wait") {
				return nil
			}
			if strings.Contains(stack, "ShutDown") {
				t.Error("the server is stopped while a write is under way")
				return nil
			}
			runtime.Gosched()
		}
	}
	put(t, s, "bucket", "k", "text")
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// closing is the stack of the goroutine that closes a store.
func closing() string {
	buf := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "(*Store).Close(") {
			return stack
		}
	}
	return ""
}

// A write whose connection to the store breaks after its body was sent has an unknown
// outcome. It is answered as a failure of the server: never as a success, and never as
// something that is the caller's to mend.
func TestConnectionBreaks(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket"})
	var conn net.Conn
	s.client.CloseIdleConnections()
	s.client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (_ net.Conn, err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "unix", socketPath(dir, s.folder))
		return conn, err
	}
	s.backing.stage = func(*os.File) error { return conn.Close() }
	_, err := s.Ask(t.Context(), &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k", Body: strings.NewReader("text"), Length: 4})
	if e := awserr.From(err); err == nil || e.Status < http.StatusInternalServerError {
		t.Errorf("it is answered %v: %v", e, err)
	}
}
