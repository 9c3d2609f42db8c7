package algorithm

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

const turnT, turnDX, turnDU = 3, 2, 2

// turnProblem returns a controller, a linearised policy, multipliers and a cost of random numbers.
func turnProblem(rng *rand.Rand) (c, linear *lqg.Controller, d *policy.Duals, p *trajopt.Problem) {
	fill := func(v []float64, scale float64) {
		for i := range v {
			v[i] = scale * rng.NormFloat64()
		}
	}
	random := func() *lqg.Controller {
		c := lqg.NewController(turnT, turnDX, turnDU)
		fill(c.K, 1)
		fill(c.Bias, 1)
		for t := range turnT {
			l := c.CholAt(t)
			l[0], l[2], l[3] = 0.5+rng.Float64(), 0.3*rng.NormFloat64(), 0.5+rng.Float64()
		}
		return c
	}
	c, linear, d = random(), random(), policy.NewDuals(turnT, turnDX, turnDU, 1)
	fill(d.Bias, 1)
	for t := range d.Weight {
		d.Weight[t] = 0.2 + rng.Float64()
	}
	p = &trajopt.Problem{Cost: lqg.NewCost(turnT, turnDX, turnDU)}
	fill(p.Cost.Lin, 1)
	for t := range turnT + 1 {
		q, D := p.Cost.QuadAt(t), turnDX+turnDU
		for i := range D {
			for j := range i + 1 {
				q[i*D+j] = rng.NormFloat64()
				q[j*D+i] = q[i*D+j]
			}
		}
	}
	return c, linear, d, p
}

func randomRollouts(rng *rand.Rand, n int) (list []*rollout.Rollout) {
	for range n {
		r := rollout.New(turnT, turnDX, turnDU)
		for i := range r.X {
			r.X[i] = rng.NormFloat64()
		}
		list = append(list, r)
	}
	return list
}

func minus(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

func inner(a, b []float64) float64 {
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

// What the augmented Lagrangian adds to the cost is lambda'(pi(x) - u) + rho |pi(x) - u|^2, up to a
// constant of each step.
func TestLagrangianAddsItsTerms(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a := &lagrangian{DefaultLagrangianConfig()}
	_, linear, d, p := turnProblem(rng)
	plain := p.Cost
	a.problem(p, linear, d)
	if p.Policy != nil {
		t.Error("there is a policy term besides")
	}
	pi, y := make([]float64, turnDU), make([]float64, turnDX+turnDU)
	added := func(k int) (got, want float64) {
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		linear.Act(pi, y[:turnDX], k, nil)
		gap := minus(pi, y[turnDX:])
		return p.Cost.Eval(k, y) - plain.Eval(k, y), inner(d.Bias[k*turnDU:(k+1)*turnDU], gap) + d.Weight[k]*inner(gap, gap)
	}
	for k := range turnT {
		got, want := added(k)
		constant := got - want
		for range 20 {
			if got, want := added(k); math.Abs(got-want-constant) > 1e-12*(1+math.Abs(want)) {
				t.Errorf("step %d: adds %v, want %v", k, got-constant, want)
			}
		}
	}
}

// Each algorithm's lesson is the policy's mean action that its augmented Lagrangian is least at: every
// other one makes it larger, by the form that the lesson's precision and weight say.
func TestLessonsAreWhereTheLagrangianIsLeast(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	precision, u, m := make([]float64, turnDU*turnDU), make([]float64, turnDU), make([]float64, turnDU)
	for name, agree := range map[string]agreement{"badmm": &badmm{DefaultBADMMConfig()}, "constrained": &constrained{DefaultConstrainedConfig()}, "lagrangian": &lagrangian{DefaultLagrangianConfig()}} {
		c, _, d, _ := turnProblem(rng)
		if name == "constrained" {
			clear(d.Bias)
		}
		before := c.Clone()
		taught, weight := agree.lesson(c, d)
		for i, v := range before.Bias {
			if c.Bias[i] != v {
				t.Fatalf("%s: the controller itself has changed", name)
			}
		}
		x := []float64{rng.NormFloat64(), rng.NormFloat64()}
		for k := range turnT {
			c.Act(u, x, k, nil)
			c.Precision(precision, k)
			value := func(m []float64) float64 {
				gap := minus(m, u)
				v := inner(d.Bias[k*turnDU:(k+1)*turnDU], gap)
				if name == "lagrangian" {
					return v + d.Weight[k]*inner(gap, gap)
				}
				for i := range gap {
					for j := range gap {
						v += d.Weight[k] / 2 * gap[i] * precision[i*turnDU+j] * gap[j]
					}
				}
				return v
			}
			taught.Act(m, x, k, nil)
			least := value(m)
			form := make([]float64, turnDU*turnDU)
			taught.Precision(form, k)
			for range 20 {
				step := []float64{rng.NormFloat64(), rng.NormFloat64()}
				other, want := minus(m, step), 0.0
				for i := range step {
					for j := range step {
						want += weight[k] / 2 * step[i] * form[i*turnDU+j] * step[j]
					}
				}
				if got := value(other) - least; math.Abs(got-want) > 1e-10*(1+want) {
					t.Errorf("%s, step %d: %v more than the least, want %v", name, k, got, want)
				}
			}
		}
	}
}

// The multipliers of a constraint climb where it is not met, so that the next controller is drawn
// to the policy: those of both algorithms, and neither moves where it is.
func TestMultipliersClimb(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for name, agree := range map[string]agreement{"badmm": &badmm{DefaultBADMMConfig()}, "lagrangian": &lagrangian{DefaultLagrangianConfig()}} {
		c, linear, d, _ := turnProblem(rng)
		samples := randomRollouts(rng, 4)
		means, err := policy.Means(linear, samples)
		if err != nil {
			t.Fatal(err)
		}
		gap := func(k int) []float64 {
			sum, u := make([]float64, turnDU), make([]float64, turnDU)
			for n, s := range samples {
				c.Act(u, s.State(k), k, nil)
				for i, v := range u {
					sum[i] += (means[(n*turnT+k)*turnDU+i] - v) / float64(len(samples))
				}
			}
			return sum
		}
		before := d.Clone()
		between := &apart{controller: c, linear: linear, samples: samples, means: means, kl: []float64{1, 2, 3}}
		if err := agree.step(d, between, false); err != nil {
			t.Fatal(err)
		}
		for k := range turnT {
			change := minus(d.Bias[k*turnDU:(k+1)*turnDU], before.Bias[k*turnDU:(k+1)*turnDU])
			// Of the term lambda'(pi - u): its slope in lambda is pi - u.
			if v := inner(change, gap(k)); !(v > 0) {
				t.Errorf("%s, step %d: the dual changes by %v", name, k, v)
			}
			if name == "lagrangian" {
				for i, v := range gap(k) {
					if want := 2 * 0.5 * d.Weight[k] * v; math.Abs(change[i]-want) > 1e-12 {
						t.Errorf("step %d: the multiplier changes by %v, want %v", k, change[i], want)
					}
				}
			}
		}
		still := d.Clone()
		if means, err = policy.Means(c, samples); err != nil {
			t.Fatal(err)
		}
		between.means, between.linear = means, c
		if err := agree.step(d, between, false); err != nil {
			t.Fatal(err)
		}
		for i, v := range d.Bias {
			if math.Abs(v-still.Bias[i]) > 1e-12 {
				t.Errorf("%s: multiplier %d moves by %v where policy and controller agree", name, i, v-still.Bias[i])
			}
		}
	}
}
