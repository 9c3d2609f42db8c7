package safety

import "math"

// stop is one side of a joint, or of a coordinate, before its limit. SI units.
type stop struct {
	distance float64 // to the limit, < 0 beyond it, +Inf for none
	speed    float64 // towards it
	most     float64 // limit of the speed, +Inf for none
	braking  float64 // deceleration that is available, > 0
	jerk     float64 // rate at which the acceleration can be changed, +Inf for at once
	approach float64 // time constant of coming to rest
	wrong    float64 // by how much the acceleration may come out larger, >= 0
	dt       float64 // s, > 0
}

// acceleration returns the largest acceleration towards the limit, up to fastest, that can be
// held for dt and after which the limits of speed and position can still be kept. Where they
// cannot, it is what brings the joint back, down to -2 (braking + wrong).
//
// The states after which they can be kept are those from which the policy "change the
// acceleration by -jerk until it is -braking, and stay there" stops in time. They are viable in
// discrete time: the policy in steps of dt brakes no later than the continuous one, and leads
// to another such state. See Margins for what errors of the model do to this.
func (s stop) acceleration(fastest float64) float64 {
	floor := -2 * (s.braking + s.wrong)
	best := min(fastest, s.bySpeed())
	if best <= floor {
		return floor
	}
	approach := s.rest()
	if s.distance < 0 {
		return max(floor, min(best, (s.distance/approach-s.speed)/s.dt))
	}
	if math.IsInf(s.distance, 1) || s.peak(best, approach) <= s.distance {
		return best
	}
	low, high := floor, best
	atLow, atHigh := s.peak(low, approach)-s.distance, s.peak(high, approach)-s.distance
	if !(atLow < 0) {
		return floor
	}
	// Illinois: a secant that halves the value at an end that stays. The lower end is safe.
	side := 0
	for range 60 {
		if high-low <= 1e-9*s.braking {
			break
		}
		mid := low - atLow*(high-low)/(atHigh-atLow)
		if !(mid > low && mid < high) {
			mid = low + (high-low)/2
		}
		switch v := s.peak(mid, approach) - s.distance; {
		case v <= 0:
			low, atLow = mid, v
			if v == 0 {
				return low
			}
			if side == -1 {
				atHigh /= 2
			}
			side = -1
		default:
			high, atHigh = mid, v
			if side == 1 {
				atLow /= 2
			}
			side = 1
		}
	}
	return low
}

// rest returns the time constant of coming to rest, of a tick at least: a joint at less than one
// tick's braking can then stop within the tick.
func (s stop) rest() float64 { return max(s.approach, s.dt) }

// bySpeed returns the largest acceleration that the limit of the speed allows: after it, the
// acceleration can fall to zero before the speed is reached.
func (s stop) bySpeed() float64 {
	left := s.most - s.speed
	if left < 0 || math.IsInf(s.jerk, 1) || math.IsInf(left, 1) {
		return left / s.dt
	}
	// a dt + a^2/(2 jerk) = left, in a form without cancellation.
	return 2 * left / (s.dt + math.Sqrt(s.dt*s.dt+2*left/s.jerk))
}

// peak returns how far the joint will come, from where it is: with acceleration a for dt, then
// the policy; and the approach time at its highest speed more, with which it comes to rest
// smoothly. It grows with a, and does not along the policy.
func (s stop) peak(a, approach float64) float64 {
	at := s.dt * (s.speed + a*s.dt/2)
	w := s.speed + a*s.dt
	most := at
	if s.speed > 0 && w < 0 { // turned within the tick
		most = s.speed * s.speed / (-2 * a)
	}
	soft := approach * max(0, w+max(0, a)*max(0, a)/(2*s.jerk))
	ramp := max(0, (a+s.braking)/s.jerk)
	if last := w + ramp*(a-s.jerk*ramp/2); ramp > 0 && last <= 0 {
		// It stops before the full braking is there, if it moves at all.
		if root := a*a + 2*s.jerk*w; root > 0 {
			if t := (a + math.Sqrt(root)) / s.jerk; t > 0 {
				most = max(most, at+t*(w+t*(a/2-s.jerk*t/6)))
			}
		}
		return most + soft
	} else if ramp > 0 {
		at += ramp * (w + ramp*(a/2-s.jerk*ramp/6))
		w = last
	}
	if w > 0 {
		at += w * w / (2 * s.braking)
	}
	return max(most, at) + soft
}
