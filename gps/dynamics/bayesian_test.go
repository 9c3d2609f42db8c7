package dynamics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// drawn returns rollouts of one step whose inputs are spread about an offset and whose
// next states come from the weights (dX rows [F f]) with noise of the given deviations.
func drawn(rng *rand.Rand, n int, weights [][]float64, offset float64, noise []float64) []*rollout.Rollout {
	dX := len(weights)
	dU := len(weights[0]) - 1 - dX
	var list []*rollout.Rollout
	for range n {
		r := rollout.New(1, dX, dU)
		for i := range dX {
			r.State(0)[i] = offset + rng.NormFloat64()
		}
		for i := range dU {
			// Actions that depend on the state, as under a controller.
			r.Action(0)[i] = 0.5*r.State(0)[0] + 0.3*rng.NormFloat64()
		}
		for i, row := range weights {
			v := row[dX+dU] + noise[i]*rng.NormFloat64()
			for j := range dX {
				v += row[j] * r.State(0)[j]
			}
			for j := range dU {
				v += row[dX+j] * r.Action(0)[j]
			}
			r.State(1)[i] = v
		}
		list = append(list, r)
	}
	return list
}

// stacked returns X, rows [x; u; 1], and the targets x' of state i at step 0.
func stacked(samples []*rollout.Rollout, i int) (*mat.Dense, *mat.VecDense) {
	dX, dU := samples[0].DX, samples[0].DU
	X, y := mat.NewDense(len(samples), dX+dU+1, nil), mat.NewVecDense(len(samples), nil)
	for n, s := range samples {
		X.SetRow(n, append(append(append([]float64(nil), s.State(0)...), s.Action(0)...), 1))
		y.SetVec(n, s.State(1)[i])
	}
	return X, y
}

// correlated is a prior on three weights and a bias that are not independent, centred off
// zero.
func correlated() *dynamics.WeightPrior {
	p := &dynamics.WeightPrior{Nominal: lqg.NewDynamics(1, 2, 1), Precision: []float64{
		4, 1, 0, 0.5,
		1, 3, -1, 0,
		0, -1, 5, 0.2,
		0.5, 0, 0.2, 0.3}}
	copy(p.Nominal.F, []float64{1, 0.1, 0.2, -0.1, 1, 0.4})
	copy(p.Nominal.Bias, []float64{0.3, -0.5})
	return p
}

var testWeights = [][]float64{{0.9, 0.2, 0.1, 0.3}, {-0.1, 0.8, 0.5, -0.2}}

// Mean and covariance of the weights, and the predictions, are those of the textbook
// formulas, solved directly; s^2 is a stationary point of the marginal likelihood of the
// targets, N(X W_0, s^2 I + X Lambda^-1 X').
func TestBayesianFitByFormula(t *testing.T) {
	for _, c := range []struct {
		n      int
		offset float64
	}{{3, 0}, {6, 0}, {6, 50}, {40, -3}} {
		samples := drawn(rand.New(rand.NewPCG(uint64(c.n), 1)), c.n, testWeights, c.offset, []float64{0.1, 0.3})
		prior := correlated()
		if c.n == 3 { // as many unknowns as observations: the prior must say more
			for i := range prior.Precision {
				prior.Precision[i] *= 10
			}
		}
		post, err := dynamics.FitBayesian(samples, prior, dynamics.DefaultBayesianConfig())
		if err != nil {
			t.Fatal(err)
		}
		lambda := mat.NewDense(4, 4, prior.Precision)
		for i := range 2 {
			s2 := post.NoiseVariance[i]
			X, y := stacked(samples, i)
			w0 := mat.NewVecDense(4, append(append([]float64(nil), prior.Nominal.F[i*3:i*3+3]...), prior.Nominal.Bias[i]))
			var gram, H, S, shift, mu mat.Dense
			gram.Mul(X.T(), X)
			H.Scale(s2, lambda)
			H.Add(&gram, &H)
			if err := S.Inverse(&H); err != nil {
				t.Fatal(err)
			}
			var residual mat.VecDense
			residual.MulVec(X, w0)
			residual.SubVec(y, &residual)
			shift.Mul(X.T(), &residual)
			mu.Mul(&S, &shift)
			mu.Add(&mu, w0)
			S.Scale(s2, &S)
			got := append(append([]float64(nil), post.Dynamics.F[i*3:i*3+3]...), post.Dynamics.Bias[i])
			vectors.Close(t, "mu_n", got, mu.RawMatrix().Data, 1e-8)
			covariance := make([]float64, 16)
			post.WeightCovariance(covariance, 0, i)
			vectors.Close(t, "S_n", covariance, S.RawMatrix().Data, 1e-8)

			prediction := post.NewPrediction()
			w := []float64{c.offset + 0.7, c.offset - 1.3, 0.4}
			if err := post.Predict(prediction, 0, w); err != nil {
				t.Fatal(err)
			}
			phi := mat.NewVecDense(4, append(append([]float64(nil), w...), 1))
			var at mat.VecDense
			at.MulVec(&S, phi)
			vectors.Close(t, "predicted variance", []float64{prediction.Variance[i]}, []float64{s2 + mat.Dot(&at, phi)}, 1e-8)
			vectors.Close(t, "predicted mean", []float64{prediction.Mean[i]}, []float64{mat.Dot(mu.ColView(0), phi)}, 1e-8)

			if slope := slopeOfEvidence(t, X, &residual, lambda, s2); math.Abs(slope) > 1e-5*float64(c.n) {
				t.Errorf("N=%d state %d: the marginal likelihood changes by %.3g nat per unit of log s^2 at s^2=%.3g", c.n, i, slope, s2)
			}
		}
	}
}

