package cost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// full is a term whose Hessians have no zeros, none in some rows, or only zeros of both signs.
type full struct{}

func (f full) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	d := r.DX + r.DU
	for i := range dst.L {
		dst.L[i] += weight * r.X[i*r.DX]
		copy(dst.Gradient(i), r.State(i))
		h := dst.Hessian(i)
		for j := range h {
			switch i % 3 {
			case 0:
				h[j] += weight * (r.State(i)[0] + float64(j%d+j/d))
			case 1:
				if j%d > 1 && j/d > 1 {
					h[j] += weight * float64(j%d+j/d)
				}
			default:
				h[j] = math.Copysign(0, float64(j%2)-0.5)
			}
		}
	}
	return nil
}

// The mean in the memory of one expansion has the bits of that over an expansion per rollout,
// and of a matrix product that knows no zeros.
func TestMeanIsQuadraticMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	many := terms(t)
	many["full"] = full{}
	for name, term := range many {
		for _, N := range []int{1, 2, 5} {
			rollouts := make([]*rollout.Rollout, N)
			expansions := make([]*Expansion, N)
			for n := range N {
				rollouts[n], expansions[n] = randomRollout(rng), NewExpansion(testT, testDX, testDU)
				if err := Expand(expansions[n], term, rollouts[n]); err != nil {
					t.Fatal(err)
				}
			}
			want, got := lqg.NewCost(testT, testDX, testDU), lqg.NewCost(testT, testDX, testDU)
			if err := QuadraticMean(want, expansions, rollouts); err != nil {
				t.Fatal(err)
			}
			mean, totals := NewMean(testT, testDX, testDU), make([]float64, N)
			for range 2 { // the second time in used memory
				for i := range got.Quad {
					got.Quad[i] = 7
				}
				if err := mean.Run(context.Background(), got, totals, term, rollouts); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got.Quad, want.Quad) || !slices.Equal(got.Lin, want.Lin) || !slices.Equal(got.Const, want.Const) {
					t.Fatalf("%s, %d rollouts: the means differ", name, N)
				}
			}
			for n, e := range expansions {
				if totals[n] != e.Total() {
					t.Errorf("%s: cost of rollout %d is %v, want %v", name, n, totals[n], e.Total())
				}
			}
			plain := plainMean(expansions, rollouts)
			for i, v := range plain.Quad {
				if math.Abs(v-got.Quad[i]) > 1e-12*(1+math.Abs(v)) {
					t.Fatalf("%s: Q[%d] = %v, want %v", name, i, got.Quad[i], v)
				}
			}
			for i, v := range plain.Lin {
				if math.Abs(v-got.Lin[i]) > 1e-10*(1+math.Abs(v)) {
					t.Fatalf("%s: q[%d] = %v, want %v", name, i, got.Lin[i], v)
				}
			}
		}
	}
}

// plainMean is the quadratic and linear part, by the formula.
func plainMean(expansions []*Expansion, rollouts []*rollout.Rollout) *lqg.Cost {
	c := lqg.NewCost(testT, testDX, testDU)
	d, scale := testDX+testDU, 1/float64(len(expansions))
	for n, e := range expansions {
		for t := range testT {
			y := append(slices.Clone(rollouts[n].State(t)), rollouts[n].Action(t)...)
			for i := range d {
				c.LinAt(t)[i] += scale * e.Gradient(t)[i]
				for j := range d {
					h := e.Hessian(t)[i*d+j]
					c.QuadAt(t)[i*d+j] += scale * h
					c.LinAt(t)[i] -= scale * h * y[j]
				}
			}
		}
	}
	return c
}

