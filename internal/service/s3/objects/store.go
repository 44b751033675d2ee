package objects

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"

	"cairn/internal/awserr"
)

// region is what the inner server believes it serves; callers never see it.
const region = "us-east-1"

// maxCopy is the largest object CopyObject copies, as in S3: 5 GiB.
const maxCopy = 5 << 30

// Store is the object store. It is safe for concurrent use.
type Store struct {
	backing *backing
	server  *s3api.S3ApiServer
	client  *http.Client
	creds   aws.Credentials
	signer  *v4.Signer
	folder  *os.File
	served  chan error
	log     *slog.Logger
	// writing are the writes under way; Close waits for them.
	writing sync.WaitGroup
}

// Request is one request to the store, already allowed.
type Request struct {
	Method string
	Bucket string
	Key    string // empty for the bucket itself
	Query  url.Values
	Header http.Header
	// Body is read once; Length is its length in bytes, -1 if unknown.
	Body   io.Reader
	Length int64
	// PayloadHash is the x-amz-content-sha256 the body is checked against:
	// a SHA-256 in hex, UNSIGNED-PAYLOAD (also if empty) or
	// STREAMING-UNSIGNED-PAYLOAD-TRAILER.
	PayloadHash string
}

// Open opens the store in dir, which is made if it is absent. A server starts
// on a socket that only this user can reach; its secret lives in memory only.
func Open(ctx context.Context, dir string, log *slog.Logger) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	b, err := openBacking(dir)
	if err != nil {
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	s := &Store{backing: b, log: log, served: make(chan error, 1), signer: v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true
	})}
	if err := s.serve(ctx, dir); err != nil {
		b.on.close()
		b.Shutdown()
		return nil, fmt.Errorf("open object store %s: %w", dir, err)
	}
	return s, nil
}

func openBacking(dir string) (*backing, error) {
	b := &backing{objects: filepath.Join(dir, "objects"), versions: filepath.Join(dir, "versions"), appendPart: appendPart, stage: stage}
	for _, d := range []string{dir, b.objects, b.versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	storer, sidecar, err := metadata(dir, b.objects)
	if err != nil {
		return nil, err
	}
	b.sidecar, b.meta = sidecar != "", storer
	opts := posix.PosixOpts{VersioningDir: b.versions, SideCarDir: sidecar, ForceNoObjLockFile: true, ForceNoTmpFile: true, CopyObjectThreshold: maxCopy}
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	if b.on, err = newThreads(b.objects); err != nil {
		return nil, err
	}
	err = b.on.do(func() (err error) {
		if err = b.tidy(); err != nil {
			return err
		}
		b.posix, err = quietly(func() (*posix.Posix, error) { return posix.New(b.objects, ordered{storer, b}, opts) })
		return err
	})
	if err != nil {
		b.on.close()
		return nil, err
	}
	return b, nil
}

// stdout guards the swap in quietly.
var stdout sync.Mutex

// quietly runs posix.New, which prints the folders it uses: the engine's
// standard output belongs to its user, so what is printed is dropped.
func quietly(open func() (*posix.Posix, error)) (*posix.Posix, error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }() // nothing was written that could be lost
	stdout.Lock()
	defer stdout.Unlock()
	was := os.Stdout
	os.Stdout = null
	defer func() { os.Stdout = was }()
	return open()
}

// metadata chooses where object metadata is kept: in user.* attributes of the
// files where the file system has them, else in files beside. The choice is
// made once and remembered, because the other way would find no metadata.
func metadata(dir, objects string) (meta.MetadataStorer, string, error) {
	file, side := filepath.Join(dir, "metadata"), filepath.Join(dir, "sidecar")
	choice, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		choice = []byte("xattr")
		if perr := probe(objects); perr != nil {
			choice = []byte("sidecar")
		}
		// A crash before this is synced leaves no word; the probe is repeated,
		// and nothing was stored yet.
		err = writeSynced(file, choice)
	}
	if err != nil {
		return nil, "", err
	}
	switch strings.TrimSpace(string(choice)) {
	case "xattr":
		if err := probe(objects); err != nil {
			return nil, "", fmt.Errorf("object metadata is in extended attributes, which %s no longer has: %w; move the folder back to a file system with user.* attributes", objects, err)
		}
		return meta.XattrMeta{}, "", nil
	case "sidecar":
		if err := os.MkdirAll(side, 0o700); err != nil {
			return nil, "", err
		}
		m, err := meta.NewSideCar(side)
		return m, side, err
	}
	return nil, "", fmt.Errorf("file %s says %q: want xattr or sidecar", file, choice)
}

