package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cairn/internal/natsd/natsdtest"
)

// readGaps reads everything, going on behind gaps, and returns those too.
func readGaps(t *testing.T, j *Journal, from Position) (seqs []uint64, gaps []*GapError) {
	t.Helper()
	for {
		recs, next, err := j.Read(t.Context(), from, 1<<20)
		if gap := (*GapError)(nil); errors.As(err, &gap) {
			if len(recs) > 0 || next != from || gap.From.Compare(from) > 0 || gap.To.Less(from) {
				t.Fatalf("at %s: %v with %d records, next %s", from, gap, len(recs), next)
			}
			gaps, from = append(gaps, gap), gap.To
			continue
		}
		must(t, err)
		if len(recs) == 0 {
			return seqs, gaps
		}
		for _, r := range recs {
			seqs = append(seqs, r.Pos.Seq)
		}
		from = next
	}
}

// appendN appends n batches of one record: entry(0), entry(1), ...
func appendN(t *testing.T, j *Journal, n int) {
	t.Helper()
	for i := range n {
		must(t, j.Append(t.Context(), entry(i)))
	}
}

// fillStore appends n batches of one record and closes the store.
func fillStore(t *testing.T, dir string, n int) {
	t.Helper()
	srv := natsdtest.StartDir(t, dir)
	j := openTest(t, srv.JetStream(), Options{})
	appendN(t, j, n)
	j.Close()
	srv.Close()
}

func TestDeletedMessages(t *testing.T) {
	ctx := t.Context()
	js := natsdtest.Start(t)
	j := openTest(t, js, Options{})
	appendN(t, j, 10)
	st, err := js.Stream(ctx, streamName)
	must(t, err)
	for _, seq := range []uint64{4, 5, 8, 10} {
		must(t, st.DeleteMsg(ctx, seq))
	}
	_, err = js.Publish(ctx, subject, []byte("not a batch"))
	must(t, err)
	_, err = js.Publish(ctx, subject, encodeBatch(0, nil))
	must(t, err)

	j = openTest(t, js, Options{})
	seqs, gaps := readGaps(t, j, Position{})
	if want := []uint64{1, 2, 3, 6, 7, 9}; !slices.Equal(seqs, want) {
		t.Errorf("read %d, want %d", seqs, want)
	}
	var got []Position
	for _, g := range gaps {
		got = append(got, g.From, g.To)
	}
	want := []Position{{4, 0}, {6, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 0}, {11, 0}, {12, 0}, {12, 0}, {13, 0}}
	if !slices.Equal(got, want) {
		t.Errorf("gaps %v, want %v", got, want)
	}
}

func TestNoLongerKept(t *testing.T) {
	ctx := t.Context()
	js := natsdtest.Start(t)
	j := openTest(t, js, Options{})
	appendN(t, j, 10)
	st, err := js.Stream(ctx, streamName)
	must(t, err)
	must(t, st.Purge(ctx, jetstream.WithPurgeSequence(6)))
	j = openTest(t, js, Options{})
	if j.First() != (Position{6, 0}) {
		t.Errorf("First = %s", j.First())
	}
	if seqs, gaps := readGaps(t, j, Position{}); len(seqs) != 5 || len(gaps) != 0 {
		t.Errorf("from the beginning: %d, %v", seqs, gaps)
	}
	seqs, gaps := readGaps(t, j, Position{3, 2})
	if len(seqs) != 5 || len(gaps) != 1 || gaps[0].From != (Position{3, 2}) || gaps[0].To != (Position{6, 0}) {
		t.Errorf("from a position that is gone: %d, %v", seqs, gaps)
	}
	must(t, st.Purge(ctx))
	j = openTest(t, js, Options{})
	if j.First() != j.End() || j.End() != (Position{11, 0}) {
		t.Errorf("empty journal from %s to %s", j.First(), j.End())
	}
	if seqs, gaps := readGaps(t, j, Position{3, 0}); len(seqs) != 0 || len(gaps) != 1 || gaps[0].To != j.End() {
		t.Errorf("%d, %v", seqs, gaps)
	}
	must(t, j.Wait(ctx, Position{3, 0})) // a gap is something to hear about
}

// blocks returns the stream's block files, oldest first.
func blocks(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", streamName, "msgs", "*.blk"))
	must(t, err)
	if len(list) == 0 {
		t.Fatal("no block files found")
	}
	return list
}

