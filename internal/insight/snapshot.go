package insight

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A snapshot is a line that says what it is, 32 bytes of SHA-256 over what follows,
// and that: a progress, by encoding/gob.
const snapshotHead = "cairn insights 1\n"

// save saves a snapshot.
func (w *Watcher) save() error {
	w.Analyzer = w.analyzer.state
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(&w.progress); err != nil {
		return fmt.Errorf("encode snapshot of Insights: %w", err)
	}
	sum := sha256.Sum256(b.Bytes())
	// A crash before this leaves the snapshot before; after it, this one. Either
	// is read on from.
	if err := w.o.Snapshots.Save(append(append([]byte(snapshotHead), sum[:]...), b.Bytes()...)); err != nil {
		return fmt.Errorf("save snapshot of Insights: %w", err)
	}
	w.saved = w.o.Now()
	return nil
}

// decode reads a snapshot.
func (w *Watcher) decode(b []byte, r Rules) error {
	rest, ok := bytes.CutPrefix(b, []byte(snapshotHead))
	if !ok || len(rest) < sha256.Size {
		return errors.New("it is not a snapshot of Insights of this version")
	}
	sum, body := rest[:sha256.Size], rest[sha256.Size:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:]) {
		return errors.New("its checksum is wrong")
	}
	p := progress{analyzer: NewAnalyzer(r)}
	if err := gob.NewDecoder(bytes.NewReader(body)).Decode(&p); err != nil {
		return fmt.Errorf("decode snapshot of Insights: %w", err)
	}
	p.analyzer.load(p.Analyzer)
	if p.Waiting == nil {
		p.Waiting = map[string]*waiting{}
	}
	if p.Seen == nil {
		p.Seen = map[string]time.Time{}
	}
	w.progress = p
	return nil
}

// load takes over what a snapshot holds. What was empty is absent there.
func (a *Analyzer) load(s state) {
	a.Closed = s.Closed
	if s.Since != nil {
		a.Since = s.Since
	}
	if s.Minutes != nil {
		a.Minutes = s.Minutes
	}
	if s.Series != nil {
		a.Series = s.Series
	}
	if s.Active != nil {
		a.Active = s.Active
	}
}

// userAgent returns a record's userAgent. It is one of the first members, and those
// before it are the encoder's own, so its name is found before any a caller could
// have sent: within texts, quotes are escaped.
func userAgent(record []byte) string {
	const member = `"userAgent":"`
	i := bytes.Index(record, []byte(member))
	if i < 0 {
		return ""
	}
	text := record[i+len(member)-1:]
	escaped := false
	for end := 1; end < len(text); end++ {
		switch text[end] {
		case '\\':
			escaped = true
			end++
		case '"':
			if !escaped {
				return string(text[1:end])
			}
			var s string
			if json.Unmarshal(text[:end+1], &s) != nil {
				return ""
			}
			return s
		}
	}
	return ""
}
