package engine

import "cairn/internal/delivery"

// outcome is how many records came to the same end at a destination.
type outcome struct {
	name    string
	records int64
}

// outcomes says what became of every record of the journal at a destination. They
// add up to the journal's records:
//
//	cairn_journal_records_total = before + delivered + not_selected + oversized + lost + waiting
func outcomes(b *delivery.Balance) []outcome {
	return []outcome{ // counts of records, far below 2^63
		{"before", b.Before},
		{"delivered", int64(b.Delivered)},
		{"not_selected", int64(b.NotSelected)},
		{"oversized", int64(b.Oversized)},
		{"lost", int64(b.Lost)},
		{"waiting", int64(b.Waiting)},
	}
}
