package report_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distmv"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/report"
)

func close(a, b, tolerance float64) bool {
	return math.Abs(a-b) <= tolerance*(1+math.Abs(a)+math.Abs(b))
}

// Expected numbers are numpy.quantile's, whose default is definition 7.
func TestSpread(t *testing.T) {
	s := report.NewSpread([]float64{5, -1, 3, 10, 4, 4.5})
	want := report.Spread{Least: -1, First: 3.25, Median: 4.25, Third: 4.875, Most: 10, Mean: 25.5 / 6}
	if s != want {
		t.Errorf("spread is %+v, want %+v", s, want)
	}
	if s := report.NewSpread([]float64{7}); s != (report.Spread{Least: 7, First: 7, Median: 7, Third: 7, Most: 7, Mean: 7}) {
		t.Errorf("spread of one number is %+v", s)
	}
	if s := report.NewSpread(nil); !math.IsNaN(s.Median) {
		t.Errorf("spread of nothing is %+v", s)
	}
}

// randomController returns a controller with full covariances.
func randomController(rng *rand.Rand, T, dX, dU int) *lqg.Controller {
	c := lqg.NewController(T, dX, dU)
	for _, list := range [][]float64{c.K, c.Bias} {
		for i := range list {
			list[i] = rng.NormFloat64()
		}
	}
	for t := range T {
		for i := range dU {
			for j := range i + 1 {
				c.CholAt(t)[i*dU+j] = rng.NormFloat64()
			}
			c.CholAt(t)[i*dU+i] = 0.5 + rng.Float64()
		}
	}
	return c
}

func TestGains(t *testing.T) {
	c := randomController(rand.New(rand.NewPCG(1, 1)), 4, 5, 3)
	g := report.NewGains(c)
	covariance := make([]float64, 9)
	for step := range 4 {
		K := mat.NewDense(3, 5, c.Gain(step))
		c.Covariance(covariance, step)
		for j := range 3 {
			if want := mat.Norm(K.RowView(j), 2); !close(g.Norm[j][step], want, 1e-14) {
				t.Errorf("norm of row %d at step %d is %v, want %v", j, step, g.Norm[j][step], want)
			}
			if want := math.Sqrt(covariance[j*3+j]); !close(g.Deviation[j][step], want, 1e-14) {
				t.Errorf("deviation of joint %d at step %d is %v, want %v", j, step, g.Deviation[j][step], want)
			}
			if want := c.Bias[step*3+j]; g.Bias[j][step] != want {
				t.Errorf("bias of joint %d at step %d is %v, want %v", j, step, g.Bias[j][step], want)
			}
		}
	}
}

// The models of a run are judged by gonum's normal density on the next iteration's trials.
func TestHeldOut(t *testing.T) {
	r := open(t, train(t, "mdgps_arm2", "iterations=3", "samples=3"))
	s := r.Snapshots[0]
	h, err := report.NewHeldOut(s)
	if err != nil {
		t.Fatal(err)
	}
	if h.Iteration != 1 || h.Trials != 12 {
		t.Fatalf("judged iteration %d by %d trials, want 1 by 12", h.Iteration, h.Trials)
	}
	for m, trials := range s.Next {
		for _, trial := range trials {
			if trial.Iteration != 2 || trial.Condition != m {
				t.Fatalf("condition %d of iteration 1 is judged by condition %d of iteration %d", m, trial.Condition, trial.Iteration)
			}
		}
	}
	d := s.Models[0]
	for _, step := range []int{0, d.T / 2, d.T - 1} {
		sum, squares, changes := 0.0, make([]float64, d.DX), make([]float64, d.DX)
		for m, trials := range s.Next {
			d := s.Models[m]
			for _, trial := range trials {
				var next mat.VecDense
				y := append(append([]float64{}, trial.State(step)...), trial.Action(step)...)
				next.MulVec(mat.NewDense(d.DX, d.DX+d.DU, d.FAt(step)), mat.NewVecDense(len(y), y))
				next.AddVec(&next, mat.NewVecDense(d.DX, d.BiasAt(step)))
				normal, ok := distmv.NewNormal(next.RawVector().Data, mat.NewSymDense(d.DX, d.CovAt(step)), nil)
				if !ok {
					t.Fatal("a covariance is not positive definite")
				}
				sum += normal.LogProb(trial.State(step+1)) / 12
				for i, v := range trial.State(step + 1) {
					squares[i] += (v - next.AtVec(i)) * (v - next.AtVec(i)) / 12
					changes[i] += (v - trial.State(step)[i]) * (v - trial.State(step)[i]) / 12
				}
			}
		}
		if !close(h.LogLikelihood[step], sum, 1e-6) {
			t.Errorf("log-likelihood at step %d is %v, want %v", step, h.LogLikelihood[step], sum)
		}
		for i := range squares {
			if !close(h.Error[i][step], math.Sqrt(squares[i]), 1e-9) || !close(h.Change[i][step], math.Sqrt(changes[i]), 1e-9) {
				t.Errorf("error and change of state %d at step %d are %v and %v, want %v and %v", i, step, h.Error[i][step], h.Change[i][step], math.Sqrt(squares[i]), math.Sqrt(changes[i]))
			}
		}
	}
}

