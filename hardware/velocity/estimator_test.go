package velocity_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/velocity"
)

const ms = int64(time.Millisecond)

// sources are the settings that estimate.
func sources() map[string]velocity.Config {
	all := map[string]velocity.Config{}
	for _, source := range []string{velocity.Difference, velocity.EncoderFilter} {
		cfg := velocity.DefaultConfig()
		cfg.Source = source
		all[source] = cfg
	}
	designed := all[velocity.EncoderFilter]
	designed.Encoder.Gains = velocity.DesignedGains
	all["designed"] = designed
	return all
}

func estimator(t testing.TB, cfg velocity.Config, joints int) *velocity.Estimator {
	t.Helper()
	e, err := velocity.New(cfg, joints)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// update passes a reading of one joint on; the driver's velocity is wrong.
func update(t testing.TB, e *velocity.Estimator, stamp int64, position float64) (q, dq float64) {
	t.Helper()
	s := &hardware.JointState{Stamp: stamp, Position: []float64{position}, Velocity: []float64{777}}
	if joint := e.Update(s); joint >= 0 {
		t.Fatalf("joint %d at %d ns is not finite", joint, stamp)
	}
	return s.Position[0], s.Velocity[0]
}

func TestMessage(t *testing.T) {
	e := estimator(t, velocity.DefaultConfig(), 2)
	s := &hardware.JointState{Stamp: 5, Position: []float64{1, 2}, Velocity: []float64{3, 4}}
	if joint := e.Update(s); joint != -1 || fmt.Sprint(*s) != "{5 [1 2] [3 4]}" {
		t.Errorf("joint %d, %v", joint, *s)
	}
	s.Velocity[1] = math.NaN()
	if joint := e.Update(s); joint != 1 {
		t.Errorf("joint %d is not finite, want 1", joint)
	}
}

// TestDifference: from rest to a constant velocity, the low-pass filter's answer is
// v (1 - exp(-2 pi fc t)), at whatever times it is read.
func TestDifference(t *testing.T) {
	cfg := sources()[velocity.Difference]
	cfg.Cutoff = 7
	random := rand.New(rand.NewPCG(1, 2))
	e := estimator(t, cfg, 1)
	const start, speed = int64(1e18), -1.75
	if q, dq := update(t, e, start, 0.5); q != 0.5 || dq != 0 {
		t.Errorf("first reading: %v, %v", q, dq)
	}
	for elapsed := int64(0); elapsed < 100*ms; {
		elapsed += 1 + random.Int64N(5*ms)
		seconds := float64(elapsed) * 1e-9
		position := 0.5 + speed*seconds
		q, dq := update(t, e, start+elapsed, position)
		if want := speed * (1 - math.Exp(-2*math.Pi*7*seconds)); q != position || math.Abs(dq-want) > 1e-6 {
			t.Fatalf("after %v s: position %v of %v, velocity %v, want %v", seconds, q, position, dq, want)
		}
	}
}

// TestAcceleratedMotion: a filter with acceleration as a state follows a constant one
// without error, whatever the intervals are.
func TestAcceleratedMotion(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	e := estimator(t, sources()["designed"], 1)
	for elapsed := int64(0); elapsed < 2e9; elapsed += ms/2 + random.Int64N(2*ms) {
		seconds := float64(elapsed) * 1e-9
		q, dq := update(t, e, elapsed, 1-2*seconds+0.75*seconds*seconds)
		if elapsed > 2e8 && (math.Abs(q-(1-2*seconds+0.75*seconds*seconds)) > 1e-9 || math.Abs(dq-(-2+1.5*seconds)) > 1e-6) {
			t.Fatalf("after %v s: position %v, velocity %v", seconds, q, dq)
		}
	}
}

// TestLostReadings: k periods are k predictions, of which the last is corrected.
func TestLostReadings(t *testing.T) {
	for name, cfg := range sources() {
		if cfg.Source != velocity.EncoderFilter {
			continue
		}
		a, b, most := cfg.Encoder.Transition, cfg.Encoder.Gain, cfg.Encoder.MaxLost
		if cfg.Encoder.Gains == velocity.DesignedGains {
			var err error
			if a, b, err = cfg.Encoder.Design(); err != nil {
				t.Fatal(err)
			}
			most = 2 // sharper gains stand shorter gaps
		}
		random := rand.New(rand.NewPCG(5, 6))
		e := estimator(t, cfg, 1)
		position := func(stamp int64) float64 { return math.Sin(3 * float64(stamp) * 1e-9) }
		x := [3]float64{position(0), 0, 0}
		update(t, e, 0, x[0])
		for stamp := int64(0); stamp < 300*ms; {
			lost := random.IntN(most+1) * random.IntN(2)
			stamp += int64(lost+1) * ms
			for range lost {
				x = [3]float64{x[0] + 1e-3*x[1] + 5e-7*x[2], x[1] + 1e-3*x[2], x[2]}
			}
			var next [3]float64
			for i := range next {
				next[i] = a[3*i]*x[0] + a[3*i+1]*x[1] + a[3*i+2]*x[2] + b[i]*position(stamp)
			}
			x = next
			if q, dq := update(t, e, stamp, position(stamp)); math.Abs(q-x[0]) > 1e-9 || math.Abs(dq-x[1]) > 1e-9*(1+math.Abs(x[1])) {
				t.Fatalf("%s, %d lost before %d ms: %v, %v, want %v", name, lost, stamp/ms, q, dq, x)
			}
		}
	}
}

// TestLongGap: after more readings lost than are bridged the filter begins anew, with the
// mean velocity over the gap; one reading less is predicted over.
func TestLongGap(t *testing.T) {
	for _, periods := range []int64{11, 12} {
		e := estimator(t, sources()[velocity.EncoderFilter], 1)
		for i := range int64(50) {
			update(t, e, i*ms, 0.25)
		}
		q, dq := update(t, e, (49+periods)*ms, 0.5)
		if restarted := q == 0.5 && math.Abs(dq-0.25/(float64(periods)*1e-3)) < 1e-9; restarted != (periods == 12) {
			t.Errorf("%d periods: %v, %v", periods, q, dq)
		}
	}
}

// TestSlowReadings: a robot that is slower than the filter's period does not swing it up.
func TestSlowReadings(t *testing.T) {
	sharp := sources()["designed"]
	sharp.Encoder.Jerk = 1e5
	for name, cfg := range map[string]velocity.Config{"given": sources()[velocity.EncoderFilter], "designed": sources()["designed"], "sharp": sharp} {
		for periods := int64(1); periods < 30; periods++ {
			e := estimator(t, cfg, 1)
			update(t, e, 0, 0)
			for i := range int64(1000) {
				stamp := (i + 1) * periods * ms
				position := 0.5 * float64(stamp) * 1e-9
				if q, dq := update(t, e, stamp, position); i > 500 && (math.Abs(q-position) > 1e-4 || math.Abs(dq-0.5) > 1e-2) {
					t.Fatalf("%s, every %d ms, reading %d: %v, %v, want %v, 0.5", name, periods, i, q, dq, position)
				}
			}
		}
	}
}

// TestQuantisedSinusoid: both filters beat plain differences of a coarse encoder by far.
func TestQuantisedSinusoid(t *testing.T) {
	const step = 2 * math.Pi / 8192
	for name, bound := range map[string]float64{velocity.Difference: 0.3, velocity.EncoderFilter: 0.3, "designed": 0.15} {
		cfg := sources()[name]
		cfg.Encoder.Resolution = step
		e := estimator(t, cfg, 1)
		var square, naive, last float64
		const readings = 4000
		for i := range readings {
			seconds := float64(i) * 1e-3
			position := step * math.Round(math.Sin(2*seconds)/step)
			want := 2 * math.Cos(2*seconds)
			_, dq := update(t, e, int64(i)*ms, position)
			if i > 500 {
				square += (dq - want) * (dq - want) / (readings - 501)
				naive += ((position-last)*1e3 - want) * ((position-last)*1e3 - want) / (readings - 501)
			}
			last = position
		}
		if ratio := math.Sqrt(square / naive); !(ratio < bound) {
			t.Errorf("%s: root mean square error %.3g rad/s, %.3g of that of differences (%.3g), want less than %v", name, math.Sqrt(square), ratio, math.Sqrt(naive), bound)
		} else {
			t.Logf("%s: %.3g rad/s, differences %.3g", name, math.Sqrt(square), math.Sqrt(naive))
		}
	}
}

// TestUnusualStamps: repetitions change nothing, what is older begins anew, and so does a
// reset.
func TestUnusualStamps(t *testing.T) {
	for name, cfg := range sources() {
		e := estimator(t, cfg, 1)
		var q, dq float64
		move := func() {
			for i := range int64(20) {
				q, dq = update(t, e, (100+i)*ms, 0.01*float64(i*i))
			}
		}
		move()
		if dq == 0 {
			t.Fatalf("%s: no velocity", name)
		}
		for range 3 {
			if q2, dq2 := update(t, e, 119*ms, 9); q2 != q || dq2 != dq {
				t.Errorf("%s: repetition gives %v, %v, was %v, %v", name, q2, dq2, q, dq)
			}
		}
		if q, dq := update(t, e, 118*ms, 5); q != 5 || dq != 0 {
			t.Errorf("%s: backwards: %v, %v", name, q, dq)
		}
		before := [2]float64{q, dq}
		e.Reset()
		if move(); before != [2]float64{q, dq} {
			t.Errorf("%s: %v, %v after a reset, want %v", name, q, dq, before)
		}
		// The largest interval that there is.
		e.Reset()
		update(t, e, math.MinInt64, 0)
		if q, dq := update(t, e, math.MaxInt64, 1); q != 1 || math.Abs(dq) > 1e-9 {
			t.Errorf("%s: %v, %v after 585 years", name, q, dq)
		}
	}
}

// TestNotFinite: a reading that is not finite is left alone and counts as lost.
func TestNotFinite(t *testing.T) {
	for name, cfg := range sources() {
		e, clean := estimator(t, cfg, 2), estimator(t, cfg, 2)
		for i := range int64(40) {
			s := &hardware.JointState{Stamp: i * ms, Position: []float64{0.1 * float64(i), math.Sin(float64(i))}, Velocity: []float64{1, 2}}
			if i%4 == 3 {
				s.Position[1] = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[i/4%3]
				position := s.Position[0]
				if joint := e.Update(s); joint != 1 || s.Position[0] != position || s.Velocity[0] != 1 || s.Velocity[1] != 2 {
					t.Fatalf("%s: joint %d, reading became %v", name, joint, *s)
				}
				continue
			}
			want := hardware.NewJointState(2)
			want.CopyFrom(s)
			if e.Update(s) != -1 || clean.Update(want) != -1 || fmt.Sprint(*s) != fmt.Sprint(*want) {
				t.Fatalf("%s: %v, want %v", name, *s, *want)
			}
		}
		// Positions that are finite, velocities that are not: the next reading is the first.
		s := &hardware.JointState{Stamp: 1e9, Position: []float64{0, math.MaxFloat64}, Velocity: []float64{1, 2}}
		e.Reset()
		e.Update(s)
		s = &hardware.JointState{Stamp: 1e9 + ms, Position: []float64{0, -math.MaxFloat64}, Velocity: []float64{1, 2}}
		if joint := e.Update(s); joint != 1 || s.Velocity[1] != 2 {
			t.Errorf("%s: joint %d, %v", name, joint, *s)
		}
		s = &hardware.JointState{Stamp: 1e9 + 2*ms, Position: []float64{1, 2}, Velocity: []float64{1, 2}}
		if joint := e.Update(s); joint != -1 || fmt.Sprint(s.Position, s.Velocity) != "[1 2] [0 0]" {
			t.Errorf("%s: joint %d, %v", name, joint, *s)
		}
	}
}

func TestWrongSizePanics(t *testing.T) {
	e := estimator(t, velocity.DefaultConfig(), 2)
	defer func() {
		if text := fmt.Sprint(recover()); text != "velocity: reading of 3 positions and 3 velocities for 2 joints" {
			t.Errorf("panics with %q", text)
		}
	}()
	e.Update(hardware.NewJointState(3))
}

func TestUpdateAllocatesNothing(t *testing.T) {
	cfg := sources()
	cfg[velocity.Message] = velocity.DefaultConfig()
	for name, cfg := range cfg {
		e := estimator(t, cfg, 7)
		s := hardware.NewJointState(7)
		if n := testing.AllocsPerRun(100, func() { s.Stamp += ms; s.Position[3] += 1e-3; e.Update(s) }); n != 0 {
			t.Errorf("%s: allocates %v times", name, n)
		}
	}
}

// FuzzEstimator: whatever comes in, what counts as good is finite.
func FuzzEstimator(f *testing.F) {
	f.Add(int64(0), 1.0, ms, 2.0, 3*ms, 2.5)
	f.Add(int64(math.MinInt64), 1e308, int64(math.MaxInt64), -1e308, int64(0), 5e-324)
	f.Add(int64(7), math.Inf(1), int64(7), math.NaN(), int64(8), 0.0)
	estimators := map[string]*velocity.Estimator{}
	for name, cfg := range sources() {
		estimators[name] = estimator(f, cfg, 1)
	}
	f.Fuzz(func(t *testing.T, t0 int64, q0 float64, t1 int64, q1 float64, t2 int64, q2 float64) {
		for name, e := range estimators {
			e.Reset()
			for _, r := range []struct {
				stamp int64
				q     float64
			}{{t0, q0}, {t1, q1}, {t2, q2}, {t0, q2}} {
				s := &hardware.JointState{Stamp: r.stamp, Position: []float64{r.q}, Velocity: []float64{0}}
				joint := e.Update(s)
				if q, dq := s.Position[0], s.Velocity[0]; joint == -1 && (q-q != 0 || dq-dq != 0) {
					t.Fatalf("%s: %v, %v counts as good", name, q, dq)
				} else if r.q-r.q != 0 && joint != 0 {
					t.Fatalf("%s: %v is not found", name, r.q)
				}
			}
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	for name, cfg := range sources() {
		b.Run(name, func(b *testing.B) {
			e := estimator(b, cfg, 7)
			s := hardware.NewJointState(7)
			for b.Loop() {
				s.Stamp += ms
				e.Update(s)
			}
		})
	}
}
