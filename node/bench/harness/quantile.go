package harness

import "slices"

// Quantile is the smallest of sorted times that a share q of them, 0 < q <= 1, does not exceed.
func Quantile(sorted []uint32, q float64) float64 {
	n := len(sorted)
	i := int(q*float64(n)+0.9999999) - 1
	return float64(sorted[min(max(i, 0), n-1)])
}

// Median sorts the numbers and returns the middle one, or the mean of the middle two.
func Median(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
