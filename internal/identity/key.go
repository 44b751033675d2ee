package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cairn/internal/state"
)

// AccessKey is a long-lived access key of a user or of the root user.
type AccessKey struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Active  bool      `json:"active"`
	// Sealed is the secret, encrypted and bound to ID.
	Sealed []byte `json:"sealed"`
}

// keyRow says who owns an access key; User is empty for the root user.
type keyRow struct {
	Account string `json:"account"`
	User    string `json:"user,omitempty"`
}

// AccessKeys returns the access keys of a user, or of the root user if user is
// empty, oldest first.
func (s *Store) AccessKeys(account, user string) ([]AccessKey, error) {
	if user == "" {
		if a, ok := s.accounts.Get(account); ok {
			return a.Root, nil
		}
	} else if u, ok := s.User(account, user); ok {
		return u.Keys, nil
	}
	return nil, ErrNotFound
}

// CreateAccessKey makes an access key for a user, or for the root user if user
// is empty. allow sees the keys there are and may refuse another.
//
// Write order: the index row, then the owner. A crash in between leaves an
// index row to a key its owner does not have, which resolves to nothing.
func (s *Store) CreateAccessKey(ctx context.Context, account, user string, now time.Time, allow func([]AccessKey) error) (AccessKey, Credentials, error) {
	if _, err := s.AccessKeys(account, user); err != nil {
		return AccessKey{}, Credentials{}, err
	}
	key, secret, err := s.reserveKey(ctx, account, user, now)
	if err != nil {
		return AccessKey{}, Credentials{}, err
	}
	err = s.changeKeys(ctx, account, user, func(keys []AccessKey) ([]AccessKey, error) {
		if err := allow(keys); err != nil {
			return nil, err
		}
		return append(slices.Clone(keys), key), nil
	})
	if err != nil {
		return AccessKey{}, Credentials{}, errors.Join(err, s.forgetKey(ctx, key.ID))
	}
	return key, Credentials{AccessKeyID: key.ID, Secret: secret}, nil
}

// SetAccessKeyActive turns a key on or off. ErrNotFound if the owner has no
// such key.
func (s *Store) SetAccessKeyActive(ctx context.Context, account, user, id string, active bool) error {
	return s.changeKeys(ctx, account, user, func(keys []AccessKey) ([]AccessKey, error) {
		i := slices.IndexFunc(keys, func(k AccessKey) bool { return k.ID == id })
		if i < 0 {
			return nil, ErrNotFound
		}
		keys = slices.Clone(keys)
		keys[i].Active = active
		return keys, nil
	})
}

// DeleteAccessKey deletes a key: from its owner first, which ends it; a crash
// before the index row is gone leaves a row that resolves to nothing.
func (s *Store) DeleteAccessKey(ctx context.Context, account, user, id string) error {
	err := s.changeKeys(ctx, account, user, func(keys []AccessKey) ([]AccessKey, error) {
		i := slices.IndexFunc(keys, func(k AccessKey) bool { return k.ID == id })
		if i < 0 {
			return nil, ErrNotFound
		}
		return slices.Delete(slices.Clone(keys), i, i+1), nil
	})
	if err != nil {
		return err
	}
	return s.forgetKey(ctx, id)
}

// AccountOf returns the account an access key belongs to. It knows long-lived
// keys that exist and the ids of sessions' keys of existing accounts.
func (s *Store) AccountOf(accessKeyID string) (string, bool) {
	if row, ok := s.keys.Get(accessKeyID); accessKeyID != "" && ok {
		return row.Account, true
	}
	account, ok := accountOfKey(accessKeyID)
	if !ok || accessKeyID[:len(prefixTemp)] != prefixTemp {
		return "", false
	}
	_, ok = s.accounts.Get(account)
	return account, ok
}

// reserveKey makes a key and the index row that finds its owner.
func (s *Store) reserveKey(ctx context.Context, account, user string, now time.Time) (AccessKey, string, error) {
	secret := newSecret()
	for {
		id := keyID(prefixKey, account)
		err := s.keys.Create(ctx, &keyRow{Account: account, User: fold(user)}, id)
		if errors.Is(err, state.ErrExists) {
			continue // 39 random bits met a key of the same account
		}
		if err != nil {
			return AccessKey{}, "", fmt.Errorf("reserve an access key id: %w", err)
		}
		return AccessKey{ID: id, Created: stamp(now), Active: true, Sealed: s.secrets.Seal(id, []byte(secret))}, secret, nil
	}
}

func (s *Store) forgetKey(ctx context.Context, id string) error {
	if err := s.keys.Delete(ctx, id); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("forget access key %s: %w", id, err)
	}
	return nil
}

// changeKeys changes the keys of an owner by compare-and-set.
func (s *Store) changeKeys(ctx context.Context, account, user string, change func([]AccessKey) ([]AccessKey, error)) error {
	if user != "" {
		return s.UpdateUser(ctx, account, user, func(u *User) (err error) {
			u.Keys, err = change(u.Keys)
			return err
		})
	}
	_, err := s.accounts.Update(ctx, func(a *Account) (err error) {
		a.Root, err = change(a.Root)
		return err
	}, account)
	return known(err)
}
