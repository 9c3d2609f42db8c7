package algorithm_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Several iterations over several conditions, whose one term is shared, have the same bits for
// every number of workers: controllers, priors, models and reports.
func TestWorkersChangeNothing(t *testing.T) {
	t.Parallel()
	const conditions, iterations = 3, 3
	type step struct {
		state  *algorithm.State
		report *algorithm.Report
	}
	for _, eachStep := range []bool{false, true} {
		var want []step
		for _, workers := range []int{1, 2, 3, 7} {
			arms := make([]*arm, conditions)
			var controllers []*lqg.Controller
			var costs []cost.Term
			for m := range arms {
				arms[m] = newArm(t, 0, []float64{(0.5 + 0.25*float64(m)) * math.Pi, 0.5 * math.Pi * float64(m-1)}, 0.1)
				controllers, costs = append(controllers, arms[m].controller), append(costs, arms[0].cost)
			}
			cfg := algorithm.DefaultTrajOptConfig()
			cfg.KLStep, cfg.Step.Max, cfg.Workers, cfg.BoundEachStep = 1, 100, workers, eachStep
			a, err := algorithm.NewTrajOpt(cfg, costs)
			if err != nil {
				t.Fatal(err)
			}
			state := algorithm.NewState(4, 1, controllers)
			var got []step
			for range iterations {
				drawn := make([][]*rollout.Rollout, conditions)
				for m := range drawn {
					for n := range samples {
						drawn[m] = append(drawn[m], arms[m].sample(state.Conditions[m].Controller, algorithm.NoiseSeed(state.Seed, state.Iteration+1, m, n)))
					}
				}
				next, report, err := a.Iterate(context.Background(), state, drawn)
				if err != nil {
					t.Fatal(err)
				}
				state, got = next, append(got, step{next, report})
			}
			if want == nil {
				want = got
			}
			for i := range got {
				if !reflect.DeepEqual(got[i], want[i]) {
					t.Fatalf("bound each step %v, %d workers: iteration %d is not that of one worker", eachStep, workers, i+1)
				}
			}
		}
	}
}

// sharedPoints is a Kinematics with workspace that conditions share: the race detector and
// the flag see two goroutines in it.
type sharedPoints struct {
	t     *testing.T
	inUse bool
	work  [2]float64
}

func (s *sharedPoints) Dims() (joints, coordinates int) { return 1, 1 }

func (s *sharedPoints) enter(q []float64) {
	if s.inUse {
		s.t.Error("two conditions expand their costs at once")
	}
	s.inUse = true
	s.work[0] = q[0]
	runtime.Gosched()
	s.inUse = false
}

func (s *sharedPoints) Points(dst, q []float64)   { s.enter(q); dst[0] = s.work[0] }
func (s *sharedPoints) Jacobian(dst, q []float64) { s.enter(q); dst[0] = 1 }

// plain is a problem of many small conditions, with samples that are noise.
func plain(conditions int) (*algorithm.State, [][]*rollout.Rollout) {
	const T, dX, dU, N = 4, 2, 1, 6
	var controllers []*lqg.Controller
	all := make([][]*rollout.Rollout, conditions)
	for m := range conditions {
		c := lqg.NewController(T, dX, dU)
		for i := range c.Chol {
			c.Chol[i] = 1
		}
		controllers = append(controllers, c)
		for n := range N {
			r := rollout.New(T, dX, dU)
			for i := range r.X {
				r.X[i] = math.Sin(float64(7*m + 3*n*n + 5*i))
			}
			for i := range r.U {
				r.U[i] = math.Cos(float64(2*m + 11*n + i*i))
			}
			all[m] = append(all[m], r)
		}
	}
	return algorithm.NewState(1, 1, controllers), all
}

