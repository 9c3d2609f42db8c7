package dynamics_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Of several time steps that fail the lowest is named, whoever comes to it first.
func TestFitNamesTheLowestStep(t *testing.T) {
	const T, first = 60, 23
	samples, _, _ := linear(rand.New(rand.NewPCG(4, 5)), 20, T, 0.1)
	for _, s := range samples {
		for k := first; k < T; k += 1 + k%2 {
			s.Action(k)[0] = 0.3*s.State(k)[0] - 0.7*s.State(k)[1]
		}
	}
	cfg := dynamics.DefaultConfig()
	cfg.Regularization = 0
	want := ""
	for range 5 {
		for _, workers := range []int{1, 2, 3, 5, 0} {
			cfg.Workers = workers
			_, _, err := dynamics.Fit(samples, nil, cfg)
			if !errors.Is(err, dynamics.ErrSingular) || !strings.Contains(err.Error(), fmt.Sprintf("time step %d,", first)) {
				t.Fatalf("%d workers: error %v, want of time step %d", workers, err, first)
			}
			if want == "" {
				want = err.Error()
			}
			if err.Error() != want {
				t.Errorf("%d workers: error %q, want %q", workers, err, want)
			}
		}
	}
	cfg.Workers = -1
	if _, _, err := dynamics.Fit(samples, nil, cfg); err == nil || !strings.Contains(err.Error(), "-1 workers") {
		t.Errorf("-1 workers: error %v", err)
	}
	bayesian := dynamics.DefaultBayesianConfig()
	bayesian.Workers = -1
	if _, err := dynamics.FitBayesian(samples, nil, bayesian); err == nil || !strings.Contains(err.Error(), "-1 workers") {
		t.Errorf("-1 workers: error %v", err)
	}
}

// exclusive is a prior with a workspace: no two calls of At may be under way at once.
type exclusive struct {
	*dynamics.NIW
	busy  atomic.Int32
	forks *atomic.Int32
}

func (p *exclusive) At(dst *dynamics.NIW, t int, points []float64) error {
	if p.busy.Add(1) != 1 {
		return errors.New("two calls of At at once")
	}
	defer p.busy.Add(-1)
	return p.NIW.At(dst, t, points)
}

func (p *exclusive) Fork() dynamics.Prior {
	p.forks.Add(1)
	return &exclusive{NIW: p.NIW, forks: p.forks}
}

// Every worker has a prior of its own.
func TestFitForksPriors(t *testing.T) {
	const workers = 4
	samples, _, _ := linear(rand.New(rand.NewPCG(4, 6)), 4, 200, 0.1)
	prior := &exclusive{NIW: wishart(rand.New(rand.NewPCG(1, 1)), 5), forks: new(atomic.Int32)}
	cfg := dynamics.DefaultConfig()
	cfg.Workers = workers
	if _, _, err := dynamics.Fit(samples, prior, cfg); err != nil {
		t.Fatal(err)
	}
	if got := prior.forks.Load(); got != workers-1 {
		t.Errorf("%d forks for %d workers", got, workers)
	}
}

// What a prior of another size panics with reaches the caller.
func TestFitPassesPanicsOn(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(4, 7)), 4, 30, 0.1)
	for name, prior := range map[string]dynamics.Prior{"constant": wishart(rand.New(rand.NewPCG(1, 1)), 4), "other": steps(make([]*dynamics.NIW, 30)).fill(4)} {
		for _, workers := range []int{1, 3} {
			func() {
				defer func() {
					if got := fmt.Sprint(recover()); !strings.Contains(got, "prior over 4 dimensions, transitions have 5") {
						t.Errorf("%s, %d workers: panic %q", name, workers, got)
					}
				}()
				cfg := dynamics.DefaultConfig()
				cfg.Workers = workers
				_, _, _ = dynamics.Fit(samples, prior, cfg)
			}()
		}
	}
}

func (s steps) fill(D int) steps {
	for i := range s {
		s[i] = wishart(rand.New(rand.NewPCG(1, 1)), D)
	}
	return s
}

