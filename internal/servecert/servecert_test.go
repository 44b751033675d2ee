package servecert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write makes a self-signed pair in dir and returns its files.
func write(t *testing.T, dir, name string, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    until.Add(-48 * time.Hour),
		NotAfter:     until,
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put(t, certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	put(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return certFile, keyFile
}

// put replaces a file as renewal tools do: another file renamed over it.
func put(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// shown connects and returns the common name of the certificate it is shown.
func shown(t *testing.T, p *Pair) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", p.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	certFile, keyFile := write(t, dir, "first", now.Add(time.Hour))
	var log bytes.Buffer
	p, err := Load(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	p.now = func() time.Time { return now }
	if got := shown(t, p); got != "first" {
		t.Fatalf("shown %q, want first", got)
	}

	write(t, dir, "second", now.Add(time.Hour))
	if got := shown(t, p); got != "first" {
		t.Errorf("shown %q before the files are looked at again, want first", got)
	}
	now = now.Add(CheckEvery)
	if got := shown(t, p); got != "second" {
		t.Errorf("shown %q after a renewal, want second", got)
	}

	put(t, certFile, []byte("half a certificate"))
	for range 3 {
		now = now.Add(CheckEvery)
		if got := shown(t, p); got != "second" {
			t.Errorf("shown %q while the files make no pair, want second", got)
		}
	}
	if n := strings.Count(log.String(), "cannot be used"); n != 1 {
		t.Errorf("a bad pair was reported %d times, want once:\n%s", n, &log)
	}
	if strings.Contains(log.String(), "PRIVATE") {
		t.Errorf("the log shows key material:\n%s", &log)
	}

	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	now = now.Add(CheckEvery)
	if got := shown(t, p); got != "second" {
		t.Errorf("shown %q with a file gone, want second", got)
	}
	write(t, dir, "third", now.Add(time.Hour))
	now = now.Add(CheckEvery)
	if got := shown(t, p); got != "third" {
		t.Errorf("shown %q after the pair was mended, want third", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, certFile, keyFile string)
		want  string
	}{
		"a key others may read": {func(t *testing.T, _, key string) { os.Chmod(key, 0o644) }, "chmod 600"},
		"no key":                {func(t *testing.T, _, key string) { os.Remove(key) }, "read TLS key"},
		"no certificate":        {func(t *testing.T, cert, _ string) { os.Remove(cert) }, "read TLS certificate"},
		"another pair's key": {func(t *testing.T, cert, key string) {
			_, other := write(t, t.TempDir(), "other", time.Now().Add(time.Hour))
			os.Rename(other, key)
		}, "does not match"},
		"an expired certificate": {func(t *testing.T, cert, key string) {
			write(t, filepath.Dir(cert), "old", time.Now().Add(-time.Hour))
		}, "expired on"},
	} {
		t.Run(name, func(t *testing.T) {
			cert, key := write(t, t.TempDir(), "pair", time.Now().Add(time.Hour))
			c.spoil(t, cert, key)
			if _, err := Load(cert, key, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	cert, key := write(t, t.TempDir(), "pair", time.Now().Add(time.Hour))
	p, err := Load(cert, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", p.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		c.Close()
		t.Fatal("TLS 1.1 was accepted")
	}
}
