package main

import "math"

// scaling is work whose cost is measured at several values of one variable.
type scaling struct {
	Title, Variable string
	At              []int
	Works           []*work
}

// exponent fits cost = c v^e by least squares on logarithms and returns e.
func exponent(v []int, cost []float64) float64 {
	n, sx, sy, sxx, sxy := float64(len(v)), 0.0, 0.0, 0.0, 0.0
	for i := range v {
		x, y := math.Log(float64(v[i])), math.Log(cost[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
