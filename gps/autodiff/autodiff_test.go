package autodiff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/internal/vectors"
)

// derivatives returns value, gradient and Hessian of a recorded function.
func derivatives(f func([]Var) Var, y []float64) (v float64, g, h []float64) {
	tape, in := NewTape(), make([]Var, len(y))
	tape.Inputs(in, y)
	out := f(in)
	g, h = make([]float64, len(y)), make([]float64, len(y)*len(y))
	tape.AddHessian(out, 1, g, h)
	return out.Value(), g, h
}

// unaries are the operations on one argument, with the interval they are tested in.
var unaries = []struct {
	op       Op
	from, to float64
}{
	{OpNeg, -2, 2}, {OpSquare, -2, 2}, {OpSqrt, 0.2, 3}, {OpExp, -2, 2}, {OpLog, 0.2, 3}, {OpSin, -4, 4}, {OpCos, -4, 4},
	{OpTan, -1.2, 1.2}, {OpAsin, -0.8, 0.8}, {OpAcos, -0.8, 0.8}, {OpAtan, -3, 3}, {OpSinh, -2, 2}, {OpCosh, -2, 2},
	{OpTanh, -3, 3}, {OpLogCosh, -3, 3}, {OpAbs, -2, 2},
}

var binaries = []Op{OpAdd, OpSub, OpMul, OpDiv, OpPow, OpAtan2, OpMax, OpMin}

// do carries out an operation on any scalar.
func do[S Scalar[S]](op Op, a, b S) S {
	switch op {
	case OpAdd:
		return a.Add(b)
	case OpSub:
		return a.Sub(b)
	case OpMul:
		return a.Mul(b)
	case OpDiv:
		return a.Div(b)
	case OpPow:
		return a.Pow(b)
	case OpAtan2:
		return a.Atan2(b)
	case OpMax:
		return a.Max(b)
	case OpMin:
		return a.Min(b)
	case OpNeg:
		return a.Neg()
	case OpSquare:
		return a.Square()
	case OpSqrt:
		return a.Sqrt()
	case OpExp:
		return a.Exp()
	case OpLog:
		return a.Log()
	case OpSin:
		return a.Sin()
	case OpCos:
		return a.Cos()
	case OpTan:
		return a.Tan()
	case OpAsin:
		return a.Asin()
	case OpAcos:
		return a.Acos()
	case OpAtan:
		return a.Atan()
	case OpSinh:
		return a.Sinh()
	case OpCosh:
		return a.Cosh()
	case OpTanh:
		return a.Tanh()
	case OpLogCosh:
		return a.LogCosh()
	case OpAbs:
		return a.Abs()
	}
	panic(op)
}

// TestOperations compares every operation with hyper-dual numbers: of one variable, of
// two, of a variable and a constant, and of a variable with itself.
func TestOperations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		for _, u := range unaries {
			x := u.from + (u.to-u.from)*rng.Float64()
			compare(t, fmt.Sprint("unary ", u.op), []float64{x},
				func(y []Var) Var { return do(u.op, y[0], y[0]) },
				func(y []hyper) hyper { return do(u.op, y[0], y[0]) },
				func(y []Real) Real { return do(u.op, y[0], y[0]) })
		}
		for _, op := range binaries {
			y := []float64{0.3 + 2*rng.Float64(), 0.3 + 2*rng.Float64()}
			compare(t, fmt.Sprint("binary ", op), y,
				func(y []Var) Var { return do(op, y[0], y[1]) },
				func(y []hyper) hyper { return do(op, y[0], y[1]) },
				func(y []Real) Real { return do(op, y[0], y[1]) })
			compare(t, fmt.Sprint("constant first ", op), y,
				func(y []Var) Var { return do(op, y[0].Const(1.7), y[1]) },
				func(y []hyper) hyper { return do(op, y[0].Const(1.7), y[1]) },
				func(y []Real) Real { return do(op, y[0].Const(1.7), y[1]) })
			compare(t, fmt.Sprint("constant second ", op), y,
				func(y []Var) Var { return do(op, y[0], y[0].Const(-1.3)) },
				func(y []hyper) hyper { return do(op, y[0], y[0].Const(-1.3)) },
				func(y []Real) Real { return do(op, y[0], y[0].Const(-1.3)) })
			compare(t, fmt.Sprint("same ", op), y,
				func(y []Var) Var { s := y[0].Mul(y[1]); return do(op, s, s) },
				func(y []hyper) hyper { s := y[0].Mul(y[1]); return do(op, s, s) },
				func(y []Real) Real { s := y[0].Mul(y[1]); return do(op, s, s) })
		}
		y := []float64{0.3 + rng.Float64()}
		for _, p := range []float64{-1.5, -1, 0, 0.5, 1, 2, 3, 4.2} {
			compare(t, fmt.Sprint("power ", p), y,
				func(y []Var) Var { return y[0].PowConst(p).Scale(3) },
				func(y []hyper) hyper { return y[0].PowConst(p).Scale(3) },
				func(y []Real) Real { return y[0].PowConst(p).Scale(3) })
		}
	}
}

