package safety

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestHistory: the worst acceleration at each time after a reading is that of all torques that may act
// then, as their definition has it, or no less where torques share a span.
func TestHistory(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		const delay = 5_000_000
		h := newHistory(2, delay)
		type torque struct {
			stamp int64
			value [2]float64
		}
		sent := []torque{{0, [2]float64{}}}
		step := int64(100_000 + rng.IntN(8_000_000))
		for range 60 {
			row, drift, side := []float64{rng.NormFloat64(), rng.NormFloat64()}, rng.NormFloat64(), float64(2*rng.IntN(2)-1)
			stamp := sent[len(sent)-1].stamp + step/2 + rng.Int64N(step)
			h.read(stamp)
			got, other := make([]float64, h.size), make([]float64, h.size)
			h.worst(got, other, row, drift)
			if side < 0 {
				got, drift = other, -drift
			}
			from := 0.0
			for i := range got {
				// In the middle of each time.
				at := stamp + int64((from+h.times[i]/2)*1e9)
				from += h.times[i]
				want := math.Inf(-1)
				for j, s := range sent {
					if j == len(sent)-1 || sent[j+1].stamp+delay > at {
						want = max(want, side*(row[0]*s.value[0]+row[1]*s.value[1])+drift)
					}
				}
				shared := step < delay/spanPart*2
				if h.times[i] > 0 && (got[i] < want-1e-12 || !shared && got[i] > want+1e-12) {
					t.Fatalf("seed %d: time %d of %d: %v, want %v", seed, i, h.size, got[i], want)
				}
			}
			if math.Abs(from-delay*1e-9) > 1e-12 {
				t.Fatalf("seed %d: the times are %v s, want %v", seed, from, delay*1e-9)
			}
			next := torque{stamp, [2]float64{rng.NormFloat64(), rng.NormFloat64()}}
			h.push(next.value[:])
			sent = append(sent, next)
		}
		if h.size == maxSpans {
			t.Fatalf("seed %d: %d spans", seed, h.size)
		}
	}
}

// TestHistoryOfBadClocks: whatever the stamps, the times are the delay's and nothing grows.
func TestHistoryOfBadClocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	h := newHistory(1, time.Millisecond)
	torque := []float64{1}
	stamps := []int64{0, 1, -1, 1e6, math.MaxInt64, math.MinInt64, 5e17, 5e17 + 3e5}
	for k := range 10_000 {
		stamp := stamps[rng.IntN(len(stamps))]
		if rng.IntN(2) == 0 {
			stamp = int64(k)
		}
		h.read(stamp)
		sum := 0.0
		for _, v := range h.times[:h.size] {
			if !(v >= 0) {
				t.Fatalf("tick %d: times %v", k, h.times[:h.size])
			}
			sum += v
		}
		if math.Abs(sum-1e-3) > 1e-12 || !(h.gap >= 0 && h.gap <= longestTick) {
			t.Fatalf("tick %d: times %v, gap %v", k, h.times[:h.size], h.gap)
		}
		if torque[0] = rng.NormFloat64(); rng.IntN(3) == 0 {
			h.widen(torque)
		} else {
			h.push(torque)
		}
	}
}

// TestHistoryForgetsTheFuture: what was sent before a clock went back is on its way for the delay, not
// until the clock is there again.
func TestHistoryForgetsTheFuture(t *testing.T) {
	h := newHistory(1, 5*time.Millisecond)
	h.read(1e12)
	h.push([]float64{9})
	for ms := range int64(8) {
		h.read(ms * 1e6)
		got := make([]float64, h.size)
		want := 9.0
		if ms > 5 { // the reading after the clock went back is answered at 0
			want = 1
		}
		if h.worst(got, make([]float64, h.size), []float64{1}, 0); got[0] != want {
			t.Errorf("%d ms after the clock went back: %v, want %v", ms, got, want)
		}
		h.push([]float64{1})
	}
}

