package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn/internal/sigv4"
)

// TestExpect asks clients that wait for it for the bodies of calls whose signature
// holds, and answers the others at once, without asking.
func TestExpect(t *testing.T) {
	const body = "Action=GetCallerIdentity&Version=2011-06-15"
	for name, row := range map[string]struct {
		secret string
		want   []int // the answers
	}{
		"signed":  {secret, []int{http.StatusContinue, http.StatusOK}},
		"unknown": {"", []int{http.StatusForbidden}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := hasty(t, patience{idle: time.Minute, body: time.Minute, rest: 30 * time.Second})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if row.secret != "" {
				sigv4.Sign(req, "AKIAROOT", row.secret, "eu-west-1", "sts", hashOf(body), time.Now())
			}
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // less than the rest of a body is waited for
			var head strings.Builder
			head.WriteString("POST / HTTP/1.1\r\nHost: " + s.Listener.Addr().String() + "\r\nExpect: 100-continue\r\nContent-Length: 43\r\n")
			_ = req.Header.Write(&head)
			if _, err := io.WriteString(conn, head.String()+"\r\n"); err != nil {
				t.Fatal(err)
			}
			in := bufio.NewReader(conn)
			for _, want := range row.want {
				resp, err := http.ReadResponse(in, req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode != want {
					t.Fatalf("answered %s, want %d", resp.Status, want)
				}
				if want == http.StatusContinue {
					if _, err := io.WriteString(conn, body); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