// A Fitter gives what Fit gives, for one set of rollouts after the other, with warnings of
// their own, also after it failed.
func TestFitterFitsAgain(t *testing.T) {
	const T, dX, dU = 11, 9, 2
	cfg := dynamics.DefaultConfig()
	cfg.Workers = 2
	f, err := dynamics.NewFitter(cfg, T, dX, dU)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	got := lqg.NewDynamics(T, dX, dU)
	prior := wishart(rand.New(rand.NewPCG(1, 1)), 2*dX+dU)
	for i, n := range []int{20, 4, 30, 1, 4, 5} {
		samples := random(n, T, dX, dU)
		if n == 30 {
			samples[7].X[3] = 1e200
		}
		var source dynamics.Prior
		if i == 5 {
			source = prior
		}
		want, report, wantErr := dynamics.Fit(samples, source, cfg)
		gotReport, err := f.Fit(got, samples, source)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || (err == nil) != (n != 30 && n != 1) {
			t.Fatalf("%d rollouts: error %v, want %v", n, err, wantErr)
		}
		if err != nil {
			continue
		}
		if fmt.Sprint(gotReport.Warnings) != fmt.Sprint(report.Warnings) || (len(report.Warnings) > 0) != (n == 4) {
			t.Errorf("%d rollouts: warnings %q, want %q", n, gotReport.Warnings, report.Warnings)
		}
		if fmt.Sprint(got.F, got.Bias, got.Cov) != fmt.Sprint(want.F, want.Bias, want.Cov) {
			t.Errorf("%d rollouts: another fit", n)
		}
	}
	cfg.Strength = 0
	if _, err := dynamics.NewFitter(cfg, T, dX, dU); err == nil {
		t.Error("a strength of 0 was accepted")
	}
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "T=11 dX=9 dU=2, rollouts of T=11 dX=9 dU=3") {
			t.Errorf("panic %q", got)
		}
	}()
	_, _ = f.Fit(got, random(20, T, dX, dU+1), nil)
}

// A Fitter without a prior allocates nothing; and no fit allocates per time step.
func TestFitDoesNotAllocatePerStep(t *testing.T) {
	const dX, dU = 9, 2
	for _, n := range []int{4, 20} { // the first has null eigenvalues of noise to raise
		long, short := random(n, 100, dX, dU), random(n, 50, dX, dU)
		f, err := dynamics.NewFitter(dynamics.DefaultConfig(), 100, dX, dU)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Stop()
		dyn := lqg.NewDynamics(100, dX, dU)
		if got := testing.AllocsPerRun(5, func() {
			if _, err := f.Fit(dyn, long, nil); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("%d rollouts: a Fitter allocates %v times", n, got)
		}
		for name, prior := range map[string]dynamics.Prior{"none": nil, "constant": wishart(rand.New(rand.NewPCG(1, 1)), 2*dX+dU), "mixture": mixed(t, long),
			"other": &exclusive{NIW: wishart(rand.New(rand.NewPCG(1, 1)), 2*dX+dU), forks: new(atomic.Int32)}} {
			for _, workers := range []int{1, 2} {
				allocs := func(samples []*rollout.Rollout) float64 {
					cfg := dynamics.DefaultConfig()
					cfg.Workers = workers
					return testing.AllocsPerRun(5, func() {
						if _, _, err := dynamics.Fit(samples, prior, cfg); err != nil {
							t.Fatal(err)
						}
					})
				}
				// Which worker meets the first null space is a matter of chance, so both may.
				if of50, of100 := allocs(short), allocs(long); of100 > of50+float64(10*workers) {
					t.Errorf("%d rollouts, prior %s, %d workers: %v allocations of 100 steps, %v of 50", n, name, workers, of100, of50)
				}
			}
		}
	}
}

// The Bayesian fit too gives the same bits for any number of workers.
func TestBayesianWorkersChangeNothing(t *testing.T) {
	samples := random(20, 13, 4, 2)
	cfg := dynamics.DefaultBayesianConfig()
	want := ""
	for _, workers := range []int{1, 2, 3, 5, 0} {
		cfg.Workers = workers
		post, err := dynamics.FitBayesian(samples, nil, cfg)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(post.Dynamics, post.NoiseVariance, post.Freedom)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d workers: another posterior", workers)
		}
	}
}
