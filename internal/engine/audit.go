package engine

import (
	"context"
	"fmt"
	"time"

	"cairn/internal/call"
	"cairn/internal/journal"
	"cairn/internal/recorder"
	"cairn/internal/state"
)

// Audit says what is durable before a call changes something.
type Audit string

const (
	// AuditIntent makes the intent durable first: a change that a crash kept from
	// being recorded is recorded at the next start, as of unknown outcome.
	AuditIntent Audit = "intent"
	// AuditOutcome makes nothing durable first: such a change has no record. Its
	// caller got no answer.
	AuditOutcome Audit = "outcome"
)

// ParseAudit reads what --audit says.
func ParseAudit(text string) (Audit, error) {
	switch a := Audit(text); a {
	case AuditIntent, AuditOutcome:
		return a, nil
	}
	return "", fmt.Errorf("unknown way to audit %q: want intent or outcome", text)
}

// newDispatcher makes the dispatcher of all calls.
func (e *Engine) newDispatcher(a Audit) *call.Dispatcher {
	if a == AuditOutcome {
		return call.NewDispatcher(e.audit, e.log)
	}
	return call.NewAudited(e.audit, e.audit, e.log)
}

// openAudit records what a crash left unrecorded. It comes after everybody has told
// the journal how far they are, because it appends to it.
func (e *Engine) openAudit(ctx context.Context) error {
	at, _ := checkpoint{e.checkpoints}.Load()
	if err := e.journal.Reached(ctx, at); err != nil {
		return err
	}
	_, err := e.audit.Open(ctx)
	return err
}

// auditRow is the row of the table "audit", of which there is one.
type auditRow struct {
	// Checkpoint is the place in the journal before which every call has an outcome.
	Checkpoint journal.Position
}

const (
	auditKey = "journal"
	// closeAudit is how long the last checkpoint may take.
	closeAudit = 5 * time.Second
)

// checkpoint keeps the audit's checkpoint in state.
type checkpoint struct{ *state.Table[auditRow] }

var _ recorder.Checkpoint = checkpoint{}

// Load implements recorder.Checkpoint.
func (c checkpoint) Load() (journal.Position, bool) {
	row, ok := c.Get(auditKey)
	if !ok {
		return journal.Position{}, false
	}
	return row.Checkpoint, true
}

// Save implements recorder.Checkpoint.
func (c checkpoint) Save(ctx context.Context, at journal.Position) error {
	return c.Put(ctx, &auditRow{at}, auditKey)
}
