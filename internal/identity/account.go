package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn/internal/state"
)

// Account is an AWS account of the engine.
type Account struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	// Alias is the account's alias, or empty.
	Alias string `json:"alias,omitempty"`
	// Root holds the root user's access keys.
	Root []AccessKey `json:"root"`
}

// RootARN returns arn:aws:iam::ID:root.
func (a *Account) RootARN() string { return "arn:aws:iam::" + a.ID + ":root" }

// aliasRow reserves an alias, which is unique across accounts.
type aliasRow struct {
	Account string `json:"account"`
}

// Credentials are an access key with its secret, in the clear: only for the
// caller's eyes, never for logs, errors or records.
type Credentials struct {
	AccessKeyID string
	Secret      string
}

// CreateAccount adds an account and returns the root user's new credentials.
// id is 12 digits. ErrExists if the account is there already.
func (s *Store) CreateAccount(ctx context.Context, id string, now time.Time) (Credentials, error) {
	if !ValidAccount(id) {
		return Credentials{}, fmt.Errorf("create account %q: an account id has 12 digits", id)
	}
	if _, ok := s.accounts.Get(id); ok {
		return Credentials{}, fmt.Errorf("create account %s: %w", id, ErrExists)
	}
	key, secret, err := s.reserveKey(ctx, id, "", now)
	if err != nil {
		return Credentials{}, fmt.Errorf("create account %s: %w", id, err)
	}
	// A crash here leaves an index row to a key that no account owns: it
	// resolves to nothing, and its random id is never given out again.
	a := Account{ID: id, Created: stamp(now), Root: []AccessKey{key}}
	if err := known(s.accounts.Create(ctx, &a, id)); err != nil {
		return Credentials{}, fmt.Errorf("create account %s: %w", id, err)
	}
	return Credentials{AccessKeyID: key.ID, Secret: secret}, nil
}

// Accounts returns all accounts, sorted by id.
func (s *Store) Accounts() []*Account {
	rows := s.accounts.List()
	all := make([]*Account, len(rows))
	for i, row := range rows {
		all[i] = row.Value
	}
	return all
}

// Account returns an account.
func (s *Store) Account(id string) (*Account, bool) { return s.accounts.Get(id) }

// RootCredentials returns the root user's oldest active access key, for the
// machine's own operator. ErrNotFound if there is none.
func (s *Store) RootCredentials(account string) (Credentials, error) {
	return s.RootCredentialsBut(account, func(string) bool { return false })
}

// RootCredentialsBut is RootCredentials without the keys, by id, that the caller
// knows of as ending, as long as there is another.
func (s *Store) RootCredentialsBut(account string, ending func(id string) bool) (Credentials, error) {
	a, ok := s.accounts.Get(account)
	if !ok {
		return Credentials{}, fmt.Errorf("read root credentials of account %s: %w", account, ErrNotFound)
	}
	i := slices.IndexFunc(a.Root, func(k AccessKey) bool { return k.Active && !ending(k.ID) })
	if i < 0 {
		i = slices.IndexFunc(a.Root, func(k AccessKey) bool { return k.Active })
	}
	if i < 0 {
		return Credentials{}, fmt.Errorf("read root credentials of account %s: no active access key: %w", account, ErrNotFound)
	}
	secret, err := s.secrets.Open(a.Root[i].ID, a.Root[i].Sealed)
	if err != nil {
		return Credentials{}, fmt.Errorf("read root credentials of account %s: %w", account, err)
	}
	return Credentials{AccessKeyID: a.Root[i].ID, Secret: string(secret)}, nil
}

// SetAlias gives an account an alias, in place of the one it has. ErrExists if
// another account has it.
//
// Write order: reserve the new alias, then the account. A crash in between
// leaves a reservation, which the same account may take again.
func (s *Store) SetAlias(ctx context.Context, account, alias string) error {
	err := s.aliases.Create(ctx, &aliasRow{Account: account}, alias)
	if errors.Is(err, state.ErrExists) {
		if row, ok := s.aliases.Get(alias); !ok || row.Account != account {
			return fmt.Errorf("set alias %s: %w", alias, ErrExists)
		}
	} else if err != nil {
		return fmt.Errorf("set alias %s: %w", alias, err)
	}
	old, err := s.replaceAlias(ctx, account, alias)
	if err != nil {
		return fmt.Errorf("set alias %s: %w", alias, err)
	}
	if old == "" || old == alias {
		return nil
	}
	return s.dropAlias(ctx, old)
}

// DeleteAlias takes an account's alias away. ErrNotFound if it has another.
func (s *Store) DeleteAlias(ctx context.Context, account, alias string) error {
	if a, ok := s.accounts.Get(account); !ok || a.Alias != alias {
		return fmt.Errorf("delete alias %s: %w", alias, ErrNotFound)
	}
	if _, err := s.replaceAlias(ctx, account, ""); err != nil {
		return fmt.Errorf("delete alias %s: %w", alias, err)
	}
	// A crash here leaves the alias reserved for this account; SetAlias takes
	// it up again.
	return s.dropAlias(ctx, alias)
}

func (s *Store) replaceAlias(ctx context.Context, account, alias string) (old string, err error) {
	_, err = s.accounts.Update(ctx, func(a *Account) error {
		old, a.Alias = a.Alias, alias
		return nil
	}, account)
	return old, known(err)
}

func (s *Store) dropAlias(ctx context.Context, alias string) error {
	if err := s.aliases.Delete(ctx, alias); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("release alias %s: %w", alias, err)
	}
	return nil
}