// compare compares a function's tape with its hyper-dual numbers and its value.
func compare(t *testing.T, name string, y []float64, f func([]Var) Var, reference func([]hyper) hyper, plain func([]Real) Real) {
	t.Helper()
	v, g, h := derivatives(f, y)
	in := make([]Real, len(y))
	for i, e := range y {
		in[i] = Real(e)
	}
	wv, wg, wh := hyperDerivatives(reference, y)
	vectors.Close(t, name+": value", []float64{v, v}, []float64{wv, float64(plain(in))}, 1e-13)
	vectors.Close(t, name+": gradient", g, wg, 1e-12)
	vectors.Close(t, name+": Hessian", h, wh, 1e-11)
}

// random is a random function of n inputs: every line is an operation on earlier ones.
type random struct {
	n     int
	lines []line
}

type line struct {
	op   Op
	a, b int
	c    float64
}

func newRandom(rng *rand.Rand, n, lines int) random {
	f := random{n: n}
	for i := range lines {
		l := line{a: rng.IntN(n + i), b: rng.IntN(n + i), c: rng.NormFloat64()}
		if rng.IntN(2) == 0 {
			l.op = []Op{OpAdd, OpSub, OpMul, OpDiv, OpAtan2, OpMax, OpMin}[rng.IntN(7)]
		} else {
			l.op = []Op{OpSin, OpCos, OpTanh, OpSquare, OpSqrt, OpExp, OpLogCosh, OpAbs, OpAtan, OpNeg}[rng.IntN(10)]
		}
		f.lines = append(f.lines, l)
	}
	return f
}

// run keeps all values tame: roots and quotients get arguments away from 0.
func run[S Scalar[S]](f random, y []S) S {
	v := append([]S(nil), y...)
	for _, l := range f.lines {
		a, b := v[l.a], v[l.b]
		switch l.op {
		case OpDiv:
			b = b.Square().AddConst(1)
		case OpAtan2:
			b = b.Square().AddConst(0.5)
		case OpSqrt:
			a = a.Square().AddConst(0.3)
		case OpExp:
			a = a.Tanh()
		}
		v = append(v, do(l.op, a, b).AddConst(l.c).Sin().Scale(2))
	}
	return Sum(v[f.n:])
}

// build is run on a Builder.
func build(b *Builder, f random) Ref {
	var v []Ref
	for i := range f.n {
		v = append(v, b.Input(i))
	}
	sum := b.Const(0)
	for _, l := range f.lines {
		x, y := v[l.a], v[l.b]
		square := func(r Ref, c float64) Ref { return b.Apply(OpAdd, b.Apply(OpPow, r, b.Const(2)), b.Const(c)) }
		switch l.op {
		case OpDiv:
			y = square(y, 1)
		case OpAtan2:
			y = square(y, 0.5)
		case OpSqrt:
			x = square(x, 0.3)
		case OpExp:
			x = b.Apply(OpTanh, x)
		}
		r := Ref(0)
		if l.op.Arguments() == 2 {
			r = b.Apply(l.op, x, y)
		} else {
			r = b.Apply(l.op, x)
		}
		r = b.Apply(OpMul, b.Const(2), b.Apply(OpSin, b.Apply(OpAdd, r, b.Const(l.c))))
		v = append(v, r)
		sum = b.Apply(OpAdd, sum, r)
	}
	return sum
}

