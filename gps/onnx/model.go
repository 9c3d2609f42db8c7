package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// model is what a policy needs of a ModelProto.
type model struct {
	ir    int64
	opset int64 // of the domain of ONNX itself; 0 if none
	meta  Meta
	graph *graph
}

// graph is a GraphProto.
type graph struct {
	nodes        []node
	initializers []tensor
	inputs       []port
	outputs      []port
	sparse       bool
}

// port is a ValueInfoProto: an input or output of the graph. A dim of -1 is not fixed; dims is nil
// if there is no shape.
type port struct {
	name    string
	element int64
	dims    []int64
}

// node is a NodeProto. label names it in errors.
type node struct {
	label      string
	operator   string
	domain     string
	inputs     []string
	outputs    []string
	attributes map[string]attribute
}

// attribute is an AttributeProto: the value of the one kind that is there.
type attribute struct {
	name    string
	kind    int64
	float   float64
	integer int64
	tensor  *tensor
	floats  []float64
	ints    []int64
}

// readModel reads what a ModelProto holds, without judging the graph.
func readModel(data []byte) (*model, error) {
	m := &model{}
	err := message{"model", data, 0}.each(func(f field) error {
		switch f.number {
		case 1:
			return f.intoInteger(&m.ir)
		case 2:
			return f.intoText(&m.meta.Producer)
		case 3:
			return f.intoText(&m.meta.ProducerVersion)
		case 6:
			return f.intoText(&m.meta.Description)
		case 7:
			g, err := f.message("graph")
			if err != nil {
				return err
			}
			if m.graph != nil {
				return fmt.Errorf("%w: byte %d: a second graph, expected one", ErrMalformed, f.at)
			}
			m.graph, err = readGraph(g)
			return err
		case 8:
			return m.readOpset(f)
		case 14:
			key, value, err := readPair(f)
			if err != nil {
				return err
			}
			return m.meta.set(key, value)
		}
		return nil
	})
	return m, err
}

func (m *model) readOpset(f field) error {
	set, err := f.message("opset_import")
	if err != nil {
		return err
	}
	var domain string
	var version int64
	if err := set.each(func(f field) error {
		switch f.number {
		case 1:
			return f.intoText(&domain)
		case 2:
			return f.intoInteger(&version)
		}
		return nil
	}); err != nil {
		return err
	}
	if isONNX(domain) {
		m.opset = version
	}
	return nil
}

// isONNX says if a domain of operators is that of ONNX itself.
func isONNX(domain string) bool { return domain == "" || domain == "ai.onnx" }

func readPair(f field) (key, value string, err error) {
	pair, err := f.message("metadata_props")
	if err != nil {
		return "", "", err
	}
	err = pair.each(func(f field) error {
		switch f.number {
		case 1:
			return f.intoText(&key)
		case 2:
			return f.intoText(&value)
		}
		return nil
	})
	return key, value, err
}

func readGraph(m message) (*graph, error) {
	g := &graph{}
	return g, m.each(func(f field) error {
		switch f.number {
		case 1:
			return appendRead(&g.nodes, f, "node", readNode)
		case 5:
			return appendRead(&g.initializers, f, "initializer", readTensor)
		case 11:
			return appendRead(&g.inputs, f, "input", readPort)
		case 12:
			return appendRead(&g.outputs, f, "output", readPort)
		case 15:
			g.sparse = true
		}
		return nil
	})
}

// appendRead reads one element of a repeated field of messages.
func appendRead[T any](list *[]T, f field, name string, read func(message) (T, error)) error {
	if len(*list) == maxNodes {
		return fmt.Errorf("%w: the graph has more than %d of %s, expected a small network", ErrUnsupported, maxNodes, name)
	}
	m, err := f.message(fmt.Sprintf("%s %d", name, len(*list)))
	if err != nil {
		return err
	}
	element, err := read(m)
	*list = append(*list, element)
	return err
}

