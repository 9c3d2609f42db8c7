package cost

import (
	"errors"
	"strings"
	"testing"

	"guidedpolicysearch/gps/rollout"
)

// A sum says by its name, or else its index, which term has no value or no derivative.
func TestSumNamesTheTerm(t *testing.T) {
	expression := func(text string) Term {
		term, err := NewExpression(DefaultExpressionConfig(text, []string{"q"}, []string{"u"}))
		if err != nil {
			t.Fatal(err)
		}
		return term
	}
	r := rollout.New(3, 1, 1)
	for _, c := range []struct{ text, name, want string }{
		{"log(q - 1)", "", "term 1: "},
		{"log(q - 1)", "cost.stage", "cost.stage: "},
		{"sqrt(q)", "cost.stage", "cost.stage: "}, // has a value, but no derivative
		{"sqrt(q)", "", "term 1: "},
	} {
		term := expression(c.text)
		if c.name != "" {
			term = Named{Name: c.name, Term: term}
		}
		sum, err := NewSum(Weighted{Term: Named{Name: "other", Term: expression("q^2")}, Weight: 1}, Weighted{Term: term, Weight: 1})
		if err != nil {
			t.Fatal(err)
		}
		err = Expand(NewExpansion(3, 1, 1), sum, r)
		if !errors.Is(err, ErrNotFinite) || !strings.HasPrefix(err.Error(), c.want) || !strings.Contains(err.Error(), "time step 0") {
			t.Errorf("%s: error %v, want it to begin with %q", c.text, err, c.want)
		}
	}
}
