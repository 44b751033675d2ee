package scan

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cairn/internal/follow"
)

// Do answers without a network, which virtual time could not wait for.
func (s *s3Server) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestWatchRequests counts what looks at a bucket of 17 regions ask for, and
// what they find.
func TestWatchRequests(t *testing.T) { synctest.Test(t, watchRequests) }

func watchRequests(t *testing.T) {
	const a, regions = "111122223333", 17
	s := &s3Server{pages: 1000, files: map[string][]byte{}}
	now := func() time.Time { return time.Now().UTC() }
	put := func(account, region string, at time.Time, unique string) string {
		k := key("some/prefix/", account, region, at, unique)
		s.files[k] = nil
		return k
	}
	time.Sleep((9*24 + 12) * time.Hour) // midnight is far
	for i := range regions {
		for back := range 30 {
			put(a, fmt.Sprintf("eu-west-%d", i), now().Add(-time.Duration(back)*time.Hour), "old")
		}
	}
	src, err := Open(t.Context(), "s3://trails/some/prefix", Options{AWS: func(context.Context) (aws.Config, error) {
		return aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("http://s3.test"), HTTPClient: s,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
		}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	w := NewWatch(src, Window{})
	look := func(name string, since time.Time, whole bool, requests int, want ...string) {
		t.Helper()
		s.listed, s.sent = nil, 0
		found := map[string]int{}
		if err := w.List(t.Context(), since, whole, func(f File) error {
			found[f.Key]++
			return nil
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, k := range want {
			if found[k] != 1 {
				t.Errorf("%s: %s was given %d times", name, k, found[k])
			}
		}
		if len(s.listed) != requests {
			t.Errorf("%s: %d requests, want %d", name, len(s.listed), requests)
		}
		t.Logf("%s: %d requests, %d files", name, len(s.listed), len(found))
	}
	// From the prefix down to the regions' folders, their years, months and days.
	const top, way = 4, 3
	look("first", now().Add(-24*time.Hour), true, top+regions*(way+2))
	time.Sleep(30 * time.Second)
	late, new1 := put(a, "eu-west-3", now().Add(-50*time.Minute), "0"), put(a, "eu-west-3", now().Add(5*time.Minute), "A")
	hidden := put(a, "us-east-1", now(), "hidden")
	look("an ordinary one", now().Add(-time.Hour), false, regions, late, new1)
	if s.sent > regions*3+2 {
		t.Errorf("an ordinary look is sent %d keys, also old ones", s.sent)
	}
	time.Sleep(30 * time.Second)
	other := put("444455556666", "us-east-1", now(), "other")
	loose := "some/prefix/export/more.json"
	s.files[loose] = nil
	look("after a minute", now().Add(-time.Hour), false, top+2+regions+2+1, late, new1, hidden, other, loose)
	time.Sleep(30 * time.Second)
	s.files["some/prefix/export/again.json"] = nil
	look("with what is new", now().Add(-time.Hour), false, regions+2+1, late, new1, hidden, other, loose, "some/prefix/export/again.json")
	time.Sleep(11*time.Hour + 54*time.Minute)
	monthly := "some/prefix/AWSLogs/" + a + "/CloudTrail/eu-west-1/2000/01/of-the-month.json"
	s.files[monthly] = nil
	hive := "some/prefix/ap-east-1/day=10/x.json"
	s.files[hive] = nil
	look("all", now().Add(-time.Hour), true, top+2+(way+1)*(regions+2)+1+2, monthly, hive)
	const more = regions + 1
	look("before midnight", now().Add(-time.Hour), false, 2*(more+2)+3, monthly, hive)
	time.Sleep(time.Minute)
	look("before midnight, for new folders", now().Add(-time.Hour), false, top+2+2*(more+2)+3, monthly, hive)
	time.Sleep(10 * time.Second)
	tomorrow := put(a, "eu-west-5", now().Add(5*time.Minute), "tomorrow")
	look("of two days", now().Add(-time.Hour), false, 2*(more+2)+3, tomorrow, monthly, hive)
}

// TestWatchEmpty looks at a bucket that has no region's folder yet: each look
// looks for one, so that the first file is given by the look after it, without
// the wait of those for further regions.
func TestWatchEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{files: map[string][]byte{}}
		w := NewWatch(store.source(), Window{})
		look := func() (keys []string) {
			t.Helper()
			if err := w.List(t.Context(), time.Now().Add(-time.Hour), false, func(f File) error {
				keys = append(keys, f.Key)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return keys
		}
		put := func(region string) string {
			k := key("", "111122223333", region, time.Now().UTC(), "a")
			store.files[k] = nil
			return k
		}
		if found := look(); len(found) > 0 {
			t.Errorf("an empty bucket has %v", found)
		}
		first := put("eu-west-1")
		time.Sleep(time.Second)
		if found := look(); !slices.Equal(found, []string{first}) {
			t.Errorf("a second later the look gives %v, not the first file", found)
		}
		put("eu-west-2")
		time.Sleep(time.Second)
		if found := look(); !slices.Equal(found, []string{first}) {
			t.Errorf("the look after it looks for folders again: %v", found)
		}
	})
}

// growing is a store in memory that files are put into meanwhile.
type growing struct {
	mu    sync.Mutex
	files map[string]time.Time // when each was put
	down  func() bool
}

func (g *growing) list(_ context.Context, l listing, each func(File) error) (folders []string, err error) {
	g.mu.Lock()
	m := memoryStore{files: map[string][]byte{}}
	for k := range g.files {
		if k > l.after {
			m.files[k] = nil
		}
	}
	down := g.down()
	g.mu.Unlock()
	if down {
		return nil, io.ErrUnexpectedEOF
	}
	return m.list(context.Background(), l, each)
}

func (g *growing) open(context.Context, File) (io.ReadCloser, error) { return nil, io.EOF }

// TestWatchUnion follows a bucket in which new accounts and regions appear, over
// two midnights, with files in random order of keys that are late by up to the
// window, and with lists that fail: every one is given, once, and each that is
// named within the last hour, if nothing fails, within the time that is told.
func TestWatchUnion(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { watchUnion(t, seed) }) })
	}
}

