package engine

import (
	"context"

	"cairn/internal/delivery"
	"cairn/internal/journal"
)

// reachMarks tells the journal how far readers and trails have got, before its
// first record is appended. A journal that lost its end (a damaged block, then a
// crash) would otherwise hand out the same positions again, and a trail would
// take new records for old ones, whose files have names derived from positions.
func reachMarks(ctx context.Context, j *journal.Journal, tables delivery.Tables) error {
	var last journal.Position
	mark := func(p journal.Position) {
		if last.Less(p) {
			last = p
		}
	}
	for _, row := range tables.Progress.List() {
		mark(row.Value.Cursor)
		if p := row.Value.Plan; p != nil {
			mark(p.To)
		}
	}
	for _, row := range append(tables.Trails.List(), tables.Deleted.List()...) {
		mark(journal.Position(row.Value.LogGroupSince))
		for _, s := range row.Value.Spans {
			mark(journal.Position(s.From))
			mark(journal.Position(s.To))
		}
	}
	return j.Reached(ctx, last)
}
