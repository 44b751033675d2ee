// Package examples holds the two examples, so that the program can show them
// wherever it is run.
package examples

import "embed"

// Files holds each example's folder with its .tf files.
//
//go:embed */*.tf
var Files embed.FS
