package setup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cairn/setup/internal/account"
	"cairn/setup/internal/resource"
)

// Event tells how applying goes on.
type Event struct {
	// Address is the resource's address, such as
	// module.cloudtrail-bucket.aws_s3_bucket.this.
	Address string
	// Text is what happens, as Terraform says it: "Creating...",
	// "Creation complete after 0s [id=NAME]".
	Text string
}

// Apply carries out a plan made by Plan or PlanDestroy of the same account
// and returns how much of it was done. Independent resources are changed at
// the same time, each after those it needs. When one fails, those that need
// it are left out, the others are finished, and the error names them all.
// report is called by one goroutine at a time; it may be nil.
//
// A crash or an error leaves the account partly changed. Since the account is
// the state, planning and applying again goes on from there.
func (a *Account) Apply(ctx context.Context, p *Plan, report func(Event)) (Count, error) {
	run := &applying{clients: a.clients, report: report, destroy: p.destroy, done: map[string]chan struct{}{}, failed: map[string]bool{}}
	for _, c := range p.changes {
		run.done[c.Address] = make(chan struct{})
	}
	waits := run.order(p.changes)
	free := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for _, c := range p.changes {
		wg.Go(func() {
			defer close(run.done[c.Address])
			for _, need := range waits[c.Address] {
				<-run.done[need]
				if run.hasFailed(need) {
					run.fail(c.Address, nil)
					return
				}
			}
			free <- struct{}{}
			defer func() { <-free }()
			run.one(ctx, c)
		})
	}
	wg.Wait()
	return run.count, errors.Join(run.errs...)
}

// applying is one Apply. The mutex guards everything below it.
type applying struct {
	clients map[string]*account.Client
	report  func(Event)
	destroy bool
	done    map[string]chan struct{}

	mu     sync.Mutex
	failed map[string]bool
	errs   []error
	count  Count
}

// order says which resources each one waits for. To destroy, a resource waits
// for those that need it.
func (r *applying) order(changes []resource.Change) map[string][]string {
	waits := map[string][]string{}
	for _, c := range changes {
		for _, need := range c.Needs {
			switch _, planned := r.done[need]; {
			case !planned:
			case r.destroy:
				waits[need] = append(waits[need], c.Address)
			default:
				waits[c.Address] = append(waits[c.Address], need)
			}
		}
	}
	return waits
}

// one carries out one change. Whatever is replaced is removed first; its
// settings go with it and are only made anew.
func (r *applying) one(ctx context.Context, c resource.Change) {
	if c.Action == resource.NoOp {
		return
	}
	if err := ctx.Err(); err != nil {
		r.fail(c.Address, fmt.Errorf("%s: interrupted before it was begun", c.Address))
		return
	}
	start := time.Now()
	say := func(text string) { r.say(c.Address, "Still at it: "+text) }
	removes := c.Action == resource.Delete || c.Action == resource.Replace
	found := c.Found
	if removes {
		r.say(c.Address, fmt.Sprintf("Destroying... [id=%s]", resource.ID(found)))
		remove := r.clients[c.Provider].Remove
		if c.Absent {
			remove = r.clients[c.Provider].Unset
		}
		if err := remove(ctx, found, say); err != nil {
			r.fail(c.Address, fmt.Errorf("destroy %s: %w%s", c.Address, account.Plain(err), account.Hint(err)))
			return
		}
		r.say(c.Address, "Destruction complete after "+since(start))
		found = nil
	}
	if c.Action == resource.Delete {
		r.add(Count{Destroy: 1})
		return
	}
	doing, completed, verb := "Creating...", "Creation", "create"
	if found != nil {
		doing, completed, verb = fmt.Sprintf("Modifying... [id=%s]", resource.ID(found)), "Modifications", "change"
	}
	r.say(c.Address, doing)
	if err := r.clients[c.Provider].Put(ctx, c.Spec, found, say); err != nil {
		r.fail(c.Address, fmt.Errorf("%s %s: %w%s", verb, c.Address, account.Plain(err), account.Hint(err)))
		return
	}
	r.say(c.Address, fmt.Sprintf("%s complete after %s [id=%s]", completed, since(start), resource.ID(c.Spec)))
	switch c.Action {
	case resource.Update:
		r.add(Count{Change: 1})
	case resource.Replace:
		r.add(Count{Add: 1, Destroy: 1})
	default:
		r.add(Count{Add: 1})
	}
}

func since(start time.Time) string { return time.Since(start).Truncate(time.Second).String() }

func (r *applying) say(address, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.report != nil {
		r.report(Event{Address: address, Text: text})
	}
}

func (r *applying) add(n Count) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count.Add += n.Add
	r.count.Change += n.Change
	r.count.Destroy += n.Destroy
}

// fail marks a resource as not done. A nil error means that something it
// needs has failed, which is reported there.
func (r *applying) fail(address string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[address] = true
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

func (r *applying) hasFailed(address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[address]
}
