package natsd

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
)

// The folder of a stream has a description (meta.inf, JSON) and a checksum of that
// (meta.sum). The server replaces each of them in one step, the description first,
// and takes the description away before it deletes the rest. A crash between two
// steps leaves a folder that the server passes over at the next start, without an
// error, and which it takes for a whole one when the stream is made anew, so that it
// is passed over again after that, with all that it got meanwhile. So each of these
// is completed before the server starts:
//
//	killed while it was      leaves                         is
//	made                     no description, no message     removed; whoever was making it makes it anew
//	made                     no checksum                    given one
//	changed                  a checksum of the former one   given one
//	deleted                  no description, no message     removed
//
// (Whoever deletes a stream purges it first, package loggroup.) All else is damage.
// Consumers leave nothing: ours are in memory.

const (
	metaName = "meta.inf"
	sumName  = "meta.sum"
)

// complete completes the folder of a stream that a crash left half made, changed or
// deleted. reached is the last sequence number the stream is known to have had. gone
// is true if nothing is left of it.
func (s *Server) complete(folder string, reached uint64) (gone bool, err error) {
	name := filepath.Base(folder)
	text, err := os.ReadFile(filepath.Join(folder, metaName))
	if errors.Is(err, fs.ErrNotExist) {
		return true, s.dismiss(folder, reached)
	}
	if err != nil {
		return false, fmt.Errorf("read the description of stream %s: %w", name, err)
	}
	want, err := metaSum(name, text)
	if err != nil {
		return false, err
	}
	sum, err := os.ReadFile(filepath.Join(folder, sumName))
	none := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !none:
		return false, fmt.Errorf("read the checksum of stream %s: %w", name, err)
	case string(sum) == want:
		return false, nil
	case !describes(text, name):
		return false, nil // damaged: the server does not open it, which unrecovered finds
	case !none:
		if changing, err := newer(folder); err != nil || !changing {
			return false, err // the same
		}
	}
	// A crash before the rename leaves the folder as it is, one after it a whole one.
	if err := replaceFile(filepath.Join(folder, sumName), []byte(want)); err != nil {
		return false, fmt.Errorf("complete stream %s, which a crash left half made or changed: %w", name, err)
	}
	s.o.Log.Warn("message store: a stream that a crash left half made or changed is completed", "stream", name)
	return false, nil
}

// dismiss removes a folder without a description, if it holds no message.
func (s *Server) dismiss(folder string, reached uint64) error {
	name := filepath.Base(folder)
	blocks, err := listBlocks(folder)
	if err != nil {
		return err
	}
	empty := reached == 0 || !slices.Contains(s.o.Critical, name)
	for _, b := range blocks {
		found, err := b.scan()
		if err != nil {
			return err
		}
		empty = empty && found.messages == 0 && found.whole()
	}
	if !empty {
		return fmt.Errorf("stream %s in %s has lost its description, %s; restore the folder from a backup", name, folder, metaName)
	}
	// A crash in between leaves less of it, and the next start comes here again.
	if err := os.RemoveAll(folder); err != nil {
		return fmt.Errorf("remove stream %s, which a crash left half made or deleted: %w", name, err)
	}
	s.o.Log.Warn("message store: a stream that a crash left half made or deleted, without a message, is removed", "stream", name)
	return nil
}

// newer reports whether the description is newer than its checksum: then it is what
// the server wrote last. Files that rot keep their times.
func newer(folder string) (bool, error) {
	var times [2]time.Time
	for i, name := range []string{metaName, sumName} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			return false, fmt.Errorf("look at a stream's description: %w", err)
		}
		times[i] = info.ModTime()
	}
	return times[0].After(times[1]), nil
}

// describes reports whether text is, byte for byte, what the server writes as the
// description of a stream.
func describes(text []byte, name string) bool {
	var info server.FileStreamInfo
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&info); err != nil || info.Name != name {
		return false
	}
	again, err := json.Marshal(info)
	return err == nil && bytes.Equal(again, text)
}

// metaSum is the checksum of a stream's description, as the server writes it.
// Source: writeStreamMeta in filestore.go of NATS server 2.15.
func metaSum(name string, text []byte) (string, error) {
	key := sha256.Sum256([]byte(name))
	h, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return "", fmt.Errorf("make a checksum: %w", err) // only for keys of another size
	}
	_, _ = h.Write(text) // never fails
	return hex.EncodeToString(h.Sum(nil)), nil
}