// newPlain returns the algorithm for the same term in all conditions, or one for each.
func newPlain(t *testing.T, workers int, terms ...cost.Term) *algorithm.TrajOpt {
	t.Helper()
	cfg := algorithm.DefaultTrajOptConfig()
	cfg.Workers, cfg.UsePrior = workers, false
	a, err := algorithm.NewTrajOpt(cfg, terms)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func repeat(term cost.Term, n int) []cost.Term {
	list := make([]cost.Term, n)
	for i := range list {
		list[i] = term
	}
	return list
}

// Terms that are not the same but share their kinematics are not used at once either.
func TestConditionsMayShareKinematics(t *testing.T) {
	const conditions = 24
	shared := &sharedPoints{t: t}
	var terms []cost.Term
	for range conditions {
		term, err := cost.NewPoints(cost.DefaultPointsConfig([]float64{1}), shared)
		if err != nil {
			t.Fatal(err)
		}
		terms = append(terms, term)
	}
	state, all := plain(conditions)
	if _, _, err := newPlain(t, 8, terms...).Iterate(context.Background(), state, all); err != nil {
		t.Fatal(err)
	}
}

// watch calls a function whenever a cost is expanded.
type watch struct{ see func(r *rollout.Rollout) }

func (w watch) Add(dst *cost.Expansion, weight float64, r *rollout.Rollout) error {
	for t := range dst.T {
		for i := range r.DX + r.DU {
			dst.Hessian(t)[i*(r.DX+r.DU+1)] += weight
		}
	}
	w.see(r)
	return nil
}

// No more goroutines than workers are at work, the caller's among them, and none is left.
func TestWorkersBoundGoroutines(t *testing.T) {
	const conditions = 6
	state, all := plain(conditions)
	before := runtime.NumGoroutine()
	for _, workers := range []int{1, 2, 4, 50} {
		// A goroutine that was joined may still be on its last instructions.
		for tries := 0; runtime.NumGoroutine() > before && tries < 1000; tries++ {
			time.Sleep(time.Millisecond)
		}
		most := 0
		see := watch{func(*rollout.Rollout) { most = max(most, runtime.NumGoroutine()) }}
		if _, _, err := newPlain(t, workers, repeat(see, conditions)...).Iterate(context.Background(), state, all); err != nil {
			t.Fatal(err)
		}
		if most > before+workers-1 {
			t.Errorf("%d workers: %d goroutines, %d before", workers, most, before)
		}
	}
}

// Of several conditions that fail, the first is named, whatever fails and whoever is first.
func TestFirstConditionsErrorIsReturned(t *testing.T) {
	const conditions = 9
	term := watch{func(*rollout.Rollout) {}}
	for _, workers := range []int{1, 2, 3, 7} {
		for range 10 {
			state, all := plain(conditions)
			for _, m := range []int{2, 3, 5, 8} {
				all[m][1].State(3)[0] = math.NaN()
			}
			all[2][1] = nil
			next, report, err := newPlain(t, workers, repeat(term, conditions)...).Iterate(context.Background(), state, all)
			if !errors.Is(err, algorithm.ErrSamples) || !strings.HasPrefix(err.Error(), "iteration 1, condition 2: ") || next != nil || report != nil {
				t.Fatalf("%d workers: error %v, state %v, report %v", workers, err, next, report)
			}
		}
	}
}

// A cancelled context ends an iteration, before it begins or in the midst of a condition.
func TestIterateHonoursItsContext(t *testing.T) {
	const conditions = 5
	for _, workers := range []int{1, 3} {
		for after := range 12 {
			ctx, cancel := context.WithCancel(context.Background())
			seen := 0
			term := watch{func(*rollout.Rollout) {
				if seen++; seen == after {
					cancel()
				}
			}}
			if after == 0 {
				cancel()
			}
			state, all := plain(conditions)
			next, _, err := newPlain(t, workers, repeat(term, conditions)...).Iterate(ctx, state, all)
			if !errors.Is(err, context.Canceled) || next != nil {
				t.Errorf("%d workers, cancelled at the cost of rollout %d: error %v", workers, after, err)
			}
			if seen > after {
				t.Errorf("%d workers, cancelled at the cost of rollout %d: %d were expanded", workers, after, seen)
			}
			cancel()
		}
	}
}

// What a term panics with reaches the caller, and the algorithm goes on to work.
func TestPanicReachesTheCaller(t *testing.T) {
	const conditions = 4
	for _, workers := range []int{1, 3} {
		trouble := errors.New("trouble")
		state, all := plain(conditions)
		bad := all[1][0]
		a := newPlain(t, workers, repeat(watch{func(r *rollout.Rollout) {
			if r == bad {
				panic(trouble)
			}
		}}, conditions)...)
		func() {
			defer func() {
				if v := recover(); v != any(trouble) {
					t.Errorf("%d workers: the caller hears %v", workers, v)
				}
			}()
			_, _, _ = a.Iterate(context.Background(), state, all)
		}()
		all[1] = all[0]
		if _, _, err := a.Iterate(context.Background(), state, all); err != nil {
			t.Errorf("%d workers: %v after a panic", workers, err)
		}
	}
}

func TestWorkersMustNotBeNegative(t *testing.T) {
	cfg := algorithm.DefaultTrajOptConfig()
	cfg.Workers = -1
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "workers is -1") {
		t.Errorf("error is %v", err)
	}
}
