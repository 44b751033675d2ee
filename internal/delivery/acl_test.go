package delivery

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/awserr"
)

// TestBucketIsCheckedNowAndThen: at the first delivery, then at the first one after
// each hour, and in another bucket; not while there is nothing to deliver, nor once
// more for each attempt. A bucket that refuses the check gets its log files.
func TestBucketIsCheckedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, end := newDay(t)
		defer end()
		d.until("12:20:00")
		for _, at := range []string{"12:50:00", "13:10:00", "13:30:00", "15:00:00"} {
			d.events(home)
			d.until(at)
		}
		d.until("18:00:00")
		d.dest.failWith(func(op string) (error, bool) { return errors.New("refused"), false })
		d.events(home)
		d.until("18:30:00")
		d.dest.failWith(nil)
		d.until("18:40:00")
		d.tr.Bucket = "new"
		d.put(d.tr)
		d.dest.mu.Lock()
		d.dest.acl = awserr.New(403, "AccessDenied", "no")
		d.dest.mu.Unlock()
		d.events(home)
		d.until("19:00:00")
		d.events(home)
		d.until("19:10:00")
		if diff := cmp.Diff([]string{"b 12:20", "b 13:30", "b 18:00", "new 18:40"}, d.dest.acls); diff != "" {
			t.Error(diff)
		}
		if row := Status(d.progress, d.tr, Bucket); row.Records != 7 || row.Error != "" {
			t.Errorf("a bucket that refuses the check: %+v", row)
		}
	})
}
