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
	one32, tanhLimit       operand.Mem // float32
	tanhP, tanhQ           []operand.Mem
}

// What tanhPortable has.
const tanhLimit = 9

var (
	tanhP = []float32{1, 0.13379939172811146, 0.0034942751743050351, 2.0586582970085663e-5, 1.3321821017764394e-8}
	tanhQ = []float32{1, 0.46713255337121779, 0.025872045625283248, 3.2834489015541706e-4, 7.7634687570437771e-7}
)

func newConstants(m *build.Context) constants {
	data := func(name string, values ...uint64) operand.Mem {
		at := m.StaticGlobal(name)
		m.DataAttributes(attr.RODATA | attr.NOPTR)
		for i, v := range values {
			m.AddDatum(i*number, operand.U64(v))
		}
		return at
	}
	single := func(name string, values ...float32) (all []operand.Mem) {
		at := m.StaticGlobal(name)
		m.DataAttributes(attr.RODATA | attr.NOPTR)
		for i, v := range values {
			m.AddDatum(4*i, operand.U32(math.Float32bits(v)))
			all = append(all, at.Offset(4*i))
		}
		return all
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
		one32:     single("one32", 1)[0],
		tanhLimit: single("tanhLimit", tanhLimit, -tanhLimit)[0],
		tanhP:     single("tanhP", tanhP...),
		tanhQ:     single("tanhQ", tanhQ...),
	}
}

// unit returns the address of column j of the identity, eight numbers.
func unit(k constants, j int) operand.Mem { return k.units.Offset((7 - j) * number) }
