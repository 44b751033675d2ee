package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const account = "111122223333"

// folder makes a data folder and gives it back unlocked.
func folder(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "deep", "data")
	d, err := openDataDir(path, account)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDataDir(t *testing.T) {
	path := folder(t)
	first, err := openDataDir(path, "")
	if err != nil || first.about.Account != account {
		t.Fatalf("opened again: %+v, %v", first, err)
	}
	key, err := first.sealKey()
	if err != nil || len(key) != sealSize {
		t.Errorf("the seal key has %d bytes, %v", len(key), err)
	}
	if _, err := openDataDir(path, ""); !errors.Is(err, ErrInUse) {
		t.Errorf("a second engine on the folder: %v", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	if id, err := FirstAccount(path); err != nil || id != account {
		t.Errorf("the first account is %s, %v", id, err)
	}
	random, err := openDataDir(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer random.close()
	if id := random.about.Account; len(id) != 12 || strings.Trim(id, "0123456789") != "" || id[0] == '0' {
		t.Errorf("the account made up is %q", id)
	}
}

// TestDataDirRefused has a row for each folder that cannot be what it should be.
func TestDataDirRefused(t *testing.T) {
	for name, row := range map[string]struct {
		spoil   func(t *testing.T, path string)
		account string
		want    string
	}{
		"a newer format":    {func(t *testing.T, p string) { put(t, p+"/cairn.json", `{"format":2,"account":"111122223333"}`) }, "", "written by a newer Cairn"},
		"an unknown format": {func(t *testing.T, p string) { put(t, p+"/cairn.json", `{"account":"111122223333"}`) }, "", "no Cairn ever wrote"},
		"an unknown member": {func(t *testing.T, p string) { put(t, p+"/cairn.json", `{"format":1,"account":"111122223333","x":1}`) }, "", "restore the file from a backup"},
		"another account":   {func(*testing.T, string) {}, "444455556666", "its first account is 111122223333"},
		"a spoilt file":     {func(t *testing.T, p string) { put(t, p+"/cairn.json", `{`) }, "", "restore the file from a backup"},
		"no seal key":       {func(t *testing.T, p string) { remove(t, p+"/seal.key") }, "", "restore it from a backup"},
		"a short seal key":  {func(t *testing.T, p string) { put(t, p+"/seal.key", "abcd\n") }, "", "does not hold 32 bytes"},
		"a foreign folder":  {func(t *testing.T, p string) { remove(t, p+"/cairn.json"); put(t, p+"/thesis.txt", "x") }, "", "it is not Cairn's"},
		"no account at all": {func(t *testing.T, p string) { remove(t, p+"/cairn.json") }, "12345", "12 digits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := folder(t)
			row.spoil(t, path)
			d, err := openDataDir(path, row.account)
			if err == nil { // the seal key is read later
				_, err = d.sealKey()
				_ = d.close()
			}
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("opened with %v, want %q", err, row.want)
			}
			again, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer again.Close()
			if err := (&dataDir{path: path}).acquire(); err != nil {
				t.Errorf("the refused folder is still locked: %v", err)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestCreateAfterCrash sets a folder up anew after a crash at each step of the
// first attempt.
func TestCreateAfterCrash(t *testing.T) {
	files := []string{lockFile, ".seal.key.new", sealFile, ".cairn.json.new"}
	for n := range files {
		path := t.TempDir()
		for _, name := range files[:n+1] {
			put(t, filepath.Join(path, name), "half")
		}
		d, err := openDataDir(path, account)
		if err != nil {
			t.Errorf("after a crash that left %v: %v", files[:n+1], err)
			continue
		}
		if _, err := d.sealKey(); err != nil {
			t.Errorf("after a crash that left %v: %v", files[:n+1], err)
		}
		_ = d.close()
	}
}

// TestPrivate looks at the modes of all that is made, also in a folder that
// somebody else made for everybody.
func TestPrivate(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Dir: path})
	err := filepath.WalkDir(path, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return nil // made and removed meanwhile
		}
		info, err := e.Info()
		if err != nil {
			return nil
		}
		above := strings.HasPrefix(name, filepath.Join(path, natsDir)+"/") // its folder is closed
		if mode := info.Mode(); mode.Perm()&0o077 != 0 && mode&os.ModeSymlink == 0 && !above {
			t.Errorf("%s has mode %v", name, mode)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
