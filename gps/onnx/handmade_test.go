package onnx_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// handmade is a model that a test puts together, field by field: a second way to the format
// beside Encode.
type handmade struct {
	ir, opset       int64
	inputs, outputs []port
	tensors         []stored
	nodes           []node
	properties      [][2]string
	extra           []byte // further fields of the graph
}

// port is an input or output; a dim of 0 is open. rank0 leaves the shape out.
type port struct {
	name    string
	element int64
	dims    []int64
	noShape bool
}

// stored is an initializer: its numbers go where as says.
type stored struct {
	name    string
	element int64
	dims    []int64
	numbers []float64
	as      string // raw, list, unpacked, external
	more    []byte // further fields
}

type node struct {
	operator string
	inputs   []string
	output   string
	ints     map[string][]int64 // attributes of several integers
	integers map[string]int64
	floats   map[string]float64
	value    *stored
	domain   string
	more     []byte // further fields
}

const (
	float32s = 1
	int64s   = 7
	float16s = 10
	float64s = 11
)

func integer(b []byte, n protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
}

func field(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func (p port) encoded() []byte {
	var dims []byte
	for _, d := range p.dims {
		var dim []byte
		if d == 0 {
			dim = field(nil, 2, []byte("n"))
		} else {
			dim = integer(nil, 1, d)
		}
		dims = field(dims, 1, dim)
	}
	tensor := integer(nil, 1, p.element)
	if !p.noShape {
		tensor = field(tensor, 2, dims)
	}
	return field(field(nil, 1, []byte(p.name)), 2, field(nil, 1, tensor))
}

func (s stored) encoded() []byte {
	var b []byte
	for _, d := range s.dims {
		b = integer(b, 1, d)
	}
	b = append(field(integer(b, 2, s.element), 8, []byte(s.name)), s.more...)
	number := map[int64]protowire.Number{float32s: 4, float16s: 5, int64s: 7, float64s: 10}[s.element]
	if s.as == "external" {
		return integer(field(b, 13, nil), 14, 1)
	}
	var list []byte
	for _, v := range s.numbers {
		switch s.element {
		case float32s:
			list = binary.LittleEndian.AppendUint32(list, math.Float32bits(float32(v)))
		case float64s:
			list = binary.LittleEndian.AppendUint64(list, math.Float64bits(v))
		case float16s:
			if s.as == "raw" {
				list = binary.LittleEndian.AppendUint16(list, half(v))
			} else {
				list = protowire.AppendVarint(list, uint64(half(v)))
			}
		default:
			if s.as == "raw" {
				list = binary.LittleEndian.AppendUint64(list, uint64(int64(v)))
			} else {
				list = protowire.AppendVarint(list, uint64(int64(v)))
			}
		}
	}
	switch s.as {
	case "raw":
		return field(b, 9, list)
	case "unpacked":
		for i := 0; i < len(list); i += 4 {
			b = append(protowire.AppendTag(b, number, protowire.Fixed32Type), list[i:i+4]...)
		}
		return b
	}
	return field(b, number, list)
}

// half returns the bits of a number that float16 holds exactly, and is not below its normal ones.
func half(v float64) uint16 {
	if v == 0 {
		return 0
	}
	fraction, exponent := math.Frexp(math.Abs(v))
	bits := uint16(exponent+14)<<10 | uint16(fraction*2048)&1023
	if v < 0 {
		bits |= 1 << 15
	}
	return bits
}

func (n node) encoded() []byte {
	var b []byte
	for _, name := range n.inputs {
		b = field(b, 1, []byte(name))
	}
	b = field(field(b, 2, []byte(n.output)), 4, []byte(n.operator))
	b = field(b, 3, []byte("the "+n.output))
	attribute := func(name string, kind int64) []byte {
		return integer(field(nil, 1, []byte(name)), 20, kind)
	}
	for name, v := range n.integers {
		b = field(b, 5, integer(attribute(name, 2), 3, v))
	}
	for name, v := range n.floats {
		a := protowire.AppendTag(attribute(name, 1), 2, protowire.Fixed32Type)
		b = field(b, 5, protowire.AppendFixed32(a, math.Float32bits(float32(v))))
	}
	for name, list := range n.ints {
		a := attribute(name, 7)
		for _, v := range list {
			a = integer(a, 8, v)
		}
		b = field(b, 5, a)
	}
	if n.value != nil {
		b = field(b, 5, field(attribute("value", 4), 5, n.value.encoded()))
	}
	if n.domain != "" {
		b = field(b, 7, []byte(n.domain))
	}
	return append(b, n.more...)
}

func (h handmade) encoded() []byte {
	var g []byte
	for _, n := range h.nodes {
		g = field(g, 1, n.encoded())
	}
	g = field(g, 2, []byte("by hand"))
	for _, s := range h.tensors {
		g = field(g, 5, s.encoded())
	}
	for _, p := range h.inputs {
		g = field(g, 11, p.encoded())
	}
	for _, p := range h.outputs {
		g = field(g, 12, p.encoded())
	}
	g = append(g, h.extra...)
	b := field(integer(nil, 1, h.ir), 7, g)
	b = field(b, 8, integer(nil, 2, h.opset))
	for _, p := range h.properties {
		b = field(b, 14, field(field(nil, 1, []byte(p[0])), 2, []byte(p[1])))
	}
	return b
}

// input returns the shape of one input, of as many rows as it takes.
func (h handmade) input(rows int) []int {
	var shape []int
	for _, d := range h.inputs[0].dims {
		if d <= 0 {
			d = int64(rows)
		}
		shape = append(shape, int(d))
	}
	return shape
}

func (h handmade) element() string {
	return map[int64]string{float32s: "float32", float64s: "float64"}[h.inputs[0].element]
}

// numbers returns n multiples of 1/64, which float16 holds too, around 0 without it.
func numbers(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(rng.IntN(64)-32)/64 + 1./128
	}
	return out
}

