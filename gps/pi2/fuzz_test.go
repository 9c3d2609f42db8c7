package pi2_test

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/pi2"
)

// FuzzUpdate gives costs, actions and settings of any bits: an update is an error or a controller.
func FuzzUpdate(f *testing.F) {
	seed := func(v ...float64) {
		var b []byte
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		f.Add(b, uint8(len(v)), 1.0, 1e-3, 2.0, 1e-6)
	}
	seed(1, 2, 3, 4)
	seed(1e300, -1e300, 1e-300)
	seed(math.NaN(), math.Inf(1))
	f.Add([]byte{}, uint8(0), 1e-300, 1e-300, 0.0, 1e-300)
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, uint8(9), 1e300, 1e300, 1e300, 1e300)
	f.Fuzz(func(t *testing.T, data []byte, size uint8, kappa, least, damping, floor float64) {
		rng := rand.New(rand.NewPCG(uint64(size), 1))
		p := problem(rng)
		samples, costs := trials(rng, p.Anchor, 1+int(size%12))
		for i := 0; len(data) >= 8; i++ {
			v := math.Float64frombits(binary.LittleEndian.Uint64(data))
			data = data[8:]
			n := i % len(samples)
			if i%2 == 0 {
				costs[n][i/2%pT] = v
			} else {
				samples[n].U[i/2%len(samples[n].U)] = v
			}
		}
		cfg := pi2.DefaultPILQRConfig()
		cfg.PI2 = pi2.Config{KLThreshold: kappa, MinTemperature: least, CovarianceDamping: damping, CovarianceFloor: floor}
		if size&1 == 1 {
			cfg.Reuse = pi2.Importance
		}
		if size&2 == 2 {
			cfg.Prediction = pi2.FromStates
		}
		q, err := pi2.NewPILQR(cfg, pT, pDX, pDU)
		if err != nil {
			return
		}
		if r, err := pi2.Update(cfg.PI2, p.Anchor, samples, costs); err == nil {
			if err := r.Controller.Validate(); err != nil {
				t.Fatal(err)
			}
			for k, eta := range r.Temperature {
				if !(eta >= least) || !(r.EffectiveSamples[k] >= 1-1e-9 && r.EffectiveSamples[k] <= float64(len(samples))+1e-9) || !(r.WeightKL[k] >= 0) {
					t.Fatalf("step %d: eta %v, %v effective samples, KL %v", k, eta, r.EffectiveSamples[k], r.WeightKL[k])
				}
			}
		}
		if r, err := q.Update(pi2.NewState(pT, 1), p, p.Anchor, samples, costs, bounds(0.1)); err == nil {
			if err := r.Controller.Validate(); err != nil {
				t.Fatal(err)
			}
			if err := r.State.Validate(pT); err != nil {
				t.Fatal(err)
			}
		}
	})
}
