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
			bound := s.acceleration(high)
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
		if a := s.acceleration(100); a != -2*(s.braking+s.wrong) {
			t.Errorf("%+v: %v", s, a)
		}
	}
	// Where it will be beyond the limit by 0.004, at rest, it may come back at a speed of 0.2, and not
	// faster.
	s := stop{distance: 0.001, speed: 1, most: 2, braking: 200, jerk: math.Inf(1), approach: 0.02, dt: 0.001, late: []float64{0.01}, before: []float64{-100}}
	if a := s.acceleration(1000); math.Abs(a+200) > 1e-9 {
		t.Errorf("on its way beyond the limit, it is to turn with -200, not %v", a)
	}
	s = stop{distance: -0.001, speed: -0.2, most: 1, braking: 2, jerk: math.Inf(1), approach: 0.02, dt: 0.001}
	if a := s.acceleration(1000); math.Abs(a-150) > 1e-9 { // to a speed of -0.05
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
		if got := c.s.peak(c.a, 0); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v with acceleration %v: %v, want %v", c.s, c.a, got, c.want)
		}
	}
}