// probe says why dir cannot hold user.* attributes, or nil if it can.
func probe(dir string) error {
	f, err := os.CreateTemp(filepath.Dir(dir), "probe-*")
	if err != nil {
		return err
	}
	err = meta.XattrMeta{}.StoreAttribute(f, "", "", "probe", []byte("probe"))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// serve starts the inner server and waits until it listens.
func (s *Store) serve(ctx context.Context, dir string) error {
	secret := make([]byte, 64)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	s.creds = aws.Credentials{AccessKeyID: hex.EncodeToString(secret[:32]), SecretAccessKey: hex.EncodeToString(secret[32:])}
	root := middlewares.RootUserConfig{Access: s.creds.AccessKeyID, Secret: s.creds.SecretAccessKey}
	account := auth.Account{Access: root.Access, Secret: root.Secret, Role: auth.RoleAdmin}
	listening := make(chan struct{})
	server, err := s3api.New(s.backing, root, region, auth.NewIAMServiceSingle(account), nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithSocketPerm(0o600),
		s3api.WithConcurrencyLimiter(1<<14, 1<<14), s3api.WithMpMaxParts(10000),
		s3api.WithOnListen(func() { close(listening) }))
	if err != nil {
		return err
	}
	s.server = server
	if s.folder, err = os.Open(dir); err != nil {
		return err
	}
	path := socketPath(dir, s.folder)
	go func() { s.served <- server.ServeMultiPort([]string{path}) }() // Close waits for it
	select {
	case <-listening:
	case err := <-s.served:
		return errors.Join(fmt.Errorf("listen on %s: %w", path, err), s.folder.Close())
	case <-ctx.Done():
		return errors.Join(ctx.Err(), server.ShutDown(), s.folder.Close())
	}
	s.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
			DisableCompression:  true,
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     time.Minute,
		},
	}
	return nil
}

// Close waits for writes, as long as they take, and for other requests, at most ten
// seconds, and stops the server. A write that was cut off here would be recorded as a
// failure, and happen.
func (s *Store) Close() error {
	s.writing.Wait()
	s.client.CloseIdleConnections()
	err := s.server.ShutDown()
	<-s.served //nolint:errcheck // what it says of its closed listener is no news
	s.backing.on.close()
	s.backing.Shutdown()
	return errors.Join(err, s.folder.Close())
}

// Owner is what the store calls the owner of everything; callers replace it in
// listings.
func (s *Store) Owner() string { return s.creds.AccessKeyID }

// ids are what upload ids (UUIDs) and version ids (ULIDs, "null") are made of.
var ids = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// ValidID reports whether id can be the id of an upload or of a version. Both
// become parts of paths, so one with a slash or dots would name another place.
func ValidID(id string) bool { return ids.MatchString(id) }

// Do sends a request to the store. The caller closes the response's body. If
// reading the request's body failed, the error is that of its reader. A request
// whose ids would lead out of the bucket is refused, whatever was checked before.
//
// A write can be given up, by the end of ctx, until the end of its body was read: the
// store never gets the whole of it then, and keeps nothing. From there on its outcome
// is waited for without a bound, because a write whose caller was told that it failed
// must not appear later.
func (s *Store) Do(ctx context.Context, in *Request) (*http.Response, error) {
	version := in.Query.Get("versionId")
	if in.Query.Has("uploadId") && !ValidID(in.Query.Get("uploadId")) || version != "" && !ValidID(version) {
		return nil, awserr.New(http.StatusBadRequest, "InvalidArgument", "Invalid upload id or version id specified")
	}
	u := &url.URL{Scheme: "http", Host: "objects.internal", Path: "/" + in.Bucket}
	u.RawPath = "/" + in.Bucket
	if in.Key != "" {
		u.Path += "/" + in.Key
		u.RawPath += "/" + Escape(in.Key)
	}
	u.RawQuery = strings.ReplaceAll(in.Query.Encode(), "+", "%20")
	var source *faulty
	var body io.Reader
	if in.Length != 0 {
		source = &faulty{Reader: &revocable{ctx: ctx, body: in.Body}}
		body = source
	}
	sending := ctx
	if in.Method != http.MethodGet && in.Method != http.MethodHead {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("ask object store for %s %s: %w", in.Method, in.Bucket, context.Cause(ctx))
		}
		sending = context.WithoutCancel(ctx)
		s.writing.Add(1)
		defer s.writing.Done()
	}
	req, err := http.NewRequestWithContext(sending, in.Method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("ask object store for %s %s: %w", in.Method, in.Bucket, err)
	}
	req.URL = u
	if in.Header != nil {
		req.Header = in.Header.Clone()
	}
	req.ContentLength = in.Length
	hash := in.PayloadHash
	if hash == "" {
		hash = "UNSIGNED-PAYLOAD"
	}
	req.Header.Set("X-Amz-Content-Sha256", hash)
	// A body of unknown length is framed by HTTP, and the inner server cannot
	// tell its end from the next request if it stops reading early.
	req.Close = in.Length < 0
	if err := s.signer.SignHTTP(sending, s.creds, req, hash, "s3", region, time.Now()); err != nil {
		return nil, fmt.Errorf("sign for object store: %w", err)
	}
	resp, err := s.client.Do(req)
	if e := source.failure(); e != nil {
		if err == nil {
			_ = resp.Body.Close() // what the store says of half a body is no answer
		}
		return nil, e
	}
	if err != nil {
		return nil, fmt.Errorf("ask object store for %s %s: %w", in.Method, in.Bucket, err)
	}
	return resp, nil
}

// Escape percent-encodes every byte of a key but letters, digits, "-_.~" and
// the slash, as S3 signs paths.
func Escape(key string) string {
	const hexdigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexdigits[c>>4])
			b.WriteByte(hexdigits[c&15])
		}
	}
	return b.String()
}
