package engine

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"cairn/internal/identity"
)

// Format is the version of the data folder's layout, which its cairn.json names. A
// folder of any other is refused: newer ones because nobody here can know them,
// older ones because there is none. A version that changes the layout counts this
// up, and brings older folders up to date in load, before anything else is opened.
const Format = 1

// Files of the data folder. Everything in it is private to the user that runs
// the engine (folders 0700, files 0600).
const (
	formatFile      = "cairn.json"  // what this folder is: format and first account
	lockFile        = "lock"        // held with flock(2) while an engine runs
	sealFile        = "seal.key"    // seals stored secrets and session tokens
	credentialsFile = "credentials" // root credentials, an AWS shared-credentials file
	endpointFile    = "endpoint"    // URL of the running (or last) engine
	adminFile       = "admin-token" // lets local commands talk to the running engine
	insightsFile    = "insights"    // statistics of Insights; made again from the journal if lost
	probeFile       = "probe"       // written to see whether the folder can be
	natsDir         = "nats"        // JetStream: journal, state, log groups
	queriesDir      = "queries"     // Logs Insights queries and their results
	lakeDir         = "lake"        // segments of the event history and of log groups
	objectsDir      = "objects"     // S3 objects
)

// about is the content of formatFile.
type about struct {
	Format  int    `json:"format"`
	Account string `json:"account"`
}

// ErrInUse is the error of opening a data folder that another engine holds.
var ErrInUse = errors.New("another engine is using it")

// dataDir is a locked data folder.
type dataDir struct {
	path  string
	about about
	lock  *os.File
}

// openDataDir locks the folder, makes it if it is not there, and checks what it
// holds. account names the first account of a new folder; in an existing one it
// must be the same or empty.
func openDataDir(path, account string) (*dataDir, error) {
	if err := makeFolder(path); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	d := &dataDir{path: path}
	if err := d.acquire(); err != nil {
		return nil, err
	}
	if err := d.load(account); err != nil {
		_ = d.close() // the load error is the one to tell
		return nil, err
	}
	return d, nil
}

// makeFolder makes a folder and those above it that are missing, each durable
// in the one above: what is synced inside a folder that a power cut takes away
// is lost with it.
func makeFolder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(path)
	if above != path {
		if err := makeFolder(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(above)
}

// acquire takes the folder's lock. The kernel gives it back when the process
// ends, however it ends, so a crash leaves nothing to clean up.
func (d *dataDir) acquire() error {
	f, err := os.OpenFile(d.file(lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open lock of data folder %s: %w", d.path, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("open data folder %s: %w; stop that engine or choose another folder with --data", d.path, ErrInUse)
		}
		return fmt.Errorf("lock data folder %s: %w", d.path, err)
	}
	d.lock = f
	return nil
}

func (d *dataDir) load(account string) error {
	a, err := readAbout(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.create(account)
	case err != nil:
		return err
	}
	d.about = *a
	if account != "" && account != d.about.Account {
		return fmt.Errorf("open data folder %s: its first account is %s, not %s; leave --account out, or add the account with `cairn account add %s`",
			d.path, d.about.Account, account, account)
	}
	return nil
}

// readAbout reads what a data folder is. What it does not know it refuses.
func readAbout(path string) (*about, error) {
	name := filepath.Join(path, formatFile)
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read data folder %s: %w; `cairn serve --data %s` makes one", path, err, path)
	}
	// The format first: a newer one may have members that are not known here.
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, fmt.Errorf("read %s: %w; restore the file from a backup", name, err)
	}
	if err := checkFormat(version.Format); err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", path, err)
	}
	a := &about{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(a); err != nil {
		return nil, fmt.Errorf("read %s: %w; restore the file from a backup", name, err)
	}
	if !identity.ValidAccount(a.Account) {
		return nil, fmt.Errorf("read %s: it names the account %q, which is not 12 digits; restore the file from a backup", name, a.Account)
	}
	return a, nil
}

// checkFormat returns nil for the format that this version reads.
func checkFormat(n int) error {
	switch {
	case n > Format:
		return fmt.Errorf("it has format %d, written by a newer Cairn; this one reads up to format %d, so use that newer version", n, Format)
	case n < 1:
		return fmt.Errorf("it has format %d, which no Cairn ever wrote; restore it from a backup", n)
	}
	return nil
}

// unfinished are the files that a crash during create leaves.
var unfinished = []string{lockFile, sealFile, temporary(sealFile), temporary(formatFile)}

// create writes formatFile last, so that a crash before it leaves a folder that
// the next start sets up anew.
func (d *dataDir) create(account string) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("read data folder %s: %w", d.path, err)
	}
	for _, e := range entries {
		if !slices.Contains(unfinished, e.Name()) {
			return fmt.Errorf("use %s as data folder: it holds %s and no %s, so it is not Cairn's; choose an empty folder", d.path, e.Name(), formatFile)
		}
	}
	if account != "" && !identity.ValidAccount(account) {
		return fmt.Errorf("make data folder %s for account %q: an account id is 12 digits", d.path, account)
	}
	// The folder may have been made by others. Where it is not ours to change,
	// the files in it are still 0600.
	err = os.Chmod(d.path, 0o700) //nolint:gosec // a folder is entered by its x bit
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("make data folder %s private: %w", d.path, err)
	}
	if account == "" {
		if account, err = randomAccount(); err != nil {
			return err
		}
	}
	d.about = about{Format: Format, Account: account}
	b, err := json.Marshal(d.about)
	if err != nil {
		return fmt.Errorf("encode %s: %w", formatFile, err)
	}
	if _, err := d.newSecret(sealFile, sealSize); err != nil {
		return err
	}
	return d.write(formatFile, append(b, '\n'))
}

// randomAccount makes up a 12-digit account id that does not start with 0,
// which readers that take it for a number would drop.
func randomAccount() (string, error) {
	var b [12]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make up an account id: %w", err)
	}
	b[0] = '1' + b[0]%9
	for i := 1; i < len(b); i++ {
		b[i] = '0' + b[i]%10
	}
	return string(b[:]), nil
}

func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

func (d *dataDir) close() error { return d.lock.Close() }

// sealSize is the length of the seal key in bytes.
const sealSize = 32

// sealKey returns the folder's seal key. It was made with the folder: making
// another would leave stored secrets that nobody can read.
func (d *dataDir) sealKey() ([]byte, error) {
	b, err := os.ReadFile(d.file(sealFile))
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w; restore it from a backup, stored secrets cannot be read without it", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != sealSize {
		return nil, fmt.Errorf("read %s: it does not hold %d bytes in hex; restore it from a backup, stored secrets cannot be read without it", d.file(sealFile), sealSize)
	}
	return key, nil
}

// newSecret writes n random bytes, in hex, to the named file and returns the
// text. What the file held is replaced.
func (d *dataDir) newSecret(name string, n int) (string, error) {
	key := make([]byte, n)
	if _, err := rand.Read(key); err != nil {
		return "", fmt.Errorf("make %s: %w", name, err)
	}
	text := hex.EncodeToString(key)
	return text, d.write(name, []byte(text+"\n"))
}

// temporary is the name a file has until it is written.
func temporary(name string) string { return "." + name + ".new" }

// write replaces a file of the folder durably: temporary file, fsync, rename,
// fsync of the folder. A crash leaves the old content or the new, and at most a
// temporary file that the next write of the same name replaces.
func (d *dataDir) write(name string, content []byte) error {
	tmp := d.file(temporary(name))
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", d.file(name), err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, d.file(name))
	}
	if err == nil {
		err = syncDir(d.path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", d.file(name), err)
	}
	return nil
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
