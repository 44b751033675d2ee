package identity

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cairn/internal/seal"
	"cairn/internal/state"
)

// The errors the store returns, beside those of the state below it.
var (
	// ErrNotFound says that there is no such account, user, role, policy or key.
	ErrNotFound = errors.New("identity not found")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("identity exists")
)

// Store keeps accounts, users, roles, managed policies and access keys. Reads
// come from memory and never block; what they return is shared and must not be
// changed. Writes are durable and visible when they return. It is safe for
// concurrent use.
//
// Whoever can write the state below can make any principal, but cannot read a
// secret: secret access keys are sealed with the engine's seal key, which is
// not kept in state.
type Store struct {
	accounts *state.Table[Account]
	aliases  *state.Table[aliasRow]
	users    *state.Table[User]
	roles    *state.Table[Role]
	policies *state.Table[ManagedPolicy]
	mfa      *state.Table[MFADevice]
	oidc     *state.Table[OIDCProvider]
	// keys finds the owner of an access key. The owner's own row decides
	// whether the key exists.
	keys *state.Table[keyRow]

	// managed holds the AWS managed policies by ARN; it is never changed.
	managed map[string]*ManagedPolicy

	secrets  seal.Sealer
	sessions seal.Sealer
	seeds    seal.Sealer // of MFA devices
	parsed   parsedPolicies

	// attach keeps a managed policy from being deleted while it is being
	// attached. It orders this process only: two engines on one cluster can
	// leave an attachment to a deleted policy, which grants nothing.
	attach sync.Mutex
}

// NewStore returns the identities kept in st. sealKey (at least 32 bytes, else
// it panics) encrypts secret access keys and session tokens; with another key
// than the one they were made with, stored access keys do not work.
func NewStore(st *state.Store, sealKey []byte) *Store {
	return &Store{
		accounts: state.NewTable[Account](st, "identity-accounts"),
		aliases:  state.NewTable[aliasRow](st, "identity-aliases"),
		users:    state.NewTable[User](st, "identity-users"),
		roles:    state.NewTable[Role](st, "identity-roles"),
		policies: state.NewTable[ManagedPolicy](st, "identity-policies"),
		mfa:      state.NewTable[MFADevice](st, "identity-mfa"),
		oidc:     state.NewTable[OIDCProvider](st, "identity-oidc"),
		keys:     state.NewTable[keyRow](st, "identity-keys"),
		managed:  awsPolicies(),
		secrets:  seal.New(sealKey, "access keys"),
		sessions: seal.New(sealKey, "sessions"),
		seeds:    seal.New(sealKey, "MFA seeds"),
	}
}

// Tag is a key and value on a user, role or policy.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// InlinePolicy is a policy embedded in one user or role.
type InlinePolicy struct {
	Name     string `json:"name"`
	Document string `json:"document"`
}

// Entity is what users and roles have in common.
type Entity struct {
	Account string    `json:"account"`
	Name    string    `json:"name"`
	Path    string    `json:"path"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	// Tags, Inline and Attached are in the order in which they were added;
	// Attached holds managed policies' ARNs.
	Tags     []Tag          `json:"tags,omitempty"`
	Inline   []InlinePolicy `json:"inline,omitempty"`
	Attached []string       `json:"attached,omitempty"`
	// Boundary is the ARN of the permissions boundary, or empty.
	Boundary string `json:"boundary,omitempty"`
	// Deleted marks a row whose deletion was decided but is not finished.
	Deleted bool `json:"deleted,omitempty"`
}

func (e *Entity) is(name string) bool { return !e.Deleted && e.Name == name }

func (e *Entity) mark() *bool { return &e.Deleted }

// User is an IAM user.
type User struct {
	Entity
	Keys []AccessKey `json:"keys,omitempty"`
}

// ARN returns arn:aws:iam::ACCOUNT:user/PATH/NAME.
func (u *User) ARN() string { return entityARN(u.Account, "user", u.Path, u.Name) }

// Role is an IAM role.
type Role struct {
	Entity
	// Trust is the text of the trust policy.
	Trust       string `json:"trust"`
	Description string `json:"description,omitempty"`
	// MaxSession is the longest session, in seconds (3600 to 43200).
	MaxSession int32 `json:"maxSession"`
}

// ARN returns arn:aws:iam::ACCOUNT:role/PATH/NAME.
func (r *Role) ARN() string { return entityARN(r.Account, "role", r.Path, r.Name) }

func entityARN(account, kind, path, name string) string {
	return "arn:aws:iam::" + account + ":" + kind + path + name
}

// fold is a name as a key: names are unique whatever their case.
func fold(name string) string { return strings.ToLower(name) }

// known turns the state's errors into this package's.
func known(err error) error {
	switch {
	case errors.Is(err, state.ErrNotFound):
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case errors.Is(err, state.ErrExists):
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return err
}

// stamp is a time as it is stored: in UTC, with whole seconds, as AWS shows it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
