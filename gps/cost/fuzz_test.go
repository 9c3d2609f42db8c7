package cost

import (
	"errors"
	"math"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/fuzzing"
)

// source draws sizes and numbers from bytes.
type source struct{ fuzzing.Source }

// number is small as a rule, and now and then any float64.
func (s *source) number() float64 {
	switch b := s.Byte(); {
	case b < 240:
		return float64(int8(b)) / 16
	case b < 250:
		return []float64{0, 1e-300, 1e200, -1e200, math.MaxFloat64, 1e-5, 1e8, math.NaN(), math.Inf(1), math.Inf(-1)}[b-240]
	}
	return s.Float64()
}

func (s *source) numbers(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = s.number()
	}
	return v
}

func (s *source) penalty() Penalty {
	v := s.numbers(8)
	return Penalty{L2: v[0], L1: v[1], Log: v[2], SmoothL1: v[3], LogCosh: v[4], Alpha: v[5], LogAlpha: v[6], SmoothAlpha: v[7], LogHessian: LogHessian(s.Below(5) - 1)}
}

// term builds a term from a configuration that may be wrong.
func (s *source) term(dX, dU int) (Term, error) {
	n, ramp, final := s.Below(4), Ramp(s.Below(6)-1), s.number()
	switch s.Below(9) {
	case 0:
		return NewAction(s.numbers(n))
	case 1:
		return NewState(StateConfig{Start: s.Below(5) - 1, Target: s.numbers(n), Weights: s.numbers(s.Below(4)), Penalty: s.penalty(), Ramp: ramp, FinalMultiplier: final})
	case 2:
		k, err := NewCombination(curved{}, s.numbers(n))
		if err != nil {
			return nil, err
		}
		return NewPoints(PointsConfig{JointStart: s.Below(4) - 1, Target: s.numbers(3), Weights: s.numbers(3), Penalty: s.penalty(), Ramp: ramp, FinalMultiplier: final}, k)
	case 3:
		c := WaypointsConfig{Penalty: s.penalty()}
		for range s.Below(3) {
			c.Waypoints = append(c.Waypoints, Waypoint{Time: s.number(), A: s.numbers(n * (dX + dU)), B: s.numbers(n), Ramp: ramp})
		}
		return NewWaypoints(c)
	case 4:
		return NewRegion(RegionConfig{Start: s.Below(4) - 1, Target: s.numbers(n), MaxDistance: s.number(), Inside: s.number(), Outside: s.number()})
	case 5:
		return NewSmoothness(SmoothnessConfig{Weights: s.numbers(n), InState: s.Below(2) == 1, Start: s.Below(4) - 1, Before: s.numbers(s.Below(3))})
	case 6:
		return NewFunction(FunctionConfig{DX: s.Below(5), DU: s.Below(4), Ramp: ramp, FinalMultiplier: final}, func(x, u []autodiff.Var, _, _ int) autodiff.Var {
			return autodiff.SmoothNorm(x, 0).Mul(u[0].Exp()).Add(x[0].Log().Div(u[0]))
		})
	case 7:
		text := []string{"x[0]^u[0]", "sqrt(x[0]) + 1/u[0]", "x[0] > 0 ? log(x[0]) : exp(-u[0])", "atan2(x[0], u[0])", "1/"}[s.Below(5)]
		return NewExpression(ExpressionConfig{Text: text, States: make([]string, s.Below(5)), Actions: make([]string, s.Below(4)), Ramp: ramp, FinalMultiplier: final})
	}
	inner, err := s.term(dX, dU)
	if err != nil {
		return nil, err
	}
	if s.Below(2) == 0 {
		return NewConvex(inner)
	}
	return NewSum(Weighted{s.number(), inner})
}

// FuzzExpand: any configuration, rollout and size gives an error of the package or
// finite numbers.
func FuzzExpand(f *testing.F) {
	for kind := range byte(9) {
		f.Add([]byte{2, 3, 1, 2, 1, 16, kind, 1, 16, 32, 16, 16, 1, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 1, 16, 16, 48, 5, 9, 16, 32, 7, 3})
		f.Add([]byte{0, 0, 0, 1, 1, 247, kind, 250, 1, 2, 3, 4, 5, 6, 7, 8, 242, 243, 246})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &source{data}
		T, dX, dU := 1+s.Below(4), 1+s.Below(5), 1+s.Below(3)
		term, err := s.term(dX, dU)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Fatalf("error %v does not wrap ErrConfig", err)
			}
			return
		}
		r := rollout.New(T, dX, dU)
		copy(r.X, s.numbers(len(r.X)))
		copy(r.U, s.numbers(len(r.U)))
		e := NewExpansion(T, dX, dU)
		finiteOr := func(err error) bool {
			t.Helper()
			switch {
			case err == nil && dense.FirstNotFinite(e.L)+dense.FirstNotFinite(e.Ly)+dense.FirstNotFinite(e.Lyy) != -3:
				t.Fatal("not finite, without an error")
			case err != nil && !errors.Is(err, ErrNotFinite) && !errors.Is(err, ErrShape):
				t.Fatalf("error %v wraps neither ErrNotFinite nor ErrShape", err)
			}
			return err == nil
		}
		if !finiteOr(Expand(e, term, r)) {
			return
		}
		q := lqg.NewCost(T, dX, dU)
		if err := QuadraticMean(q, []*Expansion{e}, []*rollout.Rollout{r}); err == nil && dense.FirstNotFinite(q.Const)+dense.FirstNotFinite(q.Lin)+dense.FirstNotFinite(q.Quad) != -3 {
			t.Fatal("quadratic cost is not finite, without an error")
		}
		finiteOr(NewProjection(dX, dU).Apply(e))
	})
}
