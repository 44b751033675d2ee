package engine

import (
	"bytes"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"cairn/internal/identity"
)

// adminPath answers local commands. An underscore can start no bucket name, so
// it hides none; a key that starts so, in a bucket named by the host name, is
// not hidden either, because only calls to the endpoint's own address are
// commands. That keeps out web pages too, whose host name was made to lead here.
const adminPath = "/_cairn/"

// front tells commands from calls, and counts both while they run.
type front struct {
	calls, commands http.Handler
	gate            gate
	host            string // the endpoint's own address
	running         atomic.Int64
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.running.Add(1)
	defer f.running.Add(-1)
	if strings.HasPrefix(r.URL.Path, adminPath) && r.Host == f.host {
		f.commands.ServeHTTP(w, r)
		return
	}
	if !f.gate.enter(r.Context()) {
		panic(http.ErrAbortHandler) // the client is gone
	}
	defer f.gate.leave()
	f.calls.ServeHTTP(w, r)
}

// wait returns when nothing runs any more, or after limit.
func (f *front) wait(limit time.Duration) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(limit); ; <-tick.C {
		n := f.running.Load()
		switch {
		case n == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("wait for calls under way: %d did not end within %s of being cut off", n, limit)
		}
	}
}

// admin answers the commands that change a running engine. They present the
// token of a file only the engine's user can read.
func (e *Engine) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT "+adminPath+"accounts/{id}", func(w http.ResponseWriter, r *http.Request) {
		err := e.ensureAccount(r.Context(), r.PathValue("id"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+adminPath+"accounts/{id}/keys", func(w http.ResponseWriter, r *http.Request) {
		grace, err := time.ParseDuration(r.URL.Query().Get("grace"))
		if err == nil {
			err = e.rotateAccount(r.Context(), r.PathValue("id"), grace)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST "+adminPath+"rest", e.serveRest)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(e.adminToken)) != 1 {
			http.Error(w, "the admin token is missing or wrong", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// ensureAccount makes an account if it is not there, and writes the
// credentials file anew. The account is made first: a crash in between leaves
// an account whose credentials the next start writes.
func (e *Engine) ensureAccount(ctx context.Context, id string) error {
	if !identity.ValidAccount(id) {
		return fmt.Errorf("add account %q: an account id is 12 digits", id)
	}
	e.accounts.Lock() // the credentials file is written by one at a time
	defer e.accounts.Unlock()
	if _, err := e.identities.CreateAccount(ctx, id, time.Now()); err != nil && !errors.Is(err, identity.ErrExists) {
		return fmt.Errorf("add account %s: %w", id, err)
	}
	return e.writeCredentials()
}

// writeCredentials writes the root credentials of all accounts as an AWS
// shared-credentials file: a profile for each account, and [default] for the
// first. An account may do without: its root user can delete the keys.
func (e *Engine) writeCredentials() error {
	var b bytes.Buffer
	b.WriteString("# Root credentials of this Cairn engine's accounts. Keep this file private.\n")
	profile := func(name, account string) error {
		root, err := e.identities.RootCredentialsBut(account, func(id string) bool { return e.retiring(account, id) })
		if errors.Is(err, identity.ErrNotFound) {
			fmt.Fprintf(&b, "\n# The root user of account %s has no active access key.\n", account)
			return nil
		}
		if err != nil {
			return fmt.Errorf("read root credentials of account %s: %w", account, err)
		}
		fmt.Fprintf(&b, "\n[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n", name, root.AccessKeyID, root.Secret)
		return nil
	}
	if err := profile("default", e.dir.about.Account); err != nil {
		return err
	}
	for _, account := range e.identities.Accounts() {
		if err := profile(account.ID, account.ID); err != nil {
			return err
		}
	}
	return e.dir.write(credentialsFile, b.Bytes())
}

// ErrNotRunning is the error of asking an engine that does not answer.
var ErrNotRunning = errors.New("no engine is running on this data folder")

// AddAccount asks the engine that runs on a data folder for a further account.
func AddAccount(ctx context.Context, dir, id string) error {
	return tell(ctx, dir, http.MethodPut, "accounts/"+neturl.PathEscape(id), "add account "+id)
}

// RotateAccount asks the engine that runs on a data folder for new root
// credentials of an account, which it writes to the credentials file. The old ones
// end when grace has passed, at most MaxGrace; 0 is at once.
func RotateAccount(ctx context.Context, dir, id string, grace time.Duration) error {
	return tell(ctx, dir, http.MethodPost, "accounts/"+neturl.PathEscape(id)+"/keys?grace="+grace.String(), "rotate the credentials of account "+id)
}

// tell sends a command whose answer holds nothing. what says what is tried.
func tell(ctx context.Context, dir, method, path, what string) error {
	resp, err := command(ctx, dir, method, path)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return resp.Body.Close()
}

// command sends a command to the engine that runs on a data folder.
func command(ctx context.Context, dir, method, path string) (*http.Response, error) {
	url, err := Endpoint(dir)
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(dir, adminFile))
	if err != nil {
		return nil, fmt.Errorf("read the admin token of %s: %w", dir, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, url+adminPath+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	// Nothing leaves this machine, and the token is that of the engine that runs
	// now, which made it for us: the name in its certificate is for other clients.
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w (%w); start it with `cairn serve --data %s`", ErrNotRunning, err, dir)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10)) // a cut message still says enough
		return nil, fmt.Errorf("the engine answered %s: %s", resp.Status, bytes.TrimSpace(text))
	}
	return resp, nil
}

// Endpoint returns the URL of the engine that runs, or ran last, on a data folder.
func Endpoint(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, endpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("find the engine of %s: %w; start one with `cairn serve --data %s`", dir, ErrNotRunning, dir)
	}
	if err != nil {
		return "", fmt.Errorf("find the engine of %s: %w", dir, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// CredentialsFile returns the path of a data folder's AWS shared-credentials file.
func CredentialsFile(dir string) string { return filepath.Join(dir, credentialsFile) }

// FirstAccount returns the id of a data folder's first account.
func FirstAccount(dir string) (string, error) {
	a, err := readAbout(dir)
	if err != nil {
		return "", err
	}
	return a.Account, nil
}
