package natsd_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd"
	"cairn/internal/natsd/natsdtest"
)

// filled makes a folder with streams ONE and TWO of many messages, some of them
// deleted, and returns it and the newest files of messages.
func filled(t *testing.T) (dir, one, two string) {
	t.Helper()
	ctx := t.Context()
	dir = t.TempDir()
	s := natsdtest.StartDir(t, dir)
	defer s.Close()
	for _, name := range []string{"ONE", "TWO"} {
		st, err := s.JetStream().CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Subjects: []string{name + ".*"}, Storage: jetstream.FileStorage, MaxMsgsPerSubject: 3, AllowDirect: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			msg := bytes.Repeat([]byte{byte(i)}, i*7)
			if _, err := s.JetStream().Publish(ctx, fmt.Sprintf("%s.%d", name, i%20), msg, jetstream.WithMsgID(fmt.Sprint(i))); err != nil { // with a header
				t.Fatal(err)
			}
		}
		if err := st.DeleteMsg(ctx, 70); err != nil {
			t.Fatal(err)
		}
		if err := st.SecureDeleteMsg(ctx, 71); err != nil {
			t.Fatal(err)
		}
		if err := st.Purge(ctx, jetstream.WithPurgeSubject(name+".19")); err != nil {
			t.Fatal(err)
		}
	}
	at := filepath.Join(dir, "jetstream", "$G", "streams")
	return dir, newest(t, filepath.Join(at, "ONE")), newest(t, filepath.Join(at, "TWO"))
}

func newest(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "msgs", "*.blk"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files[len(files)-1]
}

// start starts a server for which ONE is critical, and returns what it logged.
func start(t *testing.T, dir string) (string, error) {
	t.Helper()
	var log bytes.Buffer
	s, err := natsd.Start(t.Context(), natsd.Options{Dir: dir, Critical: []string{"ONE"}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err == nil {
		s.Close()
	}
	return log.String(), err
}

func change(t *testing.T, file string, f func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, f(text), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 4; return b }
}

// TestVerify damages files in every place there is: what was acknowledged is never
// lost without a word, and nothing is said of files that are whole.
func TestVerify(t *testing.T) {
	dir, one, two := filled(t)
	if log, err := start(t, dir); err != nil || strings.Contains(log, "level=ERROR") {
		t.Fatalf("nothing is damaged: %v\n%s", err, log)
	}
	info, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	size := int(info.Size())
	for at := 3; at < size; at += size / 15 {
		for what, f := range map[string]func([]byte) []byte{
			fmt.Sprintf("a bit flipped at %d", at): flip(at),
			fmt.Sprintf("cut at %d", at):           func(b []byte) []byte { return b[:at] },
		} {
			copied := filepath.Join(t.TempDir(), "copy")
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			in := func(file string) string { return filepath.Join(copied, strings.TrimPrefix(file, dir)) }
			change(t, in(two), f)
			if log, err := start(t, copied); err != nil || !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "stream=TWO") {
				t.Errorf("%s: %v, log: %s", what, err, log)
			}
			change(t, in(one), f)
			if _, err := start(t, copied); err == nil || !strings.Contains(err.Error(), "ONE") {
				t.Errorf("%s of a critical stream: %v", what, err)
			}
		}
	}
}

// TestRepair loses one message to a flipped bit, not those behind it, and keeps
// the damaged file as it was.
func TestRepair(t *testing.T) {
	dir, _, two := filled(t)
	before := messages(t, dir)
	change(t, two, flip(15000))
	want, err := os.ReadFile(two)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, dir); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "damaged", "TWO-*"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if got, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what was set aside is not what was there: %v", err)
	}
	after, lost := messages(t, dir), 0
	for seq, data := range before {
		got, ok := after[seq]
		if !ok {
			lost++
		} else if !bytes.Equal(got, data) {
			t.Errorf("message %d is another now", seq)
		}
	}
	if lost != 1 {
		t.Errorf("%d messages of %d are lost", lost, len(before))
	}
}

// messages returns the messages of stream TWO by sequence number.
func messages(t *testing.T, dir string) map[uint64][]byte {
	t.Helper()
	s := natsdtest.StartDir(t, dir)
	defer s.Close()
	st, err := s.JetStream().Stream(t.Context(), "TWO")
	if err != nil {
		t.Fatal(err)
	}
	all := map[uint64][]byte{}
	for seq := range st.CachedInfo().State.LastSeq {
		if m, err := st.GetMsg(t.Context(), seq+1); err == nil {
			all[seq+1] = m.Data
		}
	}
	return all
}

// TestTorn cuts files short in the middle of a record. The newest was being written,
// so nothing is lost: the end is cut off. One before it was whole once.
func TestTorn(t *testing.T) {
	dir := big(t)
	streams := filepath.Join(dir, "jetstream", "$G", "streams")
	older, last := filepath.Join(streams, "ONE", "msgs", "1.blk"), newest(t, filepath.Join(streams, "ONE"))
	change(t, last, func(b []byte) []byte { return append(b, b[:1000]...) })
	log, err := start(t, dir)
	if err != nil || !strings.Contains(log, "an end that a crash left is cut off") || strings.Contains(log, "level=ERROR") {
		t.Errorf("torn end of the newest file: %v\n%s", err, log)
	}
	if got := held(t, dir); got != allHeld {
		t.Errorf("the streams have %s, want %s", got, allHeld)
	}
	for what, f := range map[string]func([]byte) []byte{
		"cut":       func(b []byte) []byte { return b[:len(b)-10] },
		"all of it": func(b []byte) []byte { return make([]byte, len(b)) },
	} {
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		change(t, filepath.Join(copied, strings.TrimPrefix(older, dir)), f)
		if _, err := start(t, copied); err == nil || !strings.Contains(err.Error(), "1.blk is damaged") {
			t.Errorf("an older file of a critical stream, %s: %v", what, err)
		}
	}
}

// TestGone refuses a folder without a stream that must be there.
func TestGone(t *testing.T) {
	dir, one, _ := filled(t)
	if err := os.RemoveAll(filepath.Dir(filepath.Dir(one))); err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, dir); err == nil || !strings.Contains(err.Error(), "stream ONE is missing") {
		t.Errorf("start without a critical stream: %v", err)
	}
}
