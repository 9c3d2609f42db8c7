package onnx_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/onnx"
)

func TestABasicModelIsItsDefinition(t *testing.T) {
	h := basic()
	n, _, err := onnx.Decode(h.encoded())
	if err != nil {
		t.Fatal(err)
	}
	if want := (nn.Config{Sizes: []int{3, 4, 2}, Hidden: nn.Tanh}); !slices.Equal(n.Config().Sizes, want.Sizes) || n.Config().Hidden != want.Hidden {
		t.Fatalf("the network is %+v, expected %+v", n.Config(), want)
	}
	a, b, c, d := h.tensors[0].numbers, h.tensors[1].numbers, h.tensors[2].numbers, h.tensors[3].numbers
	x := []float64{0.3, -1.2, 0.8}
	y := slices.Clone(d)
	for r := range 4 {
		sum := b[r]
		for i := range 3 {
			sum += a[r*3+i] * x[i]
		}
		for o := range 2 {
			y[o] += math.Tanh(sum) * c[r*2+o]
		}
	}
	near(t, act(n, x), y)
}

// TestFoldedModelsAreTheirDefinition holds what the runtime would compute for the models that fold
// most, where there is no runtime too.
func TestFoldedModelsAreTheirDefinition(t *testing.T) {
	h := accepted()["affine before, between, after"]
	n, _, err := onnx.Decode(h.encoded())
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]float64{}
	for _, s := range h.tensors {
		of[s.name] = s.numbers
	}
	x := []float64{0.4, 0.1, -0.7}
	hidden := make([]float64, 5)
	for k := range hidden {
		for i := range x {
			hidden[k] += ((x[i]+of["i"][i])/of["i"][i] - 0.75) * of["w"][i*5+k]
		}
		hidden[k] = (math.Tanh(hidden[k]*of["r"][k]) - of["r"][k]) / of["r"][k]
	}
	want := make([]float64, 2)
	for o := range want {
		for k := range hidden {
			want[o] += hidden[k] * of["v"][o*5+k]
		}
		want[o] = want[o]/0.75 + 0.75
	}
	near(t, act(n, x), want)
	if len(n.Config().Sizes) != 3 {
		t.Errorf("layers of sizes %v, expected two", n.Config().Sizes)
	}
}

