package safety

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// What braking is computed from: places and motions that are tried, the part of what the worst
// of them leaves that is counted on, and the shortest time of stopping from full speed that is
// asked for; and the part of a torque limit that is counted on where all joints at full speed need
// more than the rest.
const (
	brakingSamples = 2048
	brakingPart    = 0.5
	shortestStop   = 0.05 // s
	leastLeft      = 0.1
)

// available returns the decelerations that can be counted on, per joint and then once for the
// end effector, and the rates at which they can be changed within the slew limits. For joints
// of deceleration a the torque limits suffice where
//
//	sum_k |M_ik| a_k + |b_i| <= effort_i
//
// for all i: then every combination of accelerations within +-a can be had at once, which is
// what makes the limits of all joints feasible together. At speed, only accelerations against the
// motion count. The largest a in proportion to effort_i/M_ii is taken that satisfies this at
// random places within the limits, at rest and at full speed, and of it a half. sure is false where some motion at full speed needs nearly all
// torque, so that braking is not certain there. The error wraps ErrConfig where gravity leaves
// nothing.
func available(f *Filter) (braking, jerk []float64, sure bool, err error) {
	n := f.n
	sure = true
	braking, jerk = make([]float64, n+1), make([]float64, n+1)
	rng := rand.New(rand.NewPCG(1, 2))
	q, dq, zero := make([]float64, n), make([]float64, n), make([]float64, n)
	mass, bias := make([]float64, n*n), make([]float64, n)
	place := func(sample int) {
		for i := range q {
			low, high := f.lower[i], f.upper[i]
			if math.IsInf(low, 0) {
				low = min(-math.Pi, high-math.Pi)
			}
			if math.IsInf(high, 0) {
				high = max(math.Pi, low+math.Pi)
			}
			q[i] = low + (high-low)*rng.Float64()
			dq[i] = 0
			if v := f.velocity[i]; !math.IsInf(v, 0) && sample%2 == 1 {
				dq[i] = v * float64(2*rng.IntN(2)-1)
			}
		}
		f.robot.Dynamics.MassMatrix(mass, q)
		f.biasAt(bias, q, dq)
	}
	copy(braking, f.cfg.Braking)
	if len(f.cfg.Braking) == 0 {
		for range brakingSamples {
			place(0)
			for i := range n {
				zero[i] += mass[i*n+i] / brakingSamples
			}
		}
		for i, effort := range f.robot.EffortLimit {
			braking[i] = effort / zero[i]
			if v := f.velocity[i]; !math.IsInf(v, 0) {
				braking[i] = min(braking[i], v/shortestStop)
			}
		}
		scale := 1 / brakingPart
		for sample := range brakingSamples {
			place(sample)
			for i, effort := range f.robot.EffortLimit {
				// The most that braking adds to the bias torque on either side.
				up, down := 0.0, 0.0
				for k := range n {
					v := mass[i*n+k] * braking[k]
					switch {
					case sample%2 == 0 || dq[k] == 0:
						up, down = up+math.Abs(v), down+math.Abs(v)
					case v*dq[k] < 0:
						up += math.Abs(v)
					default:
						down += math.Abs(v)
					}
				}
				left, need := effort-bias[i], up
				if (effort+bias[i])*up < left*down {
					left, need = effort+bias[i], down
				}
				if least := leastLeft * effort; sample%2 == 1 && left < least {
					left, sure = least, false
				} else if !(left > 0) {
					return nil, nil, false, fmt.Errorf("%w: joint %q needs %.3g N m against gravity at joint positions %.3g, which leaves nothing of its torque limit, %.3g N m, to brake with: narrow the position limits, set braking, or set filter to never",
						ErrConfig, f.robot.Joints[i], bias[i], q, effort)
				}
				if need == 0 {
					continue
				}
				if !(need > 0 && need < math.Inf(1)) {
					return nil, nil, false, fmt.Errorf("%w: the dynamics model gives no usable mass matrix at joint positions %.3g: look at the inertias in the robot description, or set filter to never", ErrConfig, q)
				}
				scale = min(scale, left/need)
			}
		}
		for i := range n {
			braking[i] *= brakingPart * scale
		}
	}
	braking[n] = f.cfg.WorkspaceBraking
	rate := math.Inf(1)
	if len(f.cfg.SlewLimit) > 0 {
		for sample := range brakingSamples {
			place(sample)
			for i, slew := range f.cfg.SlewLimit {
				need := 0.0
				for k := range n {
					need += math.Abs(mass[i*n+k]) * braking[k]
				}
				rate = min(rate, brakingPart*slew/need)
			}
		}
	}
	for i, a := range braking {
		jerk[i] = a * rate
	}
	return braking, jerk, sure, nil
}

// Braking returns the deceleration of each joint that the quadratic programme counts on, nil
// where there is none. The caller must not change it.
func (f *Filter) Braking() []float64 {
	if f.barrier == nil {
		return nil
	}
	return f.barrier.braking[:f.n]
}

// Margins writes by how much each joint's position and speed, n each, can exceed their limits
// under the quadratic programme with ticks of dt s, if the accelerations of the model are within
// acceleration_error e of the arm's mean ones over a tick, and decelerations up to 2 (a + e) can be
// had, a the braking. It says false where there is no programme, or where all joints at full speed could need
// nearly all torque for that motion alone: then only faults bound them for certain. Narrower
// velocity limits help.
//
// Without slew limit: let s be the distance that the joint needs to stop, less the distance to
// its limit; s <= 0 is kept by the programme for an exact model. An error e changes the speed
// after a tick by e dt and the position by e dt^2/2, and so s by at most
//
//	e dt (v/a + approach + dt) + (e dt)^2/(2 a)
//
// The next tick brakes harder and removes it, so that it does not add up; and the position is
// beyond its limit by no more than s, the speed by no more than e dt. With a slew limit an error
// takes R = dt + 2 e/j to be answered, and the stop is longer by the ramp T = (a + 2 sqrt(j v))/j:
//
//	e R (v/a + T + approach + dt) + (e R)^2/(2 a),  and  e (R + 2 sqrt(v/j)) of the speed
//
// With a delay D an error is answered D later: dt + D takes the place of dt in all of it, and e is
// that of the model at any reading, for the torques and in the time until dt + D after it. The delay
// may differ from one reading to the next; a torque that acts later than D is not accounted for.
// The programme's own softness counts as an error of 1e-3 a.
func (f *Filter) Margins(position, velocity []float64, dt float64) bool {
	checkLen("position margins", position, f.n)
	checkLen("velocity margins", velocity, f.n)
	if f.barrier == nil {
		return false
	}
	hold := dt + f.history.seconds()
	for i := range position {
		a, j, v := f.barrier.braking[i], f.barrier.jerk[i], f.velocity[i]
		e := f.cfg.AccelerationError + 1e-3*a
		response, ramp, turn := hold, 0.0, 0.0
		if !math.IsInf(j, 0) {
			response, ramp, turn = hold+2*e/j, (a+2*math.Sqrt(j*v))/j, 2*math.Sqrt(v/j)
		}
		rest := max(f.barrier.up.approach, dt)
		position[i] = e*response*(v/a+ramp+rest+hold) + e*response*e*response/(2*a)
		velocity[i] = e * (response + turn)
	}
	return f.barrier.sure
}
