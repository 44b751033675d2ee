package cairn_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// Budgets on size (style: a newcomer reads a file in one sitting).
const (
	maxFileLines      = 700
	maxMedianLines    = 150
	maxFuncLines      = 80
	maxPackageLines   = 2500
	maxInterfaceSize  = 4
	generatedFileMark = "// Code generated "
)

// TestBudgets holds the code to its size budgets.
func TestBudgets(t *testing.T) {
	files := map[string]int{}
	packages := map[string]int{}
	for _, file := range goFiles(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), generatedFileMark) {
			continue
		}
		lines := strings.Count(string(text), "\n")
		if lines > maxFileLines {
			t.Errorf("%s has %d lines, more than %d", file, lines, maxFileLines)
		}
		if !strings.HasSuffix(file, "_test.go") {
			files[file] = lines
			packages[path.Dir(file)] += lines
			checkDeclarations(t, file, text)
		}
	}
	for pkg, lines := range packages {
		if lines > maxPackageLines {
			t.Errorf("package %s has %d lines, more than %d", pkg, lines, maxPackageLines)
		}
	}
	if m := median(files); m > maxMedianLines {
		t.Errorf("the median file has %d lines, more than %d", m, maxMedianLines)
	}
}

// checkDeclarations checks the functions and interfaces of one file.
func checkDeclarations(t *testing.T, file string, text []byte) {
	t.Helper()
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body == nil {
				return true
			}
			if lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1; lines > maxFuncLines {
				t.Errorf("%s: func %s has %d lines, more than %d", fset.Position(n.Pos()), n.Name.Name, lines, maxFuncLines)
			}
		case *ast.InterfaceType:
			if n.Methods.NumFields() > maxInterfaceSize {
				t.Errorf("%s: an interface has %d methods, more than %d", fset.Position(n.Pos()), n.Methods.NumFields(), maxInterfaceSize)
			}
		}
		return true
	})
}

func median(files map[string]int) int {
	sizes := make([]int, 0, len(files))
	for _, n := range files {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	if len(sizes) == 0 {
		return 0
	}
	return sizes[len(sizes)/2]
}