func watchUnion(t *testing.T, seed uint64) {
	const lookBack, every, length = 3 * time.Hour, 30 * time.Second, 26 * time.Hour
	random, failing := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	store := &growing{files: map[string]time.Time{}, down: func() bool { return seed%2 == 1 && failing.IntN(2000) == 0 }}
	watch := NewWatch(&tree{store: store, inFlight: 4}, Window{})
	time.Sleep(23 * time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), length+30*time.Minute)
	defer cancel()
	given := map[string]int{}
	var world sync.WaitGroup
	world.Go(func() {
		place := follow.Place[File]{
			List: func(ctx context.Context, look follow.Look, each func(follow.Item[File]) error) error {
				return watch.List(ctx, look.Since, look.Whole, func(f File) error {
					return each(follow.Item[File]{Key: f.Key, Time: f.Time, Value: f})
				})
			},
			Read: func(context.Context, File) ([][]byte, error) { return [][]byte{nil}, nil },
		}
		o := follow.Options{
			Every: every, Near: time.Hour, LookBack: lookBack, Sweep: 10 * time.Minute,
			From: time.Now(), State: follow.NewState(), Warn: func(error) {},
		}
		err := follow.Run(ctx, place, o, func(f File, _ [][]byte) error {
			given[f.Key]++
			store.mu.Lock()
			defer store.mu.Unlock()
			took := time.Since(store.files[f.Key])
			if near := store.files[f.Key].Sub(f.Time) < time.Hour; seed%2 == 0 && near && took > FindEvery+every {
				t.Errorf("%s was found after %s", f.Key, took)
			}
			return nil
		})
		if err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	time.Sleep(time.Second)
	put := map[string]int{}
	for n, end := 0, time.Now().Add(length); time.Now().Before(end); n++ {
		late := time.Duration(random.Float64() * float64(lookBack-time.Minute))
		if random.IntN(3) > 0 {
			late = -time.Duration(random.IntN(300)) * time.Second
		}
		// Time brings more accounts and regions.
		account, region := fmt.Sprintf("%012d", random.IntN(n/120+1)), fmt.Sprintf("eu-west-%d", random.IntN(n/60+1))
		k := key("", account, region, time.Now().UTC().Add(-late), fmt.Sprintf("%x-%d", random.Uint32(), n))
		store.mu.Lock()
		store.files[k] = time.Now()
		store.mu.Unlock()
		put[k] = 1
		time.Sleep(time.Duration(random.IntN(600)) * time.Second)
	}
	world.Wait()
	if !maps.Equal(put, given) {
		for _, k := range slices.Sorted(maps.Keys(put)) {
			if given[k] != 1 {
				t.Errorf("%s was given %d times", k[strings.LastIndexByte(k, '/')+1:], given[k])
			}
		}
	}
}
