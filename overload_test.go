package cairn_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// bounds are the first two columns of the table in docs/overload.md. What is in
// braces is a number of the code: how it is written, its file, its name.
var bounds = []string{
	"connections | half of the process's file limit, {count internal/fairlisten/fairlisten.go maxConnections} at most",
	"header of a request | {bytes internal/engine/engine.go MaxHeaderBytes}, {count internal/gateway/admit.go maxHeaders} fields; {time internal/engine/engine.go ReadHeaderTimeout} to arrive",
	"calls that run | {count internal/gateway/admit.go callBounds.all}; {count internal/gateway/admit.go callBounds.share} of one account",
	"calls that wait to run | {count internal/gateway/admit.go callBounds.queue} of one account, {time internal/gateway/admit.go callBounds.wait}",
	"bodies in memory (all but S3's), larger than {bytes internal/gateway/admit.go smallBody} | {bytes internal/gateway/admit.go bodyBounds.all}; {bytes internal/gateway/admit.go bodyBounds.share} of one account",
	"bodies that wait for memory | {count internal/gateway/admit.go bodyBounds.queue} of one account, {time internal/gateway/admit.go bodyBounds.wait}",
	"one such body | {bytes internal/sigv4/verify.go MaxPayload}, {time internal/gateway/patience.go defaultPatience.body}",
	"JSON and forms | {count internal/wire/codec.go maxDepth} levels, {count internal/wire/codec.go maxElements} elements",
	"S3 object bodies | streamed; {bytes internal/gateway/patience.go defaultPatience.pace}/s on average, no pause over {time internal/gateway/patience.go defaultPatience.idle}",
	"S3 documents (XML) | {bytes internal/service/s3/config/node.go MaxDocument}, {count internal/service/s3/config/node.go maxDepth} levels, {count internal/service/s3/config/node.go maxNodes} elements, {count internal/service/s3/config/node.go maxParts} cuts in a text; no DTD",
	"answers a client does not take | {time internal/gateway/patience.go defaultPatience.idle} without a byte",
	"records on their way to the journal | {bytes internal/journal/journal.go MaxPending}",
	"journal on disk | {time internal/journal/journal.go MaxAge}; the disk",
	"messages to one connection of the embedded NATS server | {bytes internal/natsd/natsd.go maxPending}",
	"journal read for delivery | {bytes internal/journal/shared.go sharedBytes} shared, read {bytes internal/journal/shared.go sharedRead} at a time; {bytes internal/recorder/recover.go scanBytes} at the start",
	"plan of a delivery | {bytes internal/delivery/delivery.go DefaultMaxBytes} of records; {count internal/delivery/delivery.go DefaultMaxPlans} plans at once",
	"Logs Insights queries | {count internal/loginsights/queries/queries.go MostActive} under way of one account and region; {bytes internal/loginsights/run.go defaultBytes}, {count internal/loginsights/run.go defaultGroups} groups each",
	"Logs Insights results | {bytes internal/loginsights/queries/queries.go KeepBytes} kept, {count internal/loginsights/loginsights.go MaxRows} rows a query",
	"page of log events | {bytes internal/service/logs/get.go maxPage}; {bytes internal/lake/query.go defaultBudget} read, in {time internal/lake/query.go defaultPatience}",
	"signing keys remembered | {count internal/gateway/gateway.go signingKeys}",
}

