package delivery

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/event"
	"cairn/internal/trail"
)

const (
	member         = "444455556666"
	organizationID = "o-1a2b3c4d5e"
)

// of returns a record as one of another account.
func (w *world) of(account, region string) event.Entry {
	e := w.record(region, "A")
	e.Header.Account = account
	return e
}

// folders returns what was written, by the part of its key before the date.
func (d *memDest) folders(t *testing.T) map[string][]string {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	got := map[string][]string{}
	for key, body := range d.objects {
		folder, _, ok := strings.Cut(key, "/2026/")
		if !ok {
			t.Errorf("key %s has no date", key)
		}
		if d.meta[key] != nil {
			got[folder] = append(got[folder], "digest")
			continue
		}
		for _, r := range unpack(t, body) {
			got[folder] = append(got[folder], idOf(r))
		}
	}
	for _, ids := range got {
		slices.Sort(ids)
	}
	return got
}

// TestOrganizationTrail: each account has its files, its chain of digests and its
// log stream, below the organization's id.
func TestOrganizationTrail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		time.Sleep(time.Until(noon))
		tr := w.newTrail("audit")
		tr.OrganizationID, tr.Validate = organizationID, true
		tr.Export("arn:aws:logs:eu-west-1:"+account+":log-group:g:*", "arn:aws:iam::"+account+":role/r", mark(w.journal.End()))
		w.put(tr)
		end := w.start(t)
		w.journal.add(w.record(home, "A"), w.of(member, home), w.of(member, "us-east-1"))
		w.journal.add(w.of(member, home))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		end()
		const root = "p/AWSLogs/" + organizationID + "/"
		want := map[string][]string{
			root + account + "/CloudTrail/" + home:              {"e1"},
			root + member + "/CloudTrail/" + home:               {"e2", "e4"},
			root + member + "/CloudTrail/us-east-1":             {"e3"},
			root + account + "/CloudTrail-Digest/" + home:       {"digest"},
			root + member + "/CloudTrail-Digest/" + home:        {"digest"},
			root + member + "/CloudTrail-Digest/" + "us-east-1": {"digest"},
		}
		if d := cmp.Diff(want, w.dest.folders(t)); d != "" {
			t.Error(d)
		}
		streams := map[string][]string{
			organizationID + "_" + account + "_CloudTrail_" + home: {"e1"},
			organizationID + "_" + member + "_CloudTrail_" + home:  {"e2", "e3", "e4"},
		}
		if d := cmp.Diff(streams, w.dest.streams); d != "" {
			t.Error(d)
		}
		for key := range maps.Keys(w.dest.objects) {
			if w.dest.meta[key] != nil {
				w.checkDigest(t, key)
			}
		}
	})
}

// TestBecomesOrganizationTrail: what was logged before is delivered as it was
// selected then, however late.
func TestBecomesOrganizationTrail(t *testing.T) {
	w := newWorld()
	tr := w.newTrail("audit")
	w.journal.add(w.record(home, "A"), w.of(member, home))
	sel := tr.Selection
	sel.OrganizationID = organizationID
	tr.Select(sel, mark(w.journal.End()))
	w.journal.add(w.record(home, "A"), w.of(member, home))
	sel.OrganizationID = ""
	tr.Select(sel, mark(w.journal.End()))
	w.journal.add(w.record(home, "A"), w.of(member, home))
	w.put(tr)
	drain(t, w.pump(t, tr, Bucket))
	want := map[string][]string{
		"p/AWSLogs/" + account + "/CloudTrail/" + home:                        {"e1", "e5"},
		"p/AWSLogs/" + organizationID + "/" + account + "/CloudTrail/" + home: {"e3"},
		"p/AWSLogs/" + organizationID + "/" + member + "/CloudTrail/" + home:  {"e4"},
	}
	if d := cmp.Diff(want, w.dest.folders(t)); d != "" {
		t.Error(d)
	}
}

// insight makes an Insights event; an error code makes it one of an error rate.
func (w *world) insight(account, code string) event.Entry {
	e := w.record(home, "RunInstances")
	e.Header.Category, e.Header.Type, e.Header.Account, e.Header.ErrorCode = event.Insight, event.InsightEvent, account, code
	return e
}

// TestInsights: Insights events have a folder of their own, are digested and
// exported like others, and only those of the types asked for are.
func TestInsights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		time.Sleep(time.Until(noon))
		tr := w.newTrail("audit")
		tr.Validate, tr.Insights = true, []string{trail.CallRate}
		tr.Export("arn:aws:logs:eu-west-1:"+account+":log-group:g:*", "arn:aws:iam::"+account+":role/r", mark(w.journal.End()))
		w.put(tr)
		end := w.start(t)
		w.journal.add(w.record(home, "A"), w.insight(account, ""), w.insight(account, "AccessDenied"), w.insight(member, ""))
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		end()
		want := map[string][]string{
			"p/AWSLogs/" + account + "/CloudTrail/" + home:         {"e1"},
			"p/AWSLogs/" + account + "/CloudTrail-Insight/" + home: {"e2"},
			"p/AWSLogs/" + account + "/CloudTrail-Digest/" + home:  {"digest"},
		}
		if d := cmp.Diff(want, w.dest.folders(t)); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"e1", "e2"}, w.dest.events()); d != "" {
			t.Error(d)
		}
		for key, meta := range w.dest.meta {
			if meta == nil {
				if name := key[strings.LastIndexByte(key, '/')+1:]; strings.Contains(key, "-Insight/") != strings.HasPrefix(name, account+"_CloudTrail-Insight_"+home+"_20260301T12") {
					t.Errorf("name %s", name)
				}
				continue
			}
			if f, _ := w.checkDigest(t, key); len(f.LogFiles) != 2 {
				t.Errorf("the digest lists %d files, want both", len(f.LogFiles))
			}
		}
	})
}
