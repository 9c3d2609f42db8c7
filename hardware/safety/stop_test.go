package safety

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestStop drives a joint of any speed, braking, jerk, approach time and tick, as hard as is
// allowed and by random accelerations, towards a limit: it comes as near as it is pushed, never
// beyond, and no acceleration that is asked for is out of reach.
func TestStop(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		log := func(low, high float64) float64 { return low * math.Exp(rng.Float64()*math.Log(high/low)) }
		s := stop{distance: log(0.01, 2), most: log(0.1, 10), braking: log(0.5, 50), jerk: math.Inf(1), approach: log(1e-4, 0.1), dt: log(1e-4, 0.02)}
		s.wait(nil)
		strength := s.braking * log(1, 20)
		if rng.IntN(2) == 0 {
			s.jerk = log(10, 1000) * s.braking
		}
		if rng.IntN(4) == 0 {
			s.most = math.Inf(1)
		}
		constant := rng.IntN(2) == 0
		span, most := s.distance, s.most
		position, speed, a := 0.0, 0.0, 0.0
		for tick := range 4000 {
			s.distance, s.speed = span-position, speed
			low, high := -s.braking, strength
			if !math.IsInf(s.jerk, 1) {
				low, high = max(a-s.jerk*s.dt, -s.braking), min(a+s.jerk*s.dt, strength)
			}
			bound := min(high, s.acceleration(high))
			if bound < min(low, a)-1e-6*s.braking {
				t.Fatalf("seed %d, tick %d: %+v: acceleration %v is asked for after %v, %v can be had", seed, tick, s, bound, a, low)
			}
			want := strength
			if !constant {
				want = strength * rng.NormFloat64()
			}
			next := max(min(want, high, bound), min(low, a))
			// The farthest place within the tick.
			if turned := speed + next*s.dt; speed > 0 && turned < 0 {
				position = max(position, position+speed*speed/(-2*next))
				if position > span+1e-9 {
					t.Fatalf("seed %d, tick %d: %+v: turned at %v", seed, tick, s, position-span)
				}
				position -= speed * speed / (-2 * next)
			}
			position += s.dt * (speed + next*s.dt/2)
			speed += next * s.dt
			a = next
			if position > span+1e-9 || speed > most*(1+1e-9) {
				t.Fatalf("seed %d, tick %d: %+v: beyond the limit by %v, speed %v", seed, tick, s, position-span, speed)
			}
			if position < 0 && !constant { // a wall behind
				position, speed, a = 0, 0, 0
			}
		}
		time := 3*span/most + 6*math.Sqrt(span/s.braking) + 10*s.approach // to come there and to rest
		if left := span - position; constant && 4000*s.dt > time && left > 0.05*span+5*s.approach*speed {
			t.Errorf("seed %d: %+v: pushed all the time, it is %v before the limit with speed %v", seed, s, left, speed)
		}
	}
}

// TestStopComesBack: beyond the limit, or too fast, the joint is brought back.
func TestStopComesBack(t *testing.T) {
	for _, s := range []stop{
		{distance: -0.1, speed: 0, most: 1, braking: 2, jerk: math.Inf(1), approach: 0.02, dt: 0.001},
		{distance: -0.1, speed: 0.5, most: 1, braking: 2, jerk: 100, approach: 0.02, dt: 0.001},
		{distance: 5, speed: 3, most: 1, braking: 2, jerk: math.Inf(1), approach: 0.02, dt: 0.001},
		{distance: 0.01, speed: 3, most: math.Inf(1), braking: 2, wrong: 1, jerk: 100, approach: 0.02, dt: 0.001},
	} {
		s.wait(nil)
		if a := min(100, s.acceleration(100)); a != -2*(s.braking+s.wrong) {
			t.Errorf("%+v: %v", s, a)
		}
	}
	// Where it will be beyond the limit by 0.004, at rest, it may come back at a speed of 0.2, and not
	// faster.
	s := stop{distance: 0.001, speed: 1, most: 2, braking: 200, jerk: math.Inf(1), approach: 0.02, dt: 0.001}
	s.before[0] = -100
	s.wait([]float64{0.01})
	if a := min(1000, s.acceleration(1000)); math.Abs(a+200) > 1e-9 {
		t.Errorf("on its way beyond the limit, it is to turn with -200, not %v", a)
	}
	s = stop{distance: -0.001, speed: -0.2, most: 1, braking: 2, jerk: math.Inf(1), approach: 0.02, dt: 0.001}
	s.wait(nil)
	if a := min(1000, s.acceleration(1000)); math.Abs(a-150) > 1e-9 { // to a speed of -0.05
		t.Errorf("coming back fast enough, it may slow down by 150, not %v", a)
	}
}

