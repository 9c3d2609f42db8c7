package cost

import (
	"slices"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// recorded is the Kinematics of one recorded trajectory: points and Jacobians are given
// at its joint angles alone.
type recorded struct {
	t                        testing.TB
	n, m                     int
	angles, points, jacobian []float64
}

func (k *recorded) Dims() (joints, coordinates int) { return k.n, k.m }
func (k *recorded) Points(dst, q []float64)         { copy(dst, k.points[k.step(q)*k.m:][:k.m]) }
func (k *recorded) Jacobian(dst, q []float64) {
	copy(dst, k.jacobian[k.step(q)*k.m*k.n:][:k.m*k.n])
}

func (k *recorded) step(q []float64) int {
	for t := range len(k.angles) / k.n {
		if slices.Equal(k.angles[t*k.n:(t+1)*k.n], q) {
			return t
		}
	}
	k.t.Fatalf("no recorded step has the joint angles %v", q)
	return 0
}

// samples are the trajectories of a case.
type samples struct {
	layout   map[string][2]int // sensor: start and length in x
	rollouts []*rollout.Rollout
	chains   []*recorded
}

func readSamples(t testing.TB, n vectors.Node) samples {
	s := samples{layout: map[string][2]int{}}
	dX := 0
	var sensors []string
	for i := range n.Get("layout").Len() {
		e := n.Get("layout").At(i)
		sensors = append(sensors, e.At(0).String())
		s.layout[sensors[i]] = [2]int{dX, e.At(1).Int()}
		dX += e.At(1).Int()
	}
	dU := n.Get("action_dim").Int()
	list := n.Get("trajectories")
	for i := range list.Len() {
		e := list.At(i)
		u := e.Get("action").Floats(-1, dU)
		r := rollout.New(len(u)/dU, dX, dU)
		copy(r.U, u)
		for _, name := range sensors {
			at := s.layout[name]
			x := e.Get(name).Floats(r.T, at[1])
			for k := range r.T {
				copy(r.State(k)[at[0]:], x[k*at[1]:(k+1)*at[1]])
			}
		}
		s.rollouts = append(s.rollouts, r)
		nq, np := s.layout["joint_angles"][1], s.layout["points"][1]
		s.chains = append(s.chains, &recorded{t: t, n: nq, m: np, angles: e.Get("joint_angles").Floats(),
			points: e.Get("points").Floats(), jacobian: e.Get("point_jacobians").Floats(r.T, np, nq)})
	}
	return s
}

// penalty reads a norm; defect selects the reference's second derivative of the log.
func penalty(norm string, n vectors.Node, defect string) Penalty {
	p := Penalty{L2: n.Get("l2").Float(), L1: n.Get("l1").Float(), Alpha: n.Get("alpha").Float()}
	if norm == "logl2" {
		p.Log, p.L1, p.LogAlpha = p.L1, 0, p.Alpha
		if defect != "" {
			p.LogHessian = CompatibleLogHessian
		}
	}
	return p
}

// term builds the cost of a case for sample i.
func term(t testing.TB, n vectors.Node, s samples, i int, defect string) Term {
	t.Helper()
	built := func(v Term, err error) Term {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	ramp := func(n vectors.Node) Ramp {
		r, err := ParseRamp(n.String())
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	var sum []Weighted
	switch kind := n.Get("kind").String(); kind {
	case "action":
		a, err := NewAction(n.Get("weights").Floats())
		return built(a, err)
	case "state":
		for k := range n.Get("terms").Len() {
			e := n.Get("terms").At(k)
			c := StateConfig{Start: s.layout[e.Get("sensor").String()][0], Target: e.Get("target").Floats(), Weights: e.Get("weights").Floats(),
				Penalty: penalty("l1l2", n, ""), Ramp: ramp(n.Get("ramp")), FinalMultiplier: n.Get("final_multiplier").Float()}
			st, err := NewState(c)
			sum = append(sum, Weighted{1, built(st, err)})
		}
	case "fk":
		c := PointsConfig{Target: n.Get("target").Floats(), Weights: n.Get("weights").Floats(), JointStart: s.layout["joint_angles"][0],
			Penalty: penalty(n.Get("norm").String(), n, defect), Ramp: ramp(n.Get("ramp")), FinalMultiplier: n.Get("final_multiplier").Float()}
		p, err := NewPoints(c, s.chains[i])
		return built(p, err)
	case "block_touch":
		k, err := NewCombination(s.chains[i], []float64{0.5, 0.5, -1})
		if err != nil {
			t.Fatal(err)
		}
		c := DefaultPointsConfig(make([]float64, 3))
		c.JointStart = s.layout["joint_angles"][0]
		c.Penalty = penalty(n.Get("norm").String(), n, defect)
		p, err := NewPoints(c, k)
		return built(p, err)
	case "region":
		for k := range n.Get("terms").Len() {
			e := n.Get("terms").At(k)
			g, err := NewRegion(RegionConfig{Start: s.layout[e.Get("sensor").String()][0], Target: e.Get("target").Floats(),
				MaxDistance: e.Get("max_distance").Float(), Inside: e.Get("inside").Float(), Outside: e.Get("outside").Float()})
			sum = append(sum, Weighted{1, built(g, err)})
		}
	case "linear_waypoint":
		c := WaypointsConfig{Penalty: Penalty{L2: n.Get("l2").Float(), L1: n.Get("l1").Float(), Alpha: n.Get("alpha").Float()}}
		if n.Has("log") {
			c.Penalty.Log, c.Penalty.LogAlpha = n.Get("log").Float(), n.Get("log_alpha").Float()
		}
		if defect != "" {
			c.Penalty.LogHessian = CompatibleWaypointLogHessian
		}
		for k := range n.Get("waypoint_time").Len() {
			c.Waypoints = append(c.Waypoints, Waypoint{Time: n.Get("waypoint_time").At(k).Float(), A: n.Get("A").At(k).Floats(),
				B: n.Get("b").At(k).Floats(), Ramp: ramp(n.Get("ramp").At(k))})
		}
		w, err := NewWaypoints(c)
		return built(w, err)
	case "sum":
		for k, w := range n.Get("weights").Floats() {
			sum = append(sum, Weighted{w, term(t, n.Get("costs").At(k), s, i, defect)})
		}
	default:
		t.Fatalf("unknown cost kind %q", kind)
	}
	total, err := NewSum(sum...)
	return built(total, err)
}

func TestVectors(t *testing.T) {
	vectors.Run(t, "cost_eval", func(t *testing.T, c vectors.Case) {
		s := readSamples(t, c.Inputs.Get("samples"))
		r := s.rollouts[0]
		e := NewExpansion(r.T, r.DX, r.DU)
		if err := Expand(e, term(t, c.Inputs.Get("cost"), s, 0, c.Defect), r); err != nil {
			t.Fatal(err)
		}
		blocks := map[string][]float64{"l": e.L}
		for k := range r.T {
			g, h, d := e.Gradient(k), e.Hessian(k), r.DX+r.DU
			blocks["lx"] = append(blocks["lx"], g[:r.DX]...)
			blocks["lu"] = append(blocks["lu"], g[r.DX:]...)
			for i := range d {
				if i < r.DX {
					blocks["lxx"] = append(blocks["lxx"], h[i*d:i*d+r.DX]...)
				} else {
					blocks["lux"] = append(blocks["lux"], h[i*d:i*d+r.DX]...)
					blocks["luu"] = append(blocks["luu"], h[i*d+r.DX:(i+1)*d]...)
				}
			}
		}
		for _, name := range []string{"l", "lx", "lu", "lxx", "luu", "lux"} {
			vectors.Close(t, name, blocks[name], c.Outputs.Get(name).Floats(), c.Tolerance)
		}
	})
	vectors.Run(t, "cost_expand", func(t *testing.T, c vectors.Case) {
		s := readSamples(t, c.Inputs.Get("samples"))
		r := s.rollouts[0]
		var expansions []*Expansion
		var costs []float64
		for i, r := range s.rollouts {
			e := NewExpansion(r.T, r.DX, r.DU)
			if err := Expand(e, term(t, c.Inputs.Get("cost"), s, i, c.Defect), r); err != nil {
				t.Fatal(err)
			}
			expansions, costs = append(expansions, e), append(costs, e.L...)
		}
		q := lqg.NewCost(r.T, r.DX, r.DU)
		if err := QuadraticMean(q, expansions, s.rollouts); err != nil {
			t.Fatal(err)
		}
		d := r.DX + r.DU
		vectors.Close(t, "sample_costs", costs, c.Outputs.Get("sample_costs").Floats(), c.Tolerance)
		vectors.Close(t, "const", q.Const[:r.T], c.Outputs.Get("const").Floats(r.T), c.Tolerance)
		vectors.Close(t, "lin", q.Lin[:r.T*d], c.Outputs.Get("lin").Floats(r.T, d), c.Tolerance)
		vectors.Close(t, "quad", q.Quad[:r.T*d*d], c.Outputs.Get("quad").Floats(r.T, d, d), c.Tolerance)
	})
	vectors.Run(t, "penalty_terms", penaltyTerms)
	vectors.Run(t, "ramps", func(t *testing.T, c vectors.Case) {
		T, final := c.Inputs.Get("T").Int(), c.Inputs.Get("final_multiplier").Float()
		for _, name := range c.Outputs.Keys() {
			ramp, err := ParseRamp(name)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float64, T)
			for k := range got {
				got[k] = ramp.At(k, T, final)
			}
			vectors.Close(t, ramp.String(), got, c.Outputs.Get(name).Floats(T), c.Tolerance)
		}
	})
}

// penaltyTerms adds the second derivatives of d by x, which no term here has, to the
// chain rule.
func penaltyTerms(t *testing.T, c vectors.Case) {
	in := c.Inputs
	p := penalty(in.Get("norm").String(), in, c.Defect)
	shape := in.Get("Jd").Shape()
	steps, m, n := shape[0], shape[1], shape[2]
	w, d, jac, second := in.Get("weights").Floats(steps, m), in.Get("d").Floats(steps, m), in.Get("Jd").Floats(), in.Get("Jdd").Floats(steps, m, n, n)
	var l, lx, lxx []float64
	for k := range steps {
		by, g, h, along := newDerivatives(m), make([]float64, n), make([]float64, n*n), make([]float64, n)
		l = append(l, p.differentiate(&by, d[k*m:(k+1)*m], w[k*m:(k+1)*m], 1))
		chain(g, h, &by, jac[k*m*n:(k+1)*m*n], along)
		for i := range m {
			jdd := second[(k*m+i)*n*n : (k*m+i+1)*n*n]
			for a := range n {
				for b := range n {
					h[a*n+b] += by.gradient[i] * (jdd[a*n+b] + jdd[b*n+a]) / 2
				}
			}
		}
		lx, lxx = append(lx, g...), append(lxx, h...)
	}
	vectors.Close(t, "l", l, c.Outputs.Get("l").Floats(), c.Tolerance)
	vectors.Close(t, "lx", lx, c.Outputs.Get("lx").Floats(), c.Tolerance)
	vectors.Close(t, "lxx", lxx, c.Outputs.Get("lxx").Floats(), c.Tolerance)
}
