package engine

import (
	"context"

	"cairn/internal/delivery"
	"cairn/internal/journal"
	"cairn/internal/state"
	"cairn/internal/trail"
)

// reachMarks tells the journal how far readers and trails have got, before its
// first record is appended. A journal that lost its end (a damaged block, then a
// crash) would otherwise hand out the same positions again, and a trail would
// take new records for old ones, whose files have names derived from positions.
func reachMarks(ctx context.Context, j *journal.Journal, trails *state.Table[trail.Trail], progress *state.Table[delivery.Progress]) error {
	var last journal.Position
	mark := func(p journal.Position) {
		if last.Less(p) {
			last = p
		}
	}
	for _, row := range progress.List() {
		mark(row.Value.Cursor)
		if p := row.Value.Plan; p != nil {
			mark(p.To)
		}
	}
	for _, row := range trails.List() {
		mark(journal.Position(row.Value.LogGroupSince))
		for _, s := range row.Value.Spans {
			mark(journal.Position(s.From))
			mark(journal.Position(s.To))
		}
	}
	return j.Reached(ctx, last)
}
