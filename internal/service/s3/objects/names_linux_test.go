package objects

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// No name but that of the object ever appears where listings look, so that a kill
// leaves no object nobody put.
func TestNoOtherNames(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	defer s.Close()
	_, complete := upload(t, s, "two")
	put(t, s, "bucket", "k", "one")
	watch, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, filepath.Join(dir, "objects", "bucket"), unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		t.Fatal(err)
	}
	put(t, s, "bucket", "k", "one more")
	if code := complete(s); code != http.StatusOK {
		t.Error(code)
	}
	if code, body := do(t, s, &Request{Method: http.MethodPut, Bucket: "bucket", Key: "k2", Header: http.Header{"X-Amz-Copy-Source": {"/bucket/k"}}}); code != http.StatusOK {
		t.Error(code, body)
	}
	seen := map[string]bool{}
	for buf := make([]byte, 1<<16); ; {
		n, err := unix.Read(watch, buf)
		if errors.Is(err, syscall.EAGAIN) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < n; {
			// Its length is the last of the four numbers before a name.
			size := int(buf[at+12]) | int(buf[at+13])<<8
			name := buf[at+unix.SizeofInotifyEvent : at+unix.SizeofInotifyEvent+size]
			seen[string(bytes.TrimRight(name, "\x00"))] = true
			at += unix.SizeofInotifyEvent + size
		}
	}
	if len(seen) != 2 || !seen["k"] || !seen["k2"] {
		t.Errorf("names that appeared: %v", seen)
	}
}

// Temporary files that a kill left are gone after the start, and uploads are not.
func TestTemporaryFilesGone(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	id, complete := upload(t, s, "text")
	bucket := filepath.Join(dir, "objects", "bucket")
	left := []string{
		filepath.Join(bucket, ".sgwtmp", "0123.4"), filepath.Join(bucket, uploads("k"), "0123.4"),
		filepath.Join(dir, "versions", "bucket", ".sgwtmp", "0123.4"),
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, path := range left {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	s = openStore(t, dir)
	defer s.Close()
	for _, path := range left {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	if _, body := do(t, s, &Request{Method: http.MethodGet, Bucket: "bucket", Query: url.Values{"uploads": {""}}}); !strings.Contains(body, id) {
		t.Errorf("the upload is gone: %s", body)
	}
	if code := complete(s); code != http.StatusOK {
		t.Errorf("completing it answers %d", code)
	}
}
