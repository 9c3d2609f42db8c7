package algorithm_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// A point mass on a line, p' = p + dt v, v' = v + dt u, that is brought to rest at 0 from several
// starts: its best controller, and what that costs, are known.
const (
	massT, massDX, massDU = 20, 2, 1
	massDT                = 0.1
	massP, massV, massU   = 1, 0.1, 0.05 // of the cost 1/2 (massP p^2 + massV v^2 + massU u^2)
)

var massStarts = [][]float64{{1, 0}, {-0.5, 1}, {0, -1.5}}

// massCost is a cost.Term.
type massCost struct{}

func (massCost) Add(dst *cost.Expansion, weight float64, r *rollout.Rollout) error {
	for t := range r.T {
		x, u := r.State(t), r.Action(t)
		y, w := []float64{x[0], x[1], u[0]}, []float64{massP, massV, massU}
		for i := range y {
			dst.L[t] += weight * w[i] * y[i] * y[i] / 2
			dst.Gradient(t)[i] += weight * w[i] * y[i]
			dst.Hessian(t)[i*4] += weight * w[i]
		}
	}
	return nil
}

// leastCost returns the cost of the best controller from x without noise, by dynamic programming
// written out for one action.
func leastCost(x []float64) float64 {
	// V_t(x) = 1/2 (a p^2 + 2 b p v + c v^2), begun with V_{T-1}, whose action is 0.
	a, b, c := float64(massP), 0.0, float64(massV)
	for range massT - 1 {
		const h = massDT
		quu, qup, quv := massU+h*h*c, h*b, h*(h*b+c)
		na, nb, nc := massP+a, h*a+b, massV+h*h*a+2*h*b+c
		a, b, c = na-qup*qup/quu, nb-qup*quv/quu, nc-quv*quv/quu
	}
	return (a*x[0]*x[0] + 2*b*x[0]*x[1] + c*x[1]*x[1]) / 2
}

// massTrial runs a policy from a start; rng nil leaves all noise out.
func massTrial(p policy.Policy, start []float64, rng *rand.Rand) *rollout.Rollout {
	r := rollout.New(massT, massDX, massDU)
	normal := func(deviation float64) float64 {
		if rng == nil {
			return 0
		}
		return deviation * rng.NormFloat64()
	}
	for i, v := range start {
		r.X[i] = v + normal(0.05)
	}
	for t := range massT {
		x, u, next := r.State(t), r.Action(t), r.State(t+1)
		var noise []float64
		if rng != nil {
			noise = []float64{rng.NormFloat64()}
		}
		p.Act(u, x, t, noise)
		next[0] = x[0] + massDT*x[1] + normal(1e-3)
		next[1] = x[1] + massDT*u[0] + normal(1e-3)
	}
	return r
}

// runCost returns what the policies of the starts cost without noise, and the least there is, both
// summed over the starts.
func runCost(t *testing.T, of func(m int) policy.Policy) (got, least float64) {
	t.Helper()
	e := cost.NewExpansion(massT, massDX, massDU)
	for m, start := range massStarts {
		if err := cost.Expand(e, massCost{}, massTrial(of(m), start, nil)); err != nil {
			t.Fatal(err)
		}
		got, least = got+e.Total(), least+leastCost(start)
	}
	return got, least
}

// The formula is held against the best controller under a search of no bound.
func TestLeastCost(t *testing.T) {
	for _, start := range massStarts {
		// The best of all actions is where no other one costs less: perturbed in each step, the
		// trajectory of the Riccati gains costs more, and it costs what the formula says.
		gains := make([][2]float64, massT)
		a, b, c := float64(massP), 0.0, float64(massV)
		for k := massT - 2; k >= 0; k-- {
			const h = massDT
			quu, qup, quv := massU+h*h*c, h*b, h*(h*b+c)
			gains[k] = [2]float64{-qup / quu, -quv / quu}
			na, nb, nc := massP+a, h*a+b, massV+h*h*a+2*h*b+c
			a, b, c = na-qup*qup/quu, nb-qup*quv/quu, nc-quv*quv/quu
		}
		run := func(at int, more float64) float64 {
			p, v, sum := start[0], start[1], 0.0
			for k := range massT {
				u := gains[k][0]*p + gains[k][1]*v
				if k == at {
					u += more
				}
				sum += (massP*p*p + massV*v*v + massU*u*u) / 2
				p, v = p+massDT*v, v+massDT*u
			}
			return sum
		}
		best := run(-1, 0)
		if d := best - leastCost(start); d > 1e-12 || d < -1e-12 {
			t.Errorf("start %v: the gains cost %v, the formula says %v", start, best, leastCost(start))
		}
		for k := range massT {
			for _, more := range []float64{-1e-3, 1e-3} {
				if v := run(k, more); !(v > best) {
					t.Errorf("start %v: another action in step %d costs %v, the best %v", start, k, v, best)
				}
			}
		}
	}
}

