package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cairn/digest"
)

// loaded is a digest as it was read, not yet believed.
type loaded struct {
	at   spot
	key  string
	name digest.Name

	file      *digest.File
	content   []byte
	hash      string
	signature string            // the one that verified it
	metadata  map[string]string // nil if not known
	generated time.Time         // when a backfill digest was made

	kind Kind  // what is wrong with it: "", DigestMissing, DigestFormat, DigestTrailing, Unreadable
	err  error // why
}

// spot is where a chain's digests are.
type spot struct {
	bucket string
	digest.Place
}

const (
	// smallDigest is what most digests are smaller than; a larger one, or a
	// compressed bomb, is read alone.
	smallDigest = 4 << 20
	// attempts is how often an object is read if the reading fails.
	attempts = 3
)

// load reads a digest.
func (r *run) load(ctx context.Context, at spot, key string) *loaded {
	d := &loaded{at: at, key: key}
	err := r.acquire(ctx)
	if err == nil {
		defer r.release()
		for try := 1; ; try++ {
			err = d.read(ctx, r, smallDigest)
			if errors.Is(err, digest.ErrTooLarge) {
				r.large.Lock()
				err = d.read(ctx, r, digest.MaxContent)
				r.large.Unlock()
			}
			if err == nil || try == attempts || !errors.As(err, new(*readError)) || ctx.Err() != nil {
				break
			}
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound):
		d.kind = DigestMissing
	case errors.Is(err, digest.ErrTrailing):
		d.kind = DigestTrailing
	case ctx.Err() != nil, errors.As(err, new(*readError)):
		d.kind = Unreadable
	default:
		d.kind = DigestFormat
	}
	d.err = err
	return d
}

// read reads and parses the digest once.
func (d *loaded) read(ctx context.Context, r *run, limit int64) error {
	var err error
	if d.name, err = digest.ParseKey(d.key); err != nil {
		return err
	}
	o, err := r.Source.Open(ctx, d.at.bucket, d.key)
	if err != nil {
		return asReadError(err)
	}
	defer o.Body.Close()
	var b bytes.Buffer
	body := &watched{r: o.Body}
	_, err = digest.Inflate(&b, body, limit)
	if body.err != nil {
		return &readError{body.err}
	}
	trailing := errors.Is(err, digest.ErrTrailing)
	if err != nil && !trailing {
		return err
	}
	content := b.Bytes()
	if d.file, err = digest.Parse(content); err != nil {
		return err
	}
	d.content, d.hash, d.metadata = content, digest.Hash(content), o.Metadata
	if text, ok := d.metadata[digest.MetaBackfill]; ok {
		if d.generated, err = time.Parse(time.RFC3339, text); err != nil {
			return fmt.Errorf("its metadata %s is no time: %q", digest.MetaBackfill, text)
		}
	}
	if d.name.Backfill && d.metadata != nil && d.generated.IsZero() {
		return fmt.Errorf("its metadata lacks %s", digest.MetaBackfill)
	}
	if trailing {
		return digest.ErrTrailing
	}
	return nil
}

// signedAt is around when the digest was signed, to find its key by.
func (d *loaded) signedAt() time.Time {
	if !d.generated.IsZero() {
		return d.generated
	}
	return d.name.End
}

// readError is a failure to read, as opposed to something wrong with what was
// read.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

func asReadError(err error) error {
	if errors.Is(err, ErrNotFound) {
		return err
	}
	return &readError{err}
}

// watched remembers that reading failed, which an inflater may take for a
// damaged file.
type watched struct {
	r   io.Reader
	n   int64
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}
