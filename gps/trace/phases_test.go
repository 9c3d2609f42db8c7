package trace_test

import (
	"context"
	"testing"
	"time"

	"guidedpolicysearch/gps/trace"
)

func TestPhases(t *testing.T) {
	clock := time.Unix(0, 0)
	p := trace.NewPhases(func() time.Time { return clock })
	ctx := p.Into(context.Background())
	pass := func(seconds float64) { clock = clock.Add(time.Duration(seconds * float64(time.Second))) }
	pass(5) // before anything began
	prior := trace.Phase(ctx, "prior")
	pass(1) // prior alone
	fit, other := trace.Phase(ctx, "dynamics"), trace.Phase(ctx, "dynamics")
	pass(3) // one in prior, two in dynamics
	other()
	pass(2)
	prior()
	fit()
	pass(7) // nothing goes on
	again := trace.Phase(ctx, "prior")
	pass(0.5)
	again()
	want := map[string]float64{"prior": 1 + 1 + 1 + 0.5, "dynamics": 2 + 1}
	got := p.Times()
	if len(got) != len(want) {
		t.Errorf("phases %v, want %v", got, want)
	}
	for name, v := range want {
		if d := got[name].Seconds() - v; d > 1e-6 || d < -1e-6 {
			t.Errorf("%s took %v, want %v s", name, got[name], v)
		}
	}
}
