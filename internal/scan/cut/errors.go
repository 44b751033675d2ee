package cut

import "errors"

// What can be wrong with a file.
var (
	// ErrForeign says that a file holds something else than records.
	ErrForeign = errors.New("not a log file")
	// ErrCompression says that a file cannot be inflated to its end.
	ErrCompression = errors.New("damaged compression")
	// ErrMembers says that something was appended to a log file that is itself
	// compressed: CloudTrail writes one gzip member. Its records are given.
	ErrMembers = errors.New("more than one gzip member")
	// ErrTrailing says that something follows the compressed content.
	ErrTrailing = errors.New("unexpected data after the compressed content")
	// ErrSyntax says that a file's content is not JSON.
	ErrSyntax = errors.New("damaged JSON")
	// ErrTooLarge says that a record or a file is larger than allowed.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrTooDeep says that JSON is nested deeper than any record.
	ErrTooDeep = errors.New("nested too deep")
)
