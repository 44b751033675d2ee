package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cairn/setup/setuptest"
)

// TestMain lets the scripts run the command as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cairn": func() { os.Exit(mainExit()) }})
}

// TestScripts runs testdata/script: what the command says without an account.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, Setup: scriptEnv("http://127.0.0.1:1"), Cmds: engineCommands()})
}

// TestScriptsOnMoto runs testdata/moto: the same command on an account. The
// scripts share one, so each takes bucket and trail names of its own.
func TestScriptsOnMoto(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/moto", RequireExplicitExec: true, Setup: scriptEnv(setuptest.Moto(t))})
}

// scriptEnv keeps the machine's own AWS configuration away from the scripts.
func scriptEnv(endpoint string) func(*testscript.Env) error {
	return func(e *testscript.Env) error {
		e.Setenv("AWS_ENDPOINT_URL", endpoint)
		e.Setenv("AWS_ACCESS_KEY_ID", "test")
		e.Setenv("AWS_SECRET_ACCESS_KEY", "test")
		e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		e.Setenv("AWS_CONFIG_FILE", "/nonexistent")
		e.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
		return nil
	}
}

// engineCommands are commands for the scripts that run an engine.
func engineCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		// waitfor FILE waits until a file is there.
		"waitfor": func(ts *testscript.TestScript, _ bool, args []string) {
			for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
					return
				}
				if time.Now().After(deadline) {
					ts.Fatalf("%s did not come to be within 30 s", args[0])
				}
			}
		},
		// private FILE... fails if others than the owner have any access.
		"private": func(ts *testscript.TestScript, _ bool, args []string) {
			for _, name := range args {
				info, err := os.Stat(ts.MkAbs(name))
				ts.Check(err)
				if info.Mode().Perm()&0o077 != 0 {
					ts.Fatalf("%s has mode %v", name, info.Mode())
				}
			}
		},
	}
}
