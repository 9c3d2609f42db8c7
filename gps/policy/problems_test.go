package policy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

const (
	steps, states, actions = 6, 5, 3
)

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

func normals(rng *rand.Rand, n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = rng.NormFloat64()
	}
	return list
}

// factor returns a lower factor with a diagonal above 0.5.
func factor(rng *rand.Rand, n int) []float64 {
	l := make([]float64, n*n)
	for i := range n {
		for j := range i {
			l[i*n+j] = 0.3 * rng.NormFloat64()
		}
		l[i*n+i] = 0.5 + rng.Float64()
	}
	return l
}

func controller(rng *rand.Rand) *lqg.Controller {
	c := lqg.NewController(steps, states, actions)
	copy(c.K, normals(rng, len(c.K)))
	copy(c.Bias, normals(rng, len(c.Bias)))
	for t := range steps {
		copy(c.CholAt(t), factor(rng, actions))
	}
	return c
}

func controllers(rng *rand.Rand, n int) []*lqg.Controller {
	var list []*lqg.Controller
	for range n {
		list = append(list, controller(rng))
	}
	return list
}

// marginals have means apart by distance standard deviations, and full covariances.
func marginals(rng *rand.Rand, n int, distance float64) []*lqg.Trajectory {
	const d = states + actions
	var list []*lqg.Trajectory
	for range n {
		m := lqg.NewTrajectory(steps, states, actions)
		for t := range steps {
			for i := range states {
				m.MeanAt(t)[i] = distance * rng.NormFloat64()
			}
			l := factor(rng, d)
			for i := range d {
				for j := range d {
					for k := range min(i, j) + 1 {
						m.CovAt(t)[i*d+j] += l[i*d+k] * l[j*d+k]
					}
				}
			}
		}
		list = append(list, m)
	}
	return list
}

func network(t testing.TB, rng *rand.Rand, hidden nn.Activation, observation []int, chol []float64) *policy.Network {
	t.Helper()
	dO := len(observation)
	if observation == nil {
		dO = states
	}
	net, err := nn.New(nn.Config{Sizes: []int{dO, 9, actions}, Hidden: hidden})
	if err != nil {
		t.Fatal(err)
	}
	for i, sizes := range [][2]int{{dO, 9}, {9, actions}} {
		net.SetLayer(i, normals(rng, sizes[0]*sizes[1]), normals(rng, sizes[1]))
	}
	scale := normals(rng, dO)
	net.SetNormalisation(scale, normals(rng, dO))
	p, err := policy.NewNetwork(net, observation, steps, states, chol)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func nearest(t testing.TB, list []*lqg.Controller, starts [][]float64, feature []int) *policy.NearestNeighbour {
	t.Helper()
	p, err := policy.NewNearestNeighbour(list, starts, feature)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mixed(t testing.TB, list []*lqg.Controller, m []*lqg.Trajectory, cfg policy.MixtureConfig) *policy.Mixture {
	t.Helper()
	p, err := policy.NewMixture(list, m, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// policies returns one of each kind, and some variants.
func policies(t testing.TB) map[string]policy.Policy {
	rng := source(1)
	list := controllers(rng, 3)
	starts := [][]float64{normals(rng, states), normals(rng, states), normals(rng, states)}
	cfg := policy.DefaultMixtureConfig()
	part := cfg
	part.Feature, part.Weight = []int{3, 0}, []float64{1, 5, 0.2}
	return map[string]policy.Policy{
		"linear":              controller(rng),
		"network":             network(t, rng, nn.Tanh, nil, factor(rng, actions)),
		"network of a part":   network(t, rng, nn.ReLU, []int{4, 1}, factor(rng, actions)),
		"quiet network":       network(t, rng, nn.ReLU, nil, nil),
		"nearest":             nearest(t, list, starts, nil),
		"nearest of a part":   nearest(t, list, starts, []int{2, 4}),
		"mixture":             mixed(t, list, marginals(rng, 3, 1), cfg),
		"mixture of a part":   mixed(t, list, marginals(rng, 3, 1), part),
		"mixture of one":      mixed(t, list[:1], marginals(rng, 1, 1), cfg),
		"nearest of only one": nearest(t, list[:1], starts[:1], nil),
	}
}

// walk returns n samples of normally distributed states.
func walk(rng *rand.Rand, n int) []*rollout.Rollout {
	var list []*rollout.Rollout
	for range n {
		r := rollout.New(steps, states, actions)
		copy(r.X, normals(rng, len(r.X)))
		list = append(list, r)
	}
	return list
}

// trial runs a policy over some states, with noise, and returns all actions.
func trial(p policy.Policy, seed uint64) []float64 {
	rng := source(seed)
	var all []float64
	u := make([]float64, actions)
	for t := range steps {
		x, e := normals(rng, states), normals(rng, actions)
		p.Act(u, x, t, e)
		all = append(all, u...)
		p.Act(u, x, t, nil)
		all = append(all, u...)
	}
	return all
}

// near fails unless all numbers are within tol (1 + |want|).
func near(t testing.TB, name string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
	}
	for i, w := range want {
		if !(math.Abs(got[i]-w) <= tol*(1+math.Abs(w))) {
			t.Fatalf("%s: number %d is %v, want %v", name, i, got[i], w)
		}
	}
}

// panics fails unless f panics with a text that has all words.
func panics(t *testing.T, name string, f func(), words ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		text := fmt.Sprint(recover())
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: panic %q, want %q in it", name, text, w)
			}
		}
	}()
	f()
	t.Errorf("%s: no panic", name)
}