// TestRandomFunctions compares tape and program with hyper-dual numbers, and the tape
// with central differences.
func TestRandomFunctions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for k := range 150 {
		n := 1 + rng.IntN(5)
		f := newRandom(rng, n, 1+rng.IntN(14))
		y := make([]float64, n)
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		name := fmt.Sprint("function ", k)
		record := func(y []Var) Var { return run(f, y) }
		v, g, h := derivatives(record, y)
		wv, wg, wh := hyperDerivatives(func(y []hyper) hyper { return run(f, y) }, y)
		scale := 1.0
		for _, e := range wh {
			scale = max(scale, math.Abs(e))
		}
		vectors.Close(t, name+": value", []float64{v}, []float64{wv}, 1e-11*scale)
		vectors.Close(t, name+": gradient", g, wg, 1e-11*scale)
		vectors.Close(t, name+": Hessian", h, wh, 1e-11*scale)

		b := NewBuilder(n, 0)
		p, err := b.Build(build(b, f))
		if err != nil {
			t.Fatal(err)
		}
		pg, ph := make([]float64, n), make([]float64, n*n)
		copy(p.Inputs(), y)
		pv := p.Run()
		p.AddHessian(1, pg, ph)
		vectors.Close(t, name+": program's value", []float64{pv}, []float64{v}, 1e-12*scale)
		vectors.Close(t, name+": program's gradient", pg, g, 1e-12*scale)
		vectors.Close(t, name+": program's Hessian", ph, h, 1e-12*scale)

		tape, in := NewTape(), make([]Var, n)
		first := make([]float64, n)
		tape.Inputs(in, y)
		tape.AddGradient(record(in), 1, first)
		vectors.Close(t, name+": first order alone", first, g, 1e-13*scale)

		// Differences of the gradient across a kink of abs, max or min are none.
		if smooth(f) {
			const step = 1e-5
			for i := range n {
				old := y[i]
				y[i] = old + step
				hv, hg, _ := derivatives(record, y)
				y[i] = old - step
				lv, lg, _ := derivatives(record, y)
				y[i] = old
				vectors.Close(t, name+": difference", []float64{(hv - lv) / (2 * step)}, g[i:i+1], 1e-6*scale)
				for j := range n {
					vectors.Close(t, name+": second difference", []float64{(hg[j] - lg[j]) / (2 * step)}, h[i*n+j:i*n+j+1], 1e-6*scale*scale)
				}
			}
		}
	}
}

func smooth(f random) bool {
	for _, l := range f.lines {
		if l.op == OpAbs || l.op == OpMax || l.op == OpMin {
			return false
		}
	}
	return true
}

// TestOperationsOnMany compares sums and products of vectors with the operations they
// replace: with constants and repeated elements, inside curved functions.
func TestOperationsOnMany(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for k := range 60 {
		n := 1 + rng.IntN(4)
		y := make([]float64, n)
		for i := range y {
			y[i] = rng.NormFloat64()
		}
		var left, right []int // n stands for a constant, more for a curved element
		for range rng.IntN(6) {
			left, right = append(left, rng.IntN(2*n+1)), append(right, rng.IntN(2*n+1))
		}
		name := fmt.Sprint("case ", k)
		compare(t, name, y,
			func(y []Var) Var { return onMany(y, left, right) },
			func(y []hyper) hyper { return onMany(y, left, right) },
			func(y []Real) Real { return onMany(y, left, right) })
		tape, in, g := NewTape(), make([]Var, n), make([]float64, n)
		tape.Inputs(in, y)
		tape.AddGradient(onMany(in, left, right), 1, g)
		_, want, _ := hyperDerivatives(func(y []hyper) hyper { return onMany(y, left, right) }, y)
		vectors.Close(t, name+": first order alone", g, want, 1e-12)
	}
}

func onMany[S Scalar[S]](y []S, left, right []int) S {
	pick := func(index []int) (v []S) {
		for _, i := range index {
			switch {
			case i < len(y):
				v = append(v, y[i])
			case i == len(y):
				v = append(v, y[0].Const(1.5))
			default:
				v = append(v, y[i-len(y)-1].Sin())
			}
		}
		return v
	}
	a, b := pick(left), pick(right)
	s := Dot(a, b).Sin().Add(SmoothNorm(a, 0.5)).Add(Sum(b).Square()).Add(Dot(a, a).Tanh())
	return s.Add(Sum(a)).Mul(SquaredNorm(b).AddConst(1)).Add(Sum(y[:0])) // of none
}

// rosenbrock has branches and loops in its code and a banded Hessian.
func rosenbrock[S Scalar[S]](y []S) S {
	sum := y[0].Const(0)
	for i := range len(y) - 1 {
		valley := y[i+1].Sub(y[i].Square())
		if valley.Value() > 1e6 {
			return sum
		}
		sum = sum.Add(valley.Square().Scale(100)).Add(y[i].Neg().AddConst(1).Square())
	}
	return sum
}

