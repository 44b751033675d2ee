package show_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/cmd/cairn/read/show"
)

// TestTable aligns, shortens to the terminal and marks.
func TestTable(t *testing.T) {
	rows := [][]string{
		{"2025-03-01T10:00:00Z", "ann", "arn:aws:s3:::a-bucket-with-a-long-name/and/key", "ok"},
		{"2025-03-01T10:00:01Z", "東京/x", "b\x1b[2J", "AccessDenied"},
	}
	for _, tt := range []struct {
		look show.Look
		want string
	}{
		{show.Look{}, `
when                  who     on                                              result
2025-03-01T10:00:00Z  ann     arn:aws:s3:::a-bucket-with-a-long-name/and/key  ok
2025-03-01T10:00:01Z  東京/x  b\u001b[2J                                      AccessDenied
`},
		{show.Look{Width: 64}, `
when                  who     on                    result
2025-03-01T10:00:00Z  ann     arn:aws:s…me/and/key  ok
2025-03-01T10:00:01Z  東京/x  b\u001b[2J            AccessDenied
`},
		{show.Look{Width: 10}, `
when        who     on          result
2025…0:00Z  ann     arn:…d/key  ok
2025…0:01Z  東京/x  b\u001b[2J  Acce…enied
`},
		{show.Look{Color: true, Width: 64}, `
!when}                  !who}     !on}                    !result}
2025-03-01T10:00:00Z  ann     arn:aws:s…me/and/key  ok
2025-03-01T10:00:01Z  東京/x  b\u001b[2J            ?AccessDenied}
`},
	} {
		var out bytes.Buffer
		table := show.NewTable(&out, tt.look, "when", "who", "on", "result")
		table.Keep(0)
		table.Add(rows[0])
		table.Add(rows[1], show.Plain, show.Plain, show.Plain, show.Bad)
		if err := table.Flush(); err != nil {
			t.Fatal(err)
		}
		got := strings.NewReplacer("\x1b[1m", "!", "\x1b[31m", "?", "\x1b[0m", "}").Replace(out.String())
		if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); diff != "" {
			t.Errorf("%+v:\n%s", tt.look, diff)
		}
	}
}

// TestTablePieces writes the heads once, and columns only become wider.
func TestTablePieces(t *testing.T) {
	var out bytes.Buffer
	table := show.NewTable(&out, show.Look{}, ">n", "name")
	for _, row := range [][]string{{"1,000", "a"}, {"1", "b"}} {
		table.Add(row)
		if err := table.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if want := "    n  name\n1,000  a\n    1  b\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// TestBars draws in proportion, and the smallest count is seen.
func TestBars(t *testing.T) {
	day := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	bars := []show.Bar{{day, 160}, {day.Add(time.Hour), 0}, {day.Add(2 * time.Hour), 1}, {day.Add(3 * time.Hour), 85}}
	var out bytes.Buffer
	if err := show.Bars(&out, show.Look{Width: 44}, time.Hour, bars); err != nil {
		t.Fatal(err)
	}
	want := `2025-03-01T00:00Z  160  ████████████████████
2025-03-01T01:00Z    0
2025-03-01T02:00Z    1  ▏
2025-03-01T03:00Z   85  ██████████▋
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	out.Reset()
	if err := show.Bars(&out, show.Look{}, 24*time.Hour, nil); err != nil || out.Len() > 0 {
		t.Errorf("nothing is drawn as %q, %v", out.String(), err)
	}
}
