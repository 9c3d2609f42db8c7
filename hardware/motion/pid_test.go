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
	"guidedpolicysearch/internal/vectors"
)

func newPID(t testing.TB, cfg motion.PIDConfig) *motion.PID {
	t.Helper()
	c, err := motion.NewPID(cfg, len(cfg.Stiffness))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPIDVectors: the reference takes velocities by backward differences, 0 at first.
func TestPIDVectors(t *testing.T) {
	vectors.Run(t, "position_pid", func(t *testing.T, c vectors.Case) {
		in := func(key string) []float64 { return c.Inputs.Get(key).Floats(-1) }
		pid := newPID(t, motion.PIDConfig{Stiffness: in("kp"), Damping: in("kd"), IntegralGain: in("ki"), IntegralClamp: in("i_clamp")})
		goal, dt := in("target"), c.Inputs.Get("dt").Float()
		n := len(goal)
		angles := c.Inputs.Get("angles").Floats(-1, n)
		var torques []float64
		dq := make([]float64, n)
		for i := 0; i < len(angles); i += n {
			for j := range dq {
				if i > 0 {
					dq[j] = (angles[i+j] - angles[i+j-n]) / dt
				}
			}
			torque := make([]float64, n)
			pid.Act(torque, goal, nil, angles[i:i+n], dq, dt)
			torques = append(torques, torque...)
		}
		vectors.Close(t, "torques", torques, c.Outputs.Get("torques").Floats(-1, n), c.Tolerance)
	})
}

// TestPIDIsPosition: without an integral, and for a goal at rest, PID is Position to the bit.
func TestPIDIsPosition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	list := func() []float64 {
		return []float64{random.NormFloat64(), 1e3 * random.NormFloat64(), 1e-3 * random.NormFloat64()}
	}
	for range 1000 {
		cfg := motion.PIDConfig{Stiffness: []float64{6, 1.1, 300 * random.Float64()}, Damping: []float64{3, 0, random.Float64()}}
		pid, position := newPID(t, cfg), motion.Position{Stiffness: cfg.Stiffness, Damping: cfg.Damping}
		goal, q, dq, got, want := list(), list(), list(), make([]float64, 3), make([]float64, 3)
		position.Act(want, goal, q, dq)
		if pid.Act(got, goal, nil, q, dq, 0.01); !slices.Equal(got, want) {
			t.Fatalf("torque %v, want %v", got, want)
		}
		if pid.Act(got, goal, make([]float64, 3), q, dq, 0.01); !slices.Equal(got, want) {
			t.Fatalf("torque %v for a goal velocity of 0, want %v", got, want)
		}
	}
}

// TestIntegral solves by hand: a constant distance of 0.5, gain 4, clamp 3.
func TestIntegral(t *testing.T) {
	nan := math.NaN()
	pid := newPID(t, motion.PIDConfig{Stiffness: []float64{10}, Damping: []float64{2}, IntegralGain: []float64{4}, IntegralClamp: []float64{3}})
	torque := make([]float64, 1)
	for i, c := range []struct{ goal, goalVelocity, q, dq, dt, want float64 }{
		{0.5, 0, 0, 0, 0.25, 5.5},
		{0.5, 0, 0, 0, 0.5, 6.5},
		{0.5, 3, 0, 1, 0, 5.5 + 4 - 4 + 5}, // no time has gone by: the goal velocity alone
		{0.5, 0, 0, 0, -1, 6.5},            // nor has less than none
		{0.5, 0, 0, 0, nan, 6.5},           //
		{0.5, 0, 0, 0, math.Inf(1), 6.5},   //
		{0.5, 0, nan, 0, 1, nan},           // is not kept
		{0.5, 0, 0, 0, 10, 8},              // clamped at 3
		{0.5, 0, 0, 0, 10, 8},              // and no further
		{0, 0, 0.5, 0, 0.5, -5 + 2},        // unwinds at once
		{0, 0, 0.5, 0, 10, -5 - 3},         // clamped at -3
		{0, 0, math.Inf(1), 0, 1, math.Inf(-1)},
		{0, 0, 0, 0, 1, -3},
	} {
		if pid.Act(torque, []float64{c.goal}, []float64{c.goalVelocity}, []float64{c.q}, []float64{c.dq}, c.dt); torque[0] != c.want && !(c.want != c.want && torque[0] != torque[0]) {
			t.Fatalf("call %d: torque %v, want %v", i, torque[0], c.want)
		}
	}
	pid.Reset()
	if pid.Act(torque, []float64{1}, nil, []float64{1}, []float64{0}, 1); torque[0] != 0 {
		t.Errorf("torque %v after a reset", torque[0])
	}
}

