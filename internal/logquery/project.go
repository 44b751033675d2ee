package logquery

import (
	"fmt"
	"sync"

	"cairn/internal/logquery/jsonwalk"
)

// Projection reads the values at some paths out of records. It is immutable and
// safe for concurrent use.
type Projection struct {
	tree *jsonwalk.Tree
	size int
	room sync.Pool
}

// Select makes a projection of paths, such as "userIdentity.arn" (Field). It
// panics if one cannot be read: check those that a user gives with CheckPath.
func Select(paths ...string) *Projection {
	list := make([]jsonwalk.Path, len(paths))
	for i, text := range paths {
		p, err := jsonwalk.Parse(text)
		if err != nil {
			panic(fmt.Sprintf("logquery: %v", err))
		}
		list[i] = p
	}
	return project(list)
}

func project(list []jsonwalk.Path) *Projection {
	p := &Projection{tree: jsonwalk.NewTree(list), size: len(list)}
	p.room.New = func() any { return new(values) }
	return p
}

// values takes the first value of each path.
type values struct{ list []Value }

func (v *values) Value(path int, value Value) bool {
	if at := &v.list[path]; at.Kind == jsonwalk.Absent {
		*at = value
	}
	return true
}

// Values appends the record's values to dst, one for each path in order, and
// returns it: an absent Value where the record has none. Of members with the
// same name the first counts, and of the values of a path with a wildcard; the
// walk ends when nothing more can be found. The values are bytes of the record.
func (p *Projection) Values(record []byte, dst []Value) []Value {
	v := p.room.Get().(*values)
	start := len(dst)
	for range p.size {
		dst = append(dst, Value{})
	}
	v.list = dst[start:]
	p.tree.Find(record, v)
	v.list = nil
	p.room.Put(v)
	return dst
}
