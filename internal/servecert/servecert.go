// Package servecert holds the certificate a TLS listener shows, read from two
// PEM files and read again when they change, so that a renewed certificate is
// served without a restart.
package servecert

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// CheckEvery is how often, at most, the files are looked at for a change. They
// are looked at when a client connects, not in between.
const CheckEvery = 10 * time.Second

// Pair is a certificate and its key, as the files last held them. Its methods
// may be called concurrently.
type Pair struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	looked  time.Time // when the files were last looked at
	seen    [2]stamp  // what they were like then
}

// stamp tells one content of a file from another without reading it. A file
// replaced by rename has another identity even if size and time agree.
type stamp struct {
	info fs.FileInfo
}

func (s stamp) same(o stamp) bool {
	return s.info != nil && o.info != nil && os.SameFile(s.info, o.info) &&
		s.info.Size() == o.info.Size() && s.info.ModTime().Equal(o.info.ModTime())
}

// Load reads the pair. A pair that cannot be served is an error now and not at
// the first connection. A key that others may read is refused.
func Load(certFile, keyFile string, log *slog.Logger) (*Pair, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &Pair{certFile: certFile, keyFile: keyFile, log: log, now: time.Now}
	p.seen = p.stamps()
	p.looked = p.now()
	cert, err := p.read()
	if err != nil {
		return nil, err
	}
	p.current = cert
	return p, nil
}

// Config returns the settings of a listener that shows the pair: TLS 1.2 and
// later, with the cipher suites the Go team keeps.
func (p *Pair) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.certificate(), nil
		},
	}
}

// certificate returns the pair to show now. New files that do not make a pair
// are reported once, and the old pair stays: a renewal written file by file has
// a moment in which they do not fit.
func (p *Pair) certificate() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if passed := now.Sub(p.looked); passed >= 0 && passed < CheckEvery {
		return p.current
	}
	p.looked = now
	stamps := p.stamps()
	if stamps[0].same(p.seen[0]) && stamps[1].same(p.seen[1]) {
		return p.current
	}
	p.seen = stamps
	cert, err := p.read()
	if err != nil {
		p.log.Error("the TLS certificate changed and cannot be used; the former one is still shown", "error", err)
		return p.current
	}
	p.current = cert
	p.log.Info("the TLS certificate changed and is shown from now on", "file", p.certFile)
	return p.current
}

func (p *Pair) stamps() (s [2]stamp) {
	for i, name := range []string{p.certFile, p.keyFile} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info}
		}
	}
	return s
}

func (p *Pair) read() (*tls.Certificate, error) {
	info, err := os.Stat(p.keyFile)
	if err != nil {
		return nil, fmt.Errorf("read TLS key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("read TLS key %s: others may read it (mode %04o); chmod 600 it", p.keyFile, mode)
	}
	cert, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return nil, fmt.Errorf("read TLS certificate %s with key %s: %w", p.certFile, p.keyFile, err)
	}
	if cert.Leaf == nil {
		return nil, errors.New("read TLS certificate " + p.certFile + ": it holds no certificate")
	}
	if now := p.now(); now.After(cert.Leaf.NotAfter) {
		return nil, fmt.Errorf("read TLS certificate %s: it expired on %s; renew it", p.certFile, cert.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return &cert, nil
}
