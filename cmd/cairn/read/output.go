package read

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"cairn/cmd/cairn/cli"
	"cairn/cmd/cairn/read/show"
)

// form is how records or counts are printed.
type form string

const (
	asTable form = "table"
	asJSON  form = "json"
	asCSV   form = "csv"
)

// output are the flags that say how to print.
type output struct {
	json, csv, table bool
	columns          string
}

// indexFlag adds the flag of commands that can answer from an index.
func (f *filters) indexFlag() {
	f.BoolVar(&f.noIndex, "no-index", false, "read all log files, also those whose records are in the index that cairn index made")
}

// outputFlags adds the flags that say how to print; what names what is printed.
func (f *filters) outputFlags(o *output, what string) {
	f.BoolVar(&o.json, "json", false, "print "+what+" as JSON, one a line; the default if standard output is no terminal")
	f.BoolVar(&o.csv, "csv", false, "print "+what+" as CSV")
	f.BoolVar(&o.table, "table", false, "print "+what+" as a table; the default on a terminal")
}

func (f *filters) columnsFlag(o *output) {
	f.StringVar(&o.columns, "columns", "", "`names` of columns and paths of fields for --table and --csv, with commas between them: "+
		strings.Join(show.ColumnNames(), ", ")+", or such as requestParameters.bucketName")
}

// form returns how to print, or what is wrong with the flags.
func (o *output) form(env *cli.Env) (form, error) {
	chosen := form("")
	for f, on := range map[form]bool{asJSON: o.json, asCSV: o.csv, asTable: o.table} {
		if on && chosen != "" {
			return "", errors.New("--json, --csv and --table exclude each other: give one")
		}
		if on {
			chosen = f
		}
	}
	switch {
	case chosen == asJSON && o.columns != "":
		return "", errors.New("--columns goes with --table or --csv: JSON has the whole records")
	case chosen != "":
		return chosen, nil
	case cli.IsTerminal(env.Stdout) || o.columns != "":
		return asTable, nil
	}
	return asJSON, nil
}

// recordWriter returns what prints records to w.
func (o *output) recordWriter(env *cli.Env, w *bufio.Writer) (show.Writer, error) {
	form, err := o.form(env)
	if err != nil {
		return nil, err
	}
	names := show.Usual
	if form == asCSV {
		names = show.UsualCSV
	}
	columns := show.Columns(names)
	if o.columns != "" {
		if columns, err = show.ParseColumns(o.columns); err != nil {
			return nil, fmt.Errorf("--columns: %w", err)
		}
	}
	switch form {
	case asCSV:
		return show.NewCSV(w, columns, fields(columns)), nil
	case asTable:
		return show.NewRecordTable(w, look(env), columns, fields(columns)), nil
	case asJSON:
	}
	return show.NewJSON(w, cli.IsTerminal(env.Stdout)), nil
}

func look(env *cli.Env) show.Look { return show.Look{Width: env.Width(), Color: env.Color()} }
