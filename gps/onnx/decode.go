package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"guidedpolicysearch/gps/nn"
)

// maxRank bounds the dimensions of a value.
const maxRank = 8

// decoder walks over the nodes in the file's order, in which each value must come before it is
// used, so that there is no cycle. Besides constants there is one value at a time: current.
type decoder struct {
	opset     int64
	operators map[string]operator
	constants map[string]*constant
	current   string
	shape     shape
	past      map[string]string // values that depend on the observation, and the node that took them
	chain     chain
}

// Decode returns the policy in an ONNX model, a network from the graph's input (dO numbers) to its
// output (dU), and what the file says of it. What it reads is in the package's documentation;
// errors wrap ErrMalformed, ErrUnsupported, ErrNotFinite or ErrMeta and name the node or tensor.
// Numbers are folded in float64, so that the network differs from the graph by rounding
// only; what Encode wrote comes back bit by bit. Memory is bounded by the bytes that are there.
func Decode(data []byte) (*nn.Network, Meta, error) {
	m, err := readModel(data)
	if err != nil {
		return nil, Meta{}, err
	}
	if m.ir < 1 || m.graph == nil || m.opset == 0 {
		return nil, Meta{}, fmt.Errorf("%w: it has IR version %d, operator set %d and a graph: %t; expected all three; is this an ONNX file?", ErrMalformed, m.ir, m.opset, m.graph != nil)
	}
	if m.opset < oldestOpset || m.opset > newestOpset {
		return nil, Meta{}, fmt.Errorf("%w: operator set %d, expected %d to %d; export the model with one of those", ErrUnsupported, m.opset, oldestOpset, newestOpset)
	}
	d := decoder{opset: m.opset, operators: operatorTable(), constants: map[string]*constant{}, past: map[string]string{}}
	network, err := d.decode(m.graph)
	if err != nil {
		return nil, Meta{}, err
	}
	dO, dU := network.Dims()
	if err := m.meta.validate(dO, dU); err != nil {
		return nil, Meta{}, err
	}
	return network, m.meta, nil
}

