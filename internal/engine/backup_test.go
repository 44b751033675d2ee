package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"cairn/internal/backup"
)

// TestBackupUnderLoad backs a data folder up while clients call, restores it, and
// holds what is restored to what was answered before the backup began, and to
// itself: every record of a change has its change, and the other way round.
func TestBackupUnderLoad(t *testing.T) {
	dir, to, back := t.TempDir(), filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "back")
	e := open(t, Options{Dir: dir})
	aTrail(t, e)
	c := config(t, e, account)
	objects := func(e *Engine) *s3.Client {
		return s3.NewFromConfig(config(t, e, account), func(o *s3.Options) { o.UsePathStyle = true })
	}
	put := func(ctx context.Context, n int) error {
		_, err := objects(e).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("logs"), Key: aws.String(fmt.Sprintf("mine/%d", n)), Body: strings.NewReader(fmt.Sprint(n))})
		return err
	}
	for n := range 5 {
		if err := put(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	before := e.journal.End()
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for w := range 4 {
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("u-%d-%d", w, n)
				if _, err := iam.NewFromConfig(c).CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil && ctx.Err() == nil {
					t.Errorf("a call during the backup: %v", err)
				}
				if err := put(ctx, 1000*(w+1)+n); err != nil && ctx.Err() == nil {
					t.Errorf("an object during the backup: %v", err)
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	sum, err := Backup(t.Context(), dir, to)
	if err != nil {
		stop()
		load.Wait()
		t.Fatal(err)
	}
	t.Logf("%+v", sum)
	if sum.Rested == 0 {
		t.Error("the engine did not rest, though it had things to do")
	}
	after := e.journal.End()
	until(t, func() bool { return after.Less(e.journal.End()) }) // calls go on
	stop()
	load.Wait()
	want := recordsOf(t, e)
	end(t, e)

	if _, err := Restore(t.Context(), to, back); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), to, back); !errors.Is(err, backup.ErrNotEmpty) {
		t.Errorf("restored twice: %v", err)
	}
	r := open(t, Options{Dir: back})
	got := recordsOf(t, r)
	if end := r.journal.End(); end.Less(before) {
		t.Fatalf("the restored journal ends at %v, and was at %v when the backup began", end, before)
	}
	users := map[string]bool{}
	for id, text := range got {
		old, ok := want[id]
		switch {
		case strings.Contains(text, `"eventName":"CreateUser"`):
			users[between(text, `"userName":"`, `"`)] = true
		}
		if ok && old != text && !strings.Contains(text, `"errorCode":"OutcomeUnknown"`) {
			t.Errorf("record %s is another:\n%s\n%s", id, old, text)
		}
	}
	there := r.identities.Users(account)
	for _, u := range there {
		if !users[u.Name] {
			t.Errorf("user %s is there, and no record of its making", u.Name)
		}
		delete(users, u.Name)
	}
	if len(users) > 0 || len(there) == 0 {
		t.Errorf("records of making users that are not there: %v; %d are", users, len(there))
	}
	for n := range 5 {
		out, err := objects(r).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("logs"), Key: aws.String(fmt.Sprintf("mine/%d", n))})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(out.Body); err != nil || string(b) != fmt.Sprint(n) {
			t.Errorf("object %d is %q, %v", n, b, err)
		}
	}
	if _, err := awssts.NewFromConfig(config(t, r, account)).GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("a call to the restored engine: %v", err)
	}
	until(t, func() bool {
		all, err := r.delivery.Balances(t.Context())
		return err == nil && len(all) == 1 && all[0].Balanced() && all[0].Error == ""
	})
}

func between(text, from, to string) string {
	_, text, _ = strings.Cut(text, from)
	text, _, _ = strings.Cut(text, to)
	return text
}

// recordsOf returns the records of the journal by their ids.
func recordsOf(t *testing.T, e *Engine) map[string]string {
	t.Helper()
	all := map[string]string{}
	for at, to := e.journal.First(), e.journal.End(); at.Less(to); {
		recs, next, err := e.journal.Read(t.Context(), at, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recs {
			if _, twice := all[r.Header.ID]; twice {
				t.Errorf("record %s is there twice", r.Header.ID)
			}
			all[r.Header.ID] = string(r.JSON)
		}
		at = next
	}
	return all
}

// TestBackupAtRest backs up a folder no engine runs on, and refuses what cannot be.
func TestBackupAtRest(t *testing.T) {
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	e := open(t, Options{Dir: dir})
	end(t, e)
	if sum, err := Backup(t.Context(), dir, to); err != nil || sum.Rested != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for _, name := range []string{lockFile, endpointFile, adminFile, natsDir + "/LOCK"} {
		if _, err := os.Stat(filepath.Join(to, "data", name)); err == nil {
			t.Errorf("%s was backed up", name)
		}
	}
	for name, row := range map[string]struct {
		do   func() error
		want string
	}{
		"no data folder": {func() error { _, err := Backup(t.Context(), t.TempDir(), to+"2"); return err }, "cairn serve --data"},
		"into itself":    {func() error { _, err := Backup(t.Context(), dir, dir+"/b"); return err }, "inside the data folder"},
		"no backup":      {func() error { _, err := Restore(t.Context(), dir, to+"3"); return err }, "no MANIFEST"},
		"a newer format": {func() error {
			from := filepath.Join(t.TempDir(), "newer")
			src := t.TempDir()
			put(t, src+"/cairn.json", "{}")
			if _, err := backup.Make(t.Context(), backup.Options{From: src, To: from}, map[string]string{"format": "2"}); err != nil {
				return err
			}
			_, err := Restore(t.Context(), from, to+"4")
			return err
		}, "written by a newer Cairn"},
	} {
		if err := row.do(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

// TestRestEnds lets calls go on when whoever wanted the engine to rest is gone, and
// when the engine ends.
func TestRestEnds(t *testing.T) {
	dir := t.TempDir()
	e := open(t, Options{Dir: dir})
	stop, err := rest(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rest(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "a backup is being made already") {
		t.Errorf("two backups at once: %v", err)
	}
	answered := make(chan error, 1)
	go func() { answered <- who(t, e, config(t, e, account).Credentials) }()
	select {
	case err := <-answered:
		t.Fatalf("a call was answered while the engine rested: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	stop()
	if err := <-answered; err != nil {
		t.Errorf("the call that waited: %v", err)
	}
	if _, err := rest(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	end(t, e)
	if took := time.Since(begun); took > shutdownGrace/2 {
		t.Errorf("a resting engine took %s to end", took)
	}
}
