package cost

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// fill sets the block of an expansion's Hessian at step 0 with the given members.
func fill(e *Expansion, members []int, block *mat.SymDense) {
	d := e.DX + e.DU
	for a, i := range members {
		for b, j := range members {
			e.Hessian(0)[i*d+j] = block.At(a, b)
		}
	}
}

// symmetricOf returns Q diag(values) Q' with a random orthonormal Q.
func symmetricOf(rng *rand.Rand, values []float64) *mat.SymDense {
	n := len(values)
	var qr mat.QR
	qr.Factorize(mat.NewDense(n, n, random(rng, n*n)))
	var q, product mat.Dense
	qr.QTo(&q)
	product.Mul(&q, mat.NewDiagDense(n, values))
	product.Mul(&product, q.T())
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			s.SetSym(i, j, product.At(i, j))
		}
	}
	return s
}

// TestProjectionIsNearest: negative eigenvalues become 0 and the others stay, and no
// other positive semi-definite matrix is nearer.
func TestProjectionIsNearest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for k := range 50 {
		dX, dU := 1+rng.IntN(6), 1+rng.IntN(3)
		d := dX + dU
		members := rng.Perm(d)[:1+rng.IntN(d)]
		values, clipped := random(rng, len(members)), make([]float64, d)
		for i, v := range values {
			clipped[i] = max(v, 0)
		}
		e := NewExpansion(1, dX, dU)
		before := symmetricOf(rng, values)
		fill(e, members, before)
		old := slices.Clone(e.Lyy)
		if err := NewProjection(dX, dU).Apply(e); err != nil {
			t.Fatal(err)
		}
		var eigen mat.EigenSym
		eigen.Factorize(mat.NewSymDense(d, e.Lyy), false)
		slices.Sort(clipped)
		vectors.Close(t, fmt.Sprint("eigenvalues ", k), eigen.Values(nil), clipped, 1e-13)
		distance := func(a []float64) float64 {
			sum := 0.0
			for i, v := range a {
				sum += (v - old[i]) * (v - old[i])
			}
			return math.Sqrt(sum)
		}
		nearest := distance(e.Lyy)
		for range 50 {
			// Any positive semi-definite matrix: a factor near the result's times its transpose.
			sqrt := root(e.Lyy, d)
			var a mat.Dense
			for i := range d {
				for j := range d {
					sqrt.Set(i, j, sqrt.At(i, j)+0.1*rng.NormFloat64())
				}
			}
			a.Mul(sqrt, sqrt.T())
			if other := distance(a.RawMatrix().Data); other < nearest-1e-12 {
				t.Errorf("a matrix at distance %v is nearer than the projection's %v", other, nearest)
			}
		}
	}
}

// root returns R with R R' = a, for a positive semi-definite up to rounding.
func root(a []float64, d int) *mat.Dense {
	var eigen mat.EigenSym
	eigen.Factorize(mat.NewSymDense(d, slices.Clone(a)), true)
	var q, r mat.Dense
	eigen.VectorsTo(&q)
	values := eigen.Values(nil)
	for i, v := range values {
		values[i] = math.Sqrt(max(v, 0))
	}
	r.Mul(&q, mat.NewDiagDense(d, values))
	return &r
}

// TestProjectionKeeps: what is positive semi-definite keeps its very bits, singular
// blocks and blocks beside an indefinite one included.
func TestProjectionKeeps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const dX, dU, d = 6, 3, 9
	p := NewProjection(dX, dU)
	for range 20 {
		e := NewExpansion(1, dX, dU)
		fill(e, []int{0, 3, 8}, symmetricOf(rng, []float64{1, 2, 1e-9}))
		fill(e, []int{1, 4}, symmetricOf(rng, []float64{3, -1}))
		column := random(rng, 3) // rank 1
		outer := mat.NewSymDense(3, nil)
		outer.SymOuterK(2, mat.NewDense(3, 1, column))
		fill(e, []int{2, 5, 6}, outer)
		e.Hessian(0)[7*d+7] = -4
		old := slices.Clone(e.Lyy)
		if err := p.Apply(e); err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{0, 3, 8, 2, 5, 6} {
			if !slices.Equal(e.Lyy[i*d:(i+1)*d], old[i*d:(i+1)*d]) {
				t.Errorf("row %d of a positive semi-definite block changed", i)
			}
		}
		if e.Hessian(0)[7*d+7] != 0 {
			t.Errorf("-4 became %v, want 0", e.Hessian(0)[7*d+7])
		}
		once := slices.Clone(e.Lyy)
		if err := p.Apply(e); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(e.Lyy, once) {
			t.Error("a second projection changes the first")
		}
	}
}

// TestConvex: the log penalty far from its target is indefinite; wrapped, value and
// gradient stay and the Hessian is the nearest one.
func TestConvex(t *testing.T) {
	c := DefaultStateConfig(0, []float64{0, 0, 0})
	c.Penalty = Penalty{Log: 2, LogAlpha: 0.01}
	term := must[*State](t)(NewState(c))
	convex := must[*Convex](t)(NewConvex(term))
	for _, T := range []int{3, 1, 3} {
		r := rollout.New(T, 4, 1)
		for i := range r.X {
			r.X[i] = 1 + float64(i)/10
		}
		plain, wrapped := NewExpansion(T, 4, 1), NewExpansion(T, 4, 1)
		for dst, term := range map[*Expansion]Term{plain: term, wrapped: convex} {
			if err := Expand(dst, term, r); err != nil {
				t.Fatal(err)
			}
		}
		vectors.Close(t, "l", wrapped.L, plain.L, 0)
		vectors.Close(t, "l_y", wrapped.Ly, plain.Ly, 0)
		var eigen mat.EigenSym
		eigen.Factorize(mat.NewSymDense(5, slices.Clone(plain.Hessian(0))), false)
		if low := eigen.Values(nil)[0]; low > -0.1 {
			t.Fatalf("smallest eigenvalue is %v: the case tests nothing", low)
		}
		if err := NewProjection(4, 1).Apply(plain); err != nil {
			t.Fatal(err)
		}
		vectors.Close(t, "l_yy", wrapped.Lyy, plain.Lyy, 0)
	}
}

func TestProjectionErrors(t *testing.T) {
	e := NewExpansion(2, 2, 1)
	e.Hessian(1)[4] = math.NaN()
	err := NewProjection(2, 1).Apply(e)
	if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "Hessian element (1, 1) at time step 1 is NaN") {
		t.Errorf("error is %v, want the element and the time step", err)
	}
	huge := NewExpansion(1, 2, 1)
	copy(huge.Lyy, []float64{math.MaxFloat64, math.MaxFloat64, 0, math.MaxFloat64, -math.MaxFloat64, 0, 0, 0, 0})
	if err := NewProjection(2, 1).Apply(huge); err == nil && dense.FirstNotFinite(huge.Lyy) >= 0 {
		t.Error("projection of huge values is not finite, without an error")
	}
	defer func() {
		if recover() == nil {
			t.Error("sizes that do not fit: no panic")
		}
	}()
	_ = NewProjection(2, 2).Apply(e)
}