// TestStructure: by hand, and elements that are zero by structure are not touched: they
// keep the -0 that any addition would turn into 0.
func TestStructure(t *testing.T) {
	y := []float64{0.5, -1, 2, 0.1, 3}
	n := len(y)
	want, gradient := make([]float64, n*n), make([]float64, n)
	for i := range n {
		for j := range n {
			if i-j > 1 || j-i > 1 {
				want[i*n+j] = math.Copysign(0, -1)
			}
		}
	}
	for i := range n - 1 {
		v := y[i+1] - y[i]*y[i]
		gradient[i] += -400*y[i]*v - 2*(1-y[i])
		gradient[i+1] += 200 * v
		want[i*n+i] += 1200*y[i]*y[i] - 400*y[i+1] + 2
		want[(i+1)*n+i+1] += 200
		want[i*n+i+1], want[(i+1)*n+i] = -400*y[i], -400*y[i]
	}
	untouched := func(h []float64) {
		t.Helper()
		for i, w := range want {
			if w == 0 && !math.Signbit(h[i]) {
				t.Errorf("element %d was touched", i)
			}
		}
	}
	mark := func() []float64 {
		h := make([]float64, n*n)
		for i, w := range want {
			if math.Signbit(w) && w == 0 {
				h[i] = w
			}
		}
		return h
	}
	tape, in, g, h := NewTape(), make([]Var, n), make([]float64, n), mark()
	tape.Inputs(in, y)
	tape.AddHessian(rosenbrock(in), 0.5, g, h)
	tape.AddHessian(rosenbrock(in), 0.5, g, h)
	vectors.Close(t, "gradient", g, gradient, 1e-14)
	vectors.Close(t, "Hessian", h, want, 1e-14)
	untouched(h)

	b := NewBuilder(n, 1)
	sum := b.Const(0)
	for i := range n - 1 {
		a, next := b.Input(i), b.Input(i+1)
		valley := b.Apply(OpSub, next, b.Apply(OpMul, a, a))
		sum = b.Apply(OpAdd, sum, b.Apply(OpMul, b.Parameter(0), b.Apply(OpMul, valley, valley)))
		sum = b.Apply(OpAdd, sum, b.Apply(OpPow, b.Apply(OpSub, b.Const(1), a), b.Const(2)))
	}
	p, err := b.Build(sum)
	if err != nil {
		t.Fatal(err)
	}
	rows, columns := p.NonZeros()
	if len(rows) != 2*n-1 || len(columns) != 2*n-1 {
		t.Errorf("program has %d elements in a triangle of the Hessian, want %d", len(rows), 2*n-1)
	}
	copy(p.Inputs(), y)
	p.Parameters()[0] = 100
	p.Run()
	clear(g)
	h = mark()
	p.AddHessian(1, g, h)
	vectors.Close(t, "program's gradient", g, gradient, 1e-14)
	vectors.Close(t, "program's Hessian", h, want, 1e-14)
	untouched(h)
}

// TestKinks holds what the package documents for points without a derivative.
func TestKinks(t *testing.T) {
	at := func(y []float64, f func([]Var) Var) []float64 {
		_, g, h := derivatives(f, y)
		return append(g, h...)
	}
	vectors.Close(t, "abs at 0", at([]float64{0}, func(y []Var) Var { return y[0].Abs() }), []float64{0, 0}, 0)
	vectors.Close(t, "max of equals", at([]float64{2, 2}, func(y []Var) Var { return y[0].Max(y[1]) }), []float64{1, 0, 0, 0, 0, 0}, 0)
	vectors.Close(t, "min of equals", at([]float64{2, 2}, func(y []Var) Var { return y[0].Min(y[1]) }), []float64{1, 0, 0, 0, 0, 0}, 0)
	vectors.Close(t, "power 2 at 0", at([]float64{0}, func(y []Var) Var { return y[0].PowConst(2) }), []float64{0, 2}, 0)
	vectors.Close(t, "power 3 at 0", at([]float64{0}, func(y []Var) Var { return y[0].PowConst(3) }), []float64{0, 0}, 0)
	vectors.Close(t, "0^y", at([]float64{0, 2.5}, func(y []Var) Var { return y[0].Pow(y[1]) }), []float64{0, 0, 0, 0, 0, 0}, 0)
	vectors.Close(t, "factor 0", at([]float64{0, 0}, func(y []Var) Var { return y[0].Sqrt().Mul(y[1].Const(0)).Add(y[1].Square()) }),
		[]float64{0, 0, 0, 0, 0, 2}, 0)
	for name, f := range map[string]func([]Var) Var{
		"root at 0":         func(y []Var) Var { return y[0].Sqrt() },
		"norm at 0":         func(y []Var) Var { return SmoothNorm(y, 0) },
		"log at 0":          func(y []Var) Var { return y[0].Log() },
		"atan2 at 0":        func(y []Var) Var { return y[0].Atan2(y[0].Square()) },
		"asin at 1":         func(y []Var) Var { return y[0].AddConst(1).Asin() },
		"quotient by 0":     func(y []Var) Var { return y[0].Div(y[0]) },
		"root below 0":      func(y []Var) Var { return y[0].AddConst(-1).Sqrt() },
		"power below 0":     func(y []Var) Var { return y[0].AddConst(-1).Pow(y[0]) },
		"abs, rounded by 0": func(y []Var) Var { return SmoothAbs(y[0], 0) },
	} {
		bad := false
		for _, v := range at([]float64{0}, f) {
			bad = bad || math.IsNaN(v) || math.IsInf(v, 0)
		}
		if !bad {
			t.Errorf("%s: derivatives are finite", name)
		}
	}
}

