package loggroup

import "cairn/internal/lake"

// Position is the place of an event in its group. Seq and Index are the batch's
// sequence number and the event's place in it.
type Position = lake.Position