// slopeOfEvidence is the central difference of log N(residual; 0, s^2 I + X Lambda^-1 X')
// in log s^2.
func slopeOfEvidence(t *testing.T, X *mat.Dense, residual *mat.VecDense, lambda *mat.Dense, s2 float64) float64 {
	t.Helper()
	N, _ := X.Dims()
	var inverse, half, K mat.Dense
	if err := inverse.Inverse(lambda); err != nil {
		t.Fatal(err)
	}
	half.Mul(X, &inverse)
	K.Mul(&half, X.T())
	value := func(s2 float64) float64 {
		V := mat.NewSymDense(N, nil)
		for i := range N {
			for j := range N {
				if i <= j {
					V.SetSym(i, j, K.At(i, j))
				}
			}
			V.SetSym(i, i, K.At(i, i)+s2)
		}
		var chol mat.Cholesky
		if !chol.Factorize(V) {
			t.Fatal("not positive definite")
		}
		var solved mat.VecDense
		if err := chol.SolveVecTo(&solved, residual); err != nil {
			t.Fatal(err)
		}
		return -0.5 * (chol.LogDet() + mat.Dot(&solved, residual))
	}
	const h = 1e-4
	return (value(s2*math.Exp(h)) - value(s2*math.Exp(-h))) / (2 * h)
}

