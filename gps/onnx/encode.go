package onnx

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"guidedpolicysearch/gps/nn"
)

// Names of the graph's input and output.
const (
	inputName  = "observation"
	outputName = "action"
)

// Encode returns a network as an ONNX model: see the package's documentation. Weights are float32
// in both; scale and bias of the normalisation are rounded to it. A number that float32 cannot
// hold is an error that wraps ErrNotFinite, names that do not fit one that wraps ErrMeta. The
// same network and meta give the same bytes.
func Encode(network *nn.Network, meta Meta) ([]byte, error) {
	dO, dU := network.Dims()
	if err := meta.validate(dO, dU); err != nil {
		return nil, err
	}
	if err := meta.checkText(); err != nil {
		return nil, err
	}
	if err := network.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFinite, err)
	}
	g, err := encodeGraph(network)
	if err != nil {
		return nil, err
	}
	pairs, err := meta.pairs()
	if err != nil {
		return nil, err
	}
	var m writer
	m.integer(1, irVersion)
	m.text(2, meta.Producer)
	m.text(3, meta.ProducerVersion)
	m.text(6, meta.Description)
	m.message(7, g)
	var set writer
	set.text(1, "")
	set.integer(2, opset)
	m.message(8, set)
	for _, pair := range pairs {
		var entry writer
		entry.text(1, pair[0])
		entry.text(2, pair[1])
		m.message(14, entry)
	}
	return m, nil
}

// encodeGraph returns a GraphProto: nodes, name, initializers, input and output in the order of
// their field numbers.
func encodeGraph(network *nn.Network) (writer, error) {
	g := graphWriter{value: inputName}
	if err := g.normalisation(network); err != nil {
		return nil, err
	}
	operators := map[nn.Activation]string{nn.ReLU: "Relu", nn.Tanh: "Tanh"}
	cfg, last := network.Config(), network.Layers()-1
	for i, in := range cfg.Sizes[:last+1] {
		weights, bias := network.Layer(i)
		layer := fmt.Sprintf("layer_%d", i)
		w, b := layer+".weight", layer+".bias"
		if err := g.initializer(w, weights, len(bias), in); err != nil {
			return nil, err
		}
		if err := g.initializer(b, bias, len(bias)); err != nil {
			return nil, err
		}
		output := outputName
		if i < last {
			output = layer + ".sum"
		}
		g.node("Gemm", layer, output, []string{w, b}, "transB")
		if i < last {
			g.node(operators[cfg.Activation(i)], layer+".activation", layer+".output", nil)
		}
	}
	dO, dU := network.Dims()
	out := g.nodes
	out.text(2, "policy")
	out = append(out, g.initializers...)
	out.message(11, encodePort(inputName, dO))
	out.message(12, encodePort(outputName, dU))
	return out, nil
}

// graphWriter collects the nodes of a chain; value is that of the last.
type graphWriter struct {
	nodes, initializers writer
	value               string
}

// normalisation writes scale x + bias, unless it is x.
func (g *graphWriter) normalisation(network *nn.Network) error {
	scale, bias := network.Normalisation()
	isIdentity := true
	for i := range scale {
		isIdentity = isIdentity && scale[i] == 1 && math.Float64bits(bias[i]) == 0
	}
	if isIdentity {
		return nil
	}
	if err := g.initializer("normalisation.scale", scale, len(scale)); err != nil {
		return err
	}
	if err := g.initializer("normalisation.bias", bias, len(bias)); err != nil {
		return err
	}
	g.node("Mul", "normalisation_scale", "normalisation.scaled", []string{"normalisation.scale"})
	g.node("Add", "normalisation_bias", "normalisation.output", []string{"normalisation.bias"})
	return nil
}

// node writes a NodeProto that takes the last value, then constants; each flag is an attribute
// that is 1.
func (g *graphWriter) node(operator, name, output string, constants []string, flags ...string) {
	var n writer
	n.text(1, g.value)
	for _, c := range constants {
		n.text(1, c)
	}
	n.text(2, output)
	n.text(3, name)
	n.text(4, operator)
	for _, flag := range flags {
		var a writer
		a.text(1, flag)
		a.integer(3, 1)
		a.integer(20, kindInteger)
		n.message(5, a)
	}
	g.nodes.message(1, n)
	g.value = output
}

// initializer writes a TensorProto of float32.
func (g *graphWriter) initializer(name string, numbers []float64, dims ...int) error {
	var t, packed writer
	for _, d := range dims {
		packed = protowire.AppendVarint(packed, uint64(d))
	}
	t.message(1, packed)
	t.integer(2, typeFloat)
	t.text(8, name)
	raw := make([]byte, 0, 4*len(numbers))
	for i, v := range numbers {
		single := float32(v)
		if math.IsInf(float64(single), 0) {
			return fmt.Errorf("%w: element %d of %s is %v, which float32 cannot hold", ErrNotFinite, i, name, v)
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(single))
	}
	t.message(9, raw)
	g.initializers.message(5, t)
	return nil
}

// encodePort returns a ValueInfoProto of float32 [batch, n].
func encodePort(name string, n int) writer {
	var rows, numbers, dims, tensor, kind, port writer
	rows.text(2, "batch")
	numbers.integer(1, int64(n))
	dims.message(1, rows)
	dims.message(1, numbers)
	tensor.integer(1, typeFloat)
	tensor.message(2, dims)
	kind.message(1, tensor)
	port.text(1, name)
	port.message(2, kind)
	return port
}

// writer is an encoded message that grows.
type writer []byte

func (w *writer) integer(field protowire.Number, v int64) {
	*w = protowire.AppendVarint(protowire.AppendTag(*w, field, protowire.VarintType), uint64(v))
}

func (w *writer) text(field protowire.Number, v string) {
	*w = protowire.AppendString(protowire.AppendTag(*w, field, protowire.BytesType), v)
}

func (w *writer) message(field protowire.Number, m writer) {
	*w = protowire.AppendBytes(protowire.AppendTag(*w, field, protowire.BytesType), m)
}
