package dynamics_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/internal/vectors"
)

// The regularisation is to go to the diagonal: added to the whole block it would tie
// independent inputs together.
func TestRegularizationOfDiagonal(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(3, 3)), 2000, 1, 0.1)
	// Each coefficient shrinks by its own variance only: sigma^2/(sigma^2 + reg).
	cfg := dynamics.DefaultConfig()
	cfg.Regularization = 1
	got, _, err := dynamics.Fit(samples, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.45, 0.1, 0.05, -0.05, 0.4, 0.25} {
		if math.Abs(got.F[i]-want) > 0.03 {
			t.Errorf("F[%d] is %v, want about %v", i, got.F[i], want)
		}
	}
}

// Where rollouts are exact the noise has no variance of its own: its eigenvalues come up
// to the floor, also in directions across the states, and what was above stays.
func TestNoiseFloorIsOfEigenvalues(t *testing.T) {
	const floor = 1e-3
	rng := rand.New(rand.NewPCG(9, 9))
	samples, _, _ := linear(rng, 40, 1, 0)
	for _, s := range samples {
		// Noise along (1, 1) alone: a diagonal floor would see nothing to raise.
		e := 0.1 * rng.NormFloat64()
		s.State(1)[0] += e
		s.State(1)[1] += e
	}
	cfg := dynamics.DefaultConfig()
	cfg.NoiseFloor = 0
	bare, _, err := dynamics.Fit(samples, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.NoiseFloor = floor
	raised, _, err := dynamics.Fit(samples, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for k := range bare.T {
		low, high := eigenvalues(bare.CovAt(k))
		rlow, rhigh := eigenvalues(raised.CovAt(k))
		if low > 0.1*floor || bare.CovAt(k)[0] < floor {
			t.Fatalf("step %d: noise %v shows nothing", k, bare.CovAt(k))
		}
		if math.Abs(rlow-floor) > 1e-9 || math.Abs(rhigh-high) > 1e-9 {
			t.Errorf("step %d: eigenvalues %.6g and %.6g raised to %.6g and %.6g, floor %g", k, low, high, rlow, rhigh, floor)
		}
	}
	if !slices.Equal(bare.F, raised.F) {
		t.Error("the floor changed F")
	}
	// A floor below all eigenvalues changes nothing.
	noisy, _, _ := linear(rng, 40, 1, 0.5)
	cfg.NoiseFloor = 0
	a, _, _ := dynamics.Fit(noisy, nil, cfg)
	cfg.NoiseFloor = floor
	if b, _, _ := dynamics.Fit(noisy, nil, cfg); !slices.Equal(a.Cov, b.Cov) {
		t.Error("noise above the floor was changed")
	}
}

// eigenvalues of a symmetric 2 x 2 matrix.
func eigenvalues(a []float64) (low, high float64) {
	middle, radius := (a[0]+a[3])/2, math.Hypot((a[0]-a[3])/2, a[1])
	return middle - radius, middle + radius
}

// A covariance above the regularisation is left as it is when eigenvalues are lifted.
func TestLiftedEigenvalues(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(10, 10)), 50, 1, 0.1)
	fit := func(rule dynamics.Regularizer, reg float64) *lqg.Dynamics {
		t.Helper()
		cfg := dynamics.DefaultConfig()
		cfg.Regularizer, cfg.Regularization = rule, reg
		got, _, err := dynamics.Fit(samples, nil, cfg)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if !slices.Equal(fit(dynamics.LiftEigenvalues, 1e-2).F, fit(dynamics.AddDiagonal, 0).F) {
		t.Error("eigenvalues above the regularisation were lifted")
	}
	// The input covariance is near I: lifting its smallest eigenvalue s to 2 is to add
	// 2-s to the diagonal.
	points := make([]float64, 0, 150)
	for _, s := range samples {
		points = append(append(points, s.State(0)...), s.Action(0)...)
	}
	inputs, err := dynamics.FitStates(points, 3)
	if err != nil {
		t.Fatal(err)
	}
	a := mat.NewSymDense(3, nil)
	for i := range 3 {
		for j := range i + 1 {
			a.SetSym(i, j, inputs.Cov[i*3+j]*49/50)
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(a, false) {
		t.Fatal("no eigenvalues")
	}
	smallest := eigen.Values(nil)[0]
	vectors.Close(t, "F", fit(dynamics.LiftEigenvalues, 2).F, fit(dynamics.AddDiagonal, 2-smallest).F, 1e-12)
}
