package digest

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vector is a digest with everything that is computed of it.
type vector struct {
	PublicKey    string `json:"public_key_value_base64_pkcs1_der"`
	Fingerprint  string `json:"fingerprint"`
	Digest       string `json:"digest_json_uncompressed"`
	StringToSign string `json:"string_to_sign"`
	Signature    string `json:"signature_hex"`
}

// TestVectors checks digests that others signed: testdata/vector.json, whose
// signature openssl made (see testdata/README.md), and the specification's when
// it is there.
func TestVectors(t *testing.T) {
	for _, file := range []string{filepath.Join("testdata", "vector.json"), filepath.Join("..", "..", "shared", "spec", "digest-vector.json")} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if os.IsNotExist(err) && filepath.Base(file) != "vector.json" {
				t.Skipf("%s is not here", filepath.Base(file))
			}
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			checkVector(t, &v)
		})
	}
}

func checkVector(t *testing.T, v *vector) {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(v.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(v.Fingerprint, Fingerprint(MarshalPublicKey(key))); d != "" {
		t.Errorf("fingerprint (-want +got):\n%s", d)
	}
	content := []byte(v.Digest)
	f, err := Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	written, err := f.Content()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(v.Digest, string(written)); d != "" {
		t.Errorf("written again (-want +got):\n%s", d)
	}
	if d := cmp.Diff(v.StringToSign, string(StringToSign(f, content))); d != "" {
		t.Errorf("string to sign (-want +got):\n%s", d)
	}
	if err := Verify(key, f, content, v.Signature); err != nil {
		t.Error(err)
	}
	name, err := ParseKey(f.Object)
	if err != nil {
		t.Fatal(err)
	}
	if !name.End.Equal(f.End) || name.Account != f.Account {
		t.Errorf("the key says %v and %s, the digest %v and %s", name.End, name.Account, f.End, f.Account)
	}
}
