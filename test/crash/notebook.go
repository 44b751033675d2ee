package crash

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Outcome is how a call ended for its client.
type Outcome int

// The outcomes of a call.
const (
	// Unanswered: no answer came. It is unknown whether anything was done.
	Unanswered Outcome = iota
	// Answered: a success, or a refusal such as AccessDenied. It must be recorded.
	Answered
	// Failed: the engine said by a 5xx status that it could not. Whether the call
	// is recorded is unknown.
	Failed
)

// Call is a call as its client saw it.
type Call struct {
	// ID is the request id of the answer; empty if none came.
	ID string
	// Name is service and operation, Region where it was called.
	Name   string
	Region string
	// Data is true of data events, Global of those of global services.
	Data, Global bool
	Outcome      Outcome
	// From and To are when it was sent and when it was answered or given up, on
	// one clock that never jumps.
	From, To time.Duration
}

// Notebook is what clients write down. Its methods may be called concurrently.
type Notebook struct {
	start time.Time
	mu    sync.Mutex
	calls []Call
}

// NewNotebook returns an empty notebook whose clock starts now.
func NewNotebook() *Notebook { return &Notebook{start: time.Now()} }

// Now is the time on the notebook's clock.
func (n *Notebook) Now() time.Duration { return time.Since(n.start) }

// Add writes a call down.
func (n *Notebook) Add(c Call) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, c)
}

// Calls returns all calls.
func (n *Notebook) Calls() []Call {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.calls)
}

// Count returns how many calls had each outcome.
func (n *Notebook) Count() (answered, unanswered, failed int) {
	for _, c := range n.Calls() {
		switch c.Outcome {
		case Answered:
			answered++
		case Unanswered:
			unanswered++
		case Failed:
			failed++
		}
	}
	return answered, unanswered, failed
}

// Verdict says whether a destination has to hold the record of a call.
type Verdict int

// The verdicts.
const (
	// May: the destination's configuration changed while the call ran.
	May Verdict = iota
	// Must: once.
	Must
	// MustNot: it was not selected.
	MustNot
)

// Seen is a record as a destination holds it.
type Seen struct {
	EventID, RequestID string
	// Own is true of calls the engine made itself, as cloudtrail.amazonaws.com.
	Own bool
	// Error is the error code. Unknown is true of records that say that nobody knows
	// how the call ended.
	Error   string
	Unknown bool
	// Change is what was done, if it was done to a slot.
	Change Change
}

// Complaints is what is wrong with a destination. Missing may come yet, what is
// Wrong stays so.
type Complaints struct {
	Missing, Wrong []string
}

// Compare holds what a destination has against what clients wrote down.
//
// Every answered call that must be there is there exactly once, none that must
// not be is there, no event is there twice, no outcome is unknown of a call that was
// answered, and what is there beside is of calls that got no answer: no more of them
// than there are.
func Compare(calls []Call, selects func(*Call) Verdict, seen []Seen) Complaints {
	var c Complaints
	events, requests := map[string]int{}, map[string]int{}
	own, unknown := map[string]bool{}, map[string]bool{}
	for _, s := range seen {
		unknown[s.RequestID] = unknown[s.RequestID] || s.Unknown
		events[s.EventID]++
		requests[s.RequestID]++
		own[s.RequestID] = own[s.RequestID] || s.Own
	}
	for id, n := range events {
		if n > 1 {
			c.Wrong = append(c.Wrong, fmt.Sprintf("event %s is there %d times", id, n))
		}
	}
	doubtful := 0
	for i := range calls {
		if calls[i].Outcome == Answered && unknown[calls[i].ID] {
			c.Wrong = append(c.Wrong, fmt.Sprintf("%s (request %s) was answered, and its outcome is recorded as unknown", calls[i].Name, calls[i].ID))
		}
		doubtful += c.judge(&calls[i], selects(&calls[i]), requests)
	}
	for id, n := range requests {
		if own[id] {
			continue
		}
		if doubtful -= n; n > 1 {
			c.Wrong = append(c.Wrong, fmt.Sprintf("request %s, which got no answer, is there %d times", id, n))
		}
	}
	if doubtful < 0 {
		c.Wrong = append(c.Wrong, fmt.Sprintf("%d records are of calls that nobody made", -doubtful))
	}
	slices.Sort(c.Missing)
	slices.Sort(c.Wrong)
	return c
}

// judge looks at one call and takes it out of requests. It returns 1 if the call
// may be among those that are left: its client knows no id of it.
func (c *Complaints) judge(call *Call, v Verdict, requests map[string]int) int {
	if call.ID == "" {
		return 1
	}
	n := requests[call.ID]
	delete(requests, call.ID)
	what := fmt.Sprintf("%s in %s (request %s, answered at %s)", call.Name, call.Region, call.ID, call.To.Round(time.Millisecond))
	switch {
	case n > 1:
		c.Wrong = append(c.Wrong, fmt.Sprintf("%s is there %d times", what, n))
	case n == 1 && v == MustNot:
		c.Wrong = append(c.Wrong, what+" is there, but was not selected")
	case n == 0 && v == Must && call.Outcome == Answered:
		c.Missing = append(c.Missing, what+" is missing")
	}
	return 0
}

// Toggle is a call that switched a trail on or off.
type Toggle struct {
	On   bool
	Call Call
}

// Switched returns the verdict for calls on a trail that is switched on and off:
// On before the first toggle if on is true. A call that ran while a toggle did may
// be recorded or not, and so may those between a toggle without an answer and the
// next one with one.
func Switched(on bool, toggles []Toggle) func(*Call) Verdict {
	toggles = slices.Clone(toggles)
	slices.SortFunc(toggles, func(a, b Toggle) int { return cmp.Compare(a.Call.From, b.Call.From) })
	return func(c *Call) Verdict {
		now := verdictOf(on) // at the time c was sent
		for i := range toggles {
			t := &toggles[i]
			if t.Call.From > c.To {
				break
			}
			switch {
			case t.Call.ID != "" && t.Call.ID == c.ID:
				return May // the toggle itself
			case t.Call.Outcome != Answered:
				now = May
			case t.Call.To >= c.From:
				return May
			default:
				now = verdictOf(t.On)
			}
		}
		return now
	}
}

func verdictOf(on bool) Verdict {
	if on {
		return Must
	}
	return MustNot
}
