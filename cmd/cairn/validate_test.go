package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"cairn/cmd/cairn/cli"
	"cairn/digest"
	"cairn/digest/digesttest"
	"cairn/digest/verify"
)

// TestValidateScripts runs testdata/validate: a trail of four hours with two
// log files each behind an endpoint that answers as S3 and CloudTrail, and a
// copy of its bucket in the folders copy (without metadata) and full (with it).
func TestValidateScripts(t *testing.T) {
	tr := digesttest.NewTrail(digesttest.Store{}, "t1")
	for range 4 {
		tr.Hour(t, 2)
	}
	url := digesttest.Serve(t, &digesttest.Server{Store: tr.Store, Trails: []*digesttest.Trail{tr}, LatestDigest: tr.At})
	full := tr.Store.Save(t, tr.Bucket, true)
	copied := tr.Store.Save(t, tr.Bucket, false)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "validate"), RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("AWS_REGION", "eu-west-1")
			e.Setenv("DIGESTS", filepath.Dir(filepath.FromSlash(tr.Digests[0])))
			e.Setenv("LOGS", filepath.Dir(filepath.FromSlash(tr.Logs[0])))
			return errors.Join(scriptEnv(url)(e), os.CopyFS(e.Cd+"/full", os.DirFS(full)), os.CopyFS(e.Cd+"/copy", os.DirFS(copied)))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// code N runs the command and wants its exit code to be N.
			"code": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec("cairn", args[1:]...)
				if got := exitCode(err); got != args[0] {
					ts.Fatalf("exit code %s, want %s: %v", got, args[0], err)
				}
			},
			// spoil FILE changes what a compressed file holds.
			"spoil": func(ts *testscript.TestScript, _ bool, args []string) {
				names, err := filepath.Glob(ts.MkAbs(args[0]))
				ts.Check(err)
				if len(names) == 0 {
					ts.Fatalf("there is no %s", args[0])
				}
				body, err := os.ReadFile(names[0])
				ts.Check(err)
				content, err := digest.Decode(body)
				ts.Check(err)
				ts.Check(os.WriteFile(names[0], digest.Encode(append(content, ' ')), 0o600))
			},
			// rm1 removes the file a pattern matches.
			"rm1": func(ts *testscript.TestScript, _ bool, args []string) {
				names, err := filepath.Glob(ts.MkAbs(args[0]))
				ts.Check(err)
				if len(names) != 1 {
					ts.Fatalf("%s are %d files", args[0], len(names))
				}
				ts.Check(os.Remove(names[0]))
			},
		},
	})
}

// exitCode is the exit code in the error of a command that ran.
func exitCode(err error) string {
	if err == nil {
		return "0"
	}
	return strings.TrimPrefix(err.Error(), "exit status ")
}

func TestFindingText(t *testing.T) {
	for want, f := range map[string]verify.Finding{
		"INVALID     log-changed  s3://b/k\n            it differs\n":                                 {Severity: verify.Invalid, Kind: verify.LogChanged, Bucket: "b", Key: "k", Text: "it differs"},
		"NOTE        gap  1 r t, 2025-03-01T10:04:04Z to 2025-03-01T11:04:04Z\n            nothing\n": {Severity: verify.Note, Kind: verify.Gap, Account: "1", Region: "r", Trail: "t", From: digesttest.Start, To: digesttest.Start.Add(3600e9), Text: "nothing"},
		"UNVERIFIED  nothing  s3://b\n            none\n":                                             {Severity: verify.Unverified, Kind: verify.NothingFound, Bucket: "b", Text: "none"},
	} {
		if got := findingText(f); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

// TestFindingJSON checks that names of whoever can write to the bucket are no
// commands to a terminal in JSON either.
func TestFindingJSON(t *testing.T) {
	var out strings.Builder
	o := newValidateOutput(&cli.Env{Stdout: &out, Stderr: io.Discard}, true, new(verify.Progress))
	key := "a\x1b[2J\u009b2J\u202e\x7f"
	o.found(verify.Finding{Severity: verify.Invalid, Kind: verify.LogUnlisted, Key: key})
	o.end()
	if err := o.summary(&verify.Report{Findings: map[verify.Severity]int64{verify.Invalid: 1}}, true); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u009b\u202e\x7f") {
		t.Errorf("%q", out.String())
	}
	var read struct{ Findings []verify.Finding }
	if err := json.Unmarshal([]byte(out.String()), &read); err != nil || len(read.Findings) != 1 || read.Findings[0].Key != key {
		t.Errorf("it reads as %+v: %v", read, err)
	}
}

// TestHomeRegionRemoved removes all there was of a trail's own region.
func TestHomeRegionRemoved(t *testing.T) {
	store := digesttest.Store{}
	home, other := digesttest.NewTrail(digesttest.Store{}, "t1"), digesttest.NewTrail(store, "t1")
	other.Region = "us-east-1"
	home.Hour(t, 1)
	other.Hour(t, 1)
	t.Setenv("AWS_ENDPOINT_URL", digesttest.Serve(t, &digesttest.Server{Store: store, Trails: []*digesttest.Trail{home}, LatestDigest: home.At}))
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(name, value)
	}
	var out strings.Builder
	code := runValidate(t.Context(), []string{"--trail", "t1"}, &cli.Env{Stdout: &out, Stderr: &out})
	if code != exitFindings || !strings.Contains(out.String(), "head-missing  111122223333 eu-west-1") {
		t.Errorf("exit code %d:\n%s", code, &out)
	}
}
