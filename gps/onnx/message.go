package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is an encoded protocol buffers message: its bytes, where they begin in the file, and
// its name for errors.
type message struct {
	name string
	data []byte
	at   int
}

// field is one field of a message. A number that is no message, text or bytes is in bits.
type field struct {
	of     message
	number protowire.Number
	kind   protowire.Type
	bits   uint64
	data   []byte
	at     int
}

// each calls read for every field in turn.
func (m message) each(read func(f field) error) error {
	for pos := 0; pos < len(m.data); {
		number, kind, n := protowire.ConsumeTag(m.data[pos:])
		if n < 0 {
			return m.broken(pos, n)
		}
		f := field{of: m, number: number, kind: kind, at: m.at + pos + n}
		pos += n
		rest := m.data[pos:]
		switch kind {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(rest)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(rest)
			f.bits = uint64(v)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(rest)
		case protowire.BytesType:
			f.data, n = protowire.ConsumeBytes(rest)
			f.at += n - len(f.data)
		default:
			n = protowire.ConsumeFieldValue(number, kind, rest)
		}
		if n < 0 {
			return m.broken(pos, n)
		}
		pos += n
		if err := read(f); err != nil {
			return err
		}
	}
	return nil
}

// broken explains an error code of protowire.
func (m message) broken(pos, code int) error {
	return fmt.Errorf("%w: %s, byte %d: %w; is the file whole, and ONNX?", ErrMalformed, m.name, m.at+pos, protowire.ParseError(code))
}

// expect refuses a field of another wire type.
func (f field) expect(kind protowire.Type) error {
	if f.kind != kind {
		return fmt.Errorf("%w: %s, byte %d: field %d has wire type %d, expected %d", ErrMalformed, f.of.name, f.at, f.number, f.kind, kind)
	}
	return nil
}

// into is a field that is read into a variable of its type.
func (f field) intoInteger(v *int64) error {
	*v = int64(f.bits)
	return f.expect(protowire.VarintType)
}

func (f field) intoText(v *string) error {
	*v = string(f.data)
	return f.expect(protowire.BytesType)
}

// message returns the field as a message of its own.
func (f field) message(name string) (message, error) {
	return message{name, f.data, f.at}, f.expect(protowire.BytesType)
}

// integers appends a repeated field of varints, packed or not.
func (f field) integers(list *[]int64) error {
	if f.kind == protowire.VarintType {
		*list = append(*list, int64(f.bits))
		return nil
	}
	for pos := 0; pos < len(f.data); {
		v, n := protowire.ConsumeVarint(f.data[pos:])
		if n < 0 {
			return f.of.broken(f.at-f.of.at+pos, n)
		}
		*list = append(*list, int64(v))
		pos += n
	}
	return f.expect(protowire.BytesType)
}

// float32s appends a repeated field of floats, packed or not.
func (f field) float32s(list *[]float64) error {
	if f.kind == protowire.Fixed32Type {
		*list = append(*list, float64(math.Float32frombits(uint32(f.bits))))
		return nil
	}
	if err := f.expect(protowire.BytesType); err != nil {
		return err
	}
	return f.packed(list, 4, float32At)
}

// float64s appends a repeated field of doubles, packed or not.
func (f field) float64s(list *[]float64) error {
	if f.kind == protowire.Fixed64Type {
		*list = append(*list, math.Float64frombits(f.bits))
		return nil
	}
	if err := f.expect(protowire.BytesType); err != nil {
		return err
	}
	return f.packed(list, 8, float64At)
}

func (f field) packed(list *[]float64, size int, number func([]byte) float64) error {
	if len(f.data)%size != 0 {
		return fmt.Errorf("%w: %s, byte %d: field %d has %d bytes of numbers of %d bytes each", ErrMalformed, f.of.name, f.at, f.number, len(f.data), size)
	}
	for pos := 0; pos < len(f.data); pos += size {
		*list = append(*list, number(f.data[pos:]))
	}
	return nil
}