func TestCostTerms(t *testing.T) {
	q := &learner.Report{Conditions: []learner.ConditionReport{
		{CostTerms: map[string]float64{"cost.torque": 1, "cost.end_effector": 10}},
		{CostTerms: map[string]float64{"cost.torque": 4, "cost.end_effector": -2}}}}
	got := report.CostTerms(q)
	if len(got) != 2 || got["cost.torque"] != 2.5 || got["cost.end_effector"] != 4 {
		t.Errorf("terms are %v, want 2.5 and 4", got)
	}
}

// Where a run tells its terms, they sum to what its samples cost.
func TestTermsSumToCost(t *testing.T) {
	r := open(t, train(t, "mdgps_arm2", "iterations=3", "samples=3"))
	for _, q := range r.Reports {
		if len(q.Conditions) == 0 {
			t.Fatal("the report does not tell conditions apart")
		}
		sum := 0.0
		for _, v := range report.CostTerms(q) {
			sum += v
		}
		if !close(sum, q.MeanCost, 1e-9) {
			t.Errorf("iteration %d: terms sum to %v, mean cost is %v", q.Iteration, sum, q.MeanCost)
		}
	}
}

// The policy's divergence by the textbook's formula, with gonum's matrices.
func TestGap(t *testing.T) {
	r := open(t, train(t, "mdgps_arm2", "iterations=3", "samples=3"))
	s := r.Snapshots[2]
	g := report.NewGap(s)
	T, _, dU := s.Policy.Sizes()
	var Q mat.Cholesky
	L := mat.NewDense(dU, dU, s.Policy.Chol())
	var q, inverse mat.SymDense
	q.SymOuterK(1, L)
	if !Q.Factorize(&q) {
		t.Fatal("the policy's covariance is not positive definite")
	}
	if err := Q.InverseTo(&inverse); err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{0, T / 2, T - 1} {
		kl, difference, n := 0.0, make([]float64, dU), 0.0
		for m, trials := range s.Trials {
			c := s.Controllers[m]
			covariance := make([]float64, dU*dU)
			c.Covariance(covariance, step)
			P := mat.NewSymDense(dU, covariance)
			var product mat.Dense
			product.Mul(&inverse, P)
			for _, trial := range trials {
				mine, theirs := make([]float64, dU), make([]float64, dU)
				s.Policy.Mean(mine, trial.State(step))
				c.Act(theirs, trial.State(step), step, nil)
				apart := mat.NewVecDense(dU, nil)
				apart.SubVec(mat.NewVecDense(dU, theirs), mat.NewVecDense(dU, mine))
				kl += 0.5 * (mat.Trace(&product) - float64(dU) + Q.LogDet() - math.Log(mat.Det(P)) + mat.Inner(apart, &inverse, apart))
				for j := range difference {
					difference[j] += math.Abs(apart.AtVec(j))
				}
				n++
			}
		}
		if !close(g.KL[step], kl/n, 1e-8) {
			t.Errorf("KL at step %d is %v, want %v", step, g.KL[step], kl/n)
		}
		for j := range difference {
			if !close(g.Difference[j][step], difference[j]/n, 1e-9) {
				t.Errorf("difference of joint %d at step %d is %v, want %v", j, step, g.Difference[j][step], difference[j]/n)
			}
		}
	}
}

// The plane is gonum's principal components of the standardised data; ellipses have the projected
// covariance.
func TestClusters(t *testing.T) {
	r := open(t, train(t, "planar_arm", "iterations=4"))
	prior := r.Snapshots[3].Priors[0]
	c, err := report.NewClusters(prior)
	if err != nil {
		t.Fatal(err)
	}
	points := rollout.Transitions(prior.Rollouts)
	D := prior.Mixture.D
	data := mat.NewDense(len(points)/D, D, points)
	center, scale := make([]float64, D), make([]float64, D)
	for j := range D {
		center[j], scale[j] = stat.PopMeanStdDev(mat.Col(nil, j, data), nil)
		for i := range len(points) / D {
			v := 0.0
			if scale[j] > 1e-9 { // z of a planar arm
				v = (data.At(i, j) - center[j]) / scale[j]
			}
			data.Set(i, j, v)
		}
	}
	var pc stat.PC
	if !pc.PrincipalComponents(data, nil) {
		t.Fatal("no principal components")
	}
	var vectors mat.Dense
	pc.VectorsTo(&vectors)
	variances := pc.VarsTo(nil)
	total := mat.Sum(mat.NewVecDense(len(variances), variances))
	for a := range 2 {
		if got := math.Abs(mat.Dot(mat.NewVecDense(D, c.Axes[a]), vectors.ColView(a))); !close(got, 1, 1e-6) {
			t.Errorf("axis %d has a cosine of %v with the principal component, want 1", a, got)
		}
		if !close(c.Share[a], variances[a]/total, 1e-9) {
			t.Errorf("share %d is %v, want %v", a, c.Share[a], variances[a]/total)
		}
	}
	shown := 0
	for k := range c.X {
		shown += len(c.X[k])
	}
	if want := min(len(points)/D, 1200); shown != want {
		t.Errorf("%d points are shown of %d, want %d", shown, len(points)/D, want)
	}
	W := mat.NewDense(2, D, nil)
	for a := range 2 {
		for i := range D {
			if scale[i] > 1e-9 {
				W.Set(a, i, c.Axes[a][i]/scale[i])
			}
		}
	}
	m := prior.Mixture
	for k, e := range c.Ellipses {
		var half, plane, inverse mat.Dense
		half.Mul(W, mat.NewSymDense(D, m.Cov(k)))
		plane.Mul(&half, W.T())
		if err := inverse.Inverse(&plane); err != nil {
			t.Fatal(err)
		}
		from := mat.NewVecDense(D, nil)
		from.SubVec(mat.NewVecDense(D, m.Mean(k)), mat.NewVecDense(D, center))
		var at mat.VecDense
		at.MulVec(W, from)
		for i := range e[0] {
			off := mat.NewVecDense(2, []float64{e[0][i] - at.AtVec(0), e[1][i] - at.AtVec(1)})
			if distance := math.Sqrt(mat.Inner(off, &inverse, off)); !close(distance, 2, 1e-6) {
				t.Fatalf("corner %d of ellipse %d is %v standard deviations away, want 2", i, k, distance)
			}
		}
	}
}

