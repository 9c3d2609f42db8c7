package kernel

import (
	"fmt"
	"math"
)

// Dot returns x'y, summed in 8 lanes: element i goes to lane i%8, and lanes are added in
// pairs four, two and one apart. Lengths must be equal.
func Dot(x, y []float64) float64 {
	if len(x) != len(y) {
		panic(fmt.Sprintf("kernel: dot product of %d and %d numbers", len(x), len(y)))
	}
	var acc [Lane]float64
	full := len(x) &^ (Lane - 1)
	if full > 0 {
		dot(&acc, &x[0], &y[0], full/Lane)
	}
	for i := full; i < len(x); i++ {
		acc[i-full] = mulAdd(x[i], y[i], acc[i-full])
	}
	return sumLanes(&acc)
}

// AddSquares adds to dst[j], for each of len(dst) columns of z, the sum of the squares of
// its first rows numbers, a multiple of Lane, summed as Dot does.
func AddSquares(dst []float64, z Block, rows int) {
	if rows%Lane != 0 || rows < 0 || !z.holds(rows, len(dst)) {
		panic(fmt.Sprintf("kernel: squares of %d rows and %d columns of a block of %d numbers with stride %d; rows must be a multiple of %d", rows, len(dst), len(z.Data), z.Stride, Lane))
	}
	if rows > 0 && len(dst) > 0 {
		squares(&dst[0], &z.Data[0], z.Stride, rows/Lane, len(dst))
	}
}

// Axpy adds a x to dst, with one rounding per element. Lengths must be equal.
func Axpy(dst []float64, a float64, x []float64) {
	if len(dst) != len(x) {
		panic(fmt.Sprintf("kernel: sum of %d and %d numbers", len(dst), len(x)))
	}
	full := len(x) &^ (Lane - 1)
	if full > 0 {
		axpy(&dst[0], a, &x[0], full/Lane)
	}
	for i := full; i < len(x); i++ {
		dst[i] = mulAdd(a, x[i], dst[i])
	}
}

// Difference writes dst = (x - y) s. Lengths must be equal.
func Difference(dst, x, y []float64, s float64) {
	if len(dst) != len(x) || len(x) != len(y) {
		panic(fmt.Sprintf("kernel: difference of %d and %d numbers into %d", len(x), len(y), len(dst)))
	}
	full := len(x) &^ (Lane - 1)
	if full > 0 {
		difference(&dst[0], &x[0], &y[0], s, full/Lane)
	}
	for i := full; i < len(x); i++ {
		dst[i] = (x[i] - y[i]) * s
	}
}

// Mirror copies the part of the n x n block below the diagonal to the part above it. Columns
// must hold Pad(n) rows.
func Mirror(a Block, n int) {
	if n < 0 || !a.holds(Pad(n), n) {
		panic(fmt.Sprintf("kernel: block of %d numbers with stride %d is not %d x %d with rows padded to a multiple of %d", len(a.Data), a.Stride, n, n, Lane))
	}
	if n > 1 {
		mirror(&a.Data[0], a.Stride, n)
	}
}

// Finite reports whether all numbers are finite.
func Finite(a []float64) bool {
	// A product with a NaN or an infinity in it is none of the finite numbers, nor is a sum
	// with such a product; the halves are multiplied with each other since one pass over a sum
	// takes the time of its additions.
	half := len(a) / 2
	if sum := Dot(a[:half], a[half:2*half]); math.Abs(sum) <= math.MaxFloat64 {
		a = a[2*half:]
	}
	for _, v := range a {
		if v-v != 0 {
			return false
		}
	}
	return true
}

// Transpose writes element (i, j) of a, rows x columns, to dst[i*stride+j]. Nothing but these
// elements is read or written, so that either may be a matrix without padding.
func Transpose(dst []float64, stride int, a Block, rows, columns int) {
	to := Block{Data: dst, Stride: stride}
	if rows < 0 || columns < 0 || !a.holds(rows, columns) || !to.holds(columns, rows) {
		panic(fmt.Sprintf("kernel: %d x %d transposed from a block of %d numbers with stride %d to one of %d with stride %d", rows, columns, len(a.Data), a.Stride, len(dst), stride))
	}
	if rows > 0 && columns > 0 {
		transpose(&dst[0], stride, &a.Data[0], a.Stride, rows, columns)
	}
}

// sumLanes adds the lanes in the order in which vectors are folded.
func sumLanes(s *[Lane]float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// mulAdd returns x*y + z as the path in use rounds it.
func mulAdd(x, y, z float64) float64 {
	if active == plainPath {
		return float64(x*y) + z
	}
	return math.FMA(x, y, z)
}