// basic returns a model of 3 inputs, 4 hidden numbers with tanh and 2 outputs.
func basic() handmade {
	return handmade{
		ir: 8, opset: 13,
		inputs:  []port{{name: "x", element: float32s, dims: []int64{0, 3}}},
		outputs: []port{{name: "y", element: float32s, dims: []int64{0, 2}}},
		tensors: []stored{
			{"a", float32s, []int64{4, 3}, numbers(1, 12), "raw", nil},
			{"b", float32s, []int64{4}, numbers(2, 4), "list", nil},
			{"c", float32s, []int64{4, 2}, numbers(3, 8), "unpacked", nil},
			{"d", float32s, []int64{1, 2}, numbers(4, 2), "raw", nil},
		},
		nodes: []node{
			{operator: "Gemm", inputs: []string{"x", "a", "b"}, output: "h", integers: map[string]int64{"transB": 1}},
			{operator: "Tanh", inputs: []string{"h"}, output: "t"},
			{operator: "MatMul", inputs: []string{"t", "c"}, output: "m"},
			{operator: "Add", inputs: []string{"d", "m"}, output: "y"},
		},
	}
}

// chained returns a model of one input row of the given dims, and nodes whose first input (or
// any other, where it is _) is the node's before, unless it names an output of its own.
func chained(opset int64, in []int64, out []int64, tensors []stored, nodes ...node) handmade {
	h := handmade{
		ir: 7, opset: opset, tensors: tensors,
		inputs: []port{{name: "x", element: float32s, dims: in}}, outputs: []port{{name: "y", element: float32s, dims: out}},
	}
	value := "x"
	for i, n := range nodes {
		if n.output == "" {
			for k, name := range n.inputs {
				if name == "_" {
					n.inputs[k] = value
				}
			}
			value = "v" + string(rune('a'+i))
			if i == len(nodes)-1 {
				value = "y"
			}
			n.output = value
		}
		h.nodes = append(h.nodes, n)
	}
	return h
}

