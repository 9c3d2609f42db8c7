package kernel

import "fmt"

// ReLU replaces each number of rows x columns by its positive part, and padding too. A NaN
// stays one.
func ReLU(a Block32, rows, columns int) {
	if check32("ReLU", a, a, rows, columns) {
		relu(&a.Data[0], a.Stride, Pad32(rows)/Lane32, columns)
	}
}

// ReLUSlope multiplies D by the slope of ReLU, where A is what ReLU made: by 0 where A <= 0, else
// by 1. Where A is not finite D becomes NaN. A's Stride may be 0.
func ReLUSlope(d, a Block32, rows, columns int) {
	if check32("slope of ReLU", d, a, rows, columns) {
		reluSlope(&d.Data[0], d.Stride, &a.Data[0], a.Stride, Pad32(rows)/Lane32, columns)
	}
}

// Tanh replaces each number of rows x columns by its hyperbolic tangent, and padding too, within
// 4 units of the last place of float32. A NaN stays one.
func Tanh(a Block32, rows, columns int) {
	if check32("tanh", a, a, rows, columns) {
		tanh(&a.Data[0], a.Stride, Pad32(rows)/Lane32, columns)
	}
}

// TanhSlope multiplies D by the slope of tanh, 1 - A^2, where A is what Tanh made. A's Stride may
// be 0.
func TanhSlope(d, a Block32, rows, columns int) {
	if check32("slope of tanh", d, a, rows, columns) {
		tanhSlope(&d.Data[0], d.Stride, &a.Data[0], a.Stride, Pad32(rows)/Lane32, columns)
	}
}

// check32 says if there is anything to do, and panics where blocks are too small for it.
func check32(what string, d, a Block32, rows, columns int) bool {
	if rows < 0 || columns < 0 || !d.holds(Pad32(rows), columns) || columns > 0 && !a.repeats(Pad32(rows), columns) {
		panic(fmt.Sprintf("kernel: %s of %d x %d float32 in blocks of %d and %d numbers with strides %d and %d", what, rows, columns, len(d.Data), len(a.Data), d.Stride, a.Stride))
	}
	return rows > 0 && columns > 0
}

// Adam is a step of Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR
// 2015, algorithm 1) with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay
// Regularization", ICLR 2019, algorithm 2), each factor worked out for the step t:
//
//	m = Keep1 m + Take1 g                  beta_1, 1 - beta_1
//	v = Keep2 v + Take2 g^2                beta_2, 1 - beta_2
//	p = Shrink p - Rate m / (Root sqrt(v) + Epsilon)
//
// with Shrink = 1 - alpha lambda, Rate = alpha / (1 - beta_1^t) and
// Root = 1 / sqrt(1 - beta_2^t).
type Adam struct {
	Keep1, Take1, Keep2, Take2  float32
	Shrink, Rate, Root, Epsilon float32
}

// Step changes parameters p and moments m and v by the gradient g. Lengths must be equal, and a
// multiple of Lane32.
func (a *Adam) Step(p, m, v, g []float32) {
	if n := len(p); n%Lane32 != 0 || len(m) != n || len(v) != n || len(g) != n {
		panic(fmt.Sprintf("kernel: step of Adam for %d parameters with moments of %d and %d and a gradient of %d numbers; all must be one multiple of %d", n, len(m), len(v), len(g), Lane32))
	}
	if len(p) > 0 {
		adam((*[adamFactors]float32)(a.factors()), &p[0], &m[0], &v[0], &g[0], len(p)/Lane32)
	}
}

// Transpose32 writes element (i, j) of a, rows x columns, to dst[i*stride+j]. Nothing but these
// elements is read or written.
func Transpose32(dst []float32, stride int, a Block32, rows, columns int) {
	to := Block32{Data: dst, Stride: stride}
	if rows < 0 || columns < 0 || !a.holds(rows, columns) || !to.holds(columns, rows) {
		panic(fmt.Sprintf("kernel: %d x %d float32 transposed from a block of %d numbers with stride %d to one of %d with stride %d", rows, columns, len(a.Data), a.Stride, len(dst), stride))
	}
	if rows > 0 && columns > 0 {
		transpose32(&dst[0], stride, &a.Data[0], a.Stride, rows, columns)
	}
}