// TestHistoryKeepsZero: a torque that answers no reading may act, and so may the one before it.
func TestHistoryKeepsZero(t *testing.T) {
	h := newHistory(1, 5*time.Millisecond)
	h.read(1e6)
	h.push([]float64{2})
	h.widen([]float64{0})
	h.read(9e6)
	got := make([]float64, h.size)
	down := make([]float64, h.size)
	if h.worst(got, down, []float64{1}, 0); h.size != 1 || got[0] != 2 || down[0] != 0 {
		t.Errorf("%d spans, %v and %v, want 1, 2 and 0", h.size, got, down)
	}
}

// TestStopLate drives a joint as TestStop does, with accelerations that act at any time within the
// delay after the reading: it never comes beyond the limits, and no acceleration is out of reach.
func TestStopLate(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 3))
		log := func(low, high float64) float64 { return low * math.Exp(rng.Float64()*math.Log(high/low)) }
		s := stop{distance: log(0.05, 2), most: log(0.1, 10), braking: log(0.5, 50), jerk: math.Inf(1), approach: log(1e-4, 0.1), dt: log(1e-4, 0.02)}
		strength := s.braking * log(1, 20)
		if rng.IntN(2) == 0 {
			s.jerk = log(10, 1000) * s.braking
		}
		if rng.IntN(4) == 0 {
			s.most = math.Inf(1)
		}
		tick := int64(s.dt * 1e9)
		s.dt = float64(tick) * 1e-9
		h := newHistory(1, time.Duration(s.dt*1e9*log(0.1, 8)))
		kind := rng.IntN(4)
		begin, before := make([]int64, 0, 4000), make([]float64, 0, 4000)
		span, most := s.distance, s.most
		position, speed, a, acting := 0.0, 0.0, 0.0, 0.0
		for k := range int64(2000) {
			now := k * tick
			h.read(now)
			s.distance, s.speed = span-position, speed
			s.wait(h.times[:h.size])
			h.worst(s.before[:], make([]float64, h.size), []float64{1}, 0)
			low, high := -s.braking, strength
			if !math.IsInf(s.jerk, 1) {
				low, high = max(a-s.jerk*s.dt, -s.braking), min(a+s.jerk*s.dt, strength)
			}
			bound := min(high, s.acceleration(high))
			if bound < min(low, a)-1e-6*s.braking {
				t.Fatalf("seed %d, tick %d: %+v: acceleration %v is asked for after %v, %v can be had", seed, k, s, bound, a, low)
			}
			want := strength
			if kind > 1 {
				want *= rng.NormFloat64()
			}
			a = max(min(want, high, bound), min(low, a))
			h.push([]float64{a})
			// It acts after the delay, at once, or in between, and never before an older one.
			at := now + h.delay
			if kind == 1 {
				at = now
			} else if kind == 3 {
				at = now + rng.Int64N(h.delay+1)
			}
			if n := len(begin); n > 0 {
				at = max(at, begin[n-1])
			}
			begin, before = append(begin, at), append(before, a)
			for t0 := now; t0 < now+tick; {
				t1 := now + tick
				for len(begin) > 0 && begin[0] <= t0 {
					acting, begin, before = before[0], begin[1:], before[1:]
				}
				if len(begin) > 0 {
					t1 = min(t1, begin[0])
				}
				d := float64(t1-t0) * 1e-9
				if turned := speed + acting*d; speed > 0 && turned < 0 && position+speed*speed/(-2*acting) > span+1e-9 {
					t.Fatalf("seed %d, tick %d: %+v: turned beyond the limit", seed, k, s)
				}
				position += d * (speed + acting*d/2)
				speed += acting * d
				t0 = t1
			}
			if position > span+1e-9 || speed > most*(1+1e-9) {
				t.Fatalf("seed %d, tick %d: kind %d, delay %v, %+v: beyond the limit by %v, speed %v", seed, k, kind, h.delay, s, position-span, speed)
			}
		}
	}
}
