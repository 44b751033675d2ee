//go:build crash

package crash

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cairn/test/kit"
)

// patience is how long deliveries may take to be complete once the load is over.
const patience = 60 * time.Second

// settle waits until every destination has what it must have, ends all trails,
// and checks everything: records, digests, things. It is the end of a test.
func (w *world) settle() {
	w.Helper()
	w.delivered(false)
	w.things()
	w.unrecorded()
	w.identity()
	for _, t := range w.trails {
		c := w.caller(homeRegion)
		if !w.toggle(c, t, false) {
			w.Fatalf("trail %s cannot be stopped", t.name)
		}
	}
	w.digests()
	records := w.delivered(true) // once: a history answers two pages a second
	w.validate()
	answered, unanswered, failed := w.book.Count()
	w.Logf("%d lives; %d calls answered, %d not, %d failed; %d records compared", w.lives, answered, unanswered, failed, records)
	if answered < 30 { // a busy machine answers few in the time there is
		w.Errorf("only %d calls were answered: too few to show anything", answered)
	}
}

// delivered waits until log files and log group, and if asked for history too, are
// as they must be, and returns how many records were compared.
func (w *world) delivered(history bool) (records int) {
	w.Helper()
	deadline := time.Now().Add(patience)
	for _, t := range w.trails {
		records += w.await(deadline, "trail "+t.name, t.verdict(), func() []Seen { return w.inBucket(t.bucket()) })
		if t.logGroup {
			records += w.await(deadline, "the log group of trail "+t.name, t.verdict(), w.inGroup)
		}
	}
	if !history {
		return records
	}
	everything := func(c *Call) Verdict {
		if c.Data {
			return MustNot
		}
		return Must
	}
	return records + w.await(deadline, "event history", everything, w.inHistory)
}

