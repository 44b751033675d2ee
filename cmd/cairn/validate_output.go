package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
	"cairn/digest/verify"
)

// validateOutput prints findings as they are made, what has been done so far on
// a terminal, and the summary.
type validateOutput struct {
	env      *cli.Env
	asJSON   bool
	progress *verify.Progress
	began    time.Time
	stop     chan struct{}
	stopped  sync.WaitGroup

	mu    sync.Mutex // held while printing
	shown bool       // the line of progress is on the terminal
	any   bool       // a finding was printed
	loose bool       // a chain has no head of an earlier run
	err   error
}

func newValidateOutput(env *cli.Env, asJSON bool, p *verify.Progress) *validateOutput {
	o := &validateOutput{env: env, asJSON: asJSON, progress: p, began: time.Now(), stop: make(chan struct{})}
	if asJSON {
		o.print("{\"findings\":[")
	}
	if cli.IsTerminal(env.Stderr) {
		o.stopped.Go(o.tick)
	}
	return o
}

// tick shows the progress until end is called.
func (o *validateOutput) tick() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-o.stop:
			return
		case <-t.C:
		}
		o.mu.Lock()
		files := o.progress.LogFiles.Load()
		fmt.Fprintf(o.env.Stderr, "\r\x1b[K%d digests, %d log files, %s, %.0f log files/s",
			o.progress.Digests.Load(), files, size(o.progress.Bytes.Load()), float64(files)/time.Since(o.began).Seconds())
		o.shown = true
		o.mu.Unlock()
	}
}

// end takes the line of progress away.
func (o *validateOutput) end() {
	close(o.stop)
	o.stopped.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
}

func (o *validateOutput) clear() {
	if o.shown {
		fmt.Fprint(o.env.Stderr, "\r\x1b[K")
		o.shown = false
	}
}

// print prints to standard output; the first error is kept for the end.
func (o *validateOutput) print(text string) {
	if _, err := fmt.Fprint(o.env.Stdout, text); err != nil && o.err == nil {
		o.err = fmt.Errorf("print findings: %w", err)
	}
}

// found prints a finding.
func (o *validateOutput) found(f verify.Finding) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear()
	o.loose = o.loose || f.Kind == verify.Unpinned
	if !o.asJSON {
		o.print(findingText(f))
		o.any = true
		return
	}
	if o.any {
		o.print(",")
	}
	o.any = true
	o.print("\n" + string(o.encode(f)))
}

func (o *validateOutput) encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("print findings: %w", err)
	}
	return show.JSON(nil, b) // the same values, and none that a terminal obeys
}

// findingText says a finding in a line or two. Names are those of whoever could
// write to the bucket: they must not rewrite on the terminal what is said of them.
func findingText(f verify.Finding) string {
	about := f.Key
	switch {
	case f.Key != "" && f.Bucket != "":
		about = "s3://" + f.Bucket + "/" + f.Key
	case f.Key == "":
		about = strings.Join(strings.Fields(strings.Join([]string{f.Account, f.Region, f.Trail}, " ")), " ")
		if about == "" {
			about = "s3://" + f.Bucket
		}
		if !f.From.IsZero() {
			about += ", " + f.From.UTC().Format(time.RFC3339) + " to " + f.To.UTC().Format(time.RFC3339)
		}
	}
	return fmt.Sprintf("%-10s  %s  %s\n            %s\n", strings.ToUpper(string(f.Severity)), f.Kind, show.Text(about), show.Text(f.Text))
}

// summary prints what was found; pinned says that heads of an earlier run were
// demanded.
func (o *validateOutput) summary(r *verify.Report, pinned bool) error {
	outcome := map[verify.Severity]string{verify.Note: "valid", verify.Unverified: "unverified", verify.Invalid: "invalid"}[r.Outcome()]
	if o.asJSON {
		o.print(fmt.Sprintf("],\n\"outcome\":%q,\n\"report\":%s}\n", outcome, o.encode(r)))
		return o.err
	}
	if o.any {
		o.print("\n")
	}
	for _, c := range r.Chains {
		o.print(chainText(c))
	}
	if len(r.Chains) > 0 {
		o.print("\n")
	}
	for _, c := range []struct {
		name  string
		count verify.Count
	}{{"digest files", r.Digests}, {"backfill digest files", r.Backfills}, {"log files", r.LogFiles}} {
		if c.count.Total() > 0 {
			o.print(countText(c.name, c.count))
		}
	}
	took := time.Since(o.began)
	o.print(fmt.Sprintf("%s read in %.1f s, %.0f log files/s\n\n", size(o.progress.Bytes.Load()), took.Seconds(), float64(r.LogFiles.Total())/took.Seconds()))
	switch r.Outcome() {
	case verify.Invalid:
		o.print(fmt.Sprintf("INVALID: %d findings.\n", r.Findings[verify.Invalid]))
	case verify.Unverified:
		o.print("NOT ALL COULD BE CHECKED: nothing was found invalid.\n")
	case verify.Note:
		o.print("All valid.\n")
	}
	if (!pinned || o.loose) && r.Digests.Total() > 0 {
		o.print("Digests removed from the new end do not show without --head; --save-head remembers it for the next time.\n")
	}
	return o.err
}

// failed ends the output of a run that could not be finished and returns why.
func (o *validateOutput) failed(err error) error {
	if o.asJSON {
		o.print(fmt.Sprintf("],\n\"outcome\":\"unverified\",\n\"error\":%s}\n", o.encode(err.Error())))
	}
	return errors.Join(err, o.err)
}

func chainText(c verify.Chain) string {
	kind := ""
	if c.Backfill {
		kind = " (backfill)"
	}
	when := "none valid"
	if !c.To.IsZero() {
		when = c.From.UTC().Format(time.RFC3339) + " to " + c.To.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%s  %s  %s%s: %d digests, %s\n", show.Text(c.Account), show.Text(c.Region), show.Text(c.Trail), kind, c.Digests.Total(), when)
}

func countText(name string, c verify.Count) string {
	s := fmt.Sprintf("%d/%d %s valid", c.Valid, c.Total(), name)
	if c.Invalid > 0 {
		s += fmt.Sprintf(", %d INVALID", c.Invalid)
	}
	if c.Unverified > 0 {
		s += fmt.Sprintf(", %d unverified", c.Unverified)
	}
	return s + "\n"
}

func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
}
