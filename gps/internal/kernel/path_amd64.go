package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go -C asm run . -out ../kernel_amd64.s -stubs ../stubs_amd64.go

// assembly returns the paths in assembly that the processor and the operating system allow.
func assembly() (list []Path) {
	x := &cpu.X86
	if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512VL && x.HasAVX512BW {
		list = append(list, AVX512)
	}
	if x.HasAVX2 && x.HasFMA {
		list = append(list, AVX2)
	}
	return list
}

// fused says if the processor has fused multiply-adds.
func fused() bool { return cpu.X86.HasFMA }

// words is the size of operands as the assembly counts it.
const words = 15

var _ = [1]struct{}{}[unsafe.Sizeof(operands{})-words*8]

func product(p *operands) {
	switch active {
	case avx512Path:
		productAVX512((*[words]uint64)(unsafe.Pointer(p)))
	case avx2Path:
		productAVX2((*[words]uint64)(unsafe.Pointer(p)))
	default:
		productPortable(p)
	}
}

func factor(a *float64, stride int, w *float64, n int) int {
	switch active {
	case avx512Path:
		return factorAVX512(a, stride, w, n)
	case avx2Path:
		return factorAVX2(a, stride, w, n)
	default:
		return factorPortable(a, stride, w, n)
	}
}

func dot(acc *[Lane]float64, x, y *float64, n int) {
	switch active {
	case avx512Path:
		dotAVX512(&acc[0], x, y, n)
	case avx2Path:
		dotAVX2(&acc[0], x, y, n)
	default:
		dotPortable(acc, x, y, n)
	}
}

func squares(dst, z *float64, stride, lanes, columns int) {
	switch active {
	case avx512Path:
		squaresAVX512(dst, z, stride, lanes, columns)
	case avx2Path:
		squaresAVX2(dst, z, stride, lanes, columns)
	default:
		squaresPortable(dst, z, stride, lanes, columns)
	}
}

func axpy(dst *float64, a float64, x *float64, n int) {
	switch active {
	case avx512Path:
		axpyAVX512(dst, a, x, n)
	case avx2Path:
		axpyAVX2(dst, a, x, n)
	default:
		axpyPortable(dst, a, x, n)
	}
}

func difference(dst, x, y *float64, s float64, n int) {
	switch active {
	case avx512Path:
		differenceAVX512(dst, x, y, s, n)
	case avx2Path:
		differenceAVX2(dst, x, y, s, n)
	default:
		differencePortable(dst, x, y, s, n)
	}
}

func mirror(a *float64, stride, n int) {
	switch active {
	case avx512Path:
		mirrorAVX512(a, stride, n)
	case avx2Path:
		mirrorAVX2(a, stride, n)
	default:
		mirrorPortable(a, stride, n)
	}
}

func transpose(dst *float64, dstStride int, a *float64, stride, rows, columns int) {
	switch active {
	case avx512Path:
		transposeAVX512(dst, dstStride, a, stride, rows, columns)
	case avx2Path:
		transposeAVX2(dst, dstStride, a, stride, rows, columns)
	default:
		transposePortable(dst, dstStride, a, stride, rows, columns)
	}
}

func prefetch(a *float64, stride, lanes, columns int) {
	if active <= avx2Path {
		prefetchLanes(a, stride, lanes, columns)
	}
}

func peak(n int) {
	switch active {
	case avx512Path:
		peakAVX512(n)
	case avx2Path:
		peakAVX2(n)
	default:
		peakPortable(n)
	}
}

var _ = [1]struct{}{}[unsafe.Sizeof(operands32{})-words*8]

func product32(p *operands32) {
	switch active {
	case avx512Path:
		product32AVX512((*[words]uint64)(unsafe.Pointer(p)))
	case avx2Path:
		product32AVX2((*[words]uint64)(unsafe.Pointer(p)))
	default:
		product32Portable(p)
	}
}

func relu(a *float32, stride, lanes, columns int) {
	switch active {
	case avx512Path:
		reluAVX512(a, stride, lanes, columns)
	case avx2Path:
		reluAVX2(a, stride, lanes, columns)
	default:
		reluPortable(a, stride, lanes, columns)
	}
}

func reluSlope(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	switch active {
	case avx512Path:
		reluSlopeAVX512(d, dStride, a, aStride, lanes, columns)
	case avx2Path:
		reluSlopeAVX2(d, dStride, a, aStride, lanes, columns)
	default:
		reluSlopePortable(d, dStride, a, aStride, lanes, columns)
	}
}

func tanh(a *float32, stride, lanes, columns int) {
	switch active {
	case avx512Path:
		tanhAVX512(a, stride, lanes, columns)
	case avx2Path:
		tanhAVX2(a, stride, lanes, columns)
	default:
		tanhPortable(a, stride, lanes, columns)
	}
}

func tanhSlope(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	switch active {
	case avx512Path:
		tanhSlopeAVX512(d, dStride, a, aStride, lanes, columns)
	case avx2Path:
		tanhSlopeAVX2(d, dStride, a, aStride, lanes, columns)
	default:
		tanhSlopePortable(d, dStride, a, aStride, lanes, columns)
	}
}

func adam(f *[adamFactors]float32, p, m, v, g *float32, lanes int) {
	switch active {
	case avx512Path:
		adamAVX512(f, p, m, v, g, lanes)
	case avx2Path:
		adamAVX2(f, p, m, v, g, lanes)
	default:
		adamPortable(f, p, m, v, g, lanes)
	}
}

// transpose32 leaves rows and columns beyond the last square to Go.
func transpose32(dst *float32, dstStride int, a *float32, stride, rows, columns int) {
	const square = 8
	if active > avx2Path || rows < square || columns < square {
		transpose32Portable(dst, dstStride, a, stride, rows, columns)
		return
	}
	transpose32AVX2(dst, dstStride, a, stride, rows/square, columns/square)
	top, left := rows/square*square, columns/square*square
	if top < rows {
		transpose32Portable(at32(dst, top*dstStride), dstStride, at32(a, top), stride, rows-top, left)
	}
	if left < columns {
		transpose32Portable(at32(dst, left), dstStride, at32(a, left*stride), stride, rows, columns-left)
	}
}
