package duck

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// ErrNotQuery says that SQL is something else than one query.
var ErrNotQuery = errors.New("only one query is run, which reads: SELECT, FROM, WITH, VALUES, DESCRIBE or SUMMARIZE")

// Column is a column of a query's result.
type Column struct {
	Name string
	// Type is DuckDB's name of its type, such as VARCHAR or BIGINT.
	Type string
	// Form is how values are given.
	Form Form
}

// Form is how values are given in Go.
type Form uint8

// The forms of values; each value may be nil for NULL, too.
const (
	Text   Form = iota // string
	Number             // int64, int32, ..., float64, or a string of decimal digits
	Bool               // bool
	Time               // time.Time in UTC, of a TIMESTAMP or DATE
	JSON               // string: JSON as it is, or a list, struct or map written as JSON
)

// Select runs SQL that somebody wrote: one query, which can change nothing.
func (db *DB) Select(ctx context.Context, query string) (*Rows, error) {
	one, err := db.oneQuery(ctx, query)
	if err != nil {
		return nil, err
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, plain(ctx, err)
	}
	columns, err := db.describe(ctx, conn, one)
	if err != nil {
		return nil, errors.Join(plain(ctx, err), conn.Close())
	}
	rows, err := conn.QueryContext(ctx, wrap(one, columns))
	if err != nil {
		return nil, errors.Join(plain(ctx, err), conn.Close())
	}
	return &Rows{Columns: columns, rows: rows, ctx: ctx, conn: conn}, nil
}

// oneQuery returns the query without what may stand behind it. DuckDB's own
// parser says whether it is one: nothing here parses SQL, and nothing is
// prepared before, because the driver runs all statements but the last to
// prepare that.
func (db *DB) oneQuery(ctx context.Context, query string) (string, error) {
	var text, again string
	row := db.sql.QueryRowContext(ctx, "SELECT json_serialize_sql(CAST(? AS VARCHAR))::VARCHAR", query)
	if err := row.Scan(&text); err != nil {
		return "", plain(ctx, err)
	}
	var parsed struct {
		Error   bool   `json:"error"`
		Type    string `json:"error_type"`
		Message string `json:"error_message"`
		// Statements are counted.
		Statements []json.RawMessage `json:"statements"`
	}
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return "", fmt.Errorf("read what DuckDB says of the query: %w", err)
	}
	switch {
	case parsed.Error && parsed.Type == "not implemented":
		return "", ErrNotQuery
	case parsed.Error:
		return "", errors.New(parsed.Message)
	case len(parsed.Statements) != 1:
		return "", ErrNotQuery
	}
	if q := strings.TrimRight(query, "; \t\r\n"); !strings.Contains(q, ";") {
		return q, nil
	}
	row = db.sql.QueryRowContext(ctx, "SELECT json_deserialize_sql(CAST(? AS JSON))", text)
	if err := row.Scan(&again); err != nil {
		return "", plain(ctx, err)
	}
	return again, nil
}

// describe returns the columns of a query.
func (db *DB) describe(ctx context.Context, conn *sql.Conn, query string) (columns []Column, err error) {
	if err := conn.Raw(func(driver any) (err error) {
		columns, err = prepared(ctx, driver, query)
		return err
	}); err != nil {
		return nil, err
	}
	//nolint:gosec // the query is whoever asks' own, and was found to be one query
	rows, err := conn.QueryContext(ctx, "SELECT column_type FROM (DESCRIBE SELECT * FROM (\n"+query+"\n) AS t("+aliases(len(columns))+"))")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for i := 0; rows.Next() && i < len(columns); i++ {
		if err := rows.Scan(&columns[i].Type); err != nil {
			return nil, err
		}
		columns[i].Form = form(columns[i].Type)
	}
	return columns, rows.Err()
}

// prepared returns the names of a query's columns.
func prepared(ctx context.Context, driver any, query string) (columns []Column, err error) {
	c, ok := driver.(*duckdb.Conn)
	if !ok {
		return nil, fmt.Errorf("DuckDB's driver gave a %T", driver)
	}
	p, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	stmt, ok := p.(*duckdb.Stmt)
	if !ok {
		return nil, fmt.Errorf("DuckDB's driver prepared a %T", p)
	}
	if kind, err := stmt.StatementType(); err != nil || kind != duckdb.STATEMENT_TYPE_SELECT {
		return nil, errors.Join(ErrNotQuery, err)
	}
	n, err := stmt.ColumnCount()
	if err != nil {
		return nil, err
	}
	columns = make([]Column, n)
	for i := range columns {
		if columns[i].Name, err = stmt.ColumnName(i); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// aliases returns names for n columns, whose own may occur twice.
func aliases(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "c" + strconv.Itoa(i)
	}
	return strings.Join(names, ", ")
}

func form(t string) Form {
	base, _, _ := strings.Cut(t, "(")
	switch {
	case t == "JSON" || strings.HasSuffix(t, "]") || base == "STRUCT" || base == "MAP" || base == "UNION" || base == "VARIANT":
		return JSON
	case t == "BOOLEAN":
		return Bool
	case t == "DATE" || t == "TIMESTAMP" || t == "TIMESTAMP WITH TIME ZONE" || strings.HasPrefix(t, "TIMESTAMP_"):
		return Time
	case base == "DECIMAL" || t == "DOUBLE" || t == "FLOAT" || strings.HasSuffix(t, "INT") || strings.HasSuffix(t, "INTEGER"):
		return Number
	}
	return Text
}

// wrap returns the query with its values in the forms of their columns. The
// driver would parse JSON, and forget the order of members and large numbers.
func wrap(query string, columns []Column) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		name := "c" + strconv.Itoa(i)
		switch {
		case c.Type == "JSON":
			name = "CAST(" + name + " AS VARCHAR)"
		case c.Form == JSON:
			name = "CAST(to_json(" + name + ") AS VARCHAR)"
		case c.Form == Text && c.Type != "VARCHAR",
			strings.HasPrefix(c.Type, "DECIMAL"), strings.HasSuffix(c.Type, "HUGEINT"), c.Type == "BIGNUM":
			name = "CAST(" + name + " AS VARCHAR)"
		}
		b.WriteString(name)
	}
	return b.String() + " FROM (\n" + query + "\n) AS t(" + aliases(len(columns)) + ")"
}

// Rows is the result of Select.
type Rows struct {
	Columns []Column

	rows *sql.Rows
	ctx  context.Context
	conn *sql.Conn
}

// Next goes to the next row; there is none before the first call.
func (r *Rows) Next() bool { return r.rows.Next() }

// Values sets dst to the values of the row; it has as many elements as there
// are columns.
func (r *Rows) Values(dst []any) error {
	to := make([]any, len(dst))
	for i := range dst {
		to[i] = &dst[i]
	}
	return r.rows.Scan(to...)
}

// Err returns why there are no more rows, if not because these were all.
func (r *Rows) Err() error {
	if err := r.rows.Err(); err != nil {
		return plain(r.ctx, err)
	}
	return nil
}

// Close ends the query.
func (r *Rows) Close() error { return errors.Join(r.rows.Close(), r.conn.Close()) }