// TestIntegralHoldsALoad: a joint under a constant load stops beside its goal without an
// integral, and at its goal with one.
func TestIntegralHoldsALoad(t *testing.T) {
	const load, inertia, dt = -2.0, 0.5, 1e-3
	for _, gain := range []float64{0, 20} {
		pid := newPID(t, motion.PIDConfig{Stiffness: []float64{20}, Damping: []float64{5}, IntegralGain: []float64{gain}, IntegralClamp: []float64{5}})
		q, dq, torque := []float64{0}, []float64{0}, []float64{0}
		for range 10000 {
			pid.Act(torque, []float64{1}, nil, q, dq, dt)
			dq[0] += dt * (torque[0] + load) / inertia
			q[0] += dt * dq[0]
		}
		want := 1.0
		if gain == 0 {
			want += load / 20
		}
		if math.Abs(q[0]-want) > 1e-3 {
			t.Errorf("integral gain %v: rests at %v, want %v", gain, q[0], want)
		}
	}
}

func TestPIDErrors(t *testing.T) {
	if err := motion.DefaultPIDConfig().Validate(); err != nil {
		t.Error(err)
	}
	good := func() motion.PIDConfig {
		return motion.PIDConfig{Stiffness: []float64{1, 2}, Damping: []float64{1, 2}, IntegralGain: []float64{1, 2}, IntegralClamp: []float64{1, 2}}
	}
	for says, change := range map[string]func(c *motion.PIDConfig){
		"stiffness is empty":                               func(c *motion.PIDConfig) { *c = motion.PIDConfig{} },
		"damping has 1 entries, need 2":                    func(c *motion.PIDConfig) { c.Damping = c.Damping[:1] },
		"damping has 0 entries, need 2":                    func(c *motion.PIDConfig) { c.Damping = nil },
		"integral_gain has 1 entries, need 2":              func(c *motion.PIDConfig) { c.IntegralGain = c.IntegralGain[:1] },
		"integral_gain has 2 entries and integral_clamp 0": func(c *motion.PIDConfig) { c.IntegralClamp = nil },
		"stiffness of joint 1 is -1, need a finite number": func(c *motion.PIDConfig) { c.Stiffness[1] = -1 },
		"damping of joint 0 is NaN":                        func(c *motion.PIDConfig) { c.Damping[0] = math.NaN() },
		"integral_clamp of joint 1 is +Inf":                func(c *motion.PIDConfig) { c.IntegralClamp[1] = math.Inf(1) },
		"stiffness has 3 entries, need 2, one per joint": func(c *motion.PIDConfig) {
			*c = motion.PIDConfig{Stiffness: make([]float64, 3), Damping: make([]float64, 3)}
		},
	} {
		cfg := good()
		change(&cfg)
		if _, err := motion.NewPID(cfg, 2); !errors.Is(err, motion.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want it to say %q", err, says)
		}
	}
}

func TestPIDWrongSizePanics(t *testing.T) {
	pid := newPID(t, motion.DefaultPIDConfig())
	defer func() {
		if text := fmt.Sprint(recover()); text != "motion: PID for 2 joints got torque 2, goal 2, goalVelocity 1, q 2, dq 2" {
			t.Errorf("panics with %q", text)
		}
	}()
	two := make([]float64, 2)
	pid.Act(make([]float64, 2), two, two[:1], two, two, 1)
}

func TestPIDAllocatesNothing(t *testing.T) {
	pid := newPID(t, motion.DefaultPIDConfig())
	torque, q := make([]float64, 2), make([]float64, 2)
	if n := testing.AllocsPerRun(100, func() { pid.Act(torque, q, q, q, q, 1e-3); pid.Reset() }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
