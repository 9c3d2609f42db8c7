package algorithm_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/fuzzing"
)

// fuzzAlgorithm returns one of all algorithms; the settings are for moments of work.
func fuzzAlgorithm(t *testing.T, kind int, cfg algorithm.TrajOptConfig, options byte, costs []cost.Term, dX, dU int) (algorithm.Algorithm, string) {
	shared := algorithm.DefaultPolicyConfig()
	shared.Hidden, shared.Train.Epochs, shared.Reuse = []int{3}, 3, 1
	shared.Linearise.Method = []policy.LineariseMethod{policy.ByMixture, policy.ByConstant, policy.ByJacobian}[int(options)%3]
	turns := algorithm.DefaultAlternatingConfig()
	turns.Trajectory, turns.Policy, turns.Inner, turns.OnPolicy = cfg, shared, 2, options&8 != 0
	var a algorithm.Algorithm
	var err error
	names := []string{"trajopt", "pi2", "pilqr", "mdgps", "mdgps pi2", "mdgps pilqr", "badmm", "constrained", "lagrangian"}
	name := names[kind%len(names)]
	switch name {
	case "badmm":
		c := algorithm.DefaultBADMMConfig()
		c.Alternating = turns
		a, err = algorithm.NewBADMM(c, costs, dX, dU)
	case "constrained":
		c := algorithm.DefaultConstrainedConfig()
		c.Alternating = turns
		a, err = algorithm.NewConstrainedGPS(c, costs, dX, dU)
	case "lagrangian":
		c := algorithm.DefaultLagrangianConfig()
		c.Alternating = turns
		a, err = algorithm.NewLagrangianGPS(c, costs, dX, dU)
	default:
		if update, ok := strings.CutPrefix(name, "mdgps"); ok {
			c := algorithm.DefaultMDGPSConfig()
			c.Trajectory, c.Policy, c.OffPolicy = cfg, shared, options&8 != 0
			if update != "" {
				c.Trajectory.Update = algorithm.UpdateKind(update[1:])
			}
			a, err = algorithm.NewMDGPS(c, costs, dX, dU)
			break
		}
		if name != "trajopt" {
			cfg.Update = algorithm.UpdateKind(name)
		}
		a, err = algorithm.NewTrajOpt(cfg, costs)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, name
}

// FuzzIterate feeds samples of any numbers, sizes and counts for two iterations: what comes
// back is an error, or a state and a report that are finite and keep the KL bound.
func FuzzIterate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{3, 1, 1, 6, 0, 120, 130, 90, 80, 100, 104, 140, 60, 90, 110})
	f.Add([]byte{0, 0, 0, 4, 1, 255, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 1, 2, 3})
	long := make([]byte, 600)
	for i := range long {
		long[i] = byte(41*i*i + i/7)
	}
	f.Add(long)
	mild := make([]byte, len(long)) // no number that is out of the ordinary
	for i := range mild {
		mild[i] = byte((83*i*i + 29*i) % 251)
	}
	for kind := range byte(9) {
		for options := range byte(16) {
			f.Add(append([]byte{4, 1, 0, 6, options, kind}, long...))
			f.Add(append([]byte{4, 1, 0, 6, options &^ 2, kind}, mild...))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		source := fuzzing.Source(data)
		number := func() float64 {
			b := source.Byte()
			if b < 253 {
				return (float64(b) - 100) / 32
			}
			return source.Float64()
		}
		T, dX, dU, N, options := 1+source.Below(5), 1+source.Below(3), 1+source.Below(2), source.Below(7), source.Byte()
		kind := source.Below(9)

		c := lqg.NewController(T, dX, dU)
		for k := range T {
			for i := range dU {
				c.CholAt(k)[i*dU+i] = math.Abs(number()) + 0.01
			}
		}
		for i := range c.Bias {
			c.Bias[i] = number()
		}
		term, err := cost.NewState(cost.DefaultStateConfig(0, make([]float64, dX)))
		if err != nil {
			t.Fatal(err)
		}
		cfg := algorithm.DefaultTrajOptConfig()
		cfg.UsePrior, cfg.BoundEachStep = options&1 != 0, options&4 != 0
		a, name := fuzzAlgorithm(t, kind, cfg, options, []cost.Term{term}, dX, dU)
		state := algorithm.NewState(1, 1, []*lqg.Controller{c})
		if options&2 != 0 {
			state.Conditions[0].Eta, state.Conditions[0].StepMultiplier = number(), number()
		}
		for range 2 {
			var samples []*rollout.Rollout
			for range N {
				r := rollout.New(T, dX, dU)
				for _, part := range [][]float64{r.X, r.U} {
					for i := range part {
						part[i] = number()
					}
				}
				switch source.Byte() {
				case 254:
					r = nil
				case 253:
					r.X = r.X[:len(r.X)-1]
				case 252:
					r.T++
				}
				samples = append(samples, r)
			}
			next, report, err := a.Iterate(context.Background(), state, [][]*rollout.Rollout{samples})
			if err != nil {
				if next != nil || report != nil {
					t.Fatalf("a result beside the error %v", err)
				}
				return
			}
			r := report.Conditions[0]
			for _, v := range append([]float64{r.KL, r.Bound, r.Eta, r.StepMultiplier, r.Predicted, r.Actual}, r.SampleCosts...) {
				if v-v != 0 {
					t.Fatalf("report has %v: %+v", v, r)
				}
			}
			if !strings.Contains(name, "pi") && r.KL > 1.1*r.Bound*(1+1e-9) {
				t.Fatalf("KL %v above its bound %v", r.KL, r.Bound)
			}
			if p := report.Policy; p != nil {
				if p.Loss-p.Loss != 0 || r.PolicyKL-r.PolicyKL != 0 {
					t.Fatalf("%s: report has a loss of %v and a divergence of %v", name, p.Loss, r.PolicyKL)
				}
				if err := next.Policy.Validate(); err != nil {
					t.Fatal(err)
				}
			}
			if err := next.Conditions[0].Controller.Validate(); err != nil {
				t.Fatal(err)
			}
			state = next
		}
	})
}