func readNode(m message) (node, error) {
	n := node{attributes: map[string]attribute{}}
	var name string
	err := m.each(func(f field) error {
		switch f.number {
		case 1:
			return appendText(&n.inputs, f)
		case 2:
			return appendText(&n.outputs, f)
		case 3:
			return f.intoText(&name)
		case 4:
			return f.intoText(&n.operator)
		case 5:
			a, err := readAttribute(f)
			if err != nil {
				return err
			}
			if _, twice := n.attributes[a.name]; twice {
				return fmt.Errorf("%w: %s has the attribute %q twice", ErrMalformed, m.name, a.name)
			}
			n.attributes[a.name] = a
		case 7:
			return f.intoText(&n.domain)
		}
		return nil
	})
	n.label = m.name
	if name != "" {
		n.label += fmt.Sprintf(" %q", name)
	}
	n.label += fmt.Sprintf(" (%s)", n.operator)
	return n, err
}

func appendText(list *[]string, f field) error {
	*list = append(*list, string(f.data))
	return f.expect(protowire.BytesType)
}

// Kinds of attributes (AttributeProto.AttributeType) that are read.
const (
	kindFloat   = 1
	kindInteger = 2
	kindTensor  = 4
	kindFloats  = 6
	kindInts    = 7
)

func readAttribute(f field) (attribute, error) {
	a := attribute{}
	m, err := f.message(f.of.name + ": attribute")
	if err != nil {
		return a, err
	}
	return a, m.each(func(f field) error {
		switch f.number {
		case 1:
			return f.intoText(&a.name)
		case 2:
			a.float = float64(math.Float32frombits(uint32(f.bits)))
			return f.expect(protowire.Fixed32Type)
		case 3:
			return f.intoInteger(&a.integer)
		case 5:
			m, err := f.message(m.name)
			if err != nil {
				return err
			}
			t, err := readTensor(m)
			a.tensor = &t
			return err
		case 7:
			return f.float32s(&a.floats)
		case 8:
			return f.integers(&a.ints)
		case 20:
			return f.intoInteger(&a.kind)
		case 21:
			return fmt.Errorf("%w: %s refers to an attribute of a function", ErrMalformed, m.name)
		}
		return nil
	})
}

func readPort(m message) (port, error) {
	p := port{}
	err := m.each(func(f field) error {
		switch f.number {
		case 1:
			return f.intoText(&p.name)
		case 2:
			return f.nested(m.name+": type", 1, func(f field) error { // TypeProto.tensor_type
				return f.nested(m.name+": tensor_type", 0, func(f field) error {
					switch f.number {
					case 1:
						return f.intoInteger(&p.element)
					case 2:
						return p.readShape(f, m.name)
					}
					return nil
				})
			})
		}
		return nil
	})
	return p, err
}

// readShape reads a TensorShapeProto.
func (p *port) readShape(f field, name string) error {
	p.dims = []int64{}
	return f.nested(name+": shape", 1, func(f field) error {
		p.dims = append(p.dims, -1)
		return f.nested(name+": dim", 1, func(f field) error { // dim_value
			d := &p.dims[len(p.dims)-1]
			if err := f.intoInteger(d); err != nil {
				return err
			}
			if *d <= 0 { // some exporters write 0 or -1 for what is not fixed
				*d = -1
			}
			return nil
		})
	})
}

// nested calls read for the fields of f as a message: those of one number, or all for 0.
func (f field) nested(name string, number protowire.Number, read func(f field) error) error {
	m, err := f.message(name)
	if err != nil {
		return err
	}
	return m.each(func(f field) error {
		if number != 0 && f.number != number {
			return nil
		}
		return read(f)
	})
}

// integer returns an attribute, or what stands for it.
func (n *node) integer(name string, otherwise int64) int64 {
	if a, ok := n.attributes[name]; ok {
		return a.integer
	}
	return otherwise
}

// float returns an attribute, or what stands for it.
func (n *node) float(name string, otherwise float64) float64 {
	if a, ok := n.attributes[name]; ok {
		return a.float
	}
	return otherwise
}
