package safety_test

import "math"

// controller draws a controller that does its worst; it writes r.wanted.
func (r *trial) controller() func() {
	effort := r.robot.EffortLimit
	side := fill(r.n, 1)
	for i := range side {
		side[i] = float64(2*r.rng.IntN(2) - 1)
	}
	each := func(want func(i int) float64) func() {
		return func() {
			for i := range r.wanted {
				r.wanted[i] = want(i)
			}
		}
	}
	switch kind := r.rng.IntN(9); kind {
	case 0: // towards one corner of the limits, all the time
		return each(func(i int) float64 { return side[i] * effort[i] })
	case 1: // from limit to limit
		return each(func(i int) float64 {
			if limit := 1.0; r.driven {
				limit = r.robot.Upper[i]
				if side[i]*r.reading.Position[i] > limit-0.01 {
					side[i] = -side[i]
				}
			}
			return side[i] * effort[i]
		})
	case 2: // the other way in each tick
		return each(func(i int) float64 { side[i] = -side[i]; return side[i] * effort[i] * 2 })
	case 3: // with the motion, as a swing is pushed
		return each(func(i int) float64 { return math.Copysign(effort[i], r.reading.Velocity[i]*side[i]*side[0]) })
	case 4:
		return each(func(i int) float64 { return 3 * effort[i] * r.rng.NormFloat64() })
	case 5: // numbers near the end of all numbers
		return each(func(i int) float64 { return (2*r.rng.Float64() - 1) * math.MaxFloat64 })
	case 6: // steps of random length
		return each(func(i int) float64 {
			if r.rng.IntN(50) == 0 {
				side[i] = 4*r.rng.Float64() - 2
			}
			return side[i] * effort[i]
		})
	case 7: // a stiff spring to a place beyond the limits
		return each(func(i int) float64 { return 1000 * effort[i] * (side[i]*10 - r.reading.Position[i]) })
	}
	// All joints together against one: each with the sign that accelerates it most.
	if !r.driven {
		return each(func(int) float64 { return 0 })
	}
	joint, n := r.rng.IntN(r.n), r.n
	mass, column := make([]float64, n*n), make([]float64, n)
	return func() {
		if r.rng.IntN(300) == 0 {
			joint = r.rng.IntN(n)
		}
		r.robot.Dynamics.MassMatrix(mass, r.reading.Position)
		clear(column)
		column[joint] = side[0]
		solve(mass, column)
		for i := range r.wanted {
			r.wanted[i] = math.Copysign(effort[i], column[i])
		}
	}
}

// solve overwrites b with the solution of a x = b for a positive definite a, which it destroys.
func solve(a, b []float64) {
	n := len(b)
	for k := range n {
		for i := k + 1; i < n; i++ {
			t := a[i*n+k] / a[k*n+k]
			for j := k; j < n; j++ {
				a[i*n+j] -= t * a[k*n+j]
			}
			b[i] -= t * b[k]
		}
	}
	for k := n - 1; k >= 0; k-- {
		for j := k + 1; j < n; j++ {
			b[k] -= a[k*n+j] * b[j]
		}
		b[k] /= a[k*n+k]
	}
}
