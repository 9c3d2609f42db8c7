package motion_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/hardware/motion"
)

func TestPosition(t *testing.T) {
	p := motion.Position{Stiffness: []float64{6, 2}, Damping: []float64{3, 0.5}}
	torque := make([]float64, 2)
	p.Act(torque, []float64{1, -1}, []float64{0.5, 0}, []float64{0.25, -2})
	if want := []float64{6*0.5 - 3*0.25, -2 + 0.5*2}; !slices.Equal(torque, want) {
		t.Errorf("torque %v, want %v", torque, want)
	}
	p.Act(torque, []float64{1, -1}, []float64{1, -1}, []float64{0, 0})
	if torque[0] != 0 || torque[1] != 0 {
		t.Errorf("torque %v at rest at the goal", torque)
	}
}

func TestWithin(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		q, dq []float64
		want  bool
	}{
		{[]float64{1, 2}, []float64{0, 0}, true},
		{[]float64{1.125, 1.875}, []float64{0.5, -0.5}, true}, // on the border
		{[]float64{1.126, 2}, []float64{0, 0}, false},
		{[]float64{1, 1.874}, []float64{0, 0}, false},
		{[]float64{1, 2}, []float64{0, 0.51}, false},
		{[]float64{1, 2}, []float64{-0.51, 0}, false},
		{[]float64{nan, 2}, []float64{0, 0}, false},
		{[]float64{1, 2}, []float64{0, nan}, false},
		{[]float64{1, math.Inf(1)}, []float64{0, 0}, false},
	} {
		if got := motion.Within([]float64{1, 2}, c.q, c.dq, 0.125, 0.5); got != c.want {
			t.Errorf("q %v, dq %v: %v, want %v", c.q, c.dq, got, c.want)
		}
	}
}

func TestFarthest(t *testing.T) {
	for _, c := range []struct {
		q        []float64
		joint    int
		distance float64
	}{{[]float64{1, 2, 3}, 0, 0}, {[]float64{1, 2.5, 3}, 1, 0.5}, {[]float64{1, 2.5, 2}, 2, 1}, {[]float64{-7, 2, 3}, 0, 8}} {
		if joint, d := motion.Farthest([]float64{1, 2, 3}, c.q); joint != c.joint || d != c.distance {
			t.Errorf("q %v: joint %d is %v away, want joint %d, %v", c.q, joint, d, c.joint, c.distance)
		}
	}
}

func TestPositionAllocatesNothing(t *testing.T) {
	p := motion.Position{Stiffness: []float64{6, 2}, Damping: []float64{3, 0.5}}
	torque, goal, q := make([]float64, 2), []float64{1, 2}, make([]float64, 2)
	n := testing.AllocsPerRun(100, func() {
		p.Act(torque, goal, q, q)
		motion.Within(goal, q, q, 1, 1)
		motion.Farthest(goal, q)
	})
	if n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