// Without a prior, and as it vanishes, the means are those of plain regression and the
// noise is unbiased.
func TestBayesianFitBecomesPlain(t *testing.T) {
	samples := drawn(rand.New(rand.NewPCG(8, 2)), 12, testWeights, 5, []float64{0.1, 0.2})
	cfg := dynamics.DefaultConfig()
	cfg.Regularization, cfg.NoiseFloor = 0, 0
	plain, _, err := dynamics.Fit(samples, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	unbiased := make([]float64, 4)
	for i, v := range plain.Cov {
		unbiased[i] = v * 12 / (12 - 4)
	}
	for _, scale := range []float64{math.NaN(), 0, 1e-30, 1e-15, 1e-10} {
		prior := correlated()
		for i := range prior.Precision {
			prior.Precision[i] *= scale
		}
		if math.IsNaN(scale) {
			prior = nil
		}
		post, err := dynamics.FitBayesian(samples, prior, dynamics.DefaultBayesianConfig())
		if err != nil {
			t.Fatal(err)
		}
		vectors.Close(t, "F", post.Dynamics.F, plain.F, 1e-8)
		vectors.Close(t, "f", post.Dynamics.Bias, plain.Bias, 1e-8)
		vectors.Close(t, "covariance of the noise", post.Dynamics.Cov, unbiased, 1e-8)
		vectors.Close(t, "degrees of freedom", post.Freedom, []float64{8, 8}, 1e-8)
	}
}

// 95% intervals hold the next state in 95% of 1,000 fits: with plain regression from just
// more samples than unknowns, and with weights that are drawn from the prior. Intervals
// that leave out the weights' uncertainty, or that take the noise's variance for known,
// would not.
func TestIntervalsCover(t *testing.T) {
	const fits = 1000
	noise := []float64{0.1, 0.5}
	for _, c := range []struct {
		name      string
		n         int
		deviation float64 // of the weights in the prior; 0 for none
	}{{"plain", 7, 0}, {"narrow prior", 7, 0.1}, {"wide prior", 12, 1}, {"many", 60, 0.3}} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(11, uint64(c.n)))
			covered, noiseOnly, normal, total := 0, 0, 0, 0
			for range fits {
				prior, weights := correlated(), make([][]float64, 2)
				clear(prior.Precision)
				for i := range 2 {
					row := append(append([]float64(nil), prior.Nominal.F[i*3:i*3+3]...), prior.Nominal.Bias[i])
					for j := range row {
						row[j] += c.deviation * rng.NormFloat64()
						if c.deviation > 0 {
							prior.Precision[j*4+j] = 1 / (c.deviation * c.deviation)
						}
					}
					weights[i] = row
				}
				all := drawn(rng, c.n+1, weights, 1, noise)
				test := all[c.n]
				post, err := dynamics.FitBayesian(all[:c.n], prior, dynamics.DefaultBayesianConfig())
				if err != nil {
					t.Fatal(err)
				}
				prediction := post.NewPrediction()
				if err := post.Predict(prediction, 0, append(append([]float64(nil), test.State(0)...), test.Action(0)...)); err != nil {
					t.Fatal(err)
				}
				for i, v := range test.State(1) {
					total++
					low, high := prediction.Interval(i, 0.95)
					if low <= v && v <= high {
						covered++
					}
					distance := math.Abs(v - prediction.Mean[i])
					if distance <= 1.96*math.Sqrt(prediction.Variance[i]) {
						normal++
					}
					if distance <= 1.96*math.Sqrt(post.NoiseVariance[i]) {
						noiseOnly++
					}
				}
			}
			share := float64(covered) / float64(total)
			t.Logf("%.1f%% covered; %.1f%% if the noise were known, %.1f%% without the weights' uncertainty too", 100*share, 100*float64(normal)/float64(total), 100*float64(noiseOnly)/float64(total))
			if share < 0.93 || share > 0.97 {
				t.Errorf("95%% intervals cover %.1f%% of %d states", 100*share, total)
			}
			if c.name == "plain" && float64(normal)/float64(total) > 0.93 {
				t.Error("the degrees of freedom make no difference: the test shows nothing")
			}
		})
	}
}

// From fewer samples than unknowns a prior centred on [I, B] gives far better dynamics
// than one of the same width about zero.
func TestNominalPriorHelps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 9))
	weights := [][]float64{{1, 0.05, 0, 0.02}, {-0.1, 0.95, 0.05, 0}}
	samples := drawn(rng, 3, weights, 0, []float64{0.01, 0.01})
	cfg := dynamics.DefaultBayesianConfig()
	cfg.NoiseVariance, cfg.NoiseCount = []float64{1e-4, 1e-4}, 5
	distance := func(prior *dynamics.WeightPrior) float64 {
		t.Helper()
		post, err := dynamics.FitBayesian(samples, prior, cfg)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, row := range weights {
			for j, w := range row[:3] {
				sum += (post.Dynamics.F[i*3+j] - w) * (post.Dynamics.F[i*3+j] - w)
			}
		}
		return math.Sqrt(sum)
	}
	nominal, err := dynamics.NominalPrior(1, 2, 1, []float64{0, 0.05}, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	zero := &dynamics.WeightPrior{Nominal: lqg.NewDynamics(1, 2, 1), Precision: nominal.Precision}
	if a, b := distance(nominal), distance(zero); a > 0.3*b {
		t.Errorf("F is off by %.3g with the nominal prior, by %.3g with one about zero", a, b)
	}
}