func TestDecodeRefuses(t *testing.T) {
	change := func(f func(h *handmade)) []byte {
		h := basic()
		f(&h)
		return h.encoded()
	}
	with := func(i int, n node) []byte { return change(func(h *handmade) { h.nodes[i] = n }) }
	tensor := func(i int, s stored) []byte { return change(func(h *handmade) { h.tensors[i] = s }) }
	replace := func(name string, f func(h *handmade)) []byte {
		h, ok := accepted()[name]
		if !ok {
			t.Fatalf("no model %q", name)
		}
		f(&h)
		return h.encoded()
	}
	infinite := numbers(1, 12)
	infinite[7] = math.Inf(-1)
	notANumber := numbers(3, 8)
	notANumber[2] = math.NaN()
	whole := basic().encoded()

	for name, c := range map[string]struct {
		data []byte
		is   error
		says []string
	}{
		"nothing":                  {nil, onnx.ErrMalformed, []string{"IR version 0"}},
		"other bytes":              {[]byte("PK\x03\x04 a zip file of weights"), onnx.ErrMalformed, []string{"byte"}},
		"a text":                   {[]byte("{\"sizes\": [3, 4, 2]}"), onnx.ErrMalformed, nil},
		"no graph":                 {field(integer(nil, 1, 8), 8, integer(nil, 2, 13)), onnx.ErrMalformed, []string{"graph: false"}},
		"two graphs":               {append(slices.Clone(whole), whole...), onnx.ErrMalformed, []string{"second graph"}},
		"truncated":                {whole[:len(whole)/2], onnx.ErrMalformed, []string{"byte", "is the file whole"}},
		"a graph that is a number": {integer(whole, 7, 3), onnx.ErrMalformed, []string{"field 7", "wire type 0"}},
		"old operators":            {change(func(h *handmade) { h.opset = 6 }), onnx.ErrUnsupported, []string{"operator set 6", "7 to 24"}},
		"new operators":            {change(func(h *handmade) { h.opset = 99 }), onnx.ErrUnsupported, []string{"operator set 99"}},
		"no operator set":          {change(func(h *handmade) { h.opset = 0 }), onnx.ErrMalformed, []string{"operator set 0"}},

		"operator outside":           {with(1, node{operator: "Softmax", inputs: []string{"h"}, output: "t"}), onnx.ErrUnsupported, []string{"node 1", `"the t"`, "Softmax", "Gemm, Identity, MatMul"}},
		"operator of others":         {with(1, node{operator: "Tanh", domain: "com.example", inputs: []string{"h"}, output: "t"}), onnx.ErrUnsupported, []string{"com.example.Tanh"}},
		"attribute outside":          {with(1, node{operator: "Tanh", inputs: []string{"h"}, output: "t", integers: map[string]int64{"steep": 1}}), onnx.ErrUnsupported, []string{`"steep"`}},
		"attribute of another type":  {with(0, node{operator: "Gemm", inputs: []string{"x", "a", "b"}, output: "h", integers: map[string]int64{"transB": 1, "alpha": 1}}), onnx.ErrMalformed, []string{`"alpha"`, "type 2, expected 1"}},
		"too few inputs":             {with(3, node{operator: "Add", inputs: []string{"m"}, output: "y"}), onnx.ErrMalformed, []string{"node 3", "1 inputs"}},
		"transposed observations":    {with(0, node{operator: "Gemm", inputs: []string{"x", "a", "b"}, output: "h", integers: map[string]int64{"transA": 1}}), onnx.ErrUnsupported, []string{"transA"}},
		"an attribute of a function": {with(1, node{operator: "Gemm", inputs: []string{"x", "a"}, output: "h", more: field(nil, 5, field(integer(field(nil, 1, []byte("alpha")), 20, 1), 21, []byte("outer")))}), onnx.ErrMalformed, []string{"node 1", "of a function"}},
		"an attribute twice":         {with(0, node{operator: "Gemm", inputs: []string{"x", "a"}, output: "h", integers: map[string]int64{"transB": 1}, more: field(nil, 5, integer(field(nil, 1, []byte("transB")), 20, 2))}), onnx.ErrMalformed, []string{"node 0", `"transB" twice`}},
		"half a number":              {change(func(h *handmade) { h.extra = field(nil, 5, field(nil, 4, make([]byte, 5))) }), onnx.ErrMalformed, []string{"initializer 4", "5 bytes of numbers of 4"}},
		"a transposed vector": {change(func(h *handmade) {
			h.nodes = append([]node{{operator: "Transpose", inputs: []string{"b"}, output: "q"}}, h.nodes...)
		}), onnx.ErrUnsupported, []string{`"b"`, "[4]", "expected a matrix"}},
		"no version":                {change(func(h *handmade) { h.ir = 0 }), onnx.ErrMalformed, []string{"IR version 0"}},
		"too many inputs":           {with(1, node{operator: "Tanh", inputs: []string{"h", "a"}, output: "t"}), onnx.ErrMalformed, []string{"2 inputs", "1 to 1"}},
		"two results":               {with(1, node{operator: "Tanh", inputs: []string{"h"}, output: "t", more: field(nil, 2, []byte("z"))}), onnx.ErrMalformed, []string{`"t" "z"`}},
		"a constant of nothing":     {with(1, node{operator: "Constant", output: "t"}), onnx.ErrMalformed, []string{"0 attributes"}},
		"a constant without tensor": {with(1, node{operator: "Constant", output: "t", more: field(nil, 5, integer(field(nil, 1, []byte("value")), 20, 4))}), onnx.ErrMalformed, []string{"no tensor"}},
		"a layer too wide":          {tensor(2, stored{"c", float32s, []int64{4, 5000}, make([]float64, 20000), "raw", nil}), onnx.ErrUnsupported, []string{`"c" gives 5000 numbers`}},
		"recurrent":                 {with(1, node{operator: "LSTM", inputs: []string{"h"}, output: "t"}), onnx.ErrUnsupported, []string{"LSTM"}},

		"several inputs":        {change(func(h *handmade) { h.inputs = append(h.inputs, port{name: "z", element: float32s, dims: []int64{1}}) }), onnx.ErrUnsupported, []string{"2 inputs", `"x" "z"`}},
		"no input":              {change(func(h *handmade) { h.inputs = nil }), onnx.ErrUnsupported, []string{"0 inputs"}},
		"several outputs":       {change(func(h *handmade) { h.outputs = append(h.outputs, port{name: "t"}) }), onnx.ErrUnsupported, []string{"2 outputs", `"y" "t"`}},
		"output in the middle":  {change(func(h *handmade) { h.outputs[0].name = "t" }), onnx.ErrUnsupported, []string{`"t"`, `"y"`}},
		"output of nothing":     {change(func(h *handmade) { h.outputs[0].name = "q" }), onnx.ErrMalformed, []string{`"q"`}},
		"output declared wider": {change(func(h *handmade) { h.outputs[0].dims = []int64{0, 3} }), onnx.ErrMalformed, []string{"[batch, 3]", "[batch, 2]"}},
		"input of integers":     {change(func(h *handmade) { h.inputs[0].element = int64s }), onnx.ErrUnsupported, []string{"int64"}},
		"input without a shape": {change(func(h *handmade) { h.inputs[0].noShape = true }), onnx.ErrUnsupported, []string{`"x" has no shape`}},
		"input of any width":    {change(func(h *handmade) { h.inputs[0].dims[1] = 0 }), onnx.ErrUnsupported, []string{"[batch, batch]"}},
		"input of a picture":    {change(func(h *handmade) { h.inputs[0].dims = []int64{0, 8, 3} }), onnx.ErrUnsupported, []string{"[batch, 8, 3]"}},
		"input too wide":        {change(func(h *handmade) { h.inputs[0].dims[1] = 1 << 40 }), onnx.ErrUnsupported, []string{"4096"}},
		"input of many axes":    {change(func(h *handmade) { h.inputs[0].dims = []int64{1, 1, 1, 1, 1, 1, 1, 1, 3} }), onnx.ErrUnsupported, []string{"dimensions"}},

		"a cycle":                  {with(0, node{operator: "Gemm", inputs: []string{"t", "a", "b"}, output: "h", integers: map[string]int64{"transB": 1}}), onnx.ErrMalformed, []string{"node 0", `"t"`, "cycle"}},
		"itself":                   {with(1, node{operator: "Tanh", inputs: []string{"t"}, output: "t"}), onnx.ErrMalformed, []string{"node 1", "cycle"}},
		"a value twice":            {with(1, node{operator: "Tanh", inputs: []string{"h"}, output: "a"}), onnx.ErrMalformed, []string{`"a"`, "already"}},
		"a skip":                   {with(3, node{operator: "Add", inputs: []string{"m", "h"}, output: "y"}), onnx.ErrUnsupported, []string{`"h"`, "node 1", "one chain"}},
		"a square":                 {with(3, node{operator: "Mul", inputs: []string{"m", "m"}, output: "y"}), onnx.ErrUnsupported, []string{"input 0 and as input 1"}},
		"a learned matrix product": {with(2, node{operator: "MatMul", inputs: []string{"c", "t"}, output: "m"}), onnx.ErrUnsupported, []string{"expected input 0"}},
		"a sum of constants":       {with(3, node{operator: "Add", inputs: []string{"d", "d"}, output: "y"}), onnx.ErrUnsupported, []string{"constants only"}},
		"a transposed value":       {with(1, node{operator: "Transpose", inputs: []string{"h"}, output: "t"}), onnx.ErrUnsupported, []string{`"h"`, "expected a constant"}},
		"one over the value":       {with(3, node{operator: "Div", inputs: []string{"d", "m"}, output: "y"}), onnx.ErrUnsupported, []string{"input 1"}},
		"cast to integers":         {with(1, node{operator: "Cast", inputs: []string{"h"}, output: "t", integers: map[string]int64{"to": int64s}}), onnx.ErrUnsupported, []string{"int64"}},
		"unknown initializer":      {with(2, node{operator: "MatMul", inputs: []string{"t", "nowhere"}, output: "m"}), onnx.ErrMalformed, []string{`"nowhere"`}},
		"missing bias":             {with(3, node{operator: "Add", inputs: []string{"m", ""}, output: "y"}), onnx.ErrMalformed, []string{"node 3"}},

		"weights that do not chain": {tensor(2, stored{"c", float32s, []int64{5, 2}, numbers(3, 10), "raw", nil}), onnx.ErrMalformed, []string{`"c" takes 5 numbers`, "has 4", "do not chain"}},
		"a bias of another width":   {tensor(1, stored{"b", float32s, []int64{5}, numbers(3, 5), "raw", nil}), onnx.ErrUnsupported, []string{`"b"`, "[5]", "expected one number or 4"}},
		"a bias for each row":       {tensor(3, stored{"d", float32s, []int64{2, 1}, numbers(3, 2), "raw", nil}), onnx.ErrUnsupported, []string{`"d"`, "[2 1]"}},
		"a bias of more dimensions": {tensor(3, stored{"d", float32s, []int64{1, 1, 2}, numbers(3, 2), "raw", nil}), onnx.ErrUnsupported, []string{`"d"`, "[1 1 2]"}},
		"a vector for a matrix":     {tensor(2, stored{"c", float32s, []int64{4}, numbers(3, 4), "raw", nil}), onnx.ErrUnsupported, []string{`"c"`, "two dimensions"}},
		"no outputs":                {tensor(2, stored{"c", float32s, []int64{4, 0}, nil, "raw", nil}), onnx.ErrUnsupported, []string{`"c"`, "gives 0 numbers"}},
		"integers for weights":      {tensor(2, stored{"c", int64s, []int64{4, 2}, numbers(3, 8), "raw", nil}), onnx.ErrUnsupported, []string{`"c"`, "int64"}},
		"NaN weight":                {tensor(2, stored{"c", float32s, []int64{4, 2}, notANumber, "raw", nil}), onnx.ErrNotFinite, []string{"node 2", `"c"`, "element 2 of 8", "NaN"}},
		"infinite weight":           {tensor(0, stored{"a", float32s, []int64{4, 3}, infinite, "list", nil}), onnx.ErrNotFinite, []string{`"a"`, "element 7 of 12"}},
		"weights elsewhere":         {tensor(0, stored{"a", float32s, []int64{4, 3}, nil, "external", nil}), onnx.ErrUnsupported, []string{`"a"`, "another file"}},
		"too few weights":           {tensor(0, stored{"a", float32s, []int64{4, 3}, numbers(1, 11), "raw", nil}), onnx.ErrMalformed, []string{`"a"`, "[4 3]", "12 numbers", "holds 11"}},
		"lying size":                {tensor(0, stored{"a", float32s, []int64{1 << 20, 1 << 19}, numbers(1, 12), "raw", nil}), onnx.ErrMalformed, []string{`"a"`, "holds 12"}},
		"lying sizes that overflow": {tensor(0, stored{"a", float32s, []int64{1 << 32, 1 << 32}, nil, "raw", nil}), onnx.ErrMalformed, []string{`"a"`}},
		"negative size":             {tensor(0, stored{"a", float32s, []int64{-4, -3}, numbers(1, 12), "raw", nil}), onnx.ErrMalformed, []string{`"a"`, "[-4 -3]"}},
		"initializer twice":         {tensor(1, stored{"a", float32s, []int64{4}, numbers(1, 4), "raw", nil}), onnx.ErrMalformed, []string{"initializer 1", `"a"`}},
		"sparse weights":            {change(func(h *handmade) { h.extra = field(nil, 15, nil) }), onnx.ErrUnsupported, []string{"sparse"}},
		"division by 0":             {replace("no matrix", func(h *handmade) { h.nodes[0].operator = "Div"; h.tensors[0].numbers[1] = 0 }), onnx.ErrNotFinite, []string{"divides by element 1"}},
		"weights that overflow": {replace("three matrices, sums between", func(h *handmade) {
			for i := range h.tensors {
				for k := range h.tensors[i].numbers {
					h.tensors[i].numbers[k] = 1e30
				}
			}
		}), onnx.ErrNotFinite, []string{"layer 0"}},

		"another activation":   {replace("tanh, ReLU, bounds on the output", func(h *handmade) { h.nodes[3].operator = "LeakyRelu" }), onnx.ErrUnsupported, []string{"LeakyRelu", "Sigmoid, Squeeze"}},
		"a row of bounds":      {replace("tanh, ReLU, bounds on the output", func(h *handmade) { h.tensors[3] = stored{"low", float32s, []int64{2}, []float64{-1, -2}, "raw", nil} }), onnx.ErrUnsupported, []string{"low", "[2]", "one number"}},
		"bounds turned":        {replace("tanh, ReLU, bounds on the output", func(h *handmade) { h.tensors[3].numbers = []float64{0.5} }), onnx.ErrUnsupported, []string{"min is 0.5 and max 0.125"}},
		"a bound of nothing":   {replace("tanh, ReLU, bounds on the output", func(h *handmade) { h.tensors[3].numbers = []float64{math.NaN()} }), onnx.ErrNotFinite, []string{"low"}},
		"bounds as inputs":     {replace("tanh, ReLU, bounds on the output", func(h *handmade) { h.opset = 10 }), onnx.ErrMalformed, []string{"inputs from 11 on"}},
		"bounds as attributes": {replace("Clip with attributes", func(h *handmade) { h.opset = 11 }), onnx.ErrMalformed, []string{"inputs from 11 on"}},
		"a range above all":    {replace("Clip with attributes", func(h *handmade) { h.nodes[1].floats["min"] = math.MaxFloat32 }), onnx.ErrUnsupported, []string{"expected a range"}},
		"bounds that change":   {replace("tanh, ReLU, bounds on the output", func(h *handmade) { h.nodes[5].inputs = []string{"low", "ve", "high"} }), onnx.ErrUnsupported, []string{"input 1 depends on the observation"}},

		"in training":            {replace("batch normalisation, before ReLU", func(h *handmade) { h.nodes[1].integers = map[string]int64{"training_mode": 1} }), onnx.ErrUnsupported, []string{"training_mode is 1"}},
		"per number":             {replace("batch normalisation, before ReLU", func(h *handmade) { h.nodes[1].integers = map[string]int64{"spatial": 0} }), onnx.ErrUnsupported, []string{"spatial 0"}},
		"a variance below 0":     {replace("batch normalisation, before ReLU", func(h *handmade) { h.tensors[5].numbers[2] = -1 }), onnx.ErrNotFinite, []string{"variance -1 of number 2"}},
		"other channels":         {replace("batch normalisation, before ReLU", func(h *handmade) { h.tensors[5].dims, h.tensors[5].numbers = []int64{4}, numbers(1, 4) }), onnx.ErrMalformed, []string{"ones", "[4]", "expected 5"}},
		"channels elsewhere":     {replace("batch normalisation, before ReLU", func(h *handmade) { h.inputs[0].dims = []int64{0, 1, 3} }), onnx.ErrUnsupported, []string{"[batch, 1, 5]", "[batch, numbers]"}},
		"normalised by inputs":   {replace("batch normalisation, before ReLU", func(h *handmade) { h.nodes[1].inputs = []string{"s", "va", "b", "m", "ones"} }), onnx.ErrUnsupported, []string{"input 1 depends"}},
		"rows made one":          {replace("dimensions of 1, then two", func(h *handmade) { h.tensors[2].numbers = []float64{1, -1} }), onnx.ErrUnsupported, []string{"[batch, 1, 3]", "same rows"}},
		"rows and width changed": {replace("dimensions of 1, then two", func(h *handmade) { h.tensors[2].numbers = []float64{3, -1} }), onnx.ErrUnsupported, []string{"same rows"}},
		"two dimensions left":    {replace("dimensions of 1, then two", func(h *handmade) { h.tensors[2].numbers = []float64{-1, -1} }), onnx.ErrMalformed, []string{"[-1 -1]"}},
		"the batch squeezed":     {replace("axes as inputs", func(h *handmade) { h.tensors[1].numbers[0] = 0 }), onnx.ErrUnsupported, []string{"dimension 0"}},
		"many dimensions": {replace("axes as inputs", func(h *handmade) {
			h.tensors[2] = stored{"u", int64s, []int64{8}, []float64{0, 1, 2, 3, 4, 5, 6, 7}, "raw", nil}
		}), onnx.ErrUnsupported, []string{"makes the shape"}},
		"many axes":              {replace("axes as attributes", func(h *handmade) { h.nodes[0].ints["axes"] = make([]int64, 9) }), onnx.ErrUnsupported, []string{"9 axes"}},
		"zeros that are zeros":   {replace("Reshape with 0 and what is left", func(h *handmade) { h.nodes[0].integers = map[string]int64{"allowzero": 1} }), onnx.ErrUnsupported, []string{"allowzero"}},
		"rows of rows":           {replace("dimensions of 1, then two", func(h *handmade) { h.tensors[2] = stored{"s", int64s, []int64{3}, []float64{0, 2, 3}, "raw", nil} }), onnx.ErrUnsupported, []string{"[batch, 2, 3]"}},
		"a dimension of nowhere": {replace("dimensions of 1, then two", func(h *handmade) { h.tensors[2] = stored{"s", int64s, []int64{4}, []float64{0, 1, 1, 0}, "raw", nil} }), onnx.ErrMalformed, []string{"[0 1 1 0]"}},
		"an axis twice":          {replace("axes as attributes", func(h *handmade) { h.nodes[0].ints["axes"] = []int64{0, 0} }), onnx.ErrMalformed, []string{"0 twice"}},
		"too many weights":       {tensor(0, stored{"a", float32s, []int64{4, 3}, numbers(1, 13), "raw", nil}), onnx.ErrMalformed, []string{"holds 13"}},
		"external by name":       {tensor(0, stored{"a", float32s, []int64{4, 3}, numbers(1, 12), "raw", field(nil, 13, nil)}), onnx.ErrUnsupported, []string{"another file"}},
		"external by place":      {tensor(0, stored{"a", float32s, []int64{4, 3}, numbers(1, 12), "raw", integer(nil, 14, 1)}), onnx.ErrUnsupported, []string{"another file"}},
		"segments":               {tensor(0, stored{"a", float32s, []int64{4, 3}, numbers(1, 12), "raw", field(nil, 3, nil)}), onnx.ErrUnsupported, []string{"segments"}},
		"numbers twice":          {tensor(0, stored{"a", float32s, []int64{4, 3}, numbers(1, 12), "raw", field(nil, 4, make([]byte, 48))}), onnx.ErrMalformed, []string{"12 numbers beside"}},
		"a byte too many":        {tensor(0, stored{"a", float32s, []int64{4, 3}, nil, "list", field(nil, 9, make([]byte, 3))}), onnx.ErrMalformed, []string{"3 bytes"}},
		"an axis outside":        {replace("axes as inputs", func(h *handmade) { h.tensors[1].numbers[0] = 3 }), onnx.ErrMalformed, []string{"axis 3"}},
		"an axis behind":         {replace("axes as inputs", func(h *handmade) { h.tensors[2].numbers[0] = 2 }), onnx.ErrUnsupported, []string{"[batch, 5, 1]"}},
		"the batch flattened":    {replace("Flatten from another axis", func(h *handmade) { h.nodes[0].integers["axis"] = 0 }), onnx.ErrUnsupported, []string{"same rows"}},
		"axes of another time":   {replace("axes as attributes", func(h *handmade) { h.opset = 13 }), onnx.ErrMalformed, []string{"axes"}},

		"too many names":   {change(func(h *handmade) { h.properties = [][2]string{{"observation_names", `["a","b","c","d"]`}} }), onnx.ErrMeta, []string{"4 names", "3 inputs"}},
		"names of no list": {change(func(h *handmade) { h.properties = [][2]string{{"action_names", `a,b`}} }), onnx.ErrMeta, []string{"action_names", "JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := onnx.Decode(c.data)
			refused(t, err, c.is, c.says)
		})
	}
}

