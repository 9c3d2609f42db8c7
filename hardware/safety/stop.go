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

	// Late are the times in each of which the acceleration may still be what is in before, which does
	// not grow, or may be the new one already; none where nothing is late.
	late   int
	before [maxSpans]float64
	// Of the beginning of each of them and, last, of their end: what is left of them and of dt, in s,
	// and place and speed if no acceleration but those before has acted.
	left, place, swift [maxSpans + 1]float64
}

// wait sets the late times, in s. dt is set already.
func (s *stop) wait(times []float64) {
	s.late = len(times)
	s.left[s.late] = s.dt
	for i := s.late - 1; i >= 0; i-- {
		s.left[i] = s.left[i+1] + times[i]
	}
}

// limit sets what is to be kept next: see the fields of these names.
func (s *stop) limit(distance, speed, most, braking, jerk float64) {
	s.distance, s.speed, s.most, s.braking, s.jerk = distance, speed, most, braking, jerk
}

// drift computes places and speeds of the late times.
func (s *stop) drift() {
	place, speed := 0.0, s.speed
	s.swift[0] = speed
	for i, b := range s.before[:s.late] {
		t := s.left[i] - s.left[i+1]
		place, speed = place+t*(speed+b*t/2), speed+b*t
		s.place[i+1], s.swift[i+1] = place, speed
	}
}

// acceleration returns an acceleration towards the limit, a or more, such that it and all below it
// can be held for dt, after the late times, and the limits of speed and position can still be kept after
// it. If a is too large for that, it returns the largest that is not, or, if there is none, what brings
// the joint back: -2 (braking + wrong).
//
// The states after which they can be kept are those from which the policy "change the
// acceleration by -jerk until it is -braking, and stay there" stops in time. They are viable in
// discrete time: the policy in steps of dt brakes no later than the continuous one, and leads
// to another such state. In the late times the larger of the accelerations that may act is
// counted: whichever does, the joint is no farther and no faster than by that, and what counts in
// the next tick is part of what counts in this one. See Margins for what errors of the model do.
func (s *stop) acceleration(a float64) float64 {
	s.drift()
	floor := -2 * (s.braking + s.wrong)
	best := s.bySpeed(s.most, s.jerk)
	if best <= floor {
		return floor
	}
	approach := s.rest()
	if beyond := s.distance - s.place[s.late]; beyond < 0 {
		return max(floor, min(best, s.bySpeed(beyond/approach, math.Inf(1))))
	}
	if s.distance > math.MaxFloat64 || best <= math.MaxFloat64 && s.peak(best, approach) <= s.distance {
		return best
	}
	low, high := floor, min(a, best)
	if !(high > floor) {
		return floor
	}
	atHigh := s.peak(high, approach) - s.distance
	if atHigh <= 0 {
		return high
	}
	atLow := s.peak(low, approach) - s.distance
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
func (s *stop) rest() float64 { return max(s.approach, s.dt) }

// bySpeed returns the largest acceleration with which the speed is at most the given one after
// the tick, and after the acceleration has fallen to zero at the rate jerk.
func (s *stop) bySpeed(most, jerk float64) float64 {
	// It acts for the tick and those of the late times in which it is larger than those before.
	best := math.Inf(1)
	if most > math.MaxFloat64 {
		return best
	}
	if jerk > math.MaxFloat64 {
		for i, v := range s.swift[:s.late+1] {
			best = min(best, (most-v)/s.left[i])
		}
		return best
	}
	for i, v := range s.swift[:s.late+1] {
		best = min(best, changeBy(most-v, s.left[i], jerk))
	}
	return best
}

// changeBy returns the acceleration that changes the speed by left in time t, and while it falls
// to zero afterwards.
func changeBy(left, t, jerk float64) float64 {
	if left < 0 {
		return left / t
	}
	// a t + a^2/(2 jerk) = left, in a form without cancellation.
	return 2 * left / (t + math.Sqrt(t*t+2*left/jerk))
}

// peak returns how far the joint will come, from where it is: with acceleration a for dt, then
// the policy; and the approach time at its highest speed more, with which it comes to rest
// smoothly. In the late times it is the larger of a and the acceleration before; where a is the
// smaller, nothing can be done about how far it comes in them. It grows with a, and does not
// along the policy.
func (s *stop) peak(a, approach float64) float64 {
	k := 0
	for k < s.late && s.before[k] >= a {
		k++
	}
	place, speed, t, most := s.place[k], s.swift[k], s.left[k], math.Inf(-1)
	at, w := place+t*(speed+a*t/2), speed+a*t
	if speed > 0 && w < 0 { // turned before the tick is over
		most = place + speed*speed/(-2*a)
	}
	most = max(most, at)
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
