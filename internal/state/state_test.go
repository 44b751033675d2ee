package state

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd/natsdtest"
)

type user struct {
	Name string
	N    int
	Tags map[string]string `json:",omitempty"`
}

// openTest opens the bucket "test", looking at it every 50 ms.
func openTest(t *testing.T, js jetstream.JetStream) *Store {
	t.Helper()
	s, err := open(t.Context(), js, "test", 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTable(t *testing.T) {
	ctx := t.Context()
	users := NewTable[user](openTest(t, natsdtest.Start(t)), "users")

	if _, ok := users.Get("1", "alice"); ok {
		t.Error("found a row in an empty table")
	}
	must(t, users.Create(ctx, &user{Name: "alice"}, "1", "alice"))
	if err := users.Create(ctx, &user{Name: "other"}, "1", "alice"); !errors.Is(err, ErrExists) {
		t.Errorf("second Create = %v", err)
	}
	got, ok := users.Get("1", "alice")
	if d := cmp.Diff(&user{Name: "alice"}, got); !ok || d != "" {
		t.Error(ok, d)
	}

	must(t, users.Put(ctx, &user{Name: "bob"}, "2", "bob"))
	must(t, users.Put(ctx, &user{Name: "bob", N: 1}, "2", "bob"))
	u, err := users.Update(ctx, func(u *user) error { u.N++; return nil }, "2", "bob")
	must(t, err)
	if got, _ := users.Get("2", "bob"); got.N != 2 || u.N != 2 {
		t.Errorf("after Update: %+v, returned %+v", got, u)
	}

	must(t, users.Delete(ctx, "1", "alice"))
	if _, ok := users.Get("1", "alice"); ok {
		t.Error("row is there after Delete")
	}
	if err := users.Delete(ctx, "1", "alice"); !errors.Is(err, ErrNotFound) {
		t.Errorf("second Delete = %v", err)
	}
	must(t, users.Create(ctx, &user{Name: "again"}, "1", "alice"))
}

func TestUpdateRefused(t *testing.T) {
	ctx := t.Context()
	users := NewTable[user](openTest(t, natsdtest.Start(t)), "users")
	if _, err := users.Update(ctx, func(*user) error { return nil }, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Update of nothing = %v", err)
	}
	must(t, users.Create(ctx, &user{Tags: map[string]string{"a": "1"}}, "x"))
	mine := errors.New("mine")
	_, err := users.Update(ctx, func(u *user) error { u.Tags["a"] = "2"; return mine }, "x")
	if err != mine { //nolint:errorlint // it must be this very error
		t.Errorf("err = %v", err)
	}
	if got, _ := users.Get("x"); got.Tags["a"] != "1" {
		t.Error("a refused change shows in the shared object")
	}
}

func TestBadKeys(t *testing.T) {
	users := NewTable[user](openTest(t, natsdtest.Start(t)), "users")
	for _, key := range [][]string{{}, {""}, {"a", ""}, {strings.Repeat("*", 1000)}} {
		if err := users.Put(t.Context(), &user{}, key...); err == nil {
			t.Errorf("Put(%.20q) succeeded", key)
		}
		if _, ok := users.Get(key...); ok {
			t.Errorf("Get(%.20q) found something", key)
		}
	}
}

func TestListOrderAndPrefix(t *testing.T) {
	ctx := t.Context()
	s := openTest(t, natsdtest.Start(t))
	users, others := NewTable[user](s, "users"), NewTable[user](s, "users2")
	keys := [][]string{{"a"}, {"a", "1"}, {"a", "1", "x"}, {"a", "10"}, {"a", "é"}, {"a b"}, {"a.1"}, {"b", "1"}}
	for i := range keys {
		k := keys[(i*5)%len(keys)]
		must(t, users.Put(ctx, &user{Name: strings.Join(k, "|")}, k...))
	}
	must(t, others.Put(ctx, &user{}, "a"))
	check := func(want [][]string, prefix ...string) {
		t.Helper()
		got := [][]string{}
		for _, r := range users.List(prefix...) {
			got = append(got, r.Key)
			if r.Value.Name != strings.Join(r.Key, "|") {
				t.Errorf("row %q holds %q", r.Key, r.Value.Name)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("List(%q): %s", prefix, d)
		}
	}
	check(keys)
	check(keys[:5], "a")
	check(keys[1:3], "a", "1")
	check([][]string{}, "c")
	check([][]string{}, "a", "2")
}

func TestRestart(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	srv := natsdtest.StartDir(t, dir)
	s := openTest(t, srv.JetStream())
	users := NewTable[user](s, "users")
	for i := range 500 { // more than the watch buffers
		must(t, users.Put(ctx, &user{N: i}, fmt.Sprintf("k%03d", i)))
	}
	for i := range 100 {
		must(t, users.Delete(ctx, fmt.Sprintf("k%03d", i)))
	}
	want := users.List()
	srv.Close() // before the store: it must notice, and Close must not hang
	<-s.Failed()
	if s.Err() == nil {
		t.Error("no error though the server is gone")
	}
	if err := users.Put(ctx, &user{}, "x"); err == nil {
		t.Error("wrote to a store whose server is gone")
	}
	s.Close()

	s = openTest(t, natsdtest.StartDir(t, dir).JetStream())
	users = NewTable[user](s, "users")
	if d := cmp.Diff(want, users.List()); d != "" || len(want) != 400 {
		t.Errorf("%d rows, %s", len(want), d)
	}
	must(t, users.Create(ctx, &user{}, "k000"))
	must(t, s.Err())
}

func TestConcurrentUpdates(t *testing.T) {
	ctx := t.Context()
	js := natsdtest.Start(t)
	// Two stores on one bucket: two processes of a cluster.
	a, b := NewTable[user](openTest(t, js), "users"), NewTable[user](openTest(t, js), "users")
	must(t, a.Create(ctx, &user{}, "x"))
	must(t, b.s.wait(ctx, func() bool { return b.s.rev >= a.s.rev }))
	var wg sync.WaitGroup
	for i := range 8 {
		table := []*Table[user]{a, b}[i%2]
		wg.Go(func() {
			for range 10 {
				if _, err := table.Update(ctx, func(u *user) error { u.N++; return nil }, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := b.Update(ctx, func(u *user) error { u.N++; return nil }, "x"); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.Get("x"); got.N != 81 {
		t.Errorf("N = %d, want 81", got.N)
	}
}

func TestConflictBoundedByContext(t *testing.T) {
	js := natsdtest.Start(t)
	a, b := NewTable[user](openTest(t, js), "users"), NewTable[user](openTest(t, js), "users")
	must(t, a.Create(t.Context(), &user{}, "x"))
	ctx, cancel := context.WithCancel(t.Context())
	must(t, b.s.wait(ctx, func() bool { return b.s.rev >= a.s.rev }))
	tries := 0
	_, err := b.Update(ctx, func(u *user) error {
		if tries++; tries == 4 {
			cancel()
		}
		_, err := a.Update(t.Context(), func(u *user) error { u.N++; return nil }, "x")
		u.N = -1
		return err
	}, "x")
	if err == nil || tries != 4 {
		t.Errorf("after %d tries: %v", tries, err)
	}
	if got, _ := a.Get("x"); got.N != 4 {
		t.Errorf("N = %d, want 4", got.N)
	}
}

func TestChanged(t *testing.T) {
	ctx := t.Context()
	s := openTest(t, natsdtest.Start(t))
	users, others := NewTable[user](s, "users"), NewTable[user](s, "others")
	c, quiet := users.Changed(), others.Changed()
	must(t, users.Put(ctx, &user{}, "x"))
	select {
	case <-c:
	default:
		t.Error("Changed did not fire")
	}
	c = users.Changed()
	must(t, users.Delete(ctx, "x"))
	<-c
	select {
	case <-quiet:
		t.Error("Changed fired for another table")
	default:
	}
}

func TestUnreadableObject(t *testing.T) {
	ctx := t.Context()
	for name, text := range map[string]string{
		"member of a newer version": `{"Name":"x","Color":"red"}`,
		"not JSON":                  `{"Name":`,
		"two values":                `{} {}`,
	} {
		t.Run(name, func(t *testing.T) {
			js := natsdtest.Start(t)
			s := openTest(t, js)
			users := NewTable[user](s, "users")
			must(t, users.Put(ctx, &user{Name: "old"}, "x"))
			kv, err := js.KeyValue(ctx, "test")
			must(t, err)
			_, err = kv.Put(ctx, "users.x", []byte(text))
			must(t, err)
			<-s.Failed()
			if err := s.Err(); !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), `users ["x"]`) {
				t.Errorf("Err = %v", err)
			}
			if err := users.Put(ctx, &user{}, "y"); !errors.Is(err, ErrUnreadable) {
				t.Errorf("Put = %v", err)
			}
			if _, ok := users.Get("x"); ok {
				t.Error("the old object is still served")
			}
			// The same at the next start.
			s = openTest(t, js)
			must(t, s.Err())
			NewTable[user](s, "users")
			if err := s.Err(); !errors.Is(err, ErrUnreadable) {
				t.Errorf("Err after restart = %v", err)
			}
		})
	}
}

func TestUnwritableType(t *testing.T) {
	type odd struct {
		E error // encodes as {} or null, decodes as nothing
	}
	table := NewTable[odd](openTest(t, natsdtest.Start(t)), "odd")
	if err := table.Put(t.Context(), &odd{E: errors.New("x")}, "x"); err == nil {
		t.Error("stored an object that cannot be read back")
	}
}

func TestBucketDeleted(t *testing.T) {
	js := natsdtest.Start(t)
	s := openTest(t, js)
	must(t, s.Err())
	must(t, js.DeleteKeyValue(t.Context(), "test"))
	deadline := time.Now().Add(20 * time.Second)
	for s.Err() == nil {
		if time.Now().After(deadline) {
			t.Fatal("the bucket is gone and the store does not say so")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := s.Err(); !errors.Is(err, ErrStale) {
		t.Errorf("Err = %v", err)
	}
}

func TestOpenCancelled(t *testing.T) {
	js := natsdtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, js, "test"); err == nil {
		t.Error("opened under a cancelled context")
	}
	if _, err := Open(t.Context(), js, "not a name"); err == nil {
		t.Error("opened a bucket with a bad name")
	}
}

func TestTableNames(t *testing.T) {
	s := openTest(t, natsdtest.Start(t))
	NewTable[user](s, "users")
	for _, name := range []string{"", "a.b", "a/b", "ü", "users"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewTable(%q) did not panic", name)
				}
			}()
			NewTable[user](s, name)
		}()
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	users := NewTable[user](openTest(t, natsdtest.Start(t)), "users")
	must(t, users.Put(t.Context(), &user{Name: "x"}, "111122223333", "arn:aws:iam::111122223333:user/x"))
	n := testing.AllocsPerRun(100, func() {
		if _, ok := users.Get("111122223333", "arn:aws:iam::111122223333:user/x"); !ok {
			t.Error("not found")
		}
	})
	if n != 0 {
		t.Errorf("Get allocates %v times", n)
	}
}
