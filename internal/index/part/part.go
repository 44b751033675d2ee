// Package part writes and reads the files of an index: parts, each with records
// of one day in Parquet, sorted by time, and beside each a map of its pages.
//
// A part is plain Parquet for every reader: one row a record, and the columns of
// the events table (logquery.Columns).
//
// Every record comes out of a part as the bytes it went in. layout lists its
// top-level members, separated by commas: the name of a member whose column
// holds it, "*" for the next member of rest. Records that this does not describe exactly (white space
// between members, escapes that are not needed, broken UTF-8) are in record.
//
// The map of pages (NAME.pages) says of every 1,024 rows their first and last
// time, and which byte strings they may contain (package grams).
package part

// PageRows is how many rows a page has, but the last one of a row group.
const PageRows = 1024

// groupPages is how many pages a row group has at most: few enough that what is
// kept of a row group in memory while it is written stays small, and enough for
// readers that work on row groups in parallel.
const groupPages = 64

// Row is one record to be written.
type Row struct {
	// Time is its event time in microseconds since 1970, NoTime if it has none.
	Time int64
	// Record is the record's JSON.
	Record []byte
	// Source is the key of the log file it was in.
	Source string
}

// NoTime is the Time of records without one. They are sorted before all others.
const NoTime = -1 << 63