// TestPeakGrows with the acceleration: only then is the largest that is allowed the bound of all.
func TestPeakGrows(t *testing.T) {
	for seed := range uint64(6000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s := stop{speed: 3 * rng.NormFloat64(), braking: math.Exp(2 * rng.NormFloat64()), jerk: math.Inf(1), dt: math.Exp(-3 - 4*rng.Float64())}
		if rng.IntN(2) == 0 {
			s.jerk = s.braking * math.Exp(2+5*rng.Float64())
		}
		times := make([]float64, rng.IntN(4))
		for i := range times {
			times[i] = s.dt * rng.Float64()
			s.before[i] = s.braking * (5 - 3*float64(i) + rng.Float64())
		}
		s.wait(times)
		s.drift()
		last := math.Inf(-1)
		for k := range 200 {
			a := s.braking * (float64(k)/20 - 4)
			p := s.peak(a, 2*s.dt)
			if p < last-1e-12*(1+math.Abs(last)) {
				t.Fatalf("seed %d: %+v: peak %v at acceleration %v, %v before", seed, s, p, a, last)
			}
			last = p
		}
	}
}

// coming returns how far a joint of s comes with acceleration a as peak tells it, from the definition:
// in steps of 1e-5 s.
func coming(s *stop, a, approach float64) float64 {
	place, speed, most, fastest := 0.0, s.speed, math.Inf(-1), math.Inf(-1)
	const step = 1e-5
	move := func(b, t float64) {
		place, speed = place+t*(speed+b*t/2), speed+b*t
	}
	acted := false // a does, so that how far it comes is a's doing
	for i := range s.late + 1 {
		b, t := a, s.left[i]
		if i < s.late {
			b, t = max(a, s.before[i]), s.left[i]-s.left[i+1]
		}
		acted = acted || i == s.late || b == a
		for ; t > 0; t -= step {
			before := speed
			if move(b, min(step, t)); acted && before > 0 && speed <= 0 { // turned
				most = max(most, place)
			}
		}
	}
	most, fastest = max(most, place), speed
	for b := a; speed > 0 || b > 0; {
		b = max(b-s.jerk*step, -s.braking)
		move(b, step)
		most, fastest = max(most, place), max(fastest, speed)
	}
	return most + approach*max(0, fastest)
}

// TestPeakByDefinition: what peak sums up is what the motion comes to, and the acceleration that it
// allows is the largest that keeps the limits of position and speed.
func TestPeakByDefinition(t *testing.T) {
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 4))
		s := stop{distance: 0.02 + 0.3*rng.Float64(), speed: rng.NormFloat64(), most: 1.5, braking: 2 + 20*rng.Float64(), jerk: math.Inf(1),
			approach: 0.02, wrong: 1, dt: 1e-3 * float64(1+rng.IntN(4))}
		if rng.IntN(2) == 0 {
			s.jerk = s.braking * (20 + 200*rng.Float64())
		}
		times := make([]float64, rng.IntN(7))
		b := s.braking * 4 * rng.NormFloat64()
		for i := range times {
			times[i] = 1e-3 * rng.Float64()
			s.before[i] = b
			b -= s.braking * rng.Float64()
		}
		s.wait(times)
		s.drift()
		a := s.braking * (3*rng.NormFloat64() - 0.5)
		if got, want := s.peak(a, s.approach), coming(&s, a, s.approach); math.Abs(got-want) > 3e-4*(1+math.Abs(want)) {
			t.Fatalf("seed %d: %+v: peak of %v is %v, want %v", seed, s, a, got, want)
		}
		bound := s.acceleration(a)
		floor := -2 * (s.braking + s.wrong)
		if bound < floor || s.distance < s.place[s.late] {
			t.Fatalf("seed %d: %+v: %v is allowed", seed, s, bound)
		}
		speed := func(a float64) float64 { // the largest by the end of it
			v := s.speed
			for i := range s.late + 1 {
				if i < s.late && s.before[i] >= a {
					v += s.before[i] * (s.left[i] - s.left[i+1])
					continue
				}
				v += a * s.left[i]
				break
			}
			return v + max(0, a)*a/(2*s.jerk)
		}
		keeps := func(a float64) bool { return s.peak(a, s.approach) <= s.distance+1e-12 && speed(a) <= s.most+1e-12 }
		if more := a + 1e-6*s.braking; bound > floor && !keeps(bound) || bound < a && keeps(min(more, bound+1e-6*s.braking)) {
			t.Fatalf("seed %d: %+v: up to %v is allowed, wanted is %v; it keeps the limits: %v, and more: %v", seed, s, bound, a, keeps(bound), keeps(bound+1e-6*s.braking))
		}
	}
}

// TestPeakByHand: a joint that turns within the tick, one that brakes at once, and one of which
// the brake takes 0.1 s to act.
func TestPeakByHand(t *testing.T) {
	for _, c := range []struct {
		s       stop
		a, want float64
	}{
		{stop{speed: 1, braking: 5, jerk: math.Inf(1), dt: 0.1}, -20, 0.025},
		{stop{speed: 1, braking: 5, jerk: math.Inf(1), dt: 0.1}, 0, 0.1 + 0.1},
		{stop{speed: 1, braking: 5, jerk: 50, dt: 0.1}, 0, 0.1 + 0.1 - 50*0.001/6 + 0.75*0.75/10},
		{stop{speed: 0.09, braking: 5, jerk: 50, dt: 0.1}, 0, 0.009 + 0.06*0.09 - 50*0.06*0.06*0.06/6},
	} {
		c.s.wait(nil)
		c.s.drift()
		if got := c.s.peak(c.a, 0); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v with acceleration %v: %v, want %v", c.s, c.a, got, c.want)
		}
	}
}
