package objects

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
)

// ordered is the store of metadata that the backend is given. The backend stores the
// ETag of a file when its data is complete and before it gets its name, whichever way
// the file is made: put, copied, completed, as a part of an upload, or set aside as an
// older version. So that is where the data is synced: a name never stands for data
// that a power cut would take.
//
// Delete markers are made here, too. The backend would set two attributes of the object
// that it hides, one after the other: a crash between them would leave a marker under
// the id of that object. Here the marker is a file of its own, which replaces the
// object at once.
type ordered struct {
	meta.MetadataStorer
	b *backing
}

// StoreAttribute stores an attribute of the file f or, if that is nil, of what has the
// name.
func (o ordered) StoreAttribute(f *os.File, bucket, object, attribute string, value []byte) error {
	if m := o.b.marker(bucket, object); m != nil && f == nil {
		switch attribute {
		case "delete-marker":
			return m.begin(o.b, bucket)
		case "version-id":
			return m.end(o.b, value)
		}
	}
	err := o.b.meta.StoreAttribute(f, bucket, object, attribute, value)
	if err != nil || f == nil || attribute != "etag" {
		return err
	}
	if _, done := o.b.staged.Load(f); done {
		return nil
	}
	return o.b.stage(f)
}

// DeleteAttribute removes an attribute. The backend takes version id, retention and
// legal hold from an object that is about to be replaced, so that they do not become
// those of the next; but they are attributes of the file, which needs them if it is
// not replaced after all. Nothing else removes these.
func (o ordered) DeleteAttribute(bucket, object, attribute string) error {
	if o.b.sidecar {
		return o.b.meta.DeleteAttribute(bucket, object, attribute)
	}
	switch attribute {
	case "version-id": // the last step of a marker without one, that is with the id "null"
		if m := o.b.marker(bucket, object); m != nil {
			return m.end(o.b, nil)
		}
		return nil
	case "object-legal-hold", "object-retention":
		return nil
	}
	return o.b.meta.DeleteAttribute(bucket, object, attribute)
}

// marker is a delete marker while it is made.
type marker struct {
	file *os.File // nil until it is begun
	path string   // of the object it hides
}

// marking lets the object be replaced by a delete marker until what it returns is
// called. Where metadata is in files of its own, it cannot be replaced at once.
func (b *backing) marking(bucket, key string) func() {
	if b.sidecar {
		return func() {}
	}
	m := &marker{path: b.path(bucket, key)}
	b.markers.Store(m.path, m)
	return func() {
		b.markers.Delete(m.path)
		if m.file != nil {
			_ = m.file.Close()
			_ = os.Remove(m.file.Name()) // it is not there if the marker is in place
		}
	}
}

// marker is the one being made for an object, or nil.
func (b *backing) marker(bucket, object string) *marker {
	if m, ok := b.markers.Load(b.path(bucket, object)); ok {
		return m.(*marker)
	}
	return nil
}

func (m *marker) begin(b *backing, bucket string) error {
	dir := filepath.Join(b.objects, bucket, posix.MetaTmpDir)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		m.file, err = os.CreateTemp(dir, "marker.")
	}
	if err != nil {
		return fmt.Errorf("make a delete marker: %w", err)
	}
	return b.meta.StoreAttribute(m.file, "", "", "delete-marker", nil)
}

// end puts the marker in place, with a version id or none.
func (m *marker) end(b *backing, version []byte) error {
	if m.file == nil {
		return errors.New("make a delete marker: it was not begun")
	}
	if version != nil {
		if err := b.meta.StoreAttribute(m.file, "", "", "version-id", version); err != nil {
			return err
		}
	}
	err := m.file.Sync()
	if err == nil {
		err = os.Rename(m.file.Name(), m.path)
	}
	if err != nil {
		return fmt.Errorf("make a delete marker: %w", err)
	}
	return nil
}
