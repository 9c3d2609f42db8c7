package autodiff

import (
	"errors"
	"math"
	"testing"

	"guidedpolicysearch/internal/fuzzing"
)

// everyOp are the operations that Scalar has.
var everyOp = []Op{OpAdd, OpSub, OpMul, OpDiv, OpPow, OpAtan2, OpMax, OpMin, OpNeg, OpSquare, OpSqrt, OpExp, OpLog, OpSin, OpCos,
	OpTan, OpAsin, OpAcos, OpAtan, OpSinh, OpCosh, OpTanh, OpLogCosh, OpAbs}

// untamed runs a function's lines as they are; the line's constant follows its inputs. Its
// value is that of the last line.
func untamed[S Scalar[S]](f random, y []S) S {
	v := append([]S(nil), y...)
	for _, l := range f.lines {
		v = append(v, do(l.op, v[l.a], v[l.b].AddConst(l.c)))
	}
	return v[len(v)-1]
}

// untamedRef is untamed on a Builder.
func untamedRef(b *Builder, f random) Ref {
	var v []Ref
	for i := range f.n {
		v = append(v, b.Input(i))
	}
	for _, l := range f.lines {
		if l.op.Arguments() == 2 {
			v = append(v, b.Apply(l.op, v[l.a], b.Apply(OpAdd, v[l.b], b.Const(l.c))))
		} else {
			v = append(v, b.Apply(l.op, v[l.a]))
		}
	}
	return v[len(v)-1]
}

// amplification bounds what a change, or rounding, anywhere in the function is multiplied by
// on its way, and its curvature: the product over the lines of their largest derivatives.
// It is +Inf where an operation has none, or a value is no number.
func amplification(f random, y []float64) float64 {
	v, product := append([]float64(nil), y...), 1.0
	for _, l := range f.lines {
		x, z := v[l.a], v[l.b]+l.c
		most := max(1, math.Abs(x))
		grow := func(list ...float64) {
			for _, e := range list {
				if !finiteNumber(e) {
					e = math.Inf(1)
				}
				most = max(most, math.Abs(e))
			}
		}
		value := 0.0
		if l.op.Arguments() == 2 {
			var p partials
			value, p = binaryRule(l.op, x, z)
			grow(z, value, p.a, p.b, p.aa, p.ab, p.bb)
		} else {
			var d, dd float64
			value, d, dd = unaryRule(l.op, x)
			grow(value, d, dd)
		}
		v, product = append(v, value), product*most*most
	}
	return product
}

func finiteNumber(v float64) bool { return v-v == 0 }

// FuzzDerivatives runs any operations at any point. Nothing panics; where all operations on
// the way have derivatives the results are finite; and where these are moderate too, tape,
// program and plain evaluation agree.
func FuzzDerivatives(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 130, 140, 2, 0, 1, 100, 4, 1, 2, 110, 10, 3, 0, 99, 12, 2, 1, 90})
	f.Add([]byte{0, 128, 10, 0, 0, 128, 12, 1, 1, 128, 3, 1, 2, 128})
	f.Add([]byte{2, 120, 250, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 130, 6, 0, 1, 128, 7, 3, 2, 128, 23, 4, 4, 128})
	for _, factor := range []int{3, 7, 29, 83} {
		long := make([]byte, 80)
		for i := range long {
			long[i] = byte(factor*i*i + 40*i + factor)
		}
		f.Add(long)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source := fuzzing.Source(data)
		number := func() float64 {
			b := source.Byte()
			if b < 250 {
				return (float64(b) - 128) / 32
			}
			return source.Float64()
		}
		n := 1 + source.Below(4)
		y := make([]float64, n)
		plain := make([]Real, n)
		for i := range y {
			y[i] = number()
			plain[i] = Real(y[i])
		}
		fn := random{n: n}
		for i := 0; i == 0 || len(source) > 0 && i < 20; i++ {
			fn.lines = append(fn.lines, line{op: everyOp[source.Below(len(everyOp))], a: source.Below(n + i), b: source.Below(n + i), c: number()})
		}

		v, g, h := derivatives(func(y []Var) Var { return untamed(fn, y) }, y)
		b := NewBuilder(n, 0)
		program, err := b.Build(untamedRef(b, fn))
		if err != nil {
			if !errors.Is(err, ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		copy(program.Inputs(), y)
		pv, pg, ph := program.Run(), make([]float64, n), make([]float64, n*n)
		program.AddHessian(1, pg, ph)

		size := amplification(fn, y)
		if size < 1e75 { // its fourth power is a number
			for _, list := range [][]float64{{v, pv}, g, h, pg, ph} {
				for _, e := range list {
					if !finiteNumber(e) {
						t.Fatalf("%+v at %v: value %v and %v, gradient %v and %v, Hessian %v and %v", fn, y, v, pv, g, pg, h, ph)
					}
				}
			}
		}
		if size < 1e6 {
			agree := func(what string, got, want []float64, tolerance float64) {
				for i := range got {
					if !(math.Abs(got[i]-want[i]) <= tolerance*max(1, math.Abs(want[i]))) {
						t.Fatalf("%s of %+v at %v: %v of the tape, %v, want %v apart", what, fn, y, got, want, tolerance)
					}
				}
			}
			agree("value", []float64{v, v}, []float64{float64(untamed(fn, plain)), pv}, 1e-14*size)
			agree("gradient", g, pg, 1e-14*size*size)
			agree("Hessian", h, ph, 1e-14*size*size)
		}
	})
}