// A pattern covers all that it was shown, and its gaps are what it does not cover.
func TestPatternCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for _, d := range []int{1, 2, 7, 8, 33} {
		p := newPattern(d)
		for range 20 {
			p.start(full{}, d, 0)
			seen := make([]bool, d*d)
			for range 5 {
				h := make([]float64, d*d)
				for i := range h {
					h[i] = math.Copysign(0, rng.Float64()-0.5)
				}
				for range rng.IntN(4) {
					i := rng.IntN(len(h))
					h[i], seen[i] = []float64{5e-324, math.NaN(), -1, math.Inf(1)}[rng.IntN(4)], true
				}
				p.cover(h)
				covered := make([]bool, d*d)
				for i := range d {
					for j := p.from[i]; j < p.to[i]; j++ {
						covered[i*d+j] = true
					}
				}
				for _, g := range p.gaps {
					for i := g.from; i < g.to; i++ {
						if covered[i] {
							t.Fatalf("d=%d: element %d is covered and in a gap", d, i)
						}
						covered[i] = true
						if seen[i] {
							t.Fatalf("d=%d: element %d has a number and is in a gap", d, i)
						}
					}
				}
				if slices.Contains(covered, false) {
					t.Fatalf("d=%d: an element is neither covered nor in a gap", d)
				}
			}
		}
	}
}

// What a term says of its pattern is no less than what it writes, and about what it writes.
func TestTermsKeepToTheirPatterns(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	many := terms(t)
	for _, weighted := range [][]Weighted{
		{{1, many["action"]}, {2, Named{"state", many["state/l1/linear"]}}, {3, many["points/all"]}},
		{{1, many["action"]}, {1, full{}}},
		{{1, Named{"full", full{}}}},
	} {
		for _, w := range weighted {
			if n, ok := w.Term.(Named); w.Term == nil || ok && n.Term == nil {
				t.Fatalf("no such term among %v", slices.Collect(maps.Keys(many)))
			}
		}
		many[fmt.Sprint("sum ", len(many))] = must[*Sum](t)(NewSum(weighted...))
	}
	known := 0
	for name, term := range many {
		p := newPattern(testDX + testDU)
		if p.start(term, testDX, testDU); !p.known {
			continue
		}
		known++
		for range 5 {
			e := NewExpansion(testT, testDX, testDU)
			if err := Expand(e, term, randomRollout(rng)); err != nil {
				t.Fatal(err)
			}
			for k := range testT {
				for i, v := range e.Hessian(k) {
					if row, column := i/p.d, i%p.d; v != 0 && (column < p.from[row] || column >= p.to[row]) {
						t.Fatalf("%s: element (%d, %d) of the Hessian at time step %d is %v, not in the pattern", name, row, column, k, v)
					}
				}
			}
		}
	}
	if known < 4 {
		t.Errorf("%d terms know their pattern", known)
	}
}

// A term that does not fit the rollout is refused, wherever its pattern ends.
func TestMeanOfTermThatDoesNotFit(t *testing.T) {
	for _, start := range []int{1, 2, 5, 1 << 40, math.MaxInt} {
		term := must[*State](t)(NewState(DefaultStateConfig(start, []float64{1, 2, 3})))
		err := NewMean(2, 2, 1).Run(context.Background(), lqg.NewCost(2, 2, 1), make([]float64, 1), term, []*rollout.Rollout{rollout.New(2, 2, 1)})
		if !errors.Is(err, ErrShape) {
			t.Errorf("start %d: error %v, want ErrShape", start, err)
		}
	}
}

// faulty fails on, or has a NaN in its Hessian or its value for, a rollout by its first state.
type faulty struct{}

var errFaulty = errors.New("faulty")

func (faulty) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	switch r.X[0] {
	case 1:
		return errFaulty
	case 2:
		dst.Hessian(1)[3] = math.NaN()
	case 3:
		dst.L[0] = math.Inf(1)
	}
	return nil
}

