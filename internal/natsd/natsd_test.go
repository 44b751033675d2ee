package natsd_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
)

func TestRestartKeepsMessages(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := natsdtest.StartDir(t, dir)
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}
	if _, err := s.JetStream().CreateStream(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("x"), 4<<20) // more than the default payload limit
	if _, err := s.JetStream().Publish(ctx, "s", big); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close() // harmless

	s = natsdtest.StartDir(t, dir)
	st, err := s.JetStream().Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	m, err := st.GetMsg(ctx, 1)
	if err != nil || !bytes.Equal(m.Data, big) {
		t.Fatalf("message after restart: %v", err)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	s.Close()
	if err := s.Err(); !errors.Is(err, natsd.ErrStore) {
		t.Errorf("Err after Close = %v", err)
	}
}

func TestFolderInUse(t *testing.T) {
	dir := t.TempDir()
	s := natsdtest.StartDir(t, dir)
	_, err := natsd.Start(t.Context(), natsd.Options{Dir: dir})
	if !errors.Is(err, natsd.ErrStore) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second start = %v", err)
	}
	s.Close()
	natsdtest.StartDir(t, dir)
}

func TestUnusableFolder(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	blocked := t.TempDir() // the server's own folder cannot be made inside
	inTheWay := filepath.Join(blocked, "jetstream")
	if err := os.Symlink(filepath.Join(blocked, "nowhere"), inTheWay); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file, blocked} {
		s, err := natsd.Start(t.Context(), natsd.Options{Dir: dir, Log: logger})
		if !errors.Is(err, natsd.ErrStore) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Start(%q) = %v", dir, err)
		}
		if s != nil {
			s.Close()
		}
	}
	if !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the server's fatal message was not logged: %q", log.String())
	}
	// A failed start must not keep the lock.
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	natsdtest.StartDir(t, blocked)
}

// TestLostStream refuses a folder in which a stream that holds messages cannot be
// opened: to go on without it would be to forget it.
func TestLostStream(t *testing.T) {
	dir := t.TempDir()
	s := natsdtest.StartDir(t, dir)
	cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.FileStorage}
	if _, err := s.JetStream().CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := s.JetStream().Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	folder := filepath.Join(dir, "jetstream", "$G", "streams", "S")
	meta := filepath.Join(folder, "meta.inf")
	text, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(meta, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := natsd.Start(t.Context(), natsd.Options{Dir: dir}); !errors.Is(err, natsd.ErrStore) || !strings.Contains(err.Error(), folder) {
		t.Errorf("start with a damaged stream: %v", err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(meta, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = natsdtest.StartDir(t, dir)
	if _, err := s.JetStream().Stream(t.Context(), "S"); err != nil {
		t.Error("after it was repaired:", err)
	}
	s.Close()
	// A stream that was never made is no reason to refuse.
	if err := os.MkdirAll(filepath.Join(dir, "jetstream", "$G", "streams", "HALF", "msgs"), 0o700); err != nil {
		t.Fatal(err)
	}
	natsdtest.StartDir(t, dir)
}

// listen starts a server that listens on loopback, as a cluster's would.
func listen(t *testing.T, js bool) string {
	t.Helper()
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: js, StoreDir: t.TempDir(), Username: "u", Password: "hunter2",
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return "nats://u:hunter2@" + srv.Addr().(*net.TCPAddr).String()
}

func TestURL(t *testing.T) {
	s, err := natsd.Start(t.Context(), natsd.Options{URL: listen(t, true)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.JetStream().AccountInfo(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestURLErrorsHideCredentials(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	plain := listen(t, false)
	for name, url := range map[string]string{
		"no jetstream":   plain,
		"nothing there":  "nats://u:hunter2@127.0.0.1:1",
		"wrong password": strings.Replace(plain, "hunter2", "hunter22", 1),
	} {
		_, err := natsd.Start(ctx, natsd.Options{URL: url})
		if !errors.Is(err, natsd.ErrStore) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStartCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if s, err := natsd.Start(ctx, natsd.Options{Dir: dir}); err == nil {
		s.Close()
		t.Error("started under a cancelled context")
	}
	natsdtest.StartDir(t, dir)
}
