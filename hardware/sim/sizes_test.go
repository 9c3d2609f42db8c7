package sim

import (
	"fmt"
	"strings"
	"testing"
)

// TestSizes: a slice of the wrong size panics with both sizes.
func TestSizes(t *testing.T) {
	plants := map[string]Plant{"coupled": must[*CoupledArm](t)(NewCoupledArm(DefaultCoupledArmConfig()))}
	for name, m := range allMechanics(t, 0.3) {
		plants[name] = m.plant
	}
	for name, p := range plants {
		nQ, nU := p.Dims()
		type function struct {
			call         func(dst, q, dq, given []float64)
			result, last int
		}
		calls := map[string]function{"Accelerations": {p.Accelerations, nQ, nU}}
		if d, ok := p.(Differentiable); ok {
			calls["AccelerationDerivatives"] = function{d.AccelerationDerivatives, nQ * (2*nQ + nU), nU}
		}
		if i, ok := p.(Invertible); ok {
			calls["InverseDynamics"] = function{i.InverseDynamics, nU, nQ}
		}
		for called, c := range calls {
			for wrong := range 4 {
				for _, by := range []int{-1, 1} {
					sizes := [4]int{c.result, nQ, nQ, c.last}
					want := fmt.Sprintf("%d elements, want %d", sizes[wrong]+by, sizes[wrong])
					sizes[wrong] += by
					var list [4][]float64
					for i, n := range sizes {
						list[i] = make([]float64, n)
					}
					func() {
						defer func() {
							if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
								t.Errorf("%s, %s: panic %s, want %q", name, called, got, want)
							}
						}()
						c.call(list[0], list[1], list[2], list[3])
					}()
				}
			}
		}
	}
}