// await reads a destination until nothing is missing there.
func (w *world) await(deadline time.Time, what string, selects func(*Call) Verdict, read func() []Seen) int {
	w.Helper()
	for {
		calls := w.book.Calls()
		seen := read()
		c := Compare(calls, selects, seen)
		if len(c.Wrong) > 0 || len(c.Missing) > 0 && time.Now().After(deadline) {
			all := slices.Concat(c.Wrong, c.Missing)
			w.Errorf("%s, which has %d records: %d complaints\n%s", what, len(seen), len(all), strings.Join(all[:min(len(all), 20)], "\n"))
			return len(seen)
		}
		if len(c.Missing) == 0 {
			return len(seen)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// record is what is compared of a record.
type record struct {
	EventID           string `json:"eventID"`
	EventName         string `json:"eventName"`
	RequestID         string `json:"requestID"`
	UserAgent         string `json:"userAgent"`
	ErrorCode         string `json:"errorCode"`
	RequestParameters struct {
		UserName string `json:"userName"`
		Bucket   string `json:"bucketName"`
		Key      string `json:"key"`
	} `json:"requestParameters"`
	UserIdentity struct {
		InvokedBy string `json:"invokedBy"`
	} `json:"userIdentity"`
}

func (r *record) seen() Seen {
	s := Seen{
		EventID: r.EventID, RequestID: r.RequestID, Error: r.ErrorCode, Unknown: r.ErrorCode == "OutcomeUnknown",
		Own: r.UserIdentity.InvokedBy != "" || strings.Contains(r.UserAgent, checker),
	}
	switch r.EventName {
	case "CreateUser", "DeleteUser":
		s.Change = Change{Kind: "user", Name: r.RequestParameters.UserName, Deleted: r.EventName == "DeleteUser"}
	case "PutObject", "CompleteMultipartUpload", "DeleteObject":
		if r.RequestParameters.Bucket == objects {
			s.Change = Change{Kind: "object", Name: r.RequestParameters.Key, Deleted: r.EventName == "DeleteObject"}
		}
	}
	return s
}

// unrecorded complains of changes that happened and are in no record.
func (w *world) unrecorded() {
	w.Helper()
	changed := 0
	for i, slots := range [][]*Slot{w.slots(func(k *worker) []*Slot { return k.users }), w.slots(func(k *worker) []*Slot { return k.objects })} {
		for _, wrong := range Unrecorded(slots, w.book.Calls(), w.inBucket(w.trails[i].bucket())) { // all, and data events
			w.Error(wrong)
		}
		for _, s := range slots {
			changed += len(s.changed)
		}
	}
	w.Logf("%d changes happened without an answer, each is recorded", changed)
}

func (w *world) slots(of func(*worker) []*Slot) (all []*Slot) {
	for _, k := range w.workers {
		all = append(all, of(k)...)
	}
	return all
}

// keys lists the keys of a bucket that hold a text.
func (c *caller) keys(bucket, with string) []string {
	c.Helper()
	return kit.Keys(c.ctx, c, c.s3(), bucket, with)
}

// inflated reads a gzip file of a bucket as JSON.
func (c *caller) inflated(bucket, key string, into any) error {
	got, err := c.s3().GetObject(c.ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer got.Body.Close()
	zr, err := gzip.NewReader(got.Body)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// inBucket reads all log files of a bucket.
func (w *world) inBucket(bucket string) []Seen {
	w.Helper()
	c := w.checker(homeRegion)
	var mu sync.Mutex
	var all []Seen
	each(c.keys(bucket, "/CloudTrail/"), func(key string) {
		var file struct{ Records []record }
		if err := c.inflated(bucket, key, &file); err != nil {
			c.Errorf("read %s: %v", key, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range file.Records {
			all = append(all, file.Records[i].seen())
		}
	})
	return all
}

// each runs do for every element, a few at a time.
func each[T any](list []T, do func(T)) {
	var group sync.WaitGroup
	slots := make(chan struct{}, 8)
	for _, x := range list {
		slots <- struct{}{}
		group.Go(func() { do(x); <-slots })
	}
	group.Wait()
}

// inGroup reads the log group of the trail that exports.
func (w *world) inGroup() []Seen {
	w.Helper()
	all := slices.Clone(w.exported)
	messages, err := w.checker(homeRegion).messages(exportGroup)
	if err != nil {
		w.Error(err)
	}
	for _, message := range messages {
		var r record
		if err := json.Unmarshal([]byte(message), &r); err != nil {
			w.Errorf("%v in the log group: %.200s", err, message)
		}
		all = append(all, r.seen())
	}
	return all
}

// messages reads a log group; none if there is none.
func (c *caller) messages(group string) (all []string, err error) {
	c.Helper()
	logs := cloudwatchlogs.NewFromConfig(c.config)
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.ctx)
		var api interface{ ErrorCode() string }
		if errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException" {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read log group %s: %w", group, err)
		}
		for _, e := range page.Events {
			all = append(all, *e.Message)
		}
	}
	return all, nil
}

// inHistory reads the event history of all regions.
func (w *world) inHistory() []Seen {
	w.Helper()
	var all []Seen
	for _, region := range regions {
		c := w.checker(region)
		pages := cloudtrail.NewLookupEventsPaginator(cloudtrail.NewFromConfig(c.config), &cloudtrail.LookupEventsInput{MaxResults: aws.Int32(50)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(c.ctx)
			if err != nil {
				w.Fatalf("LookupEvents in %s: %v", region, err)
			}
			for _, e := range page.Events {
				var r record
				if err := json.Unmarshal([]byte(*e.CloudTrailEvent), &r); err != nil || r.EventID != *e.EventId {
					w.Errorf("event %s in the history: %v: %.200s", *e.EventId, err, *e.CloudTrailEvent)
				}
				all = append(all, r.seen())
			}
		}
	}
	return all
}

// things complains of everything that was answered and is not there: objects with
// their bytes, users, instances, log events.
func (w *world) things() {
	w.Helper()
	checked, problems := w.problems()
	for _, p := range problems {
		w.Error(p)
	}
	w.Logf("%d objects, users, instances and log events were looked at", checked)
}

// problems looks at all things, and returns how many there are and what is wrong.
func (w *world) problems() (checked int, problems []error) {
	w.Helper()
	check := func(slot *Slot, value string, err error) {
		checked++
		if err == nil {
			err = slot.Found(value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", slot.Kind, slot.Name, err))
		}
	}
	c := w.checker(homeRegion)
	for _, k := range w.workers {
		for _, slot := range k.objects {
			value, a := c.object(slot.Name)
			check(slot, value, a.err)
		}
		for _, slot := range k.users {
			value, a := c.user(slot.Name)
			check(slot, value, a.err)
		}
		for _, slot := range k.instances {
			at, id := w.machine(slot.Name)
			at.config.AppID, at.silent = checker, true
			value, a := at.instance(id)
			check(slot, value, a.err)
		}
		times := map[string]int{}
		messages, err := c.messages(k.group.Name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		for _, message := range messages {
			times[message]++
		}
		for _, slot := range k.lines {
			check(slot, map[int]string{0: "", 1: "once"}[min(times[slot.Name], 1)], many(times[slot.Name]))
		}
	}
	return checked, problems
}

func many(times int) error {
	if times > 1 {
		return fmt.Errorf("a log event is there %d times", times)
	}
	return nil
}

// digests waits until every log file of every trail is listed in a digest, and
// complains if one is listed twice.
func (w *world) digests() {
	w.Helper()
	deadline := time.Now().Add(patience)
	for _, t := range w.trails {
		for {
			missing, files := w.undigested(t.bucket())
			if len(missing) == 0 {
				w.Logf("trail %s: %d log files, each in one digest", t.name, files)
				break
			}
			if time.Now().After(deadline) {
				w.Errorf("trail %s: no digest lists %s", t.name, strings.Join(missing, ", "))
				break
			}
			time.Sleep(300 * time.Millisecond)
		}
	}
}

func (w *world) undigested(bucket string) (missing []string, files int) {
	w.Helper()
	c := w.checker(homeRegion)
	listed := map[string]int{}
	var mu sync.Mutex
	each(c.keys(bucket, "/CloudTrail-Digest/"), func(key string) {
		var d struct {
			LogFiles []struct {
				S3Object string `json:"s3Object"`
			} `json:"logFiles"`
		}
		if err := c.inflated(bucket, key, &d); err != nil {
			c.Errorf("read %s: %v", key, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, f := range d.LogFiles {
			if listed[f.S3Object]++; listed[f.S3Object] > 1 {
				c.Errorf("the log file %s is listed by %d digests", f.S3Object, listed[f.S3Object])
			}
		}
	})
	for _, key := range c.keys(bucket, "/CloudTrail/") {
		if files++; listed[key] == 0 {
			missing = append(missing, key)
		}
	}
	return missing, files
}

// validate lets `cairn validate`, and `aws cloudtrail validate-logs` where it is,
// look at all trails.
func (w *world) validate() {
	w.Helper()
	client := kit.Client{Dir: w.dir, Env: []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "AWS_ACCESS_KEY_ID=" + w.id, "AWS_SECRET_ACCESS_KEY=" + w.secret,
		"AWS_REGION=" + homeRegion, "AWS_DEFAULT_REGION=" + homeRegion, "AWS_ENDPOINT_URL=http://" + w.address, "AWS_EC2_METADATA_DISABLED=true",
		"PYENV_ROOT=" + os.Getenv("PYENV_ROOT"), "PYENV_VERSION=" + os.Getenv("PYENV_VERSION"),
	}}
	aws, err := exec.LookPath("aws")
	if err != nil {
		w.Log("skipped: aws cloudtrail validate-logs, because aws is not installed")
	}
	for _, t := range w.trails {
		out, errs, code := client.Both(w, kit.Binary(w), "validate", "--trail", t.name)
		if code != 0 {
			w.Errorf("cairn validate --trail %s: exit code %d\n%s%s", t.name, code, out, errs)
		}
		if aws == "" || t.name != "stopgo" { // the one whose chains ended and began most often
			continue
		}
		out, errs, code = client.Both(w, aws, "cloudtrail", "validate-logs", "--start-time", time.Now().Add(-26*time.Hour).UTC().Format(time.RFC3339),
			"--trail-arn", "arn:aws:cloudtrail:"+homeRegion+":"+account+":trail/"+t.name)
		if code != 0 || strings.Contains(out+errs, "INVALID") {
			w.Errorf("aws cloudtrail validate-logs of %s: exit code %d\n%s%s", t.name, code, out, errs)
		}
	}
}
