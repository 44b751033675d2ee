package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"cairn/internal/awserr"
	"cairn/internal/call"
	"cairn/internal/identity"
	"cairn/internal/state"
)

// MaxGrace is how long old root credentials may be valid beside new ones.
const MaxGrace = 30 * 24 * time.Hour

// rotation is a root access key that ends at a time: a row of "rotations", by
// account and key. The row is there before the time is promised, and goes after
// the key, so that a crash leaves a key that the next start ends in time.
type rotation struct {
	Ends time.Time
}

// rotateRetry is the pause after a key could not be ended.
const rotateRetry = 5 * time.Second

// rotateAccount gives an account's root user a new access key, and ends all that
// it had: at once, or when grace has passed. Every step is a call of the root
// user, allowed and recorded as any other (CreateAccessKey, DeleteAccessKey).
//
// A crash in the middle leaves the new key beside old ones; rotating again ends
// both of them.
func (e *Engine) rotateAccount(ctx context.Context, account string, grace time.Duration) error {
	if grace < 0 || grace > MaxGrace {
		return fmt.Errorf("rotate the credentials of account %s: a grace of %s is not between 0 and %s", account, grace, MaxGrace)
	}
	e.accounts.Lock()
	defer e.accounts.Unlock()
	old, err := e.identities.AccessKeys(account, "")
	if errors.Is(err, identity.ErrNotFound) {
		return fmt.Errorf("rotate the credentials of account %s: this engine has no such account; `cairn account add %s` makes it", account, account)
	}
	if err != nil {
		return fmt.Errorf("rotate the credentials of account %s: %w", account, err)
	}
	// IAM knows two keys a user: the place of the new one may have to be made.
	for len(old) > 1 {
		if err := e.endKey(ctx, account, spare(old)); err != nil {
			return err
		}
		if old, err = e.identities.AccessKeys(account, ""); err != nil {
			return fmt.Errorf("rotate the credentials of account %s: %w", account, err)
		}
	}
	if err := e.asRoot(ctx, account, "CreateAccessKey", &iam.CreateAccessKeyInput{}); err != nil {
		return fmt.Errorf("make a new access key for the root user of account %s: %w", account, err)
	}
	for _, k := range old {
		if grace > 0 && k.Active {
			err = e.rotations.Put(ctx, &rotation{Ends: time.Now().Add(grace)}, account, k.ID)
		} else {
			err = e.endKey(ctx, account, k.ID)
		}
		if err != nil {
			return errors.Join(err, e.writeCredentials())
		}
	}
	return e.writeCredentials()
}

// spare returns the key of several that can be missed most: one that is switched
// off, else the oldest.
func spare(keys []identity.AccessKey) string {
	for _, k := range keys {
		if !k.Active {
			return k.ID
		}
	}
	return keys[0].ID
}

// endKey deletes a root access key, and the row that says when it ends.
func (e *Engine) endKey(ctx context.Context, account, id string) error {
	err := e.asRoot(ctx, account, "DeleteAccessKey", &iam.DeleteAccessKeyInput{AccessKeyId: &id})
	if err != nil && !awserr.Is(err, "NoSuchEntity") { // its owner may have been quicker
		return fmt.Errorf("end access key %s of the root user of account %s: %w", id, account, err)
	}
	// A crash here leaves a row of a key that is gone; the next start removes it.
	if err := e.rotations.Delete(ctx, account, id); err != nil && !errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("forget when access key %s of account %s ends: %w", id, account, err)
	}
	return nil
}

// asRoot makes a call to IAM as the root user of an account, from this machine.
func (e *Engine) asRoot(ctx context.Context, account, operation string, in any) error {
	row, ok := e.identities.Account(account)
	if !ok {
		return fmt.Errorf("act as the root user of account %s: %w", account, identity.ErrNotFound)
	}
	api := e.api("iam")
	c := &call.Call{
		API: api, Op: api.Operations[operation], Input: in, Region: "us-east-1", RequestID: requestID(api),
		Principal: identity.Principal{Kind: identity.Root, Account: account, ID: account, ARN: row.RootARN(), Name: row.Alias},
		SourceIP:  "127.0.0.1", UserAgent: "cairn account rotate", Secure: true, Start: time.Now(),
	}
	out, err := e.dispatcher.Do(ctx, c)
	if made, ok := out.(*iam.CreateAccessKeyOutput); ok && err == nil {
		made.AccessKey = &types.AccessKey{} // the secret goes to the credentials file only
	}
	return err
}

func (e *Engine) api(name string) *call.API {
	for _, a := range e.apis {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// endRotations ends the keys whose time has come.
func (e *Engine) endRotations(ctx context.Context) error {
	e.accounts.Lock()
	defer e.accounts.Unlock()
	ended := false
	for _, row := range e.rotations.List() {
		if time.Now().Before(row.Value.Ends) {
			continue
		}
		if err := e.endKey(ctx, row.Key[0], row.Key[1]); err != nil {
			return err
		}
		e.log.InfoContext(ctx, "old root credentials ended", "account", row.Key[0], "key", row.Key[1])
		ended = true
	}
	if ended {
		return e.writeCredentials()
	}
	return nil
}

// rotate ends keys when their time comes, until ctx ends.
func (e *Engine) rotate(ctx context.Context) {
	for ctx.Err() == nil {
		changed := e.rotations.Changed()
		wait := time.Hour
		if err := e.endRotations(ctx); err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "old root credentials could not be ended; it will be tried again", "error", err)
			wait = rotateRetry
		} else {
			for _, row := range e.rotations.List() {
				wait = max(0, min(wait, time.Until(row.Value.Ends)))
			}
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// retiring reports whether a root access key is one that ends soon.
func (e *Engine) retiring(account, id string) bool {
	_, ok := e.rotations.Get(account, id)
	return ok
}