// TestAFileCannotAskForMoreThanItHolds holds that a matrix that is used again and again does
// not make a network without bound.
func TestAFileCannotAskForMoreThanItHolds(t *testing.T) {
	const n = 1024
	h := chained(13, []int64{0, n}, []int64{0, n}, []stored{{"w", float32s, []int64{n, n}, numbers(1, n*n), "raw", nil}})
	value := "x"
	for i := range 10000 {
		next := "v" + string(rune(0x4e00+i))
		operator := []string{"MatMul", "Relu"}[i%2]
		inputs := []string{value, "w"}[:2-i%2]
		h.nodes = append(h.nodes, node{operator: operator, inputs: inputs, output: next})
		value = next
	}
	h.outputs[0].name = value
	_, _, err := onnx.Decode(h.encoded())
	refused(t, err, onnx.ErrUnsupported, []string{"operations"})

	products := chained(13, []int64{0, n}, []int64{0, n}, h.tensors)
	for range 2 {
		products.nodes = append(products.nodes, node{operator: "MatMul", inputs: []string{"x", "w"}, output: "y"})
	}
	products.nodes[0].output, products.nodes[1].inputs[0] = "h", "h"
	_, _, err = onnx.Decode(products.encoded())
	refused(t, err, onnx.ErrUnsupported, []string{"operations"})

	activations := chained(13, []int64{0, 4096}, []int64{0, 4096}, nil)
	for i := range 9 {
		activations.nodes = append(activations.nodes, node{operator: "Relu", inputs: []string{fmt.Sprint("v", i)}, output: fmt.Sprint("v", i+1)})
	}
	activations.inputs[0].name, activations.outputs[0].name = "v0", "v9"
	_, _, err = onnx.Decode(activations.encoded())
	refused(t, err, onnx.ErrUnsupported, []string{"operations"})

	many := basic()
	for range 1 << 15 {
		many.nodes = append(many.nodes, many.nodes[1])
	}
	_, _, err = onnx.Decode(many.encoded())
	refused(t, err, onnx.ErrUnsupported, []string{"16384"})
}

