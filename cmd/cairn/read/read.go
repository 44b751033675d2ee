// Package read holds the commands that read what was recorded: log files of any
// bucket or folder, and log groups.
package read

import "cairn/cmd/cairn/cli"

// Commands are the reading commands in the order the help text lists them.
func Commands() []cli.Command {
	return []cli.Command{
		{Name: "search", Summary: "find records in a bucket, folder, file or log group", Run: runSearch},
		{Name: "stats", Summary: "count records by their fields and over time", Run: runStats},
		{Name: "sql", Summary: "ask log files or an index in SQL", Run: runSQL},
		{Name: "index", Summary: "put log files into Parquet, for search, stats and SQL", Run: runIndex},
		{Name: "tail", Summary: "print records as they arrive", Run: runTail},
	}
}
