package motion_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/hardware/motion"
)

// TestTrajectoryByHand: 3 rad at 1 rad/s and 2 rad/s² take 3.5 s; the second joint alone
// would take 1 s in a triangle (1 rad/s² and 0.25 rad).
func TestTrajectoryByHand(t *testing.T) {
	p := motion.NewTrajectory(3)
	duration, err := p.Plan([]float64{-1, 0.25, 7}, []float64{2, 0, 7}, []float64{1, 10, 1}, []float64{2, 1, 1})
	if err != nil || duration != 3.5 || p.Duration() != 3.5 {
		t.Fatalf("duration %v, %v, %v", duration, p.Duration(), err)
	}
	q, dq, ddq := make([]float64, 3), make([]float64, 3), make([]float64, 3)
	peak := 0.25 / 1.75
	for _, c := range []struct {
		t          float64
		q, dq, ddq []float64
	}{
		{math.NaN(), []float64{-1, 0.25, 7}, []float64{0, 0, 0}, []float64{0, 0, 0}},
		{-1, []float64{-1, 0.25, 7}, []float64{0, 0, 0}, []float64{0, 0, 0}},
		{0, []float64{-1, 0.25, 7}, []float64{0, 0, 0}, []float64{0, 0, 0}},
		{0.25, []float64{-1 + 0.0625, 0.25 - peak/1.75*0.03125, 7}, []float64{0.5, -peak / 7, 0}, []float64{2, -peak / 1.75, 0}},
		{1.5, []float64{0.25, 0.25 - peak/1.75*1.125, 7}, []float64{1, -peak * 6 / 7, 0}, []float64{0, -peak / 1.75, 0}},
		{2, []float64{0.75, peak / 1.75 * 1.125, 7}, []float64{1, -peak * 6 / 7, 0}, []float64{0, peak / 1.75, 0}},
		{3.25, []float64{2 - 0.0625, peak / 1.75 * 0.03125, 7}, []float64{0.5, -peak / 7, 0}, []float64{-2, peak / 1.75, 0}},
		{3.5, []float64{2, 0, 7}, []float64{0, 0, 0}, []float64{0, 0, 0}},
		{math.Inf(1), []float64{2, 0, 7}, []float64{0, 0, 0}, []float64{0, 0, 0}},
	} {
		p.At(c.t, q, dq, ddq)
		for _, pair := range [][2][]float64{{q, c.q}, {dq, c.dq}, {ddq, c.ddq}} {
			for i := range 3 {
				if math.Abs(pair[0][i]-pair[1][i]) > 1e-14 {
					t.Errorf("after %v s: q %v, dq %v, ddq %v, want %v, %v, %v", c.t, q, dq, ddq, c.q, c.dq, c.ddq)
				}
			}
		}
		again := slices.Clone(q)
		p.At(c.t, again, nil, nil)
		if !slices.Equal(q, again) {
			t.Errorf("after %v s: q %v alone, %v with velocities", c.t, again, q)
		}
	}
}

// shortest is the time from rest to rest in the textbook's two cases.
func shortest(distance, v, a float64) float64 {
	if distance < v*v/a {
		return math.Sqrt(4 * distance / a)
	}
	return distance/v + v/a
}

