package oidc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"math/big"
	"net/netip"
	"testing"
	"time"
)

// TestPublic: nobody inside is asked unless the operator says so, however the
// address is written.
func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"140.82.112.3": true, "2606:4700::1111": true,
		"127.0.0.1": false, "::1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"fe80::1": false, "fd00:ec2::254": false, "0.0.0.0": false, "::": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false, "198.18.0.1": false,
	} {
		if got := public(netip.MustParseAddr(text).Unmap()); got != want {
			t.Errorf("%s is public: %v, want %v", text, got, want)
		}
	}
	f := &Fetcher{}
	for _, address := range []string{"127.0.0.1:443", "[::ffff:10.0.0.1]:443", "[fe80::1%eth0]:443", "localhost:443", ""} {
		if f.control("tcp", address, nil) == nil {
			t.Errorf("connected to %q", address)
		}
	}
}

// TestVouched: a thumbprint vouches for what leads up to the certificate it is
// the hash of, not for who merely shows that certificate, which is public.
func TestVouched(t *testing.T) {
	const host = "id.example.com"
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	issue := func(c, by *x509.Certificate, of, with *ecdsa.PrivateKey) *x509.Certificate {
		t.Helper()
		c.SerialNumber = big.NewInt(1)
		if by == nil {
			by = c
		}
		der, err := x509.CreateCertificate(rand.Reader, c, by, &of.PublicKey, with)
		if err != nil {
			t.Fatal(err)
		}
		made, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	now := time.Now()
	leafOf := func(name string, until time.Time) *x509.Certificate {
		return &x509.Certificate{DNSNames: []string{name}, NotBefore: now.Add(-time.Hour), NotAfter: until}
	}
	rootKey, leafKey, evilKey := key(), key(), key()
	root := issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}, nil, rootKey, rootKey)
	good := issue(leafOf(host, now.Add(time.Hour)), root, leafKey, rootKey)
	sum := sha1.Sum(root.Raw)
	prints := []string{hex.EncodeToString(sum[:])}
	f := &Fetcher{Roots: x509.NewCertPool()}
	for name, tt := range map[string]struct {
		chain []*x509.Certificate
		ok    bool
	}{
		"as it should be":              {[]*x509.Certificate{good, root}, true},
		"the pinned one is not shown":  {[]*x509.Certificate{good}, false},
		"an impostor who shows it":     {[]*x509.Certificate{issue(leafOf(host, now.Add(time.Hour)), nil, evilKey, evilKey), root}, false},
		"for another host":             {[]*x509.Certificate{issue(leafOf("other.example.com", now.Add(time.Hour)), root, leafKey, rootKey), root}, false},
		"out of date":                  {[]*x509.Certificate{issue(leafOf(host, now.Add(-time.Minute)), root, leafKey, rootKey), root}, false},
		"no certificate":               {nil, false},
		"another on top of the pinned": {[]*x509.Certificate{good, root, good}, false},
	} {
		checked, err := f.vouched(tt.chain, host, prints)
		if tt.ok != (err == nil && checked == ByThumbprint) || !tt.ok && !errors.Is(err, ErrThumbprint) {
			t.Errorf("%s: %q, %v", name, checked, err)
		}
	}
	f.Roots.AddCert(root)
	if checked, err := f.vouched([]*x509.Certificate{good}, host, nil); err != nil || checked != ByAuthority {
		t.Errorf("by an authority: %q, %v", checked, err)
	}
}