func TestFlippedBit(t *testing.T) {
	const total = 40
	for _, after := range []string{"restart", "crash"} {
		t.Run(after, func(t *testing.T) {
			dir := t.TempDir()
			fillStore(t, dir, total)
			file := blocks(t, dir)[0]
			b, err := os.ReadFile(file)
			must(t, err)
			at := bytes.Index(b, []byte(`{"n":20,`))
			if at < 0 {
				t.Fatal("record not found in its block")
			}
			b[at+2] ^= 4
			must(t, os.WriteFile(file, b, 0o600))
			if after == "crash" { // without the index that a clean shutdown writes
				must(t, os.Remove(filepath.Join(filepath.Dir(file), "index.db")))
			}
			j := openTest(t, natsdtest.StartDir(t, dir).JetStream(), Options{})
			seqs, gaps := readGaps(t, j, Position{1, 0})
			t.Logf("read %d; gaps %v; from %s to %s", seqs, gaps, j.First(), j.End())
			checkAccounted(t, total, seqs, gaps)
			if slices.Contains(seqs, 21) {
				t.Error("the damaged record was read")
			}
		})
	}
}

func TestCutTail(t *testing.T) {
	const total = 10
	for _, after := range []string{"restart", "crash"} {
		t.Run(after, func(t *testing.T) {
			dir := t.TempDir()
			fillStore(t, dir, total)
			list := blocks(t, dir)
			file := list[len(list)-1]
			info, err := os.Stat(file)
			must(t, err)
			must(t, os.Truncate(file, info.Size()-100))
			if after == "crash" {
				must(t, os.Remove(filepath.Join(filepath.Dir(file), "index.db")))
			}
			j := openTest(t, natsdtest.StartDir(t, dir).JetStream(), Options{})
			// A reader that had read all before, and one that had not.
			_, gaps := readGaps(t, j, Position{Seq: total + 1})
			t.Logf("at the end: gaps %v; from %s to %s", gaps, j.First(), j.End())
			seqs, more := readGaps(t, j, Position{Seq: 1})
			t.Logf("read %d; gaps %v", seqs, more)
			checkAccounted(t, total, seqs, append(gaps, more...))
		})
	}
}

// TestPositionsComeOnce loses the newest batches and the mark as well, so that
// only a reader's own position can tell.
func TestPositionsComeOnce(t *testing.T) {
	const total = 10
	for _, tell := range []string{"Reached", "Read"} {
		t.Run(tell, func(t *testing.T) {
			ctx, dir := t.Context(), t.TempDir()
			fillStore(t, dir, total)
			file := blocks(t, dir)[0]
			info, err := os.Stat(file)
			must(t, err)
			must(t, os.Truncate(file, info.Size()-5000))
			must(t, os.Remove(filepath.Join(filepath.Dir(file), "index.db")))
			must(t, os.RemoveAll(filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(file))), markStream)))
			j := openTest(t, natsdtest.StartDir(t, dir).JetStream(), Options{})
			if !j.End().Less(Position{Seq: total}) {
				t.Fatalf("nothing was lost: the journal ends at %s", j.End())
			}
			cursor := Position{Seq: total + 1}
			if tell == "Reached" {
				must(t, j.Reached(ctx, cursor))
			} else if _, gaps := readGaps(t, j, cursor); len(gaps) != 1 {
				t.Errorf("gaps %v", gaps)
			}
			must(t, j.Append(ctx, entry(0)))
			recs, _, err := j.Read(ctx, cursor, 1)
			if err != nil || len(recs) != 1 || recs[0].Pos != cursor {
				t.Errorf("after the loss: %v, %v", recs, err)
			}
			seqs, gaps := readGaps(t, j, Position{Seq: 1})
			checkAccounted(t, total+1, seqs, gaps)
			if len(gaps) != 1 {
				t.Errorf("gaps %v", gaps)
			}
			if err := j.Reached(ctx, Position{Seq: 1 << 40}); err == nil {
				t.Error("accepts a position of another journal")
			}
		})
	}
}

// checkAccounted checks that each of the batches was read or is in a gap.
func checkAccounted(t *testing.T, total uint64, seqs []uint64, gaps []*GapError) {
	t.Helper()
	for seq := uint64(1); seq <= total; seq++ {
		inGap := slices.ContainsFunc(gaps, func(g *GapError) bool { return g.From.Seq <= seq && seq < g.To.Seq })
		if inGap == slices.Contains(seqs, seq) {
			t.Errorf("batch %d: in a gap %v, read %v", seq, inGap, !inGap)
		}
	}
}
