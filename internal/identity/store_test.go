package identity

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/awserr"
	"cairn/internal/natsd/natsdtest"
	"cairn/internal/policy"
	"cairn/internal/seal"
	"cairn/internal/state/statetest"
)

const account = "111122223333"

var (
	sealKey = bytes.Repeat([]byte{7}, 32)
	now     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

const (
	allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`
)

func openStore(t testing.TB, js jetstream.JetStream, key []byte) *Store {
	t.Helper()
	st := statetest.Open(t, js)
	return NewStore(st, key)
}

func newStore(t testing.TB) (*Store, Credentials) {
	t.Helper()
	s := openStore(t, natsdtest.Start(t), sealKey)
	root, err := s.CreateAccount(t.Context(), account, now)
	if err != nil {
		t.Fatal(err)
	}
	return s, root
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func makeUser(t testing.TB, s *Store, name string) Credentials {
	t.Helper()
	_, err := s.CreateUser(t.Context(), User{Entity: Entity{Account: account, Name: name, Path: "/"}}, now)
	must(t, err)
	_, cred, err := s.CreateAccessKey(t.Context(), account, name, now, func([]AccessKey) error { return nil })
	must(t, err)
	return cred
}

func makeRole(t testing.TB, s *Store, name string) *Role {
	t.Helper()
	r, err := s.CreateRole(t.Context(), Role{
		Entity: Entity{Account: account, Name: name, Path: "/team/", Inline: []InlinePolicy{{"p", allowAll}}},
		Trust:  trust, MaxSession: 3600,
	}, now)
	must(t, err)
	return r
}

func TestRoot(t *testing.T) {
	s, root := newStore(t)
	p, secret, err := s.Resolve(t.Context(), root.AccessKeyID, "", now)
	must(t, err)
	want := Principal{Kind: Root, Account: account, ID: account, ARN: "arn:aws:iam::111122223333:root", AccessKeyID: root.AccessKeyID}
	if d := cmp.Diff(want, p); d != "" || secret != root.Secret {
		t.Error(d)
	}
	if len(root.Secret) != 40 || len(root.AccessKeyID) != 20 || !strings.HasPrefix(root.AccessKeyID, "AKIA") {
		t.Errorf("key %s, secret of %d characters", root.AccessKeyID, len(root.Secret))
	}
	if got, err := s.RootCredentials(account); err != nil || got != root {
		t.Error("root credentials differ", err)
	}
	if _, err := s.CreateAccount(t.Context(), account, now); !errors.Is(err, ErrExists) {
		t.Errorf("second CreateAccount: %v", err)
	}
	if _, err := s.CreateAccount(t.Context(), "1234", now); err == nil {
		t.Error("made an account with a short id")
	}
	must(t, s.SetAccessKeyActive(t.Context(), account, "", root.AccessKeyID, false))
	if _, err := s.RootCredentials(account); !errors.Is(err, ErrNotFound) {
		t.Errorf("root credentials with an inactive key: %v", err)
	}
	wantInvalid(t, s, root.AccessKeyID, "")
	if len(s.Accounts()) != 1 {
		t.Error("accounts:", len(s.Accounts()))
	}
}

func wantInvalid(t *testing.T, s *Store, id, token string) {
	t.Helper()
	_, secret, err := s.Resolve(t.Context(), id, token, now)
	if !awserr.Is(err, InvalidToken) || secret != "" {
		t.Errorf("Resolve(%s) = %v", id, err)
	}
}

func TestUserKeys(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	cred := makeUser(t, s, "Alice")
	p, secret, err := s.Resolve(ctx, cred.AccessKeyID, "", now)
	must(t, err)
	if p.Kind != IAMUser || p.ARN != "arn:aws:iam::111122223333:user/Alice" || p.Name != "Alice" || secret != cred.Secret ||
		!strings.HasPrefix(p.ID, "AIDA") || len(p.ID) != 21 {
		t.Errorf("%+v", p)
	}
	if a, ok := s.AccountOf(cred.AccessKeyID); !ok || a != account {
		t.Error("account of key:", a, ok)
	}
	wantInvalid(t, s, cred.AccessKeyID, "token")
	wantInvalid(t, s, "", "")
	wantInvalid(t, s, "AKIANOSUCHKEY0000000", "")

	must(t, s.SetAccessKeyActive(ctx, account, "Alice", cred.AccessKeyID, false))
	wantInvalid(t, s, cred.AccessKeyID, "")
	must(t, s.SetAccessKeyActive(ctx, account, "Alice", cred.AccessKeyID, true))
	must(t, s.RenameUser(ctx, account, "Alice", "Bob", "/x/"))
	if p, _, err = s.Resolve(ctx, cred.AccessKeyID, "", now); err != nil || p.ARN != "arn:aws:iam::111122223333:user/x/Bob" {
		t.Error("after renaming:", p.ARN, err)
	}
	if _, ok := s.User(account, "Alice"); ok {
		t.Error("the old name is still there")
	}
	must(t, s.RenameUser(ctx, account, "Bob", "BOB", "/"))

	full := errors.New("full")
	if _, _, err := s.CreateAccessKey(ctx, account, "BOB", now, func([]AccessKey) error { return full }); !errors.Is(err, full) {
		t.Errorf("refused key: %v", err)
	}
	if n := len(s.keys.List()); n != 2 {
		t.Errorf("%d index rows, want root's and BOB's", n)
	}
	must(t, s.DeleteUser(ctx, account, "BOB", func(*User) error { return nil }))
	wantInvalid(t, s, cred.AccessKeyID, "")
	if err := s.DeleteAccessKey(ctx, account, "BOB", cred.AccessKeyID); !errors.Is(err, ErrNotFound) {
		t.Errorf("delete key of a deleted user: %v", err)
	}
}

func TestNamesAreUniqueInAnyCase(t *testing.T) {
	s, _ := newStore(t)
	makeUser(t, s, "Alice")
	_, err := s.CreateUser(t.Context(), User{Entity: Entity{Account: account, Name: "alice", Path: "/"}}, now)
	if !errors.Is(err, ErrExists) {
		t.Errorf("created a second alice: %v", err)
	}
	if _, ok := s.User(account, "alice"); ok {
		t.Error("found Alice as alice")
	}
}

// A crash between marking a row deleted and deleting it leaves the mark; the
// row must look absent and its name must be free.
func TestUnfinishedDeletion(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	cred := makeUser(t, s, "alice")
	must(t, s.UpdateUser(ctx, account, "alice", func(u *User) error { u.Deleted = true; return nil }))
	if _, ok := s.User(account, "alice"); ok || len(s.Users(account)) != 0 {
		t.Error("a user marked deleted is shown")
	}
	wantInvalid(t, s, cred.AccessKeyID, "")
	if err := s.UpdateUser(ctx, account, "alice", func(*User) error { return nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("changed a deleted user: %v", err)
	}
	makeUser(t, s, "alice")
	wantInvalid(t, s, cred.AccessKeyID, "")
}

func TestGrants(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	cred := makeUser(t, s, "alice")
	own, err := s.CreatePolicy(ctx, ManagedPolicy{Account: account, Name: "Own", Path: "/a/"}, allowAll, now)
	must(t, err)
	must(t, s.UpdateUser(ctx, account, "alice", func(u *User) error {
		u.Inline = []InlinePolicy{{"one", allowAll}}
		u.Attached = []string{own.ARN(), "arn:aws:iam::aws:policy/IAMReadOnlyAccess", "arn:aws:iam::111122223333:policy/Gone"}
		u.Boundary = own.ARN()
		return nil
	}))
	first, _, err := s.Resolve(ctx, cred.AccessKeyID, "", now)
	must(t, err)
	second, _, err := s.Resolve(ctx, cred.AccessKeyID, "", now)
	must(t, err)
	if len(first.Policies) != 3 || first.Boundary == nil || first.Boundary != second.Boundary || first.Policies[0] != second.Policies[0] {
		t.Errorf("%d policies, boundary %v: want three, parsed once", len(first.Policies), first.Boundary)
	}
	if n := s.PolicyUse(account)[own.ARN()]; n != (Use{1, 1}) {
		t.Errorf("use = %+v", n)
	}
	if err := s.DeletePolicy(ctx, own.ARN(), func(*ManagedPolicy) error { return nil }); !awserr.Is(err, "DeleteConflict") {
		t.Errorf("deleted a policy in use: %v", err)
	}

	// A boundary that is gone denies everything.
	must(t, s.UpdateUser(ctx, account, "alice", func(u *User) error {
		u.Boundary = "arn:aws:iam::111122223333:policy/Gone"
		return nil
	}))
	p, _, err := s.Resolve(ctx, cred.AccessKeyID, "", now)
	must(t, err)
	d := policy.Evaluate(&policy.Query{
		Principal: p.ForPolicy(), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Identity: p.Policies, Boundary: p.Boundary,
	})
	if d.Allowed {
		t.Error("allowed under a boundary that is gone")
	}
	// A policy that does not parse may hold a Deny: nobody gets in with it.
	must(t, s.UpdateUser(ctx, account, "alice", func(u *User) error {
		u.Inline[0].Document = "{"
		return nil
	}))
	if _, _, err := s.Resolve(ctx, cred.AccessKeyID, "", now); err == nil {
		t.Error("resolved a user whose policy does not parse")
	}
}

func TestSession(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	r := makeRole(t, s, "deployer")
	cred, err := s.OpenSession(SessionSpec{
		Role: r, Name: "deploy", Duration: time.Hour, Policies: []string{allowAll}, PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
	}, now)
	must(t, err)
	p, secret, err := s.Resolve(ctx, cred.AccessKeyID, cred.Token, now.Add(time.Hour-time.Second))
	must(t, err)
	want := &Session{
		Name: "deploy", RoleARN: "arn:aws:iam::111122223333:role/team/deployer", RoleID: r.ID, RoleName: "deployer",
		Created: now, Expires: now.Add(time.Hour),
	}
	if d := cmp.Diff(want, p.Session); d != "" {
		t.Error(d)
	}
	if p.ARN != "arn:aws:sts::111122223333:assumed-role/deployer/deploy" || p.ID != r.ID+":deploy" || secret != cred.Secret ||
		!strings.HasPrefix(p.AccessKeyID, "ASIA") || len(p.Policies) != 1 || len(p.SessionPolicies) != 2 {
		t.Errorf("%+v", p)
	}
	if a, ok := s.AccountOf(cred.AccessKeyID); !ok || a != account {
		t.Error("account of a session's key:", a, ok)
	}
	if _, _, err := s.Resolve(ctx, cred.AccessKeyID, cred.Token, now.Add(time.Hour)); !awserr.Is(err, ExpiredToken) {
		t.Errorf("after its end: %v", err)
	}
	other, err := s.OpenSession(SessionSpec{Role: r, Name: "other", Duration: time.Hour}, now)
	must(t, err)
	wantInvalid(t, s, cred.AccessKeyID, "")
	wantInvalid(t, s, cred.AccessKeyID, other.Token)
	wantInvalid(t, s, cred.AccessKeyID, cred.Token[:len(cred.Token)-4])
	wantInvalid(t, s, cred.AccessKeyID, strings.Repeat("A", maxToken+4))
	wantInvalid(t, s, cred.AccessKeyID, "AAAA")

	// A role made again is another role.
	must(t, s.DeleteRole(ctx, account, "deployer", func(*Role) error { return nil }))
	wantInvalid(t, s, cred.AccessKeyID, cred.Token)
	makeRole(t, s, "deployer")
	wantInvalid(t, s, cred.AccessKeyID, cred.Token)
}

func TestServiceSession(t *testing.T) {
	s, _ := newStore(t)
	r := makeRole(t, s, "trail")
	p, err := s.ServiceSession(r.ARN(), "CLOUDTRAIL", "cloudtrail.amazonaws.com", now)
	must(t, err)
	if p.Kind != AssumedRole || p.Session.InvokedBy != "cloudtrail.amazonaws.com" || len(p.Policies) != 1 ||
		p.ARN != "arn:aws:sts::111122223333:assumed-role/trail/CLOUDTRAIL" || p.SessionPolicies != nil {
		t.Errorf("%+v", p)
	}
	if _, err := s.ServiceSession("arn:aws:iam::111122223333:role/trail", "x", "y", now); !errors.Is(err, ErrNotFound) {
		t.Errorf("role without its path: %v", err)
	}
}

// What is in state must not open without the seal key, and must hold no secret
// in the clear.
func TestSecretsAreSealed(t *testing.T) {
	js := natsdtest.Start(t)
	s := openStore(t, js, sealKey)
	root, err := s.CreateAccount(t.Context(), account, now)
	must(t, err)
	a, _ := s.Account(account)
	text, err := json.Marshal(a)
	must(t, err)
	if bytes.Contains(text, []byte(root.Secret)) {
		t.Error("the secret is stored in the clear")
	}
	again := openStore(t, js, sealKey)
	if _, secret, err := again.Resolve(t.Context(), root.AccessKeyID, "", now); err != nil || secret != root.Secret {
		t.Errorf("after opening again: %v", err)
	}
	wrong := openStore(t, js, bytes.Repeat([]byte{8}, 32))
	_, _, err = wrong.Resolve(t.Context(), root.AccessKeyID, "", now)
	if err == nil || awserr.Is(err, InvalidToken) || strings.Contains(err.Error(), root.Secret) {
		t.Errorf("with another seal key: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("took a seal key of 16 bytes")
		}
	}()
	seal.New(sealKey[:16], "x")
}

func TestPolicyVersions(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	p, err := s.CreatePolicy(ctx, ManagedPolicy{Account: account, Name: "P", Path: "/"}, allowAll, now)
	must(t, err)
	must(t, s.UpdatePolicy(ctx, p.ARN(), func(p *ManagedPolicy) error {
		p.AddVersion(denyAll, true, now.Add(time.Minute))
		return nil
	}))
	got, ok := s.Policy(p.ARN())
	if v, vok := got.Version(""); !ok || !vok || v.ID != "v2" || v.Document != denyAll || !got.Updated.Equal(now.Add(time.Minute)) {
		t.Errorf("%+v", got)
	}
	if _, ok := s.Policy("arn:aws:iam::111122223333:policy/x/P"); ok {
		t.Error("found a policy under another path")
	}
	if err := s.UpdatePolicy(ctx, "arn:aws:iam::111122223333:policy/x/P", func(*ManagedPolicy) error { return nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("changed a policy under another path: %v", err)
	}
	must(t, s.DeletePolicy(ctx, p.ARN(), func(*ManagedPolicy) error { return nil }))
	if len(s.Policies(account)) != 0 {
		t.Error("the policy is still there")
	}
	if err := s.Attaching(p.ARN(), func() error { return nil }); !errors.Is(err, ErrNotFound) {
		t.Errorf("attached a deleted policy: %v", err)
	}
}

func TestAWSPolicies(t *testing.T) {
	s, _ := newStore(t)
	all := s.AWSPolicies()
	if len(all) != 10 {
		t.Errorf("%d policies", len(all))
	}
	for _, p := range all {
		if got, ok := s.Policy(p.ARN()); !ok || got != p || len(p.ID) != 21 {
			t.Errorf("%s (%s) is not found", p.ARN(), p.ID)
		}
		v, _ := p.Version("")
		if d, err := policy.Parse([]byte(v.Document)); err != nil || d.Check(policy.Identity) != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// TestPassRole: who has full access to CloudTrail may pass roles to CloudTrail, and
// to nothing else.
func TestPassRole(t *testing.T) {
	s, _ := newStore(t)
	p, _ := s.Policy("arn:aws:iam::aws:policy/AWSCloudTrail_FullAccess")
	v, _ := p.Version("")
	d, err := policy.Parse([]byte(v.Document))
	must(t, err)
	for service, want := range map[string]bool{"cloudtrail.amazonaws.com": true, "ec2.amazonaws.com": false, "": false} {
		q := &policy.Query{
			Principal: policy.Principal{Account: account, ARN: "arn:aws:iam::111122223333:user/alice"}, Action: "iam:PassRole",
			Resource: "arn:aws:iam::111122223333:role/r", Identity: []*policy.Document{d}, Context: policy.Context{},
		}
		if service != "" {
			q.Context["iam:passedtoservice"] = []string{service}
		}
		if got := policy.Evaluate(q).Allowed; got != want {
			t.Errorf("may pass a role to %q: %v", service, got)
		}
	}
}

func TestAlias(t *testing.T) {
	ctx := t.Context()
	s, root := newStore(t)
	_, err := s.CreateAccount(ctx, "444455556666", now)
	must(t, err)
	must(t, s.SetAlias(ctx, account, "one"))
	must(t, s.SetAlias(ctx, account, "one"))
	if err := s.SetAlias(ctx, "444455556666", "one"); !errors.Is(err, ErrExists) {
		t.Errorf("second account took the alias: %v", err)
	}
	must(t, s.SetAlias(ctx, account, "two"))
	must(t, s.SetAlias(ctx, "444455556666", "one"))
	if p, _, err := s.Resolve(ctx, root.AccessKeyID, "", now); err != nil || p.Name != "two" {
		t.Errorf("root is %q: %v", p.Name, err)
	}
	if err := s.DeleteAlias(ctx, account, "one"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted another's alias: %v", err)
	}
	must(t, s.DeleteAlias(ctx, account, "two"))
}

func TestKeyIDs(t *testing.T) {
	for _, account := range []string{"000000000000", "123456789012", "999999999999"} {
		id := keyID(prefixKey, account)
		if got, ok := accountOfKey(id); !ok || got != account {
			t.Errorf("account of %s = %q, want %q", id, got, account)
		}
	}
	for _, id := range []string{"", "AKIA", "AKIAAAAAAAAAAAAAAAAA", "AKIA0000000000000000", "ASIA7777777777777777"} {
		if a, ok := accountOfKey(id); ok {
			t.Errorf("account of %q = %q", id, a)
		}
	}
}

// FuzzToken checks that no token but a genuine one opens, whatever it holds.
func FuzzToken(f *testing.F) {
	s := &Store{sessions: seal.New(sealKey, "sessions")}
	f.Add("ASIAXXXXXXXXXXXXXXXX", "AAAA")
	f.Add("", "====")
	f.Add("ASIAXXXXXXXXXXXXXXXX", strings.Repeat("QUJD", 100))
	f.Fuzz(func(t *testing.T, id, token string) {
		if got, ok := s.openToken(id, token); ok {
			t.Fatalf("opened a forged token: %+v", got)
		}
	})
}

// FuzzAccountOfKey checks that an id that yields an account yields a valid one.
func FuzzAccountOfKey(f *testing.F) {
	f.Add("AKIAIOSFODNN7EXAMPLE")
	f.Add("")
	f.Add("AKIA" + strings.Repeat("\r", 16))
	f.Fuzz(func(t *testing.T, id string) {
		if a, ok := accountOfKey(id); ok && !ValidAccount(a) {
			t.Fatalf("%q: account %q", id, a)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	s, _ := newStore(b)
	cred := makeUser(b, s, "alice")
	must(b, s.UpdateUser(b.Context(), account, "alice", func(u *User) error {
		for i := range 5 {
			u.Inline = append(u.Inline, InlinePolicy{fmt.Sprint(i), strings.Replace(allowAll, "s3:", fmt.Sprintf("s3:G%d", i), 1)})
		}
		return nil
	}))
	session, err := s.OpenSession(SessionSpec{Role: makeRole(b, s, "r"), Name: "x1", Duration: time.Hour}, now)
	must(b, err)
	ctx := context.Background()
	b.Run("user", func(b *testing.B) {
		for b.Loop() {
			_, _, err = s.Resolve(ctx, cred.AccessKeyID, "", now)
		}
	})
	b.Run("session", func(b *testing.B) {
		for b.Loop() {
			_, _, err = s.Resolve(ctx, session.AccessKeyID, session.Token, now)
		}
	})
	must(b, err)
}

// FuzzSplitARN checks that what is taken apart can be put together again.
func FuzzSplitARN(f *testing.F) {
	f.Add("arn:aws:iam::111122223333:role/team/deployer")
	f.Add("arn:aws:iam::aws:policy/AdministratorAccess")
	f.Add("arn:aws:iam:::role/")
	f.Fuzz(func(t *testing.T, s string) {
		account, name, ok := splitARN(s, "role")
		if ok && (!strings.HasPrefix(s, "arn:aws:iam::"+account+":role/") || !strings.HasSuffix(s, "/"+name) || strings.Contains(name, "/")) {
			t.Fatalf("%q is account %q, name %q", s, account, name)
		}
	})
}
