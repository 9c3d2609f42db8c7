package architecture

import (
	"go/ast"
	"go/token"
	"strconv"
	"testing"

	"guidedpolicysearch/internal/vectors"
)

const policies = `no package for it yet: it comes with "From trajectories to policies"`

// waiting are the kinds of reference vectors that no test reads yet, with the reason.
var waiting = map[string]string{
	"badmm_dual_step":     policies,
	"badmm_estimate":      policies,
	"badmm_policy_kl":     policies,
	"badmm_targets":       policies,
	"mdgps_targets":       policies,
	"pi2_dual":            policies,
	"pi2_update":          policies,
	"policy_fit_constant": policies,
	"policy_fit_mixture":  policies,
	"policy_opt_prepare":  policies,
}

// TestEveryVectorKindIsTested holds that each kind of reference vectors is named in a
// test file of gps or hardware that reads vectors, or waits for a reason.
func TestEveryVectorKindIsTested(t *testing.T) {
	used := map[string]string{} // text in a file that reads vectors: the file
	for _, f := range files(t) {
		if f.test && within(f.folder(), "gps", "hardware") && readsVectors(f.syntax) {
			for _, text := range texts(f.syntax) {
				used[text] = f.path
			}
		}
	}
	for _, kind := range vectors.Kinds(t) {
		path, isUsed := used[kind]
		reason, waits := waiting[kind]
		switch {
		case !isUsed && !waits:
			t.Errorf("no test of gps or hardware reads the vectors of kind %q", kind)
		case isUsed && waits:
			t.Errorf("%s reads the vectors of kind %q: take it off the list of those that wait (%s)", path, kind, reason)
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