// TestOverloadTable holds docs/overload.md to the code: the table has the bounds
// that the code has, and says for each of them which test shows it.
func TestOverloadTable(t *testing.T) {
	text, err := os.ReadFile("docs/overload.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Every queue and its bound\n\n| what | bound | when it is full |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	number := regexp.MustCompile(`\{(\w+) (\S+) (\S+)\}`)
	for i, want := range bounds {
		want = number.ReplaceAllStringFunc(want, func(s string) string {
			m := number.FindStringSubmatch(s)
			return spelled(m[1], numberIn(t, m[2], m[3]))
		})
		if i >= len(rows) || !strings.HasPrefix(rows[i], "| "+want+" |") {
			t.Errorf("the code has, in row %d:\n  %s", i+1, want)
		} else if !strings.Contains(rows[i], "(`Test") {
			t.Errorf("no test is named for %s", want)
		}
	}
	if len(rows) != len(bounds) {
		t.Errorf("the table has %d rows, the test knows %d", len(rows), len(bounds))
	}
	if a, b := numberIn(t, "internal/sigv4/verify.go", "MaxPayload"), numberIn(t, "internal/wire/codec.go", "maxBody"); a != b {
		t.Errorf("a body may have %d bytes where its signature is checked, %d where it is decoded", a, b)
	}
}

// TestTestsOfDocs finds every test that the documentation names.
func TestTestsOfDocs(t *testing.T) {
	tests := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range declared.FindAllSubmatch(text, -1) {
				tests[string(m[1])] = true
			}
		}
	}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	for _, page := range append(pages, "README.md", "ARCHITECTURE.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(text, -1) {
			if !tests[string(m[1])] {
				t.Errorf("%s names %s, which is no test", path.Base(page), m[1])
			}
		}
	}
}

// spelled writes a number as the documentation does.
func spelled(kind string, n int64) string {
	type unit struct {
		size int64
		name string
	}
	units := []unit{{1, ""}}
	switch kind {
	case "bytes":
		units = []unit{{1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "bytes"}}
	case "time":
		units = []unit{{24 * 3600e9, "days"}, {60e9, "minutes"}, {1e9, "s"}, {1e6, "ms"}}
	}
	for _, u := range units {
		if n%u.size == 0 {
			digits := strconv.FormatInt(n/u.size, 10)
			if len(digits) > 3 {
				digits = digits[:len(digits)-3] + "," + digits[len(digits)-3:]
			}
			return strings.Replace(strings.TrimSpace(digits+" "+u.name), "1 minutes", "1 minute", 1)
		}
	}
	return fmt.Sprint(n)
}

// numberIn returns the number that is given a name in a file: that of a constant or
// variable, or with a dot of one of its fields, or what a field is set to.
func numberIn(t *testing.T, file, name string) int64 {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var at ast.Node = f
	for part := range strings.SplitSeq(name, ".") {
		if at = given(at, part); at == nil {
			t.Fatalf("%s has no %s", file, name)
		}
	}
	n, exact := constant.Int64Val(value(f, at.(ast.Expr)))
	if !exact {
		t.Fatalf("%s in %s is no number", name, file)
	}
	return n
}

// given returns what is first given a name inside a node.
func given(in ast.Node, name string) (found ast.Node) {
	is := func(e ast.Expr) bool {
		if s, ok := e.(*ast.SelectorExpr); ok {
			e = s.Sel
		}
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(in, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, id := range n.Names {
				if found == nil && id.Name == name && i < len(n.Values) {
					found = n.Values[i]
				}
			}
		case *ast.KeyValueExpr:
			if found == nil && is(n.Key) {
				found = n.Value
			}
		case *ast.AssignStmt:
			if found == nil && len(n.Lhs) == 1 && is(n.Lhs[0]) {
				found = n.Rhs[0]
			}
		}
		return found == nil
	})
	return found
}

// value evaluates a number. Of a call (cmp.Or) it is the last argument.
func value(f *ast.File, e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.CallExpr:
		return value(f, e.Args[len(e.Args)-1])
	case *ast.Ident:
		if v, ok := given(f, e.Name).(ast.Expr); ok {
			return value(f, v)
		}
	case *ast.SelectorExpr: // of package time
		if n := map[string]int64{"Hour": 3600e9, "Minute": 60e9, "Second": 1e9, "Millisecond": 1e6}[e.Sel.Name]; n > 0 {
			return constant.MakeInt64(n)
		}
	case *ast.BinaryExpr:
		x, y := value(f, e.X), value(f, e.Y)
		if shift, ok := constant.Uint64Val(constant.ToInt(y)); ok && e.Op == token.SHL {
			return constant.Shift(x, e.Op, uint(shift))
		}
		return constant.BinaryOp(x, e.Op, y)
	}
	return constant.MakeUnknown()
}