// accepted are models within the supported set, with what a generator of models writes rarely.
func accepted() map[string]handmade {
	matrix := stored{"w", float32s, []int64{3, 5}, numbers(5, 15), "raw", nil}
	last := stored{"v", float32s, []int64{2, 5}, numbers(6, 10), "list", nil}
	row := stored{"r", float32s, []int64{1, 5}, numbers(7, 5), "raw", nil}
	one := stored{"one", float32s, nil, []float64{0.75}, "raw", nil}
	inputs := stored{"i", float32s, []int64{3}, numbers(8, 3), "raw", nil}
	shapeOf := func(name string, dims ...float64) stored {
		return stored{name, int64s, []int64{int64(len(dims))}, dims, "raw", nil}
	}
	matmul := func() node { return node{operator: "MatMul", inputs: []string{"_", "w"}} }
	gemm := func() node {
		return node{operator: "Gemm", inputs: []string{"_", "v"}, integers: map[string]int64{"transB": 1}}
	}
	of := func(operator string, inputs ...string) node { return node{operator: operator, inputs: inputs} }
	batch3, batch2 := []int64{0, 3}, []int64{0, 2}
	float64Model := basic()
	float64Model.inputs[0].element, float64Model.outputs[0].element = float64s, float64s
	for i := range float64Model.tensors {
		float64Model.tensors[i].element = float64s
		float64Model.tensors[i].as = []string{"raw", "list"}[i%2]
	}
	listedInputs := basic()
	listedInputs.ir = 3
	for _, s := range listedInputs.tensors {
		listedInputs.inputs = append(listedInputs.inputs, port{name: s.name, element: float32s, dims: s.dims})
	}
	negativeBatch := basic()
	negativeBatch.inputs[0].dims[0], negativeBatch.outputs[0].dims[0] = -1, -1
	number := func(name string, v float64) stored { return stored{name, float32s, nil, []float64{v}, "raw", nil} }
	ones := stored{"ones", float32s, []int64{5}, []float64{1, 0.5, 2, 0.25, 4}, "raw", nil}
	list := func(name string, seed uint64) stored {
		return stored{name, float32s, []int64{5}, numbers(seed, 5), "raw", nil}
	}
	return map[string]handmade{
		"ReLU, then tanh on the output": chained(13, batch3, batch2, []stored{matrix, last}, matmul(), of("Relu", "_"), gemm(), of("Tanh", "_")),
		"tanh, ReLU, bounds on the output": chained(13, batch3, batch2, []stored{matrix, last, {"q", float32s, []int64{5, 5}, numbers(9, 25), "raw", nil}, number("low", -0.25), number("high", 0.125)},
			matmul(), of("Tanh", "_"), of("MatMul", "_", "q"), of("Relu", "_"), gemm(), of("Clip", "_", "low", "high")),
		"Clip within, one bound each":      chained(13, batch3, batch2, []stored{matrix, last, number("low", -0.25), number("high", 0.5)}, of("Clip", "_", "low"), matmul(), of("Clip", "_", "", "high"), gemm()),
		"Clip of no bounds":                chained(13, batch3, []int64{0, 5}, []stored{matrix}, matmul(), of("Clip", "_")),
		"Clip with attributes":             chained(10, batch3, []int64{0, 5}, []stored{matrix}, matmul(), node{operator: "Clip", inputs: []string{"_"}, floats: map[string]float64{"min": -0.5, "max": math.MaxFloat32}}),
		"sigmoids, the output scaled":      chained(13, batch3, batch2, []stored{matrix, last, one}, matmul(), of("Sigmoid", "_"), gemm(), of("Sigmoid", "_"), of("Sub", "_", "one")),
		"batch normalisation, before ReLU": chained(15, batch3, batch2, []stored{matrix, last, list("s", 21), list("b", 22), list("m", 23), ones}, matmul(), node{operator: "BatchNormalization", inputs: []string{"_", "s", "b", "m", "ones"}, floats: map[string]float64{"epsilon": 0.01}}, of("Relu", "_"), gemm()),
		"batch normalisation, after ReLU":  chained(9, batch3, []int64{0, 5}, []stored{matrix, list("s", 21), list("b", 22), list("m", 23), ones}, matmul(), of("Relu", "_"), of("BatchNormalization", "_", "s", "b", "m", "ones")),
		"Flatten by itself":                chained(13, []int64{0, 1, 3}, []int64{0, 5}, []stored{matrix}, of("Flatten", "_"), matmul()),
		"a batch of -1":                    negativeBatch,
		"basic":                            basic(),
		"float64, raw and listed":          float64Model,
		"initializers among the inputs":    listedInputs,
		"alpha, beta and one bias":         chained(13, batch3, []int64{0, 5}, []stored{matrix, one}, node{operator: "Gemm", inputs: []string{"_", "w", "one"}, floats: map[string]float64{"alpha": 0.5, "beta": -2}}),
		"Gemm without a bias":              chained(13, batch3, batch2, []stored{matrix, last}, matmul(), gemm()),
		"constants on either side":         chained(13, batch3, []int64{0, 5}, []stored{matrix, row, inputs, one}, of("Sub", "i", "_"), of("Mul", "one", "_"), matmul(), of("Sub", "r", "_")),
		"affine before, between, after":    chained(13, batch3, batch2, []stored{matrix, row, last, inputs, one}, of("Add", "_", "i"), of("Div", "_", "i"), of("Sub", "_", "one"), matmul(), of("Mul", "_", "r"), of("Tanh", "_"), of("Sub", "_", "r"), of("Div", "_", "r"), gemm(), of("Div", "_", "one"), of("Add", "_", "one")),
		"three matrices, sums between":     chained(13, batch3, batch2, []stored{matrix, row, last, {"q", float32s, []int64{5, 5}, numbers(9, 25), "raw", nil}}, matmul(), of("Add", "_", "r"), of("MatMul", "_", "q"), of("Mul", "_", "r"), gemm()),
		"activations first, twice, last":   chained(13, batch3, []int64{0, 5}, []stored{matrix, inputs, row}, of("Add", "_", "i"), of("Relu", "_"), of("Relu", "_"), matmul(), of("Relu", "_"), of("Add", "_", "r")),
		"no matrix":                        chained(13, batch3, batch3, []stored{inputs}, of("Mul", "_", "i")),
		"dimensions of 1, then two":        chained(13, []int64{0, 1, 3}, batch2, []stored{matrix, last, shapeOf("s", -1, 3)}, of("Identity", "_"), of("Reshape", "_", "s"), matmul(), of("Relu", "_"), node{operator: "Cast", inputs: []string{"_"}, integers: map[string]int64{"to": float32s}}, gemm()),
		"axes as attributes":               chained(11, []int64{3}, []int64{1, 1, 5}, []stored{matrix}, node{operator: "Unsqueeze", inputs: []string{"_"}, ints: map[string][]int64{"axes": {0}}}, matmul(), node{operator: "Unsqueeze", inputs: []string{"_"}, ints: map[string][]int64{"axes": {-2}}}),
		"axes as inputs":                   chained(13, []int64{0, 1, 3}, []int64{1, 0, 5}, []stored{matrix, shapeOf("s", 1), shapeOf("u", 0)}, of("Squeeze", "_", "s"), matmul(), of("Unsqueeze", "_", "u")),
		"Reshape with 0 and what is left":  chained(13, []int64{0, 1, 3}, []int64{0, 5}, []stored{matrix, shapeOf("s", 0, -1)}, of("Reshape", "_", "s"), matmul()),
		"Flatten from another axis":        chained(13, []int64{0, 1, 3}, []int64{0, 5}, []stored{matrix}, node{operator: "Flatten", inputs: []string{"_"}, integers: map[string]int64{"axis": -1}}, matmul()),
		"a batch of one":                   chained(13, []int64{1, 3}, []int64{5}, []stored{matrix, shapeOf("s", -1)}, matmul(), of("Reshape", "_", "s")),
		"constants of nodes": chained(13, batch3, []int64{0, 2}, []stored{{"h", float16s, []int64{2, 3}, numbers(10, 6), "raw", nil}, {"k", float16s, []int64{2}, numbers(11, 2), "list", nil}},
			node{operator: "Cast", inputs: []string{"h"}, output: "single", integers: map[string]int64{"to": float32s}},
			node{operator: "Cast", inputs: []string{"k"}, output: "bias", integers: map[string]int64{"to": float32s}},
			node{operator: "Transpose", inputs: []string{"single"}, output: "turned", ints: map[string][]int64{"perm": {1, 0}}},
			node{operator: "Identity", inputs: []string{"turned"}, output: "same"},
			node{operator: "Constant", output: "given", value: &stored{"", float32s, []int64{3}, numbers(12, 3), "list", nil}},
			node{operator: "Constant", output: "half", floats: map[string]float64{"value_float": 0.5}},
			of("Mul", "_", "given"), of("Mul", "_", "half"), of("Gemm", "_", "same", "bias")),
	}
}