// massSamples draws samples for an iteration as the algorithm says.
func massSamples(t testing.TB, a algorithm.Algorithm, state *algorithm.State, count int) [][]*rollout.Rollout {
	t.Helper()
	all := make([][]*rollout.Rollout, len(state.Conditions))
	for m := range all {
		p, err := a.Sampler(state, m)
		if err != nil {
			t.Fatal(err)
		}
		for n := range count {
			rng := rand.New(rand.NewPCG(algorithm.NoiseSeed(state.Seed, state.Iteration+1, m, n), 0))
			all[m] = append(all[m], massTrial(p, massStarts[m], rng))
		}
	}
	return all
}

// massState is the state before the first iteration: controllers that do nothing but explore.
func massState(seed uint64) *algorithm.State {
	var controllers []*lqg.Controller
	for range massStarts {
		c := lqg.NewController(massT, massDX, massDU)
		for i := range c.Chol {
			c.Chol[i] = 0.5
		}
		controllers = append(controllers, c)
	}
	return algorithm.NewState(seed, 1, controllers)
}

// massTrajectory and massPolicy are settings for the point mass that learn in moments.
func massTrajectory() algorithm.TrajOptConfig {
	c := algorithm.DefaultTrajOptConfig()
	c.KLStep, c.UsePrior, c.Workers = 1, false, 1
	return c
}

func massPolicy() algorithm.PolicyConfig {
	c := algorithm.DefaultPolicyConfig()
	c.Hidden, c.Activation, c.Reuse = []int{16}, nn.Tanh, 0
	c.Linearise.Method = policy.ByJacobian
	c.Train.Rate, c.Train.Epochs = 0.01, 60
	return c
}

func massCosts() []cost.Term {
	terms := make([]cost.Term, len(massStarts))
	for m := range terms {
		terms[m] = massCost{}
	}
	return terms
}

// massAlgorithms are all algorithms with a policy, for the point mass.
var massAlgorithms = []string{"mdgps", "mdgps off-policy", "mdgps mc", "mdgps pi2", "mdgps pilqr", "badmm", "badmm on-policy", "constrained", "lagrangian"}

func massAlgorithm(t testing.TB, name string, change func(*algorithm.TrajOptConfig, *algorithm.PolicyConfig)) algorithm.Algorithm {
	t.Helper()
	trajectory, shared := massTrajectory(), massPolicy()
	change(&trajectory, &shared)
	turns := algorithm.DefaultAlternatingConfig()
	turns.Trajectory, turns.Policy = trajectory, shared
	var a algorithm.Algorithm
	var err error
	switch name {
	case "badmm", "badmm on-policy":
		c := algorithm.DefaultBADMMConfig()
		c.Alternating = turns
		c.Alternating.OnPolicy = name == "badmm on-policy"
		a, err = algorithm.NewBADMM(c, massCosts(), massDX, massDU)
	case "constrained":
		c := algorithm.DefaultConstrainedConfig()
		c.Alternating = turns
		a, err = algorithm.NewConstrainedGPS(c, massCosts(), massDX, massDU)
	case "lagrangian":
		c := algorithm.DefaultLagrangianConfig()
		c.Alternating, c.Penalty, c.Growth = turns, 0.01, 1.2
		a, err = algorithm.NewLagrangianGPS(c, massCosts(), massDX, massDU)
	default:
		c := algorithm.DefaultMDGPSConfig()
		c.Trajectory, c.Policy = trajectory, shared
		switch name {
		case "mdgps off-policy":
			c.OffPolicy = true
		case "mdgps mc":
			c.StepRule = algorithm.MonteCarlo
		case "mdgps pi2":
			c.Trajectory.Update = algorithm.PI2
		case "mdgps pilqr":
			c.Trajectory.Update = algorithm.PILQR
		}
		a, err = algorithm.NewMDGPS(c, massCosts(), massDX, massDU)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func asIs(*algorithm.TrajOptConfig, *algorithm.PolicyConfig) {}

// massRun runs iterations, and returns the last state and all reports.
func massRun(t testing.TB, a algorithm.Algorithm, state *algorithm.State, iterations, count int) (*algorithm.State, []*algorithm.Report) {
	t.Helper()
	var reports []*algorithm.Report
	for range iterations {
		next, report, err := a.Iterate(context.Background(), state, massSamples(t, a, state, count))
		if err != nil {
			t.Fatal(err)
		}
		state, reports = next, append(reports, report)
	}
	return state, reports
}
