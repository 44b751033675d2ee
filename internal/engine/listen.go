package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"cairn/internal/fairlisten"
	"cairn/internal/servecert"
)

// scheme returns the scheme of the endpoint's URL.
func (o *Options) scheme() string {
	if o.TLSCert != "" {
		return "https"
	}
	return "http"
}

// listen opens the endpoint's socket first: an address in use, or a certificate
// that cannot be shown, should fail before the data folder is touched.
func listen(ctx context.Context, o *Options) (net.Listener, error) {
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return nil, errors.New("serve TLS: a certificate and its key go together; give both --tls-cert and --tls-key")
	}
	var pair *servecert.Pair
	if o.TLSCert != "" {
		var err error
		if pair, err = servecert.Load(o.TLSCert, o.TLSKey, o.Log); err != nil {
			return nil, err
		}
	}
	l, err := listenAt(ctx, o.Listen, "--listen", pair != nil || o.Insecure)
	if err != nil {
		return nil, err
	}
	l = fairlisten.New(l, fairlisten.Most())
	if pair == nil {
		return l, nil
	}
	config := pair.Config()
	// One call at a time on a connection: the bounds on connections and on slow
	// clients are made for that.
	config.NextProtos = []string{"http/1.1"}
	return tls.NewListener(l, config), nil
}

// listenAt opens a socket that only this machine reaches, unless remote.
func listenAt(ctx context.Context, address, flag string, remote bool) (net.Listener, error) {
	if !remote {
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", address, err)
		}
		if !addr.IP.IsLoopback() {
			return nil, fmt.Errorf("listen on %s: other machines could reach it over plain HTTP; choose a loopback address%s, or say --insecure",
				address, map[bool]string{true: ", give --tls-cert and --tls-key"}[flag == "--listen"])
		}
		address = addr.String() // what was checked: a name could lead elsewhere the next time
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose another address with %s", address, err, flag)
	}
	return l, nil
}