func TestLogCosh(t *testing.T) {
	for x, want := range map[float64]float64{0: 0, 1e-9: 5e-19, -1e-9: 5e-19, 1e5: 1e5 - math.Ln2, -800: 800 - math.Ln2} {
		if got, _, _ := LogCosh(x); math.Abs(got-want) > 1e-15*want {
			t.Errorf("LogCosh(%v) = %v, want %v", x, got, want)
		}
		if _, d, dd := LogCosh(x); math.IsNaN(d+dd) || math.Abs(d) > 1 || dd < 0 {
			t.Errorf("derivatives at %v are %v and %v", x, d, dd)
		}
	}
	// Across the change of formula.
	for _, x := range []float64{0.999999, 1, 1.000001} {
		got, _, _ := LogCosh(x)
		if want := math.Log(math.Cosh(x)); math.Abs(got-want) > 1e-15 {
			t.Errorf("LogCosh(%v) = %v, want %v", x, got, want)
		}
	}
}

// TestSelect: only the branch that is taken counts, whatever the other one is.
func TestSelect(t *testing.T) {
	b := NewBuilder(1, 0)
	x := b.Input(0)
	positive := b.Apply(OpLess, b.Const(0), x)
	root := b.Apply(OpSqrt, x)
	p, err := b.Build(b.Apply(OpSelect, positive, root, b.Apply(OpSquare, x)))
	if err != nil {
		t.Fatal(err)
	}
	for y, want := range map[float64][3]float64{4: {2, 0.25, -1.0 / 32}, -3: {9, -6, 2}, 0: {0, 0, 2}} {
		g, h := []float64{0}, []float64{0}
		p.Inputs()[0] = y
		v := p.Run()
		p.AddHessian(1, g, h)
		vectors.Close(t, fmt.Sprint("select at ", y), []float64{v, g[0], h[0]}, want[:], 1e-15)
	}
	for op, want := range map[Op][4]float64{OpLess: {0, 1, 0, 0}, OpLessEqual: {1, 1, 0, 1}, OpEqual: {1, 0, 0, 1}, OpAnd: {0, 0, 0, 1}, OpOr: {0, 1, 1, 1}} {
		for i, y := range [4][2]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
			b := NewBuilder(2, 0)
			p, err := b.Build(b.Apply(op, b.Input(0), b.Input(1)))
			if err != nil {
				t.Fatal(err)
			}
			copy(p.Inputs(), y[:])
			if got := p.Run(); got != want[i] {
				t.Errorf("operation %d of %v is %v, want %v", op, y, got, want[i])
			}
			if r := b.Apply(op, b.Const(y[0]), b.Const(y[1])); b.operations[r].value != want[i] {
				t.Errorf("operation %d of constants %v is %v, want %v", op, y, b.operations[r].value, want[i])
			}
		}
	}
}

