package kernel

func product32(p *operands32)                     { product32Portable(p) }
func relu(a *float32, stride, lanes, columns int) { reluPortable(a, stride, lanes, columns) }
func reluSlope(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	reluSlopePortable(d, dStride, a, aStride, lanes, columns)
}
func tanh(a *float32, stride, lanes, columns int) { tanhPortable(a, stride, lanes, columns) }
func tanhSlope(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	tanhSlopePortable(d, dStride, a, aStride, lanes, columns)
}
func adam(f *[adamFactors]float32, p, m, v, g *float32, lanes int) {
	adamPortable(f, p, m, v, g, lanes)
}
func transpose32(dst *float32, dstStride int, a *float32, stride, rows, columns int) {
	transpose32Portable(dst, dstStride, a, stride, rows, columns)
}
