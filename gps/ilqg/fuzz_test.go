package ilqg

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/internal/fuzzing"
)

// FuzzMPC: whatever states are measured, one after the other, there is a finite control
// between its bounds, or an error of a kind and no control. Afterwards an ordinary state gives
// a control again.
func FuzzMPC(f *testing.F) {
	bits := func(first byte, list ...float64) []byte {
		data := []byte{first}
		for _, v := range list {
			data = binary.LittleEndian.AppendUint64(append(data, 255), math.Float64bits(v))
		}
		return data
	}
	f.Add([]byte{0, 100, 110, 90, 120, 200, 30, 254, 3, 1, 128})
	f.Add([]byte{1, 100, 110, 90, 120, 200, 30, 20, 3, 1, 128, 4, 200})
	f.Add(bits(0, 0.1, 0, math.NaN(), 0, 0.2, math.Inf(1), 0.1, 0))
	f.Add(bits(0, 1e300, -1e300, 1e155, 1, 1, 1e155, 3, 0))
	f.Add(bits(1, 0, 0.1, 0, 0, math.NaN(), 0, 0, 0, 1e80, 0.2, 1e80, 1e200, 0, 3, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		source := fuzzing.Source(data)
		number := func() float64 {
			b := source.Byte()
			if b < 255 {
				return (float64(b) - 128) / 16
			}
			return source.Float64()
		}
		options := source.Byte()
		problem := swingUp(4, 8, options&2 == 0)
		if options&1 != 0 {
			a, err := NewAutomatic(cartPole[autodiff.Real], cartPole[autodiff.Var], 4, 1)
			if err != nil {
				t.Fatal(err)
			}
			problem = Problem{DX: 4, DU: 1, Dynamics: a, Derivatives: a, Cost: PerStep{cartPoleCost{}}}
		}
		problem.T = 1 + int(options>>2)%8
		cfg := DefaultConfig()
		if options&128 != 0 {
			cfg.Regularization = StateSpace
		}
		m, err := NewMPC(problem, cfg, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		x, u := make([]float64, problem.DX), make([]float64, 1)
		for range 8 {
			for i := range x {
				x[i] = number()
			}
			const untouched = 77.0
			u[0] = untouched
			_, err := m.Act(u, x)
			switch {
			case err != nil && u[0] != untouched:
				t.Fatalf("control %v beside the error %v", u[0], err)
			case err == nil && (!finite(u[0]) || problem.bounded() && math.Abs(u[0]) > problem.Upper[0]):
				t.Fatalf("control %v at %v", u[0], x)
			case err != nil && !errors.Is(err, ErrNotFinite) && !errors.Is(err, ErrDiverged) && !errors.Is(err, ErrUnbounded) && !errors.Is(err, ErrIndefinite):
				t.Fatalf("error of no kind at %v: %v", x, err)
			}
		}
		clear(x)
		x[0] = 0.1
		if _, err := m.Act(u, x); err != nil || !finite(u[0]) {
			t.Fatalf("control %v at an ordinary state after others, %v", u[0], err)
		}
	})
}
