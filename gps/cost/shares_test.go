package cost

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// TestShares compares the parts of named terms with the cost of each term by itself.
func TestShares(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	action, err := NewAction([]float64{1, 2, 3, 4}[:testDU])
	if err != nil {
		t.Fatal(err)
	}
	sum := func(terms ...Weighted) Term {
		t.Helper()
		s, err := NewSum(terms...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	convex := func(term Term) Term {
		t.Helper()
		c, err := NewConvex(term)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	inner := sum(Weighted{Term: Named{"cost.torque", action}, Weight: 0.5}, Weighted{Term: Named{"cost.full", full{}}, Weight: 3})
	for name, term := range map[string]Term{
		"sum": inner, "convex": convex(inner),
		"sum of sums":     sum(Weighted{Term: Named{"cost", inner}, Weight: 1}),
		"no other before": sum(Weighted{Term: full{}, Weight: 0}, Weighted{Term: Named{"cost", convex(inner)}, Weight: 1}),
	} {
		mean := NewMean(testT, testDX, testDU)
		for _, N := range []int{3, 1, 4} {
			rollouts := make([]*rollout.Rollout, N)
			for n := range rollouts {
				rollouts[n] = randomRollout(rng)
			}
			dst, totals := lqg.NewCost(testT, testDX, testDU), make([]float64, N)
			if err := mean.Run(context.Background(), dst, totals, term, rollouts); err != nil {
				t.Fatal(err)
			}
			shares := mean.Shares()
			if len(shares) != 2 || shares[0].Name != "cost.torque" || shares[1].Name != "cost.full" {
				t.Fatalf("%s: shares %+v, want those of cost.torque and cost.full", name, shares)
			}
			for i, part := range []Weighted{{0.5, action}, {3, full{}}} {
				average := 0.0
				for n, r := range rollouts {
					e := NewExpansion(testT, testDX, testDU)
					if err := part.Term.Add(e, part.Weight, r); err != nil {
						t.Fatal(err)
					}
					average += e.Total() / float64(N)
					if got := shares[i].Costs[n]; math.Abs(got-e.Total()) > 1e-12*(1+math.Abs(totals[n])) {
						t.Errorf("%s: %s of rollout %d is %v, want %v", name, shares[i].Name, n, got, e.Total())
					}
				}
				if got := shares[i].Mean(); len(shares[i].Costs) != N || math.Abs(got-average) > 1e-11*(1+math.Abs(average)) {
					t.Errorf("%s: mean of %s over %d rollouts is %v, want %v over %d", name, shares[i].Name, len(shares[i].Costs), got, average, N)
				}
			}
		}
	}
}
