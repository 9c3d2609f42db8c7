package initial_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"guidedpolicysearch/gps/initial"
)

// motion samples q, and its derivative if asked for, at the stamps, for two joints: f and -2f.
func motion(stamps []float64, f, df func(t float64) float64, velocities bool) *initial.Demonstration {
	d := &initial.Demonstration{DQ: 2, Time: stamps}
	for _, s := range stamps {
		d.Position = append(d.Position, f(s-stamps[0]), -2*f(s-stamps[0]))
		if velocities {
			d.Velocity = append(d.Velocity, df(s-stamps[0]), -2*df(s-stamps[0]))
		}
	}
	return d
}

func resample(t testing.TB, d *initial.Demonstration, T int, dt float64) *initial.Reference {
	t.Helper()
	r, err := d.Resample(T, dt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// worst returns the largest distance of positions and of velocities from the motion.
func worst(r *initial.Reference, f, df func(t float64) float64) (q, dq float64) {
	for k := range r.T + 1 {
		s := float64(k) * r.DT
		q = max(q, math.Abs(r.Position[2*k]-f(s)), math.Abs(r.Position[2*k+1]+2*f(s)))
		dq = max(dq, math.Abs(r.Velocity[2*k]-df(s)), math.Abs(r.Velocity[2*k+1]+2*df(s)))
		if k < r.T {
			s += r.DT / 2
			q = max(q, math.Abs(r.Middle[2*k]-f(s)), math.Abs(r.Middle[2*k+1]+2*f(s)))
			dq = max(dq, math.Abs(r.MiddleVelocity[2*k]-df(s)), math.Abs(r.MiddleVelocity[2*k+1]+2*df(s)))
		}
	}
	return q, dq
}

// TestInterpolationIsExact: at irregular stamps a cubic comes back from positions and
// velocities, a parabola from positions alone.
func TestInterpolationIsExact(t *testing.T) {
	stamps := []float64{7, 7.1, 7.25, 7.3, 7.8, 8.05, 9}
	cubic := func(s float64) float64 { return 0.3 - s + 2*s*s - 0.7*s*s*s }
	slope := func(s float64) float64 { return -1 + 4*s - 2.1*s*s }
	if q, dq := worst(resample(t, motion(stamps, cubic, slope, true), 40, 0.05), cubic, slope); q > 1e-12 || dq > 1e-11 {
		t.Errorf("cubic: positions off by %g, velocities by %g", q, dq)
	}
	parabola := func(s float64) float64 { return 1 + 3*s - 2*s*s }
	slope = func(s float64) float64 { return 3 - 4*s }
	if q, dq := worst(resample(t, motion(stamps, parabola, nil, false), 40, 0.05), parabola, slope); q > 1e-12 || dq > 1e-11 {
		t.Errorf("parabola: positions off by %g, velocities by %g", q, dq)
	}
	line := func(s float64) float64 { return 1 + 3*s }
	if q, dq := worst(resample(t, motion([]float64{0, 2}, line, nil, false), 40, 0.05), line, func(float64) float64 { return 3 }); q > 1e-12 || dq > 1e-11 {
		t.Errorf("two rows: positions off by %g, velocities by %g", q, dq)
	}
}

// TestInterpolationConverges: with twice the rows the errors fall as the order of the
// interpolation says: positions by 2^4 with velocities and by 2^3 without, velocities by
// 2^3 and 2^2.
func TestInterpolationConverges(t *testing.T) {
	f, df := math.Sin, math.Cos
	for _, c := range []struct {
		velocities bool
		q, dq      float64
	}{{true, 12, 6}, {false, 6, 3}} {
		error := func(n int) (float64, float64) {
			stamps := make([]float64, n+1)
			for i := range stamps {
				stamps[i] = 3 * float64(i) / float64(n)
			}
			return worst(resample(t, motion(stamps, f, df, c.velocities), 299, 0.01), f, df)
		}
		q1, dq1 := error(20)
		q2, dq2 := error(40)
		if q1/q2 < c.q || dq1/dq2 < c.dq {
			t.Errorf("velocities %v: errors %g, %g fall to %g, %g", c.velocities, q1, dq1, q2, dq2)
		}
	}
}

// TestEndIsHeld: after the last stamp the last position is held at rest, with the last
// effort; a time step at the last stamp has the recorded velocity, whatever its rounding.
func TestEndIsHeld(t *testing.T) {
	d := &initial.Demonstration{DQ: 1, DU: 1, Time: []float64{0, 0.1, 0.3}, Position: []float64{0, 1, 3}, Velocity: []float64{10, 10, 10}, Effort: []float64{1, 2, 3}}
	r := resample(t, d, 5, 0.1)
	for k, want := range []float64{0, 1, 2, 3, 3, 3} {
		if math.Abs(r.Position[k]-want) > 1e-12 {
			t.Errorf("position %d is %v, want %v", k, r.Position[k], want)
		}
		if want := map[bool]float64{true: 10}[k <= 3]; math.Abs(r.Velocity[k]-want) > 1e-9 {
			t.Errorf("velocity %d is %v, want %v", k, r.Velocity[k], want)
		}
	}
	for k, want := range []float64{1, 2, 2, 3, 3} {
		if math.Abs(r.Effort[k]-want) > 1e-12 {
			t.Errorf("effort %d is %v, want %v", k, r.Effort[k], want)
		}
	}
}

// TestEffortsKeepTheirImpulse: rows at the time steps are taken as they are; rows at any
// other times are averaged, as a fine sum over the held efforts has it.
func TestEffortsKeepTheirImpulse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const T, dt = 20, 0.05
	same := &initial.Demonstration{DQ: 1, DU: 2}
	for k := range T {
		same.Time, same.Position = append(same.Time, 3+float64(k)*dt), append(same.Position, 0)
		same.Effort = append(same.Effort, rng.NormFloat64(), rng.NormFloat64())
	}
	if got := resample(t, same, T, dt).Effort; !floats.EqualApprox(got, same.Effort, 1e-12) {
		t.Errorf("at the steps' own times: %v, want %v", got, same.Effort)
	}
	for _, rows := range []int{4, 300} {
		d := &initial.Demonstration{DQ: 1, DU: 1}
		for s := 0.0; len(d.Time) < rows; s += (0.5 + rng.Float64()) * T * dt / float64(rows) {
			d.Time, d.Position, d.Effort = append(d.Time, s), append(d.Position, 0), append(d.Effort, rng.NormFloat64())
		}
		got := resample(t, d, T, dt).Effort
		const fine = 20_000
		row := 0
		for k := range T {
			sum := 0.0
			for i := range fine {
				s := dt * (float64(k) + (float64(i)+0.5)/fine)
				for row+1 < rows && d.Time[row+1] <= s {
					row++
				}
				sum += d.Effort[row] / fine
			}
			if math.Abs(got[k]-sum) > 0.005 {
				t.Errorf("%d rows, step %d: mean effort %v, want %v", rows, k, got[k], sum)
			}
		}
	}
}

func TestDemonstrationRefused(t *testing.T) {
	nan := math.NaN()
	good := func() *initial.Demonstration {
		return &initial.Demonstration{DQ: 1, DU: 2, Time: []float64{0, 1, 2}, Position: []float64{1, 2, 3}, Velocity: []float64{4, 5, 6}, Effort: []float64{1, 2, 3, 4, 5, 6}}
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(d *initial.Demonstration){
		"1 rows":                                 func(d *initial.Demonstration) { d.Time = d.Time[:1] },
		"dQ=0":                                   func(d *initial.Demonstration) { d.DQ = 0 },
		"position has 2 numbers, need 3 rows":    func(d *initial.Demonstration) { d.Position = d.Position[:2] },
		"velocity has 0 numbers, need 3 rows":    func(d *initial.Demonstration) { d.Velocity = []float64{} },
		"effort has 6 numbers, need 3 rows of 0": func(d *initial.Demonstration) { d.DU = 0 },
		"time in row 2 is 1 s":                   func(d *initial.Demonstration) { d.Time[2] = 1 },
		"time in row 1 (column 1 of 1) is NaN":   func(d *initial.Demonstration) { d.Time[1] = nan },
		"effort in row 1 (column 2 of 2) is NaN": func(d *initial.Demonstration) { d.Effort[3] = nan },
		"velocity in row 2":                      func(d *initial.Demonstration) { d.Velocity[2] = math.Inf(-1) },
		"cannot be told apart":                   func(d *initial.Demonstration) { d.Time = []float64{-1e17, 0, 1} },
		"at time step 1":                         func(d *initial.Demonstration) { d.Position[1], d.Velocity[1] = 1e308, -1e308 },
	} {
		d := good()
		change(d)
		if _, err := d.Resample(3, 0.7); !errors.Is(err, initial.ErrDemonstration) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for _, c := range []struct {
		T  int
		dt float64
	}{{0, 1}, {math.MaxInt, 1}, {1, 0}, {1, nan}, {1, math.Inf(1)}} {
		if _, err := good().Resample(c.T, c.dt); !errors.Is(err, initial.ErrConfig) {
			t.Errorf("T=%d dt=%v: error %v", c.T, c.dt, err)
		}
	}
}

func TestTrackRefused(t *testing.T) {
	d := &initial.Demonstration{DQ: 1, DU: 1, Time: []float64{0, 1}, Position: []float64{1, 2}, Effort: []float64{1, 2}}
	ref := resample(t, d, 4, 0.1)
	bare := resample(t, &initial.Demonstration{DQ: 1, Time: d.Time, Position: d.Position}, 4, 0.1)
	ok := uniformPD(1, 1, 1, 1, 1)
	for want, c := range map[string]struct {
		cfg initial.TrackConfig
		ref *initial.Reference
		dX  int
	}{
		"recorded efforts":     {initial.TrackConfig{FeedForward: initial.FeedRecorded, Feedback: ok}, bare, 2},
		"need a model":         {initial.TrackConfig{FeedForward: initial.FeedInverse, Feedback: ok}, ref, 2},
		"feed-forward is \"\"": {initial.TrackConfig{Feedback: ok}, ref, 2},
		"dX=1":                 {initial.TrackConfig{FeedForward: initial.FeedNone, Feedback: ok}, ref, 1},
		"stiffness has 0":      {initial.TrackConfig{FeedForward: initial.FeedNone}, ref, 2},
		"inverse dynamics give action 0 of NaN at time step 0": {initial.TrackConfig{FeedForward: initial.FeedInverse, Model: broken{}, Feedback: ok}, ref, 2},
	} {
		got, err := initial.Track(c.cfg, c.ref, c.dX, 1)
		checkController(t, got, err)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

type broken struct{}

func (broken) InverseDynamics(dst, q, dq, ddq []float64) { dst[0] = math.NaN() }

type unitMass struct{}

func (unitMass) InverseDynamics(dst, q, dq, ddq []float64) { copy(dst, ddq) }

func FuzzDemonstration(f *testing.F) {
	numbers := func(values ...float64) []byte {
		var b []byte
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		return b
	}
	f.Add(numbers(0, 1, 2, 0.1, 3, 4, 0.2, 5, 6), 1, 0, false, 3, 0.1, "inverse_dynamics")
	f.Add(numbers(0, 1, 2, 3, 0.1, 3, 4, 5, 1e300, 1e300, -1e300, 1e-300), 1, 1, true, 30, 1e-3, "recorded")
	f.Add(numbers(0, math.NaN(), 0, 1, math.Inf(1), 2), 2, 0, false, math.MaxInt, math.NaN(), "none")
	f.Add(numbers(5e-324, 1, 1e-323, 2, 1.5e-323, 3), 1, 0, false, 4, 5e-324, "none")
	f.Fuzz(func(t *testing.T, data []byte, dQ, dU int, velocities bool, T int, dt float64, feed string) {
		if dQ < 0 || dQ > 8 || dU < 0 || dU > 8 || T > 200 && T < 1<<40 {
			return
		}
		d := &initial.Demonstration{DQ: dQ, DU: dU}
		parts := []struct {
			dst *[]float64
			n   int
		}{{&d.Time, 1}, {&d.Position, dQ}, {&d.Velocity, dQ}, {&d.Effort, dU}}
		if !velocities {
			parts[2].n = 0
		}
		row := 1 + dQ + parts[2].n + dU
		for ; len(data) >= 8*row; data = data[8*row:] {
			at := data
			for _, p := range parts {
				for range p.n {
					*p.dst = append(*p.dst, math.Float64frombits(binary.LittleEndian.Uint64(at)))
					at = at[8:]
				}
			}
		}
		r, err := d.Resample(T, dt)
		if err != nil {
			if !errors.Is(err, initial.ErrConfig) && !errors.Is(err, initial.ErrDemonstration) {
				t.Fatal(err)
			}
			return
		}
		actions := max(dU, 1)
		c, err := initial.Track(initial.TrackConfig{FeedForward: initial.FeedForward(feed), Model: unitMass{}, Feedback: uniformPD(dt, 1, 1, dQ, actions)}, r, 2*dQ+1, actions)
		checkController(t, c, err)
	})
}
