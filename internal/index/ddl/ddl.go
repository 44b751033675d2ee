// Package ddl writes table definitions over an index for other query engines.
package ddl

import (
	"fmt"
	"strings"

	"cairn/internal/logquery"
)

// Dialects are the systems that Table writes definitions for.
var Dialects = []string{"athena", "clickhouse", "trino"}

// Table returns the definition of a table named events over an index that is at a
// location: an S3 URL, or a path. Columns are found by name.
func Table(dialect, location string) (string, error) {
	location = strings.TrimRight(location, "/")
	switch dialect {
	case "athena":
		return athena(location), nil
	case "clickhouse":
		return clickhouse(location), nil
	case "trino":
		return trino(location), nil
	}
	return "", fmt.Errorf("there is no table definition for %q, only for %s", dialect, strings.Join(Dialects, ", "))
}

// typeNames are the names of the columns' types: of text, truth, time and JSON.
type typeNames [4]string

func (n typeNames) of(t logquery.Type) string {
	return n[t]
}

// definitions writes a line for each column.
func definitions(types typeNames, quote, partition string) string {
	var b strings.Builder
	for i, c := range logquery.Columns() {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  %s%s%s %s", quote, c.Name, quote, types.of(c.Type))
	}
	if partition != "" {
		fmt.Fprintf(&b, ",\n  %s%s%s %s", quote, logquery.DayColumn, quote, partition)
	}
	return b.String()
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// athena uses partition projection: new days need no command. Records without a
// time are in day=1970-01-01, which the projection leaves out.
func athena(location string) string {
	return "CREATE EXTERNAL TABLE IF NOT EXISTS `events` (\n" +
		definitions(typeNames{"string", "boolean", "timestamp", "string"}, "`", "") + "\n)\n" +
		"PARTITIONED BY (`day` date)\n" +
		"STORED AS PARQUET\n" +
		"LOCATION " + literal(location+"/") + "\n" +
		"TBLPROPERTIES (\n" +
		"  'parquet.compression' = 'ZSTD',\n" +
		"  'projection.enabled' = 'true',\n" +
		"  'projection.day.type' = 'date',\n" +
		"  'projection.day.format' = 'yyyy-MM-dd',\n" +
		"  'projection.day.range' = '2013-11-01,NOW+1DAYS',\n" +
		"  'projection.day.interval' = '1',\n" +
		"  'projection.day.interval.unit' = 'DAYS',\n" +
		"  'storage.location.template' = " + literal(location+"/day=${day}/") + "\n);\n"
}

// trino needs to be told of the partitions.
func trino(location string) string {
	return "CREATE TABLE IF NOT EXISTS hive.default.events (\n" +
		definitions(typeNames{"varchar", "boolean", "timestamp(6)", "varchar"}, `"`, "date") + "\n)\n" +
		"WITH (\n" +
		"  external_location = " + literal(location+"/") + ",\n" +
		"  format = 'PARQUET',\n" +
		"  partitioned_by = ARRAY['day']\n);\n" +
		"-- and again whenever there are new days:\n" +
		"CALL hive.system.sync_partition_metadata('default', 'events', 'FULL');\n"
}

// clickhouse reads all days' files; the day is in the path.
func clickhouse(location string) string {
	columns := definitions(typeNames{"Nullable(String)", "Nullable(Bool)", "Nullable(DateTime64(6, 'UTC'))", "Nullable(String)"}, "`", "")
	files := literal(location + "/day=*/*.parquet")
	if strings.Contains(location, "://") {
		return "CREATE TABLE IF NOT EXISTS events (\n" + columns + "\n)\nENGINE = S3(" + files + ", 'Parquet');\n"
	}
	structure := strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(columns, "\n ", "")), "'", `\'`)
	return "CREATE VIEW IF NOT EXISTS events AS\nSELECT * FROM file(" + files + ", 'Parquet',\n'" + structure + "');\n"
}
