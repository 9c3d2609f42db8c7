package rollout_test

import (
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/rollout/rollouttest"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsDonkTransitions(t *testing.T) {
	found := 0
	for _, c := range vectors.Donk(t, "misc") {
		if !c.Inputs.Has("XUX") {
			continue
		}
		found++
		t.Run(c.Name, func(t *testing.T) {
			all := rollouttest.Rollouts(c.Inputs.Get("X"), c.Inputs.Get("U"))
			vectors.Close(t, "XUX", rollout.Transitions(all), c.Outputs.Get("XUX").Floats(), 0)
		})
	}
	if found == 0 {
		t.Error("no case of transitions")
	}
}

// TestTransitions has rollouts of several lengths, and none.
func TestTransitions(t *testing.T) {
	if got := rollout.Transitions(nil); len(got) != 0 {
		t.Errorf("no rollouts have transitions %v", got)
	}
	a, b := rollout.New(2, 2, 1), rollout.New(1, 2, 1)
	copy(a.X, []float64{1, 2, 3, 4, 5, 6})
	copy(a.U, []float64{10, 20})
	copy(b.X, []float64{7, 8, 9, 0})
	copy(b.U, []float64{30})
	want := []float64{1, 2, 10, 3, 4, 3, 4, 20, 5, 6, 7, 8, 30, 9, 0}
	if got := rollout.Transitions([]*rollout.Rollout{a, b}); !slices.Equal(got, want) {
		t.Errorf("transitions are %v, want %v", got, want)
	}
	if got := panicOf(func() { rollout.Transitions([]*rollout.Rollout{rollout.New(1, 3, 1), rollout.New(1, 3, 2)}) }); !strings.Contains(got, "rollout 0 has dX=3 dU=1, rollout 1 has dX=3 dU=2") {
		t.Errorf("panic %q", got)
	}
}
