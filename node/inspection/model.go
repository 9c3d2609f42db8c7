package inspection

import (
	"fmt"
	"os"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"guidedpolicysearch/gps/onnx"
)

// maxModel bounds the ONNX models that are read, in bytes.
const maxModel = 1 << 28

// Model is an ONNX model.
type Model struct {
	IR       int    `json:"ir_version"`
	Opset    int    `json:"opset"`
	Producer string `json:"producer"`
	// Inputs and Outputs are the graph's, Operators its nodes' in their order.
	Inputs    []string `json:"inputs"`
	Outputs   []string `json:"outputs"`
	Operators []string `json:"operators"`
	// Network is what the model computes, nil if this program cannot run it; then Refused says why.
	Network      *Network          `json:"network"`
	Refused      string            `json:"refused,omitempty"`
	Observations []string          `json:"observations"`
	Actions      []string          `json:"actions"`
	Properties   map[string]string `json:"properties"`
}

// Numbers of fields in onnx.proto (ModelProto, OperatorSetIdProto, GraphProto, NodeProto, ValueInfoProto).
const (
	modelIR, modelProducer, modelGraph, modelOpset       = 1, 2, 7, 8
	opsetDomain, opsetVersion                            = 1, 2
	graphNode, graphInitializer, graphInput, graphOutput = 1, 5, 11, 12
	nodeOperator, valueName, tensorName                  = 4, 1, 8
)

// maxListed bounds how many operators, inputs and outputs are told; maxConstants how many are known.
const (
	maxListed    = 1000
	maxConstants = 10_000
)

// isModel tells whether a file begins as an ONNX model does, with its version as a varint.
func isModel(head []byte) bool {
	number, kind, n := protowire.ConsumeTag(head)
	if n < 0 || number != modelIR || kind != protowire.VarintType {
		return false
	}
	version, n := protowire.ConsumeVarint(head[n:])
	return n > 0 && version >= 1 && version < 1000
}

// fields calls read for each field of a protocol buffers message.
func fields(data []byte, read func(number protowire.Number, bits uint64, body []byte) error) error {
	for pos := 0; pos < len(data); {
		number, kind, n := protowire.ConsumeTag(data[pos:])
		if n < 0 {
			return fmt.Errorf("at byte %d of a message: %w", pos, protowire.ParseError(n))
		}
		pos += n
		var bits uint64
		var body []byte
		switch kind {
		case protowire.VarintType:
			bits, n = protowire.ConsumeVarint(data[pos:])
		case protowire.BytesType:
			body, n = protowire.ConsumeBytes(data[pos:])
		default:
			n = protowire.ConsumeFieldValue(number, kind, data[pos:])
		}
		if n < 0 {
			return fmt.Errorf("at byte %d of a message: %w", pos, protowire.ParseError(n))
		}
		if err := read(number, bits, body); err != nil {
			return err
		}
		pos += n
	}
	return nil
}

func openModel(path string, size int64) (*Model, error) {
	if size > maxModel {
		return nil, fmt.Errorf("%w: %s is an ONNX model of %d bytes, models of up to %d are read", ErrForeign, path, size, maxModel)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	m := &Model{Inputs: []string{}, Outputs: []string{}, Operators: []string{}}
	if err := m.read(data); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	network, meta, err := onnx.Decode(data)
	if err != nil {
		m.Refused = err.Error()
		return m, nil
	}
	m.Network = describeNetwork(network, meta.ObservationNames)
	m.Observations, m.Actions, m.Properties = meta.ObservationNames, meta.ActionNames, meta.Properties
	return m, nil
}

func (m *Model) read(data []byte) error {
	graphs := 0
	err := fields(data, func(number protowire.Number, bits uint64, body []byte) error {
		switch number {
		case modelIR:
			m.IR = int(bits)
		case modelProducer:
			m.Producer = string(body)
		case modelGraph:
			graphs++
			return m.readGraph(body)
		case modelOpset:
			domain, version := "", 0
			err := fields(body, func(number protowire.Number, bits uint64, body []byte) error {
				switch number {
				case opsetDomain:
					domain = string(body)
				case opsetVersion:
					version = int(bits)
				}
				return nil
			})
			if domain == "" || domain == "ai.onnx" {
				m.Opset = version
			}
			return err
		}
		return nil
	})
	if err == nil && graphs == 0 {
		return fmt.Errorf("a model without a graph: is this an ONNX file?")
	}
	return err
}

func (m *Model) readGraph(data []byte) error {
	var constants []string
	name := func(body []byte, of protowire.Number) (text string, err error) {
		err = fields(body, func(number protowire.Number, _ uint64, body []byte) error {
			if number == of {
				text = string(body)
			}
			return nil
		})
		return text, err
	}
	err := fields(data, func(number protowire.Number, _ uint64, body []byte) (err error) {
		text := ""
		add := func(list *[]string, of protowire.Number, most int) {
			if text, err = name(body, of); err == nil && len(*list) < most {
				*list = append(*list, text)
			}
		}
		switch number {
		case graphNode:
			add(&m.Operators, nodeOperator, maxListed)
		case graphInitializer:
			add(&constants, tensorName, maxConstants)
		case graphInput:
			add(&m.Inputs, valueName, maxListed)
		case graphOutput:
			add(&m.Outputs, valueName, maxListed)
		}
		return err
	})
	// Older files list constants among the inputs.
	m.Inputs = slices.DeleteFunc(m.Inputs, func(s string) bool { return slices.Contains(constants, s) })
	return err
}