func TestACastRounds(t *testing.T) {
	h := chained(13, []int64{0, 1}, []int64{0, 1}, []stored{{"s", float64s, []int64{1}, []float64{0.1}, "raw", nil}},
		node{operator: "Cast", inputs: []string{"s"}, output: "single", integers: map[string]int64{"to": float32s}},
		node{operator: "Mul", inputs: []string{"_", "single"}})
	n, _, err := onnx.Decode(h.encoded())
	if err != nil {
		t.Fatal(err)
	}
	if scale, _ := n.Normalisation(); scale[0] != float64(float32(0.1)) {
		t.Errorf("0.1 became %v, expected the nearest of float32", scale[0])
	}
	h.tensors[0].numbers[0] = 1e300
	_, _, err = onnx.Decode(h.encoded())
	refused(t, err, onnx.ErrNotFinite, []string{"element 0", `"s"`, "1e+300"})
}

// TestErrorsSayWhichByte finds the place by the bytes themselves.
func TestErrorsSayWhichByte(t *testing.T) {
	data := basic().encoded()
	at := bytes.Index(data, []byte("the t")) // a node's name: one byte of tag and one of length before
	data[at-1] = 100
	_, _, err := onnx.Decode(data)
	refused(t, err, onnx.ErrMalformed, []string{"node 1", fmt.Sprintf("byte %d:", at-1)})
}

