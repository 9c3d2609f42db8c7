package onnx_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/onnx"
	"guidedpolicysearch/internal/fuzzing"
)

// array is a value of a graph, by rows.
type array struct {
	dims []int
	data []float64
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// evaluated computes a model as ONNX's operators are defined, on arrays of any shape: what folding
// and shapes of rows are held to. It returns false where an operator is not defined, and the
// largest number on the way.
func evaluated(h handmade, x array) (y array, largest float64, ok bool) {
	values := map[string]array{h.inputs[0].name: x}
	for _, s := range h.tensors {
		var dims []int
		for _, d := range s.dims {
			dims = append(dims, int(d))
		}
		values[s.name] = array{dims, s.numbers}
	}
	for _, n := range h.nodes {
		var in []array
		for _, name := range n.inputs {
			in = append(in, values[name])
		}
		if y, ok = apply(n, in); !ok {
			return y, 0, false
		}
		for _, v := range y.data {
			largest = max(largest, math.Abs(v))
		}
		values[n.output] = y
	}
	return values[h.outputs[0].name], largest, true
}

func apply(n node, in []array) (array, bool) {
	switch n.operator {
	case "Add", "Sub", "Mul", "Div":
		return elementwise(n.operator, in[0], in[1])
	case "MatMul":
		return product(in[0], in[1])
	case "Gemm":
		b := in[1]
		if n.integers["transB"] != 0 {
			turned := array{[]int{b.dims[1], b.dims[0]}, make([]float64, len(b.data))}
			for i, v := range b.data {
				turned.data[i%b.dims[1]*b.dims[0]+i/b.dims[1]] = v
			}
			b = turned
		}
		if len(in[0].dims) != 2 {
			return array{}, false
		}
		y, ok := product(in[0], b)
		if !ok || len(in) < 3 {
			return y, ok
		}
		z, ok := elementwise("Add", y, in[2])
		return z, ok && slices.Equal(z.dims, y.dims) // the bias takes the shape of the product
	case "Relu", "Tanh", "Sigmoid", "Clip":
		f := map[string]func(float64) float64{
			"Relu": func(v float64) float64 { return max(v, 0) }, "Tanh": math.Tanh,
			"Sigmoid": func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
			"Clip":    func(v float64) float64 { return min(max(v, in[1].data[0]), in[2].data[0]) },
		}[n.operator]
		y := array{in[0].dims, make([]float64, len(in[0].data))}
		for i, v := range in[0].data {
			y.data[i] = f(v)
		}
		return y, true
	case "BatchNormalization":
		y := array{in[0].dims, make([]float64, len(in[0].data))}
		if len(y.dims) < 2 || y.dims[1] != len(in[1].data) {
			return array{}, false
		}
		after := size(y.dims[2:])
		for i, v := range in[0].data {
			c := i / after % y.dims[1]
			y.data[i] = in[1].data[c]*(v-in[3].data[c])/math.Sqrt(in[4].data[c]+1e-5) + in[2].data[c]
		}
		return y, true
	case "Flatten":
		a := int(n.integers["axis"])
		if a > len(in[0].dims) {
			return array{}, false
		}
		return array{[]int{size(in[0].dims[:a]), size(in[0].dims[a:])}, in[0].data}, true
	case "Reshape":
		return reshape(in[0], in[1].data)
	case "Squeeze":
		var dims []int
		for i, d := range in[0].dims {
			if !slices.Contains(in[1].data, float64(i)) {
				dims = append(dims, d)
			}
		}
		return array{dims, in[0].data}, size(dims) == len(in[0].data)
	case "Unsqueeze":
		a := int(in[1].data[0])
		if a > len(in[0].dims) {
			return array{}, false
		}
		return array{slices.Insert(slices.Clone(in[0].dims), a, 1), in[0].data}, true
	}
	return array{}, false
}

func reshape(x array, to []float64) (array, bool) {
	dims, left := make([]int, len(to)), -1
	for i, d := range to {
		switch {
		case d == -1:
			left, dims[i] = i, 1
		case d == 0 && i >= len(x.dims):
			return array{}, false
		case d == 0:
			dims[i] = x.dims[i]
		default:
			dims[i] = int(d)
		}
	}
	if left >= 0 {
		dims[left] = len(x.data) / size(dims)
	}
	return array{dims, x.data}, size(dims) == len(x.data)
}

// elementwise broadcasts as numpy does.
func elementwise(operator string, a, b array) (array, bool) {
	dims := make([]int, max(len(a.dims), len(b.dims)))
	at := func(x array, i int) int { // the dimension of x that stands at i of dims
		if k := i - len(dims) + len(x.dims); k >= 0 {
			return x.dims[k]
		}
		return 1
	}
	for i := range dims {
		if dims[i] = max(at(a, i), at(b, i)); at(a, i) != dims[i] && at(a, i) != 1 || at(b, i) != dims[i] && at(b, i) != 1 {
			return array{}, false
		}
	}
	y := array{dims, make([]float64, size(dims))}
	for n := range y.data {
		index := func(x array) int {
			position, stride, rest := 0, 1, n
			for i := len(dims) - 1; i >= 0; i-- {
				if d := at(x, i); d > 1 {
					position += rest % dims[i] * stride
					stride *= d
				}
				rest /= dims[i]
			}
			return position
		}
		p, q := a.data[index(a)], b.data[index(b)]
		y.data[n] = map[string]float64{"Add": p + q, "Sub": p - q, "Mul": p * q, "Div": p / q}[operator]
	}
	return y, true
}

// product takes rows of x times a matrix.
func product(x, m array) (array, bool) {
	if len(x.dims) == 0 || len(m.dims) != 2 || x.dims[len(x.dims)-1] != m.dims[0] {
		return array{}, false
	}
	in, out := m.dims[0], m.dims[1]
	y := array{append(slices.Clone(x.dims[:len(x.dims)-1]), out), make([]float64, len(x.data)/in*out)}
	for i := range y.data {
		for k := range in {
			y.data[i] += x.data[i/out*in+k] * m.data[k*out+i%out]
		}
	}
	return y, true
}

// graph makes a model of bytes: few of the shapes fit, most do nearly.
func graph(source *fuzzing.Source) handmade {
	width := 1 + source.Below(3)
	in := [][]int64{{0, int64(width)}, {0, 1, int64(width)}, {int64(width)}, {1, int64(width)}, {1, 0, int64(width)}}[source.Below(5)]
	var tensors []stored
	tensor := func(element int64, dims []int64, numbers ...float64) string {
		name := fmt.Sprint("t", len(tensors))
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		for len(numbers) < int(n) {
			numbers = append(numbers, []float64{0.5, -0.75, 1, -0.25, 0.875}[source.Below(5)])
		}
		tensors = append(tensors, stored{name, element, dims, numbers, "raw", nil})
		return name
	}
	dim := func() int64 { return []int64{int64(width), int64(width), 1, 1, 2, 3}[source.Below(6)] }
	var nodes []node
	for range source.Below(8) {
		n := node{inputs: []string{"_"}, operator: []string{"Add", "Sub", "Mul", "Div", "MatMul", "Gemm", "Gemm", "Relu", "Relu", "Tanh", "Sigmoid", "Clip", "BatchNormalization", "Flatten", "Reshape", "Squeeze", "Unsqueeze"}[source.Below(17)]}
		switch n.operator {
		case "Add", "Sub", "Mul", "Div":
			var dims []int64
			for range source.Below(4) {
				dims = append([]int64{[]int64{dim(), 1, 1, 1}[min(len(dims), 3)]}, dims...)
			}
			if n.inputs = append(n.inputs, tensor(float32s, dims)); source.Below(2) == 1 {
				slices.Reverse(n.inputs)
			}
		case "Clip":
			low := float64(source.Below(4)-2) / 4
			n.inputs = append(n.inputs, tensor(float32s, nil, low), tensor(float32s, nil, low+float64(source.Below(4))/8))
		case "BatchNormalization":
			for range 3 {
				n.inputs = append(n.inputs, tensor(float32s, []int64{int64(width)}))
			}
			n.inputs = append(n.inputs, tensor(float32s, []int64{int64(width)}, []float64{1, 0.25, 4}[:min(width, 3)]...))
		case "MatMul":
			out := dim()
			n.inputs = append(n.inputs, tensor(float32s, []int64{int64(width), out}))
			width = int(out)
		case "Gemm":
			out, turned := dim(), int64(source.Below(2))
			dims := []int64{int64(width), out}
			if n.integers = map[string]int64{"transB": turned}; turned == 1 {
				slices.Reverse(dims)
			}
			n.inputs = append(n.inputs, tensor(float32s, dims))
			if width = int(out); source.Below(2) == 1 {
				n.inputs = append(n.inputs, tensor(float32s, [][]int64{{out}, {1, out}, {1}, nil, {out, 1}, {1, 1, out}}[source.Below(6)]))
			}
		case "Flatten":
			n.integers = map[string]int64{"axis": int64(source.Below(4))}
		case "Reshape":
			to := [][]float64{{-1, float64(width)}, {0, -1}, {-1}, {1, -1}, {0, 1, -1}, {float64(width), -1}, {-1, 1, float64(width)}, {float64(width)}}[source.Below(8)]
			n.inputs = append(n.inputs, tensor(int64s, []int64{int64(len(to))}, to...))
		case "Squeeze", "Unsqueeze":
			n.inputs = append(n.inputs, tensor(int64s, []int64{1}, float64(source.Below(4))))
		}
		nodes = append(nodes, n)
	}
	h := chained(13, in, nil, nil, nodes...)
	h.tensors, h.outputs[0].noShape = tensors, true
	if len(nodes) == 0 {
		h.outputs[0].name = "x"
	}
	return h
}

// checkGraph says if a model was read; then it must act on every row as its operators do.
func checkGraph(t *testing.T, data []byte) bool {
	source := fuzzing.Source(data)
	h := graph(&source)
	n, _, err := onnx.Decode(h.encoded())
	if err != nil {
		return false
	}
	const rows = 5 // as no width
	x := array{dims: h.input(rows)}
	for i := range size(x.dims) {
		x.data = append(x.data, math.Sin(float64(3*i+1)))
	}
	y, largest, ok := evaluated(h, x)
	dO, dU := n.Dims()
	count := len(x.data) / dO
	if !ok || len(y.data) != count*dU || y.dims[len(y.dims)-1] != dU {
		t.Fatalf("%+v was read as %d to %d numbers; its operators make %v of %v (defined: %t)", h, dO, dU, y.dims, x.dims, ok)
	}
	for r := range count {
		for i, got := range act(n, x.data[r*dO:][:dO]) {
			if want := y.data[r*dU+i]; !(math.Abs(got-want) <= 1e-5*(1+largest)) {
				t.Fatalf("row %d, number %d of %+v is %v, expected %v", r, i, h, got, want)
			}
		}
	}
	return true
}

func TestGraphsActAsTheirOperators(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	const tried = 20000
	read := 0
	for range tried {
		data := make([]byte, 120)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if checkGraph(t, data) {
			read++
		}
	}
	if t.Logf("%d of %d models were read", read, tried); read < tried/10 {
		t.Errorf("%d of %d models were read: the test shows too little", read, tried)
	}
}

func FuzzGraph(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 4))
		data := make([]byte, 100)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkGraph(t, data) })
}