// TestTrajectoryProperties: for random motions, with joints of very different limits,
// small and no distances.
func TestTrajectoryProperties(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	const n, samples = 5, 400
	p := motion.NewTrajectory(n)
	column := func(f func() float64) []float64 {
		list := make([]float64, n)
		for i := range list {
			list[i] = f()
		}
		return list
	}
	for trial := range 500 {
		q0 := column(func() float64 { return 3 * random.NormFloat64() })
		vmax := column(func() float64 { return math.Exp(1.5 * random.NormFloat64()) })
		amax := column(func() float64 { return math.Exp(2 * random.NormFloat64()) })
		goal := slices.Clone(q0)
		for i := range goal {
			goal[i] += random.NormFloat64() * []float64{0, 1e-12, 1e-3, 1, 10}[random.IntN(5)]
		}
		duration, err := p.Plan(q0, goal, vmax, amax)
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		for i := range goal {
			want = max(want, shortest(math.Abs(goal[i]-q0[i]), vmax[i], amax[i]))
		}
		if math.Abs(duration-want) > 1e-12*want {
			t.Fatalf("trial %d: duration %v, the slowest joint takes %v", trial, duration, want)
		}
		q, dq, ddq := make([]float64, n), make([]float64, n), make([]float64, n)
		p.At(0, q, dq, ddq)
		if !slices.Equal(q, q0) || slices.ContainsFunc(dq, func(v float64) bool { return v != 0 }) {
			t.Fatalf("trial %d: starts at %v, %v, want rest at %v", trial, q, dq, q0)
		}
		lastQ, lastDQ := slices.Clone(q), slices.Clone(dq)
		travelled := make([]float64, n) // by the trapezoidal rule on the velocities
		for k := 1; k <= samples; k++ {
			step := duration / samples
			p.At(duration*(float64(k)/samples), q, dq, ddq)
			for i := range n {
				direction := math.Copysign(1, goal[i]-q0[i])
				const slack = 1 + 1e-12
				switch {
				case math.Abs(dq[i]) > slack*vmax[i] || math.Abs(ddq[i]) > slack*amax[i]:
					t.Fatalf("trial %d, joint %d: %v rad/s, %v rad/s² with limits %v, %v", trial, i, dq[i], ddq[i], vmax[i], amax[i])
				case q[i] < min(q0[i], goal[i]) || q[i] > max(q0[i], goal[i]):
					t.Fatalf("trial %d, joint %d: %v is not between %v and %v", trial, i, q[i], q0[i], goal[i])
				case direction*(q[i]-lastQ[i]) < -1e-13 || direction*dq[i] < 0:
					t.Fatalf("trial %d, joint %d: goes back from %v to %v", trial, i, lastQ[i], q[i])
				case math.Abs(dq[i]-lastDQ[i]) > amax[i]*step*(1+1e-9)+1e-15:
					t.Fatalf("trial %d, joint %d: velocity jumps from %v to %v in %v s", trial, i, lastDQ[i], dq[i], step)
				case k < samples && goal[i] != q0[i] && math.Abs(goal[i]-q0[i]) > 1e-9 && (q[i] == goal[i] || dq[i] == 0):
					t.Fatalf("trial %d, joint %d: rests before the others arrive", trial, i)
				}
				travelled[i] += step * (dq[i] + lastDQ[i]) / 2
			}
			copy(lastQ, q)
			copy(lastDQ, dq)
		}
		if !slices.Equal(q, goal) || slices.ContainsFunc(dq, func(v float64) bool { return v != 0 }) {
			t.Fatalf("trial %d: ends at %v, %v, want rest at %v", trial, q, dq, goal)
		}
		for i := range n {
			// The rule misses at most an eighth of acceleration times step² at each of 4 kinks.
			step := duration / samples
			if distance := goal[i] - q0[i]; math.Abs(travelled[i]-distance) > min(amax[i]*step, 2*vmax[i])*step/2+1e-9*math.Abs(distance) {
				t.Fatalf("trial %d, joint %d: the velocities lead over %v, want %v", trial, i, travelled[i], distance)
			}
		}
	}
}

func TestPlanOfNothing(t *testing.T) {
	p := motion.NewTrajectory(2)
	duration, err := p.Plan([]float64{1, 2}, []float64{1, 2}, []float64{1, 1}, []float64{1, 1})
	q, dq := make([]float64, 2), []float64{9, 9}
	p.At(0, q, dq, nil)
	if duration != 0 || err != nil || !slices.Equal(q, []float64{1, 2}) || !slices.Equal(dq, []float64{0, 0}) {
		t.Errorf("duration %v, %v: %v, %v", duration, err, q, dq)
	}
}

// TestNoRoundingPastTheGoal: just before the end of this motion, speed times time rounds to
// more than the distance.
func TestNoRoundingPastTheGoal(t *testing.T) {
	p := motion.NewTrajectory(1)
	q, goal := []float64{0}, []float64{3.3035963122790505e-15}
	duration, err := p.Plan(q, goal, []float64{0.6370630981886594}, []float64{1e30})
	if err != nil {
		t.Fatal(err)
	}
	if p.At(0.9999999999999999*duration, q, nil, nil); q[0] > goal[0] {
		t.Errorf("at %v, past the goal %v", q[0], goal[0])
	}
}