// A noise that is known gives Gaussian intervals of its own width.
func TestKnownNoise(t *testing.T) {
	samples := drawn(rand.New(rand.NewPCG(4, 4)), 2, testWeights, 0, []float64{0.1, 0.2})
	cfg := dynamics.DefaultBayesianConfig()
	cfg.NoiseVariance, cfg.NoiseCount = []float64{0.01, 0.04}, math.Inf(1)
	post, err := dynamics.FitBayesian(samples, correlated(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "noise", post.Dynamics.Cov, []float64{0.01, 0, 0, 0.04}, 0)
	prediction := post.NewPrediction()
	if err := post.Predict(prediction, 0, []float64{0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	low, high := prediction.Interval(1, 0.95)
	if want := 2 * 1.959963984540054 * math.Sqrt(prediction.Variance[1]); math.Abs(high-low-want) > 1e-9 || !math.IsInf(prediction.Freedom[1], 1) {
		t.Errorf("interval of width %v, want %v", high-low, want)
	}
	if n := testing.AllocsPerRun(10, func() { _ = post.Predict(prediction, 0, samples[0].X[:3]) }); n != 0 {
		t.Errorf("Predict allocates %v times", n)
	}
}

func TestFitBayesianRefuses(t *testing.T) {
	good := func() []*rollout.Rollout {
		return drawn(rand.New(rand.NewPCG(6, 6)), 9, testWeights, 1, []float64{0.1, 0.1})
	}
	free := correlated()
	clear(free.Precision)
	constant := good()
	for _, s := range constant {
		s.Action(0)[0] = 2
	}
	broken := good()
	broken[2].State(1)[1] = math.NaN()
	huge := good()
	for _, s := range huge {
		s.State(1)[0] *= 1e300
	}
	lopsided, negative := correlated(), correlated()
	lopsided.Precision[1] = 7
	negative.Precision[0] = -1
	bad := dynamics.DefaultBayesianConfig()
	bad.NoiseCount = 1
	for _, c := range []struct {
		name    string
		samples []*rollout.Rollout
		prior   *dynamics.WeightPrior
		cfg     dynamics.BayesianConfig
		is      error
		says    []string
	}{
		{"none", nil, free, dynamics.DefaultBayesianConfig(), dynamics.ErrTooFewSamples, nil},
		{"as many as unknowns", good()[:4], free, dynamics.DefaultBayesianConfig(), dynamics.ErrTooFewSamples, []string{"time step 0", "state 0", "record more"}},
		{"constant input", constant, free, dynamics.DefaultBayesianConfig(), dynamics.ErrSingular, []string{"time step 0", "9 rollouts", "condition number", "raise the prior's precision"}},
		{"NaN", broken, correlated(), dynamics.DefaultBayesianConfig(), rollout.ErrNotFinite, []string{"rollout 2"}},
		{"overflow", huge, correlated(), dynamics.DefaultBayesianConfig(), dynamics.ErrNotFinite, []string{"time step 0"}},
		{"asymmetric", good(), lopsided, dynamics.DefaultBayesianConfig(), nil, []string{"symmetric"}},
		{"negative", good(), negative, dynamics.DefaultBayesianConfig(), nil, []string{"semi-definite"}},
		{"count without variance", good(), free, bad, nil, []string{"noise variance"}},
	} {
		_, err := dynamics.FitBayesian(c.samples, c.prior, c.cfg)
		if err == nil || (c.is != nil && !errors.Is(err, c.is)) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.is)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%s: %q lacks %q", c.name, err, s)
			}
		}
	}
	// With a prior, or with a belief about the noise, as many samples as unknowns do.
	believed := dynamics.DefaultBayesianConfig()
	believed.NoiseVariance, believed.NoiseCount = []float64{0.01, 0.01}, 3
	if _, err := dynamics.FitBayesian(good()[:4], free, believed); err != nil {
		t.Error(err)
	}
	if _, err := dynamics.FitBayesian(constant, correlated(), dynamics.DefaultBayesianConfig()); err != nil {
		t.Error(err)
	}
	if _, err := dynamics.NominalPrior(1, 2, 1, nil, 0); err == nil {
		t.Error("a prior of deviation 0 was accepted")
	}
}
