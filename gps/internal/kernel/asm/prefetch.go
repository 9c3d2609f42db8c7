package main

import "github.com/mmcloughlin/avo/operand"

// prefetch asks for memory only, so that one function serves both instruction sets.
func (m machine) prefetch() {
	m.function("prefetchLanes", "func(a *float64, stride, lanes, columns int)",
		"asks for lanes of columns of a to be brought to the second-level cache.")
	a, lanes, columns := m.parameter("a"), m.parameter("lanes"), m.parameter("columns")
	stride, row, left := m.parameter("stride"), m.GP64(), m.GP64()
	m.SHLQ(operand.U8(3), stride)
	m.Label("columns")
	m.MOVQ(a, row)
	m.MOVQ(lanes, left)
	m.Label("lanes")
	m.PREFETCHT1(at(row, 0))
	m.ADDQ(operand.U8(lane), row)
	m.DECQ(left)
	m.JNZ(operand.LabelRef("lanes"))
	m.ADDQ(stride, a)
	m.DECQ(columns)
	m.JNZ(operand.LabelRef("columns"))
	m.RET()
}
