package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn/internal/backup"
)

// notBackedUp are the files of a data folder that mean something only while an
// engine runs on it.
var notBackedUp = []string{
	lockFile, endpointFile, adminFile, probeFile, natsDir + "/LOCK", natsDir + "/PROBE",
}

func skipped(path string) bool {
	return slices.Contains(notBackedUp, path) || strings.HasPrefix(path, ".") && strings.HasSuffix(path, ".new") && !strings.Contains(path, "/")
}

// Backup copies a data folder to another folder as it was at one instant, also
// while an engine runs on it: calls then wait during the last part of the copying.
// What is restored from it is what the engine would find if it had been killed at
// that instant, and it starts as after that.
func Backup(ctx context.Context, dir, to string) (*backup.Summary, error) {
	a, err := readAbout(dir)
	if err != nil {
		return nil, err
	}
	if inside(dir, to) {
		return nil, fmt.Errorf("back up %s to %s: that is inside the data folder; choose another folder", dir, to)
	}
	if _, err := os.Stat(filepath.Join(dir, natsDir)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("back up %s: it holds no records and no state; if they are in a NATS cluster, back both up with the tools of NATS", dir)
	}
	o := backup.Options{From: dir, To: to, Skip: skipped}
	d := &dataDir{path: dir}
	switch err := d.acquire(); {
	case err == nil: // nobody writes, and nobody starts to
		defer d.close() //nolint:errcheck // nothing was written
	case errors.Is(err, ErrInUse):
		o.Rest = func(ctx context.Context) (func(), error) { return rest(ctx, dir) }
	default:
		return nil, err
	}
	return backup.Make(ctx, o, map[string]string{
		"format": strconv.Itoa(a.Format), "account": a.Account, "made": time.Now().UTC().Format(time.RFC3339),
	})
}

// rest asks the engine of a data folder to rest until the function is called.
func rest(ctx context.Context, dir string) (func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	resp, err := command(ctx, dir, http.MethodPost, "rest") //nolint:bodyclose // the engine rests until the function that is returned closes it
	if err != nil {
		cancel()
		return nil, err
	}
	return func() {
		cancel()
		_ = resp.Body.Close() // it was empty
	}, nil
}

// Restore makes a data folder of a backup. The folder must be empty, or not there.
// Every byte is checked. cairn.json comes last, so that an engine refuses a folder
// that a crash left unfinished.
func Restore(ctx context.Context, from, dir string) (*backup.Summary, error) {
	m, err := backup.ReadManifest(from)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(m.Note["format"])
	if err != nil {
		return nil, fmt.Errorf("restore %s: it does not say which format its data has (%q); it is not a backup of a data folder", from, m.Note["format"])
	}
	if err := checkFormat(n); err != nil {
		return nil, fmt.Errorf("restore %s: %w", from, err)
	}
	if inside(from, dir) {
		return nil, fmt.Errorf("restore to %s: that is inside the backup; choose another folder", dir)
	}
	if err := makeFolder(dir); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	return backup.Restore(ctx, from, dir, formatFile)
}

// inside reports whether path is a folder or below it.
func inside(folder, path string) bool {
	a, errA := filepath.Abs(folder)
	b, errB := filepath.Abs(path)
	if errA != nil || errB != nil {
		return false
	}
	rel, err := filepath.Rel(a, b)
	return err == nil && filepath.IsLocal(rel)
}