// TestFieldsThatAreNotKnownAreSkipped holds to the wire format's rule for what later versions
// add.
func TestFieldsThatAreNotKnownAreSkipped(t *testing.T) {
	b := basic().encoded()
	b = field(b, 200, []byte("later"))
	b = protowire.AppendFixed64(protowire.AppendTag(b, 201, protowire.Fixed64Type), 1)
	b = protowire.AppendTag(protowire.AppendTag(b, 202, protowire.StartGroupType), 202, protowire.EndGroupType)
	if _, _, err := onnx.Decode(b); err != nil {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, n := range networks(f) {
		data, err := onnx.Encode(n, onnx.Meta{Properties: map[string]string{"a": "b"}})
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 8192 { // large seeds are mutated slowly
			f.Add(data)
		}
	}
	for _, m := range foreigns(f) {
		f.Add(m.model)
	}
	for _, h := range accepted() {
		f.Add(h.encoded())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, meta, err := onnx.Decode(data)
		if err != nil {
			return
		}
		if err := n.Validate(); err != nil {
			t.Fatalf("a network that is no good was read: %v", err)
		}
		dO, dU := n.Dims()
		n.NewWorkspace().Forward(make([]float64, dU), make([]float64, dO))
		again, err := onnx.Encode(n, meta)
		if err != nil { // text that is not UTF-8, or a normalisation beyond float32
			return
		}
		back, _, err := onnx.Decode(again)
		if err != nil {
			t.Fatalf("what was read cannot be read when it is written again: %v", err)
		}
		if back.Layers() != n.Layers() {
			t.Fatalf("%d layers became %d", n.Layers(), back.Layers())
		}
	})
}
