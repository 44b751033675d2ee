// Package duck opens DuckDB locked down: in memory, reading the files it is
// given and no others, with bounded memory, without extensions, and with a
// configuration that SQL cannot change. SQL that people write goes through
// [DB.Select], which takes one query and nothing else.
package duck

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/duckdb/duckdb-go/v2"
)

// Options say what a database may do. The zero value lets it read no file.
type Options struct {
	// Files are the files that SQL may read, by the paths SQL names them with.
	Files []string
	// Memory bounds what queries hold in memory, in bytes; 0 means 1 GiB.
	// Larger ones are sorted and grouped on disk.
	Memory int64
	// Threads is how many processors are used; 0 means all.
	Threads int
	// Spill is the folder for what does not fit in memory: a folder of its own
	// is made in it if need be, and removed by Close. "" means the system's temporary one.
	Spill string
	// MaxSpill bounds what is written there, in bytes; 0 means 10 GiB.
	MaxSpill int64
	// Setup are statements that are run before the database is locked: its views.
	Setup []string
}

// DB is a locked database.
type DB struct {
	connector *duckdb.Connector
	sql       *sql.DB
	spill     string
}

// Open opens a database.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	if o.MaxSpill == 0 {
		o.MaxSpill = 10 << 30
	}
	if o.Spill == "" {
		o.Spill = os.TempDir()
	}
	// DuckDB makes the folder when it is needed.
	spill := filepath.Join(o.Spill, "cairn-duckdb-"+rand.Text())
	db, err := open(ctx, &o, spill)
	if err != nil {
		return nil, fmt.Errorf("open DuckDB: %w", err)
	}
	return db, nil
}

func open(ctx context.Context, o *Options, spill string) (*DB, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, err
	}
	db := &DB{connector: connector, sql: sql.OpenDB(connector), spill: spill}
	for _, s := range o.statements(spill) {
		if _, err := db.sql.ExecContext(ctx, s); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", s, err), db.sql.Close())
		}
	}
	return db, nil
}

// statements returns what locks the database down, in an order in which each is
// still allowed.
func (o *Options) statements(spill string) []string {
	threads := ""
	if o.Threads > 0 {
		threads = "SET threads = " + strconv.Itoa(o.Threads)
	}
	files := make([]string, len(o.Files))
	for i, f := range o.Files {
		files[i] = Quote(f)
	}
	list := []string{
		threads,
		fmt.Sprintf("SET memory_limit = '%d KiB'", o.Memory>>10),
		"SET temp_directory = " + Quote(spill),
		fmt.Sprintf("SET max_temp_directory_size = '%d KiB'", o.MaxSpill>>10),
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allow_community_extensions = false",
		"SET allow_persistent_secrets = false",
		"SET allowed_paths = [" + strings.Join(files, ", ") + "]",
		"SET enable_external_access = false",
	}
	list = append(list, o.Setup...)
	list = append(list, "SET lock_configuration = true")
	if threads == "" {
		list = list[1:]
	}
	return list
}

// Close closes the database and removes what it wrote.
func (db *DB) Close() error {
	return errors.Join(db.sql.Close(), db.connector.Close(), os.RemoveAll(db.spill))
}

// Query runs a query of our own.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := db.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, plain(ctx, err)
	}
	return rows, nil
}

// Quote returns s as an SQL string.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Quotes returns a list of SQL strings.
func Quotes(list []string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Quote(s))
	}
	return b.String() + "]"
}

// plain returns the context's error rather than DuckDB's word for it.
func plain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