func TestFolding(t *testing.T) {
	b := NewBuilder(1, 0)
	x := b.Input(0)
	two := b.Const(2)
	for name, same := range map[string][2]Ref{
		"2 + 3":         {b.Apply(OpAdd, two, b.Const(3)), b.Const(5)},
		"1/2":           {b.Apply(OpDiv, b.Const(1), two), b.Const(0.5)},
		"0 + x":         {b.Apply(OpAdd, b.Const(0), x), x},
		"x - 0":         {b.Apply(OpSub, x, b.Const(0)), x},
		"x * 1":         {b.Apply(OpMul, x, b.Const(1)), x},
		"x^1":           {b.Apply(OpPow, x, b.Const(1)), x},
		"x^2":           {b.Apply(OpPow, x, two), b.Apply(OpMul, x, x)},
		"x^0.5":         {b.Apply(OpPow, x, b.Const(0.5)), b.Apply(OpSqrt, x)},
		"sin x, twice":  {b.Apply(OpSin, x), b.Apply(OpSin, x)},
		"not 0":         {b.Apply(OpNot, b.Const(0)), b.Const(1)},
		"1 ? x : 2":     {b.Apply(OpSelect, b.Const(1), x, two), x},
		"0 ? x : 2":     {b.Apply(OpSelect, b.Const(0), x, two), two},
		"sqrt 4":        {b.Apply(OpSqrt, b.Const(4)), two},
		"max of itself": {b.Apply(OpMax, x, x), x},
	} {
		if same[0] != same[1] {
			t.Errorf("%s is not folded", name)
		}
	}
}

// TestTooLarge: a function whose Hessian's terms interact too much is refused.
func TestTooLarge(t *testing.T) {
	const n = 900
	b := NewBuilder(n, 0)
	sum := b.Const(0)
	for i := range n {
		sum = b.Apply(OpAdd, sum, b.Apply(OpSin, b.Input(i)))
	}
	if _, err := b.Build(b.Apply(OpExp, sum)); err == nil {
		t.Error("a program of 400,000 interacting pairs was built")
	}
}

func TestAllocations(t *testing.T) {
	f := newRandom(rand.New(rand.NewPCG(5, 6)), 4, 20)
	tape, in, y := NewTape(), make([]Var, 6), []float64{0.5, -1, 2, 0.1, 3, -0.4}
	g, h := make([]float64, 6), make([]float64, 36)
	record := func() {
		tape.Reset()
		tape.Inputs(in, y)
		tape.AddHessian(SmoothNorm(in, 0.1).Add(rosenbrock(in).Tanh()), 1, g, h)
	}
	record()
	if a := testing.AllocsPerRun(20, record); a != 0 {
		t.Errorf("tape: %v allocations, want 0", a)
	}
	b := NewBuilder(f.n, 0)
	p, err := b.Build(build(b, f))
	if err != nil {
		t.Fatal(err)
	}
	g, h = make([]float64, f.n), make([]float64, f.n*f.n)
	if a := testing.AllocsPerRun(20, func() { p.Run(); p.AddHessian(1, g, h) }); a != 0 {
		t.Errorf("program: %v allocations, want 0", a)
	}
}

func TestMisusePanics(t *testing.T) {
	tape := NewTape()
	x := tape.Input(1)
	y := x.Sin()
	other := NewTape().Input(2)
	b := NewBuilder(1, 1)
	p, err := b.Build(b.Input(0))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"late input":        func() { tape.Input(2) },
		"two tapes":         func() { x.Mul(other) },
		"sum of two tapes":  func() { Sum([]Var{x, other}) },
		"product's lengths": func() { Dot([]Var{x}, []Var{x, y}) },
		"foreign result":    func() { tape.AddGradient(other.Sin().Sin(), 1, make([]float64, 1)) },
		"gradient's length": func() { tape.AddGradient(y, 1, make([]float64, 2)) },
		"Hessian's length":  func() { tape.AddHessian(y, 1, make([]float64, 1), make([]float64, 2)) },
		"values' length":    func() { NewTape().Inputs(make([]Var, 2), make([]float64, 1)) },
		"input's index":     func() { b.Input(1) },
		"parameter's index": func() { b.Parameter(-1) },
		"arguments":         func() { b.Apply(OpAdd, 0) },
		"operation":         func() { b.Apply(opConst) },
		"program's lengths": func() { p.AddHessian(1, nil, nil) },
		"builder's sizes":   func() { NewBuilder(-1, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	// Results without any input have no derivative.
	g, h := make([]float64, 1), make([]float64, 1)
	tape.AddHessian(x.Const(3).Sqrt(), 1, g, h)
	tape.AddHessian(x, 2, g, h)
	if g[0] != 2 || h[0] != 0 {
		t.Errorf("derivatives of a constant plus twice an input are %v and %v", g, h)
	}
}
