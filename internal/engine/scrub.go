package engine

import (
	"context"
	"path/filepath"

	"cairn/internal/lake"
)

// Scrub reads all segments of log groups and event history in a data folder and
// says which are damaged. It changes nothing; an engine may run on the folder.
// The streams that are not yet in segments are checked at every start.
func Scrub(ctx context.Context, dir string) (lake.Checked, error) {
	if _, err := readAbout(dir); err != nil {
		return lake.Checked{}, err
	}
	return lake.Check(ctx, filepath.Join(dir, lakeDir))
}
