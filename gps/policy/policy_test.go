package policy_test

import (
	"errors"
	"math"
	"slices"
	"sync"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
)

func TestActDoesNotAllocate(t *testing.T) {
	rng := source(2)
	x, e, u := normals(rng, states), normals(rng, actions), make([]float64, actions)
	for name, p := range policies(t) {
		at := 0
		if n := testing.AllocsPerRun(20, func() {
			p.Act(u, x, at%steps, e)
			p.Act(u, x, at%steps, nil)
			at++
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	p := network(t, rng, nn.Tanh, nil, nil)
	slope := make([]float64, actions*states)
	if n := testing.AllocsPerRun(20, func() { p.Jacobian(slope, u, x, 0) }); n != 0 {
		t.Errorf("Jacobian: %v allocations", n)
	}
	w, c, list := policy.NewDivergence(states, actions), controller(rng), walk(rng, 3)
	means, each, mean, chol := normals(rng, 3*steps*actions), make([]float64, 3*steps), make([]float64, steps), factor(rng, actions)
	if n := testing.AllocsPerRun(20, func() { w.AtSamples(each, mean, c, list, means, chol) }); n != 0 {
		t.Errorf("AtSamples: %v allocations", n)
	}
}

func TestForksActAlike(t *testing.T) {
	for name, p := range policies(t) {
		want := trial(p, 3)
		fork := policy.Fork(p)
		if _, ok := p.(*lqg.Controller); !ok && fork == p {
			t.Errorf("%s: the fork is the policy itself", name)
		}
		var both sync.WaitGroup
		for _, p := range []policy.Policy{p, fork} {
			both.Add(1)
			go func() {
				defer both.Done()
				for range 50 {
					if got := trial(p, 3); !slices.Equal(got, want) {
						t.Errorf("%s: %v beside another one, %v alone", name, got, want)
						return
					}
				}
			}()
		}
		both.Wait()
	}
	panics(t, "fork of a stranger", func() { policy.Fork(stranger{}) }, "stranger")
}

type stranger struct{ policy.Policy }

func TestNotFiniteStatesReachActions(t *testing.T) {
	for name, p := range policies(t) {
		for _, bad := range []float64{math.NaN(), math.Inf(1)} {
			x, u := make([]float64, states), make([]float64, actions)
			for i := range x {
				x[i] = bad
			}
			p.Act(u, x, 0, nil)
			if math.IsNaN(bad) && !math.IsNaN(u[0]) {
				t.Errorf("%s: action %v at %v", name, u, bad)
			}
		}
	}
}

func TestMisuseOfActPanics(t *testing.T) {
	for name, p := range policies(t) {
		x, u, e := make([]float64, states), make([]float64, actions), make([]float64, actions)
		p.Act(u, x, steps-1, e)
		for _, f := range []func(){
			func() { p.Act(u[1:], x, 0, nil) },
			func() { p.Act(u, x, 0, e[1:]) },
			func() { p.Act(u, x, 0, []float64{}) },
			func() { p.Act(u, x, steps, e) },
			func() { p.Act(u, x, -1, e) },
		} {
			panics(t, name, f, "dX=5", "dU=3", "T=6")
		}
		panics(t, name, func() { p.Act(u, x[1:], 0, nil) }, "4")
	}
}

func TestNetworkSeesItsObservation(t *testing.T) {
	rng := source(4)
	chol := factor(rng, actions)
	p := network(t, rng, nn.Tanh, []int{4, 1}, chol)
	x, e, u := normals(rng, states), normals(rng, actions), make([]float64, actions)
	want, o := make([]float64, actions), make([]float64, 2)
	p.Net().NewWorkspace().Forward(want, []float64{x[4], x[1]})
	p.Mean(u, x)
	near(t, "mean", u, want, 0)
	if p.Observe(o, x); o[0] != x[4] || o[1] != x[1] {
		t.Errorf("observation %v of %v", o, x)
	}
	p.Act(u, x, 2, e)
	for i := range want {
		for j := range i + 1 {
			want[i] += chol[i*actions+j] * e[j]
		}
	}
	near(t, "action", u, want, 1e-15)

	// A change of what is not observed changes nothing.
	x[0], x[2], x[3] = 9, 9, 9
	got := make([]float64, actions)
	p.Act(got, x, 5, e)
	near(t, "action elsewhere", got, u, 0)
	panics(t, "Observe", func() { p.Observe(o, x[1:]) }, "4 states", "need 5 and 2")
	panics(t, "Jacobian", func() { p.Jacobian(nil, nil, x, 0) }, "dX=5 dU=3")
}

func TestNetworkJacobian(t *testing.T) {
	rng := source(5)
	p := network(t, rng, nn.Tanh, []int{4, 1, 2}, nil)
	x := normals(rng, states)
	slope, mean, direct := make([]float64, actions*states), make([]float64, actions), make([]float64, actions)
	p.Jacobian(slope, mean, x, 0)
	p.Mean(direct, x)
	near(t, "mean", mean, direct, 0)
	low, high := make([]float64, actions), make([]float64, actions)
	for j := range states {
		const h = 2e-3 // parameters are float32
		v := x[j]
		x[j] = v + h
		p.Mean(high, x)
		x[j] = v - h
		p.Mean(low, x)
		x[j] = v
		for i := range actions {
			want := (high[i] - low[i]) / (2 * h)
			if got := slope[i*states+j]; math.Abs(got-want) > 2e-3*(1+math.Abs(want)) {
				t.Errorf("d u%d/d x%d = %v, differences give %v", i, j, got, want)
			}
		}
	}
}

func TestNetworkCopies(t *testing.T) {
	rng := source(6)
	p := network(t, rng, nn.Tanh, []int{0, 1, 2, 3, 4}, factor(rng, actions))
	want := trial(p, 1)
	p.Observation()[0] = 3
	p.Chol()[0] *= 2
	if got := trial(p, 1); !slices.Equal(got, want) {
		t.Error("the policy changed with what it tells")
	}
}

func TestBadNetworks(t *testing.T) {
	net, err := nn.New(nn.Config{Sizes: []int{2, 3}, Hidden: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	one := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	with := func(i int, v float64) []float64 {
		l := slices.Clone(one)
		l[i] = v
		return l
	}
	for name, make := range map[string]func() (*policy.Network, error){
		"no network":      func() (*policy.Network, error) { return policy.NewNetwork(nil, nil, 1, 2, nil) },
		"no step":         func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 0, 2, nil) },
		"no state":        func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 0, nil) },
		"other inputs":    func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 3, nil) },
		"beyond x":        func() (*policy.Network, error) { return policy.NewNetwork(net, []int{0, 3}, 1, 3, nil) },
		"below x":         func() (*policy.Network, error) { return policy.NewNetwork(net, []int{0, -1}, 1, 3, nil) },
		"twice":           func() (*policy.Network, error) { return policy.NewNetwork(net, []int{1, 1}, 1, 3, nil) },
		"short factor":    func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 2, one[1:]) },
		"NaN in factor":   func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 2, with(3, math.NaN())) },
		"zero in factor":  func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 2, with(4, 0)) },
		"negative factor": func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 2, with(0, -1)) },
		"upper in factor": func() (*policy.Network, error) { return policy.NewNetwork(net, nil, 1, 2, with(1, 0.1)) },
	} {
		if p, err := make(); p != nil || !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	p, err := policy.NewNetwork(net, nil, 1, 2, one)
	if err != nil {
		t.Fatal(err)
	}
	net.SetLayer(0, []float64{1, 2, 3, math.NaN(), 5, 6}, []float64{0, 0, 0})
	if err := p.Validate(); !errors.Is(err, nn.ErrNumber) {
		t.Errorf("NaN weight: %v", err)
	}
}

func TestMeansAreActions(t *testing.T) {
	rng := source(7)
	c, list := controller(rng), walk(rng, 4)
	means, err := policy.Means(c, list)
	if err != nil {
		t.Fatal(err)
	}
	u := make([]float64, actions)
	for n, s := range list {
		for k := range steps {
			c.Act(u, s.State(k), k, nil)
			near(t, "mean", means[(n*steps+k)*actions:][:actions], u, 0)
		}
	}
	list[2].State(3)[1] = math.Inf(1)
	if _, err := policy.Means(c, list); !errors.Is(err, policy.ErrInvalid) || !has(err, "time step 3 of sample 2") {
		t.Errorf("infinite state: %v", err)
	}
	panics(t, "Means", func() { policy.Means(lqg.NewController(steps+1, states, actions), list) }, "T=6", "T=7")
}
