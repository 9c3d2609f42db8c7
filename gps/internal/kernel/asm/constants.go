package main

import (
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

// constants are the numbers in memory that kernels read.
type constants struct {
	one, smallest, largest operand.Mem
	indices                operand.Mem // 0 to 7
	units                  operand.Mem // seven zeros, 1, seven zeros
	zerosOnes, onesZeros   operand.Mem // eight words without bits or of ones, then eight of the other
}

func newConstants(m *build.Context) constants {
	data := func(name string, values ...uint64) operand.Mem {
		at := m.StaticGlobal(name)
		m.DataAttributes(attr.RODATA | attr.NOPTR)
		for i, v := range values {
			m.AddDatum(i*number, operand.U64(v))
		}
		return at
	}
	const ones = math.MaxUint64
	return constants{
		one:       data("one", math.Float64bits(1)),
		smallest:  data("smallest", math.Float64bits(0x1p-1022)),
		largest:   data("largest", math.Float64bits(math.MaxFloat64)),
		indices:   data("indices", 0, 1, 2, 3, 4, 5, 6, 7),
		units:     data("units", 0, 0, 0, 0, 0, 0, 0, math.Float64bits(1), 0, 0, 0, 0, 0, 0, 0),
		zerosOnes: data("zerosOnes", 0, 0, 0, 0, 0, 0, 0, 0, ones, ones, ones, ones, ones, ones, ones, ones),
		onesZeros: data("onesZeros", ones, ones, ones, ones, ones, ones, ones, ones, 0, 0, 0, 0, 0, 0, 0, 0),
	}
}

// unit returns the address of column j of the identity, eight numbers.
func unit(k constants, j int) operand.Mem { return k.units.Offset((7 - j) * number) }
