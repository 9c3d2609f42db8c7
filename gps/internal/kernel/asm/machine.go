package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Sizes in bytes of a number and of a lane, the eight rows that all kernels work in.
const (
	number = 8
	lane   = 8 * number
)

// set describes the vectors of an instruction set.
type set struct {
	suffix    string // of the functions' names
	bytes     int    // of a vector
	registers int    // for vectors
	heights   []int  // of the tiles of a product in vectors, by their columns from 1 on
}

// Tiles with eight sums or more keep two units of four cycles' latency busy; those of
// AVX-512 are lower than its registers allow, which measures better.
var (
	avx512 = set{suffix: "AVX512", bytes: 64, registers: 32, heights: []int{8, 8, 3, 3, 3, 3, 3, 3}}
	avx2   = set{suffix: "AVX2", bytes: 32, registers: 16, heights: []int{12, 6, 4, 3, 2, 2}}
)

// widest returns the number of columns of the widest tile.
func (s set) widest() int { return len(s.heights) }

// machine writes instructions for one instruction set, on float64 or float32.
type machine struct {
	*build.Context
	set
	single bool // float32
}

// shift is the logarithm of the size of a number in bytes.
func (m machine) shift() operand.Op {
	if m.single {
		return operand.U8(2)
	}
	return operand.U8(3)
}

// move copies a vector.
func (m machine) move(from, to operand.Op) {
	if m.single {
		m.VMOVUPS(from, to)
	} else {
		m.VMOVUPD(from, to)
	}
}

// spread sets all of a vector to the number in memory.
func (m machine) spread(from, to operand.Op) {
	if m.single {
		m.VBROADCASTSS(from, to)
	} else {
		m.VBROADCASTSD(from, to)
	}
}

// multiplyAdd adds x y to the sum.
func (m machine) multiplyAdd(x, y, sum operand.Op) {
	if m.single {
		m.VFMADD231PS(x, y, sum)
	} else {
		m.VFMADD231PD(x, y, sum)
	}
}

// multiplyAddSpread adds to the sum y times the number in memory.
func (m machine) multiplyAddSpread(x, y, sum operand.Op) {
	if m.single {
		m.VFMADD231PS_BCST(x, y, sum)
	} else {
		m.VFMADD231PD_BCST(x, y, sum)
	}
}

// perLane returns the number of vectors that make a lane.
func (m machine) perLane() int { return lane / m.bytes }

// function begins a function named for the instruction set.
func (m machine) function(name, signature string, doc ...string) {
	m.Function(name + m.suffix)
	m.Attributes(attr.NOSPLIT)
	m.Pragma("noescape")
	m.SignatureExpr(signature)
	doc[0] = name + m.suffix + " " + doc[0]
	m.Doc(doc...)
}

// end returns from the function; without VZEROUPPER, SSE code after it would be slow.
func (m machine) end() {
	m.VZEROUPPER()
	m.RET()
}

// parameter returns a parameter in a register.
func (m machine) parameter(name string) reg.Register { return m.Load(m.Param(name), m.GP64()) }

// vector returns vector register i. Vector registers are named by hand: a virtual one may
// become a register from 16 on, which AVX2 does not have.
func (m machine) vector(i int) reg.VecPhysical {
	if i < 0 || i >= m.registers {
		panic(fmt.Sprintf("%s has no vector register %d", m.suffix, i))
	}
	if m.bytes == 64 {
		return zmm[i]
	}
	return ymm[i]
}

// vectors returns n registers from the first on.
func (m machine) vectors(first, n int) []reg.VecPhysical {
	v := make([]reg.VecPhysical, n)
	for i := range v {
		v[i] = m.vector(first + i)
	}
	return v
}

var (
	zmm = [...]reg.VecPhysical{
		reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
		reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
		reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
	}
	ymm = [...]reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
		reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
		reg.Y16, reg.Y17, reg.Y18, reg.Y19, reg.Y20, reg.Y21, reg.Y22, reg.Y23,
		reg.Y24, reg.Y25, reg.Y26, reg.Y27, reg.Y28, reg.Y29, reg.Y30, reg.Y31,
	}
)

// zero sets a vector to zeros.
func (m machine) zero(v operand.Op) { m.xor(v, v, v) }

// xor sets to = a ^ b bit by bit.
func (m machine) xor(a, b, to operand.Op) {
	if m.bytes == 64 {
		m.VPXORQ(a, b, to)
	} else {
		m.VXORPD(a, b, to)
	}
}

// at returns the address base + displacement bytes.
func at(base reg.Register, displacement int) operand.Mem {
	return operand.Mem{Base: base, Disp: displacement}
}

// indexed returns the address base + scale*index.
func indexed(base, index reg.Register, scale uint8) operand.Mem {
	return operand.Mem{Base: base, Index: index, Scale: scale}
}
