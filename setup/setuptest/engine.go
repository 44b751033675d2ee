package setuptest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"cairn/internal/engine"
)

// Engine runs an engine for Example functions, which have no testing.TB, and
// points the environment's AWS settings at its one account, Account. The
// returned function ends it and puts the environment back.
func Engine(ctx context.Context) (stop func() error, err error) {
	dir, err := os.MkdirTemp("", "cairn-example-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for an engine: %w", err)
	}
	data := filepath.Join(dir, "data")
	e, err := engine.Open(ctx, engine.Options{
		Dir: data, Account: Account, Listen: "127.0.0.1:0", DeliveryInterval: time.Hour, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	restore := setenv(map[string]string{
		"AWS_ENDPOINT_URL": e.URL(), "AWS_SHARED_CREDENTIALS_FILE": engine.CredentialsFile(data), "AWS_CONFIG_FILE": filepath.Join(dir, "config"),
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
	})
	return func() error {
		restore()
		return errors.Join(e.Close(), os.RemoveAll(dir))
	}, nil
}

// setenv sets variables, or unsets those that are to be empty, and returns how
// to undo it. Names are not malformed, so os.Setenv cannot fail.
func setenv(variables map[string]string) (restore func()) {
	old := map[string]string{}
	for name, value := range variables {
		if was, ok := os.LookupEnv(name); ok {
			old[name] = was
		}
		put(name, value)
	}
	return func() {
		for name := range variables {
			put(name, old[name])
		}
	}
}

func put(name, value string) {
	if value == "" {
		_ = os.Unsetenv(name)
		return
	}
	_ = os.Setenv(name, value)
}