func TestPlanErrors(t *testing.T) {
	p := motion.NewTrajectory(2)
	one := []float64{1, 1}
	if _, err := p.Plan([]float64{0, 0}, one, one, one); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says             string
		q0, goal, vm, am float64
	}{
		{"the start of joint 1 is NaN", math.NaN(), 1, 1, 1},
		{"the goal of joint 1 is -Inf", 0, math.Inf(-1), 1, 1},
		{"too far apart", -1e308, 1e308, 1, 1},
		{"the velocity limit of joint 1 is 0 rad/s, need a finite number > 0", 0, 1, 0, 1},
		{"the velocity limit of joint 1 is NaN", 0, 1, math.NaN(), 1},
		{"the velocity limit of joint 1 is +Inf", 0, 1, math.Inf(1), 1},
		{"the acceleration limit of joint 1 is -1 rad/s²", 0, 1, 1, -1},
		{"the acceleration limit of joint 1 is +Inf", 0, 1, 1, math.Inf(1)},
		{"joint 1 would take longer", 0, 1e300, 1e-300, 1},
	} {
		_, err := p.Plan([]float64{5, c.q0}, []float64{9, c.goal}, []float64{1, c.vm}, []float64{1, c.am})
		if !errors.Is(err, motion.ErrPlan) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want it to say %q", err, c.says)
		}
	}
	// The former plan stays.
	q := make([]float64, 2)
	if p.At(p.Duration(), q, nil, nil); !slices.Equal(q, one) || p.Duration() != 2 {
		t.Errorf("the plan leads to %v within %v s", q, p.Duration())
	}
}

func TestTrajectoryMisuse(t *testing.T) {
	two, three := make([]float64, 2), make([]float64, 3)
	for want, f := range map[string]func(){
		"motion: trajectory without a plan":                               func() { motion.NewTrajectory(2).At(0, two, nil, nil) },
		"motion: trajectory of 2 joints got q0 2, goal 3, vmax 2, amax 2": func() { motion.NewTrajectory(2).Plan(two, three, two, two) },
		"motion: trajectory of 2 joints got q 2, dq 0, ddq 3": func() {
			p := motion.NewTrajectory(2)
			if _, err := p.Plan(two, two, []float64{1, 1}, []float64{1, 1}); err != nil {
				t.Error(err)
			}
			p.At(0, two, nil, three)
		},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); text != want {
					t.Errorf("panics with %q, want %q", text, want)
				}
			}()
			f()
		}()
	}
}

func TestTrajectoryAllocatesNothing(t *testing.T) {
	p := motion.NewTrajectory(7)
	q0, goal, limit := make([]float64, 7), []float64{1, 2, 3, 4, 5, 6, 7}, []float64{1, 2, 1, 2, 1, 2, 1}
	q, dq, ddq := make([]float64, 7), make([]float64, 7), make([]float64, 7)
	n := testing.AllocsPerRun(100, func() {
		duration, err := p.Plan(q0, goal, limit, limit)
		if err != nil {
			t.Fatal(err)
		}
		p.At(duration/3, q, dq, ddq)
	})
	if n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

// FuzzPlan: whatever is planned stays between start and goal, is finite, and arrives.
func FuzzPlan(f *testing.F) {
	f.Add(0.0, 1.0, 1.0, 1.0, 0.5)
	f.Add(-1e308, 7e307, 1e308, 1e-308, 0.1)
	f.Add(0.0, 5e-324, 1e300, 1e300, 0.9)
	f.Add(1.0, 1.0000000000000002, 1e-200, 1e200, 0.999)
	f.Add(math.NaN(), 0.0, math.Inf(1), -1.0, math.NaN())
	f.Fuzz(func(t *testing.T, q0, goal, vmax, amax, at float64) {
		p := motion.NewTrajectory(2)
		duration, err := p.Plan([]float64{q0, 0}, []float64{goal, 1}, []float64{vmax, 1}, []float64{amax, 1})
		if err != nil {
			return
		}
		if !(duration >= 2) || math.IsInf(duration, 0) {
			t.Fatalf("duration %v", duration)
		}
		q, dq := make([]float64, 2), make([]float64, 2)
		p.At(at*duration, q, dq, nil)
		if !(q[0] >= min(q0, goal) && q[0] <= max(q0, goal)) || !(math.Abs(dq[0]) <= vmax*(1+1e-9)+math.SmallestNonzeroFloat64) {
			t.Fatalf("position %v, velocity %v", q, dq)
		}
		if p.At(duration, q, dq, nil); q[0] != goal || dq[0] != 0 {
			t.Fatalf("arrives at %v with %v", q, dq)
		}
	})
}