func (d *decoder) decode(g *graph) (*nn.Network, error) {
	// First, so that the reason is named and not what it makes of the shapes.
	for i := range g.nodes {
		if err := d.known(&g.nodes[i]); err != nil {
			return nil, err
		}
	}
	if g.sparse {
		return nil, fmt.Errorf("%w: the graph has sparse initializers, expected dense ones", ErrUnsupported)
	}
	for i := range g.initializers {
		t := &g.initializers[i]
		if _, twice := d.constants[t.name]; twice || t.name == "" {
			return nil, fmt.Errorf("%w: initializer %d has the name %q, expected one of its own", ErrMalformed, i, t.name)
		}
		d.constants[t.name] = newConstant(t.name, t)
	}
	if err := d.begin(g); err != nil {
		return nil, err
	}
	for i := range g.nodes {
		if err := d.step(&g.nodes[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", g.nodes[i].label, err)
		}
	}
	return d.end(g)
}

// known refuses a node whose operator or attributes are outside the supported set.
func (d *decoder) known(n *node) error {
	op, ok := d.operators[n.operator]
	if !isONNX(n.domain) || !ok {
		name := n.operator
		if !isONNX(n.domain) {
			name = n.domain + "." + name
		}
		return fmt.Errorf("%w: %s: the operator %s is not one of %s", ErrUnsupported, n.label, name, strings.Join(slices.Sorted(maps.Keys(d.operators)), ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(n.attributes)) {
		kind, ok := op.attributes[key]
		if !ok {
			return fmt.Errorf("%w: %s: the attribute %q is not one of %q", ErrUnsupported, n.label, key, slices.Sorted(maps.Keys(op.attributes)))
		}
		if got := n.attributes[key].kind; got != kind {
			return fmt.Errorf("%w: %s: the attribute %q is of type %d, expected %d (AttributeProto.AttributeType)", ErrMalformed, n.label, key, got, kind)
		}
	}
	if len(n.inputs) < op.least || len(n.inputs) > op.most || len(n.outputs) != 1 || n.outputs[0] == "" {
		return fmt.Errorf("%w: %s: has %d inputs and outputs %q, expected %d to %d, and one", ErrMalformed, n.label, len(n.inputs), n.outputs, op.least, op.most)
	}
	return nil
}

// begin makes the graph's one input the current value. Older files list initializers among the
// inputs.
func (d *decoder) begin(g *graph) error {
	var inputs []port
	var names []string
	for _, p := range g.inputs {
		if d.constants[p.name] == nil {
			inputs, names = append(inputs, p), append(names, p.name)
		}
	}
	if len(inputs) != 1 {
		return fmt.Errorf("%w: the graph has %d inputs %q, expected one: the observation", ErrUnsupported, len(inputs), names)
	}
	p := inputs[0]
	if !isFloat(p.element) {
		return fmt.Errorf("%w: input %q has elements of %s, expected float32, float64 or float16", ErrUnsupported, p.name, elementName(p.element))
	}
	var err error
	if d.shape, err = inputShape(p); err != nil {
		return err
	}
	d.current = p.name
	d.chain = chain{inputs: d.shape.width(), width: d.shape.width()}
	return nil
}

// step carries out one node.
func (d *decoder) step(n *node) error {
	at := -1
	for i, name := range n.inputs {
		if err := d.readable(n, i); err != nil {
			return err
		}
		if name != d.current {
			continue
		}
		if at >= 0 {
			return unsupported("takes %q as input %d and as input %d, expected one chain from input to output", name, at, i)
		}
		at = i
	}
	output := n.outputs[0]
	if d.defined(output) {
		return fmt.Errorf("%w: gives %q, which is there already", ErrMalformed, output)
	}
	op := d.operators[n.operator]
	if at >= 0 {
		if op.onRows == nil {
			return unsupported("takes %q, which depends on the observation, expected a constant", d.current)
		}
		if err := op.onRows(d, n, at); err != nil {
			return err
		}
		d.past[d.current], d.current = n.label, output
		return nil
	}
	if op.onConstants == nil {
		return unsupported("takes constants only, expected a value that depends on the observation")
	}
	c, err := op.onConstants(d, n)
	if err != nil {
		return err
	}
	d.constants[output] = c
	return nil
}

// readable says why an input of a node cannot be read, if it cannot.
func (d *decoder) readable(n *node, i int) error {
	name := n.inputs[i]
	if taken, ok := d.past[name]; ok {
		return unsupported("takes %q, which %s took before, expected one chain from input to output", name, taken)
	}
	if name == "" && i >= d.operators[n.operator].least || d.defined(name) {
		return nil
	}
	return fmt.Errorf("%w: takes %q, which no input, initializer or node before it gives: not in the file, later in it, or a cycle", ErrMalformed, name)
}

// defined says if a value has been given.
func (d *decoder) defined(name string) bool {
	_, isPast := d.past[name]
	return d.constants[name] != nil || isPast || name == d.current
}

// end returns the network if the current value is the graph's one output.
func (d *decoder) end(g *graph) (*nn.Network, error) {
	if len(g.outputs) != 1 {
		names := []string{}
		for _, p := range g.outputs {
			names = append(names, p.name)
		}
		return nil, fmt.Errorf("%w: the graph has %d outputs %q, expected one: the action", ErrUnsupported, len(names), names)
	}
	p := g.outputs[0]
	if p.name != d.current {
		if !d.defined(p.name) {
			return nil, fmt.Errorf("%w: no node gives the output %q", ErrMalformed, p.name)
		}
		return nil, fmt.Errorf("%w: the output is %q and the last value of the chain %q, expected the same", ErrUnsupported, p.name, d.current)
	}
	if n := len(p.dims); n > 0 && (n != len(d.shape) || p.dims[n-1] != unfixed && p.dims[n-1] != d.shape[n-1]) {
		return nil, fmt.Errorf("%w: the output %q is declared as %v, the nodes give %v", ErrMalformed, p.name, shape(p.dims), d.shape)
	}
	return d.chain.network()
}
