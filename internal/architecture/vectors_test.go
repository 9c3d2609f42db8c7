package architecture

import (
	"go/ast"
	"go/token"
	"strconv"
	"testing"

	"guidedpolicysearch/internal/vectors"
)

// TestEveryVectorKindIsTested holds that each kind of reference vectors is named in a
// test file of gps or hardware that reads vectors.
func TestEveryVectorKindIsTested(t *testing.T) {
	used := map[string]bool{} // texts in files that read vectors
	for _, f := range files(t) {
		if f.test && within(f.folder(), "gps", "hardware") && readsVectors(f.syntax) {
			for _, text := range texts(f.syntax) {
				used[text] = true
			}
		}
	}
	for _, kind := range vectors.Kinds(t) {
		if !used[kind] {
			t.Errorf("no test of gps or hardware reads the vectors of kind %q", kind)
		}
	}
}

// readsVectors says if a file calls vectors.GPS or vectors.Run.
func readsVectors(syntax *ast.File) (found bool) {
	ast.Inspect(syntax, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "GPS" || f.Sel.Name == "Run") {
				of, ok := f.X.(*ast.Ident)
				found = found || ok && of.Name == "vectors"
			}
		}
		return true
	})
	return found
}

// texts returns the string literals of a file.
func texts(syntax *ast.File) (all []string) {
	ast.Inspect(syntax, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if text, err := strconv.Unquote(l.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}
