//go:build !amd64

package kernel

import "runtime"

// assembly returns the paths in assembly.
func assembly() []Path { return nil }

// fused says if Go compiles math.FMA to an instruction: else it is emulated, slowly.
func fused() bool {
	switch runtime.GOARCH {
	case "arm64", "loong64", "ppc64", "ppc64le", "riscv64", "s390x":
		return true
	}
	return false
}

func product(p *operands) { productPortable(p) }

func factor(a *float64, stride int, w *float64, n int) int { return factorPortable(a, stride, w, n) }

func dot(acc *[Lane]float64, x, y *float64, n int) { dotPortable(acc, x, y, n) }

func squares(dst, z *float64, stride, lanes, columns int) {
	squaresPortable(dst, z, stride, lanes, columns)
}

func axpy(dst *float64, a float64, x *float64, n int) { axpyPortable(dst, a, x, n) }

func difference(dst, x, y *float64, s float64, n int) { differencePortable(dst, x, y, s, n) }

func mirror(a *float64, stride, n int) { mirrorPortable(a, stride, n) }

func transpose(dst *float64, dstStride int, a *float64, stride, rows, columns int) {
	transposePortable(dst, dstStride, a, stride, rows, columns)
}

func prefetch(a *float64, stride, lanes, columns int) {}

func peak(n int) { peakPortable(n) }

func product32(p *operands32) { product32Portable(p) }

func relu(a *float32, stride, lanes, columns int) {
	reluPortable(a, stride, lanes, columns)
}

func reluSlope(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	reluSlopePortable(d, dStride, a, aStride, lanes, columns)
}

func tanh(a *float32, stride, lanes, columns int) {
	tanhPortable(a, stride, lanes, columns)
}

func tanhSlope(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	tanhSlopePortable(d, dStride, a, aStride, lanes, columns)
}

func adam(f *[adamFactors]float32, p, m, v, g *float32, lanes int) {
	adamPortable(f, p, m, v, g, lanes)
}

func transpose32(dst *float32, dstStride int, a *float32, stride, rows, columns int) {
	transpose32Portable(dst, dstStride, a, stride, rows, columns)
}