// Whatever is wrong, and wherever it is noticed, the first rollout with a fault is named, as
// by expanding one after the other; and the memory is good for the next run.
func TestMeanBlamesTheFirstRollout(t *testing.T) {
	mean := NewMean(2, 1, 1)
	for name, c := range map[string]struct {
		kinds []float64
		nth   int
		want  error
	}{
		"error":           {[]float64{0, 1}, 1, errFaulty},
		"NaN before one":  {[]float64{0, 2, 1}, 1, ErrNotFinite},
		"infinite before": {[]float64{3, 2, 1}, 0, ErrNotFinite},
		"NaN state":       {[]float64{0, 0, math.NaN(), 1}, 2, ErrNotFinite},
		"nil":             {[]float64{0, -1, 1}, 1, ErrShape},
		"NaN, then nil":   {[]float64{2, -1}, 0, ErrNotFinite},
	} {
		var rollouts []*rollout.Rollout
		for _, kind := range c.kinds {
			r := rollout.New(2, 1, 1)
			if r.X[0] = kind; kind < 0 {
				r = nil
			}
			rollouts = append(rollouts, r)
		}
		dst := lqg.NewCost(2, 1, 1)
		err := mean.Run(context.Background(), dst, make([]float64, len(rollouts)), faulty{}, rollouts)
		alone := Expand(NewExpansion(2, 1, 1), faulty{}, rollouts[c.nth])
		if !errors.Is(err, c.want) || err.Error() != fmt.Sprintf("rollout %d: %v", c.nth, alone) {
			t.Errorf("%s: error %v, want rollout %d: %v", name, err, c.nth, alone)
		}
		good := rollout.New(2, 1, 1)
		good.X[1] = 3
		term := must[*State](t)(NewState(DefaultStateConfig(0, []float64{1})))
		if err := mean.Run(context.Background(), dst, make([]float64, 1), term, []*rollout.Rollout{good}); err != nil {
			t.Fatal(err)
		}
		if want := []float64{1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}; !slices.Equal(dst.Quad, want) {
			t.Errorf("%s: Q afterwards is %v, want %v", name, dst.Quad, want)
		}
	}
}

func TestMeanOverflow(t *testing.T) {
	r := rollout.New(2, 1, 1)
	r.X[1] = 1e200
	term := &hidden{}
	err := NewMean(2, 1, 1).Run(context.Background(), lqg.NewCost(2, 1, 1), make([]float64, 1), term, []*rollout.Rollout{r})
	if !errors.Is(err, ErrNotFinite) || err.Error() != "cost: value is not finite: quadratic cost about 0 at time step 1; lower the weights, or bound the states" {
		t.Errorf("error is %v, want ErrNotFinite at time step 1", err)
	}
}

// hidden has a curvature that its value does not show.
type hidden struct{}

func (*hidden) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	dst.Hessian(1)[0] += weight
	return nil
}

func TestMeanStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := rollout.New(2, 1, 1)
	if err := NewMean(2, 1, 1).Run(ctx, lqg.NewCost(2, 1, 1), make([]float64, 1), faulty{}, []*rollout.Rollout{r}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
}

func TestMeanAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	rollouts := []*rollout.Rollout{randomRollout(rng), randomRollout(rng)}
	mean, dst, totals, ctx := NewMean(testT, testDX, testDU), lqg.NewCost(testT, testDX, testDU), make([]float64, 2), context.Background()
	for name, term := range terms(t) {
		if a := testing.AllocsPerRun(20, func() {
			if err := mean.Run(ctx, dst, totals, term, rollouts); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations, want 0", name, a)
		}
	}
}

// BenchmarkMean expands and averages 20 trajectories of T=100, dX=26, dU=7.
func BenchmarkMean(b *testing.B) {
	var rollouts []*rollout.Rollout
	for range 20 {
		rollouts = append(rollouts, largeRollout())
	}
	mean, dst, totals := NewMean(largeT, largeDX, largeDU), lqg.NewCost(largeT, largeDX, largeDU), make([]float64, 20)
	for name, term := range largeTerms(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := mean.Run(context.Background(), dst, totals, term, rollouts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
