package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"cairn/cmd/cairn/cli"
	"cairn/internal/engine"
)

func runEnv(_ context.Context, args []string, env *cli.Env) int {
	fs := cli.NewFlags(env, "env", "[flags]", `
Print the export lines that point AWS clients at a running engine, with the
root credentials of one of its accounts:

  eval "$(cairn env)"
  aws sts get-caller-identity`)
	data := dataFlag(fs, env)
	account := fs.String("account", "", "`id` of the account; the first one if not given")
	region := fs.String("region", "eu-west-1", "the `region` clients call")
	if _, code, ok := cli.ParseFlags(fs, env, args, 0); !ok {
		return code
	}
	url, err := engine.Endpoint(*data)
	if err != nil {
		return cli.Fail(env, err)
	}
	key, secret, err := readProfile(engine.CredentialsFile(*data), *account)
	if err != nil {
		return cli.Fail(env, err)
	}
	fmt.Fprintf(env.Stdout, `export AWS_ENDPOINT_URL=%s
export AWS_REGION=%s
export AWS_DEFAULT_REGION=%s
export AWS_ACCESS_KEY_ID=%s
export AWS_SECRET_ACCESS_KEY=%s
unset AWS_SESSION_TOKEN AWS_PROFILE
`, url, shellQuote(*region), shellQuote(*region), key, shellQuote(secret))
	return cli.OK
}

// readProfile returns the keys of a profile of an AWS shared-credentials file;
// the empty name is [default].
func readProfile(file, name string) (key, secret string, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", fmt.Errorf("read root credentials: %w; `cairn serve` makes them at its first start", err)
	}
	if err != nil {
		return "", "", fmt.Errorf("read root credentials: %w", err)
	}
	if name == "" {
		name = "default"
	}
	profile, found := "", false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			profile = strings.Trim(line, "[]")
			found = found || profile == name
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok || profile != name {
			continue
		}
		switch strings.TrimSpace(k) {
		case "aws_access_key_id":
			key = strings.TrimSpace(v)
		case "aws_secret_access_key":
			secret = strings.TrimSpace(v)
		}
	}
	if !found {
		return "", "", fmt.Errorf("find account %s in %s: it is not one of this engine's; `cairn account add %s` makes it", name, file, name)
	}
	return key, secret, nil
}
