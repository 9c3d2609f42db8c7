package lqg_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// TestQFunctions follows the recursion of the Q functions by its definition, and compares the controller
// with the one that minimises them.
func TestQFunctions(t *testing.T) {
	const T, dX, dU = 6, 3, 2
	const d = dX + dU
	for _, c := range []struct {
		eta, entropy float64
		under        bool
	}{{1, 0, false}, {0.3, 0.2, false}, {2, 0, true}} {
		rng := rand.New(rand.NewPCG(3, 4))
		dyn, cost, anchor := lqg.NewDynamics(T, dX, dU), lqg.NewCost(T, dX, dU), lqg.NewController(T, dX, dU)
		fill := func(a []float64, scale float64) {
			for i := range a {
				a[i] = scale * rng.NormFloat64()
			}
		}
		fill(dyn.F, 0.5)
		fill(dyn.Bias, 0.1)
		fill(cost.Lin, 1)
		fill(anchor.K, 0.3)
		fill(anchor.Bias, 0.3)
		for k := range T + 1 {
			quad := cost.QuadAt(k)
			for i := range d {
				for j := range i {
					quad[i*d+j] = 0.2 * rng.NormFloat64()
					quad[j*d+i] = quad[i*d+j]
				}
				quad[i*d+i] = 2
			}
			if k == T { // without action
				for i := range d {
					for j := range d {
						if i >= dX || j >= dX {
							quad[i*d+j] = 0
						}
					}
				}
				clear(cost.LinAt(k)[dX:])
				continue
			}
			chol := anchor.CholAt(k)
			chol[0], chol[2], chol[3] = 0.7, 0.1, 0.9
		}
		obj := &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor), MaxEnt: c.entropy}
		pass, got := lqg.NewBackwardPass(dX, dU), lqg.NewController(T, dX, dU)
		pass.Keep = lqg.NewQFunctions(T, dX, dU)
		if c.under {
			pass.PropagateUnder = anchor
		}
		plain := lqg.NewController(T, dX, dU)
		if err := pass.Run(got, obj, dyn, c.eta); err != nil {
			t.Fatal(err)
		}
		pass.Keep, pass.Floor = nil, nil
		q := lqg.NewQFunctions(T, dX, dU)
		if err := pass.Run(plain, obj, dyn, c.eta); err != nil {
			t.Fatal(err)
		}
		for i, v := range plain.K {
			if got.K[i] != v {
				t.Fatalf("K[%d] is %v with Q functions kept, %v without", i, got.K[i], v)
			}
		}
		pass.Keep = q
		if err := pass.Run(got, obj, dyn, c.eta); err != nil {
			t.Fatal(err)
		}
		// V at T is the cost there; the divisor of the objective is the same at all steps.
		v, vx := make([]float64, dX*dX), make([]float64, dX)
		for i := range dX {
			vx[i] = cost.LinAt(T)[i]
			for j := range dX {
				v[i*dX+j] = cost.QuadAt(T)[i*d+j]
			}
		}
		for k := T - 1; k >= 0; k-- {
			quad, lin := make([]float64, d*d), make([]float64, d)
			obj.WithoutAnchor(k, quad, lin)
			for i := range d * d {
				quad[i] += c.eta * obj.Anchor.Quad[k*d*d+i]
			}
			F, f := dyn.FAt(k), dyn.BiasAt(k)
			for i := range d {
				lin[i] += c.eta * obj.Anchor.Lin[k*d+i]
				for a := range dX {
					vf := vx[a]
					for b := range dX {
						vf += v[a*dX+b] * f[b]
						for j := range d {
							quad[i*d+j] += F[a*d+i] * v[a*dX+b] * F[b*d+j]
						}
					}
					lin[i] += F[a*d+i] * vf
				}
			}
			for i := range d * d {
				if a, b := q.Quad[k*d*d+i], quad[i]; math.Abs(a-b) > 1e-9*(1+math.Abs(b)) {
					t.Fatalf("%+v: Q_%d[%d] is %v, want %v", c, k, i, a, b)
				}
			}
			for i := range d {
				if a, b := q.Lin[k*d+i], lin[i]; math.Abs(a-b) > 1e-9*(1+math.Abs(b)) {
					t.Fatalf("%+v: q_%d[%d] is %v, want %v", c, k, i, a, b)
				}
			}
			// Q_uu K + Q_ux = 0, Q_uu k + q_u = 0.
			for i := range dU {
				rest := lin[dX+i]
				for l := range dU {
					rest += quad[(dX+i)*d+dX+l] * got.BiasAt(k)[l]
				}
				for j := range dX {
					row := quad[(dX+i)*d+j]
					for l := range dU {
						row += quad[(dX+i)*d+dX+l] * got.Gain(k)[l*dX+j]
					}
					rest = math.Max(math.Abs(rest), math.Abs(row))
				}
				if math.Abs(rest) > 1e-8 {
					t.Fatalf("%+v: at time step %d the controller is not the minimum of Q, by %v", c, k, rest)
				}
			}
			by := got
			if c.under {
				by = anchor
			}
			K, bias := by.Gain(k), by.BiasAt(k)
			for i := range dX {
				vx[i] = lin[i]
				for l := range dU {
					vx[i] += K[l*dX+i]*lin[dX+l] + quad[i*d+dX+l]*bias[l]
					for m := range dU {
						vx[i] += K[l*dX+i] * quad[(dX+l)*d+dX+m] * bias[m]
					}
				}
				for j := range dX {
					s := quad[i*d+j]
					for l := range dU {
						s += K[l*dX+i]*quad[(dX+l)*d+j] + quad[i*d+dX+l]*K[l*dX+j]
						for m := range dU {
							s += K[l*dX+i] * quad[(dX+l)*d+dX+m] * K[m*dX+j]
						}
					}
					v[i*dX+j] = s
				}
			}
		}
	}
}
