// Package kit starts the built program and the clients it is tested and measured
// with. It is for tests; nothing else imports it.
package kit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Region is where these clients call.
const Region = "eu-west-1"

// Binary returns the built program.
func Binary(t testing.TB) string {
	t.Helper()
	bin := os.Getenv("CAIRN_BIN")
	if bin == "" {
		t.Fatal("CAIRN_BIN is not set: run these tests with `make e2e`")
	}
	return bin
}

// Tool returns the path of a program this test needs, or skips the test by the
// program's name. In CI, where the program is expected, that is a failure.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	Missing(t, name)
	return ""
}

// Missing skips a test for want of something, by its name; in CI it fails.
func Missing(t testing.TB, name string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI must not skip what needs it", name)
	}
	t.Skipf("%s is not installed", name)
}

// Engine is a running `cairn serve`.
type Engine struct {
	// Dir is its data folder, Endpoint its URL, Account its first account.
	Dir      string
	Endpoint string
	Account  string
	cmd      *exec.Cmd
	stderr   *bytes.Buffer
}

// StartEngine runs `cairn serve` on a data folder and waits until it answers.
func StartEngine(t testing.TB, dir string, flags ...string) *Engine {
	t.Helper()
	e := &Engine{Dir: dir, stderr: &bytes.Buffer{}}
	args := append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0", "--delivery-interval", "1s"}, flags...)
	e.cmd = exec.Command(Binary(t), args...)
	e.cmd.Stderr = e.stderr
	stdout, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Stop(t, syscall.SIGTERM)
		if t.Failed() {
			t.Logf("engine's log:\n%s", e.stderr)
		}
	})
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		name, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		switch name {
		case "endpoint":
			e.Endpoint = strings.TrimSpace(value)
		case "account":
			e.Account = strings.TrimSpace(value)
		case "point":
			return e
		}
	}
	_ = e.cmd.Wait()
	t.Fatalf("the engine did not start:\n%s", e.stderr)
	return nil
}

// PID is the engine's process, for measurements.
func (e *Engine) PID() int { return e.cmd.Process.Pid }

// Log is what the engine wrote to standard error. It is to be asked for after Stop.
func (e *Engine) Log() string { return e.stderr.String() }

// Stop ends the engine and waits for it.
func (e *Engine) Stop(t testing.TB, sig os.Signal) {
	t.Helper()
	if e.cmd.ProcessState != nil {
		return
	}
	if err := e.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	done := make(chan error, 1)
	go func() { done <- e.cmd.Wait() }()
	select {
	case err := <-done:
		if sig == syscall.SIGTERM && err != nil {
			t.Errorf("the engine ended with %v:\n%s", err, e.stderr)
		}
	case <-time.After(30 * time.Second):
		_ = e.cmd.Process.Kill()
		t.Errorf("the engine did not end within 30 s of %v:\n%s", sig, e.stderr)
	}
}

var exportLine = regexp.MustCompile(`(?m)^export ([A-Z_]+)=(.*)$`)

// Environment returns what `cairn env` exports, on top of a clean environment.
func (e *Engine) Environment(t testing.TB, account string) []string {
	t.Helper()
	args := []string{"env", "--data", e.Dir}
	if account != "" {
		args = append(args, "--account", account)
	}
	out, err := exec.Command(Binary(t), args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"HOME=" + e.Dir, "PATH=" + os.Getenv("PATH"), "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=2"}
	if root := os.Getenv("PYENV_ROOT"); root != "" {
		env = append(env, "PYENV_ROOT="+root)
	}
	if v := os.Getenv("PYENV_VERSION"); v != "" {
		env = append(env, "PYENV_VERSION="+v)
	}
	for _, m := range exportLine.FindAllStringSubmatch(string(out), -1) {
		env = append(env, m[1]+"="+strings.Trim(m[2], "'"))
	}
	return env
}

// Config returns the SDK's configuration for an account of the engine.
func (e *Engine) Config(t testing.TB, account string) aws.Config {
	t.Helper()
	values := map[string]string{}
	for _, kv := range e.Environment(t, account) {
		k, v, _ := strings.Cut(kv, "=")
		values[k] = v
	}
	return aws.Config{
		Region: Region, BaseEndpoint: aws.String(e.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"], ""),
	}
}

// Client runs a program as a client of the engine and returns its output.
type Client struct {
	// Env is the environment, Dir the working folder.
	Env []string
	Dir string
}

// Both runs a program, for three minutes at most, and returns its two outputs
// and its exit code.
func (c Client) Both(t testing.TB, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = c.Env, c.Dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// Run runs a program and returns what it printed and its exit code; what it
// printed to standard error goes to the test's log.
func (c Client) Run(t testing.TB, name string, args ...string) (stdout string, code int) {
	t.Helper()
	stdout, stderr, code := c.Both(t, name, args...)
	if stderr != "" {
		t.Logf("%s %s:\n%s", filepath.Base(name), strings.Join(args, " "), stderr)
	}
	return stdout, code
}

// Must runs a program that has to succeed.
func (c Client) Must(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, code := c.Run(t, name, args...)
	if code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s", filepath.Base(name), strings.Join(args, " "), code, out)
	}
	return out
}

// JSON runs a program that has to succeed and print JSON.
func (c Client) JSON(t testing.TB, into any, name string, args ...string) {
	t.Helper()
	out := c.Must(t, name, args...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}

// Eventually tries a condition until it holds; the engine delivers within
// seconds, so half a minute means it does not.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 30 s in vain: %s", what)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Repository returns the path of a file of this repository.
func Repository(t testing.TB, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{".."}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
