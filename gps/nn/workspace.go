package nn

import (
	"fmt"

	"guidedpolicysearch/gps/internal/kernel"
)

// Workspace is what an evaluation needs: one goroutine at a time.
type Workspace struct {
	network *Network
	input   []float32
	sums    []kernel.Block32 // of each layer, after its activation
	slopes  []kernel.Block32 // derivatives of sums with respect to input
}

// NewWorkspace returns the workspace of a network.
func (n *Network) NewWorkspace() *Workspace {
	in, _ := n.Dims()
	w := &Workspace{network: n, input: kernel.NewSlice32(in)}
	for _, l := range n.layers {
		w.sums = append(w.sums, kernel.NewBlock32(l.out, 1))
		w.slopes = append(w.slopes, kernel.NewBlock32(l.out, in))
	}
	return w
}

// Forward writes y (as many as outputs) for x (as many as inputs). Other sizes panic. It does
// not allocate, and does not check numbers: a NaN of x reaches y, where the caller checks.
func (w *Workspace) Forward(y, x []float64) {
	n := w.network
	if in, out := n.Dims(); len(x) != in || len(y) != out {
		panic(fmt.Sprintf("nn: network of %d inputs and %d outputs is given %d numbers and %d for the result", in, out, len(x), len(y)))
	}
	w.evaluate(x)
	w.result(y)
}

// evaluate leaves in sums what each layer makes of x.
func (w *Workspace) evaluate(x []float64) {
	n := w.network
	n.normalise(w.input, x)
	right := kernel.Right32{Data: w.input, Inner: 1, Outer: 1}
	last := len(n.layers) - 1
	for i := range n.layers {
		l, sums := &n.layers[i], w.sums[i]
		kernel.Add32(sums, l.bias, l.weights, right, l.out, 1, l.in)
		if i < last {
			n.cfg.Activation(i).apply(sums, l.out, 1)
			right = sums.N()
		}
	}
}

// result copies the last layer's sums to y.
func (w *Workspace) result(y []float64) {
	sums := w.sums[len(w.sums)-1].Data
	for i := range y {
		y[i] = float64(sums[i])
	}
}

// normalise writes the first layer's input for x.
func (n *Network) normalise(dst []float32, x []float64) {
	for i, v := range x {
		dst[i] = float32(float64(n.scale[i]*v) + n.bias[i])
	}
}

// Jacobian writes dy/dx at x to dst (out x in, by rows), that of the normalisation included, and y
// if it is not nil. Other sizes panic. It does not allocate. Where a ReLU's sum is 0 its slope
// counts as 0. A number that is not finite makes its column or more NaN.
func (w *Workspace) Jacobian(dst, y, x []float64) {
	n := w.network
	in, out := n.Dims()
	if len(dst) != in*out || len(x) != in || y != nil && len(y) != out {
		panic(fmt.Sprintf("nn: Jacobian of a network of %d inputs and %d outputs is given %d numbers, %d for the value and %d for the result", in, out, len(x), len(y), len(dst)))
	}
	w.evaluate(x)
	last := len(n.layers) - 1
	for i := range n.layers {
		l, slopes := &n.layers[i], w.slopes[i]
		if i == 0 {
			copy(slopes.Data, l.weights.Data)
		} else {
			kernel.Set32(slopes, l.weights, w.slopes[i-1].N(), l.out, in, l.in)
		}
		if i < last {
			sums := w.sums[i]
			sums.Stride = 0 // the same slopes for each input
			n.cfg.Activation(i).slope(slopes, sums, l.out, in)
		}
	}
	for r := range out {
		for c := range in {
			dst[r*in+c] = float64(w.slopes[last].At(r, c)) * n.scale[c]
		}
	}
	w.result(y)
}

// apply replaces each number by its activation. A NaN stays one.
func (a Activation) apply(z kernel.Block32, rows, columns int) {
	if a == Tanh {
		kernel.Tanh(z, rows, columns)
	} else {
		kernel.ReLU(z, rows, columns)
	}
}

// slope multiplies d by the activation's slope where it made a.
func (a Activation) slope(d, z kernel.Block32, rows, columns int) {
	if a == Tanh {
		kernel.TanhSlope(d, z, rows, columns)
	} else {
		kernel.ReLUSlope(d, z, rows, columns)
	}
}