func TestClustersOfBadPriors(t *testing.T) {
	flat := rollout.New(5, 2, 1) // nothing moves
	for name, p := range map[string]*dynamics.MixturePrior{
		"nil": nil, "empty": {}, "other sizes": {Rollouts: []*rollout.Rollout{flat}, Mixture: mixture.New(2, 4)},
		"flat":      {Rollouts: []*rollout.Rollout{flat}, Mixture: mixture.New(2, 5)},
		"no shapes": {Rollouts: []*rollout.Rollout{flat}, Mixture: &mixture.Mixture{K: 3, D: 5}},
		"two sizes": {Rollouts: []*rollout.Rollout{rollout.New(5, 1, 3), flat}, Mixture: mixture.New(2, 5)},
	} {
		if _, err := report.NewClusters(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A straight arm of two links of 0.5 m, and one with its elbow at a right angle.
func TestTipPath(t *testing.T) {
	r, err := robot.New(robot.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	trial := &report.Trial{Rollout: rollout.New(1, r.DX(), 2)}
	copy(trial.State(1), []float64{math.Pi / 2, math.Pi / 2})
	path := report.TipPath(r, trial)
	for i, want := range [][]float64{{1, 0}, {-0.5, 0.5}} {
		if !close(path[i][0], want[0], 1e-15) || !close(path[i][1], want[1], 1e-15) {
			t.Errorf("end effector at step %d is at %v, want %v", i, path[i], want)
		}
	}
}

func TestAtLimit(t *testing.T) {
	trial := &report.Trial{Rollout: rollout.New(4, 1, 2), Commanded: []float64{1, 9, 2, -9, -2, 0, 1.9, 0}}
	if got := report.AtLimit([]*report.Trial{trial}, 0, 2); got != 0.5 {
		t.Errorf("joint 0 is at its limit in %v of the steps, want 0.5", got)
	}
	if got := report.AtLimit([]*report.Trial{trial}, 1, 9.5); got != 0 {
		t.Errorf("joint 1 is at its limit in %v of the steps, want 0", got)
	}
}

func TestTicks(t *testing.T) {
	var sum report.Ticks
	h := guided_policy_search_msgs.Histogram{UpperBounds: []float64{0.001, 0.002, 0.004}, Counts: []uint64{5, 3, 1, 1}, Max: 0.007}
	for range 2 {
		if !sum.AddTicks(&h) {
			t.Fatal("a whole histogram is refused")
		}
	}
	if sum.Total() != 20 || sum.Most != 0.007 || sum.Quantile(0.5) != 0.001 || sum.Quantile(0.8) != 0.002 || sum.Quantile(0.9) != 0.004 || sum.Quantile(1) != 0.007 {
		t.Errorf("sum is %+v: quantiles %v, %v, %v, %v", sum, sum.Quantile(0.5), sum.Quantile(0.8), sum.Quantile(0.9), sum.Quantile(1))
	}
	for name, bad := range map[string]guided_policy_search_msgs.Histogram{
		"counts": {UpperBounds: []float64{1}, Counts: []uint64{1}},
		"ranges": {UpperBounds: []float64{0.001, 0.002, 0.005}, Counts: []uint64{5, 3, 1, 1}},
		"order":  {UpperBounds: []float64{0.002, 0.001, 0.005}, Counts: []uint64{5, 3, 1, 1}},
		"NaN":    {UpperBounds: []float64{0.002, math.NaN(), 0.005}, Counts: []uint64{5, 3, 1, 1}},
		"none":   {},
	} {
		if sum.AddTicks(&bad) {
			t.Errorf("%s: a histogram is taken that does not fit", name)
		}
	}
}
