package trajectory

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestCheckSampling(t *testing.T) {
	// Usually 0.1 s apart; once 0.35 s, from 0.2 s to 0.55 s after the first row.
	m := &Trajectory{Time: []float64{7, 7.1, 7.2, 7.55, 7.65, 7.75}, Position: make([]float64, 6)}
	if m.Usual() < 0.0999 || m.Usual() > 0.1001 {
		t.Errorf("usually %v s apart, want 0.1", m.Usual())
	}
	for _, c := range []struct {
		longest, gap float64
		want         string
		rare         bool
	}{
		{0, 0, "", false}, {0.1, 3.51, "", false},
		{0.05, 0, "usually 0.1 s apart, need at most 0.05 s", true},
		{0.09, 0, "need at most 0.09 s", true},
		{0.1, 3.49, "a gap of 0.35 s from 0.2 s to 0.55 s after the first row, 3.5 times the usual interval of 0.1 s, need at most 3.49 times", false},
	} {
		err := m.CheckSampling(c.longest, c.gap, 7)
		if c.want != "" && errors.Is(err, ErrGap) == c.rare {
			t.Errorf("at most %v s and %v times: error %v", c.longest, c.gap, err)
		}
		if (err != nil) != (c.want != "") || err != nil && (!errors.Is(err, ErrSampling) || errors.Is(err, ErrTooRare) != c.rare || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("at most %v s and %v times: error %v, want %q", c.longest, c.gap, err, c.want)
		}
	}
}

// The places of gaps are told from the recording's first row.
func TestGapInPart(t *testing.T) {
	m := &Trajectory{Time: []float64{7, 7.1, 7.2, 7.55, 7.65, 7.75}, Position: make([]float64, 6)}
	if err := m.Rows(1, 6).CheckSampling(0, 3, m.Time[0]); err == nil || !strings.Contains(err.Error(), "from 0.2 s to 0.55 s") {
		t.Errorf("error %v", err)
	}
}

func TestUsualOfSeveral(t *testing.T) {
	// 0.1 s twice and 0.3 s four times; the time between the motions counts for nothing.
	a, b := &Trajectory{Time: []float64{0, 0.1, 0.2, 0.5}}, &Trajectory{Time: []float64{7, 7.3, 7.6, 7.9}}
	if usual := Usual(a, &Trajectory{Time: []float64{3}}, b); math.Abs(usual-0.3) > 1e-9 {
		t.Errorf("usually %v s apart, want 0.3", usual)
	}
	if usual := Usual(&Trajectory{Time: []float64{3}}); usual != 0 {
		t.Errorf("one row is %v s apart", usual)
	}
}

func TestBetween(t *testing.T) {
	m := &Trajectory{Time: []float64{5, 5.05, 5.1, 5.15, 5.2}, Position: []float64{0, 10, 1, 11, 2, 12, 3, 13, 4, 14}, Effort: []float64{0, 20, 1, 21, 2, 22, 3, 23, 4, 24}}
	got, err := m.Between(0.05, 0.1)
	if err != nil {
		t.Fatal(err)
	}
	// The row after the end is kept: what is between can be interpolated.
	if !slices.Equal(got.Time, []float64{5.05, 5.1, 5.15}) || !slices.Equal(got.Position, []float64{1, 11, 2, 12, 3, 13}) || got.Velocity != nil || !slices.Equal(got.Effort, []float64{1, 21, 2, 22, 3, 23}) {
		t.Errorf("got %+v", got)
	}
	// So is the one before the beginning, however far.
	far := &Trajectory{Time: []float64{5, 5.05, 9, 9.05}, Position: []float64{0, 1, 2, 3}}
	for _, begin := range []float64{0.05, 0.06, 3.99} {
		if got, err := far.Between(begin, 4.05); err != nil || !slices.Equal(got.Time, []float64{5.05, 9, 9.05}) || !slices.Equal(got.Position, []float64{1, 2, 3}) {
			t.Errorf("from %v s on: %+v, %v", begin, got, err)
		}
	}
	if all, err := m.Between(0, 100); err != nil || len(all.Time) != 5 || len(all.Effort) != 10 {
		t.Errorf("the whole motion is %+v, %v", all, err)
	}
	if _, err := m.Between(0.2, 1); !errors.Is(err, ErrSampling) || !strings.Contains(err.Error(), "1 rows of it are left from 0.2 s on") {
		t.Errorf("error %v", err)
	}
}

// Cubics come back exactly, at irregular stamps and at the ends.
func TestSmoothIsExactOnCubics(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	m := &Trajectory{Effort: []float64{1}}
	f := func(s float64) float64 { return 0.3 - s + 2*s*s - 0.7*s*s*s }
	df := func(s float64) float64 { return -1 + 4*s - 2.1*s*s }
	for s := 0.0; s < 2; s += 0.005 + 0.01*rng.Float64() {
		m.Time, m.Position = append(m.Time, 3+s), append(m.Position, f(s), -2*f(s))
	}
	for _, window := range []float64{0.05, 0.2} { // with fewer than five rows in it here and there
		checkCubic(t, m, m.Smooth(window), f, df)
	}
}

// checkCubic checks positions and slopes of two joints, f and -2 f, at stamps that begin with 3 s.
func checkCubic(t *testing.T, m, out *Trajectory, f, df func(s float64) float64) {
	t.Helper()
	if &out.Effort[0] != &m.Effort[0] || !slices.Equal(out.Time, m.Time) {
		t.Error("stamps or efforts have changed")
	}
	for i, at := range m.Time {
		s := at - 3
		if math.Abs(out.Position[2*i]-f(s)) > 1e-9 || math.Abs(out.Position[2*i+1]+2*f(s)) > 1e-9 || math.Abs(out.Velocity[2*i]-df(s)) > 1e-7 || math.Abs(out.Velocity[2*i+1]+2*df(s)) > 1e-7 {
			t.Fatalf("at %v s: %v and %v, want %v and %v", s, out.Position[2*i], out.Velocity[2*i], f(s), df(s))
		}
	}
}

// By Savitzky and Golay's tables: the slope of the cubic through five rows, h apart, is
// (y-2 - 8 y-1 + 8 y1 - y2) / 12 h, and its value (-3 y-2 + 12 y-1 + 17 y0 + 12 y1 - 3 y2) / 35.
func TestSmoothIsSavitzkyGolay(t *testing.T) {
	y := []float64{3, 1, 4, 1, 5, 9, 2, 6}
	m := &Trajectory{Time: make([]float64, len(y)), Position: y}
	for i := range y {
		m.Time[i] = 0.1 * float64(i)
	}
	out := m.Smooth(0.4)
	for i := 2; i+2 < len(y); i++ {
		slope := (y[i-2] - 8*y[i-1] + 8*y[i+1] - y[i+2]) / 1.2
		value := (-3*y[i-2] + 12*y[i-1] + 17*y[i] + 12*y[i+1] - 3*y[i+2]) / 35
		if math.Abs(out.Velocity[i]-slope) > 1e-9 || math.Abs(out.Position[i]-value) > 1e-9 {
			t.Errorf("row %d: %v and %v, want %v and %v", i, out.Position[i], out.Velocity[i], value, slope)
		}
	}
}

// Noise of the velocities falls as the window grows.
func TestSmoothingTakesNoiseAway(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	m := &Trajectory{}
	for i := range 1000 {
		m.Time, m.Position = append(m.Time, 0.001*float64(i)), append(m.Position, math.Sin(0.001*float64(i))+1e-4*rng.NormFloat64())
	}
	worst := func(window float64) (worst float64) {
		out := m.Smooth(window)
		for i := 100; i < 900; i++ {
			worst = max(worst, math.Abs(out.Velocity[i]-math.Cos(m.Time[i])))
		}
		return worst
	}
	if narrow, wide := worst(0.02), worst(0.1); !(wide < narrow/5) || wide > 0.02 {
		t.Errorf("velocities are off by up to %v with a window of 0.02 s, %v with 0.1 s", narrow, wide)
	}
}

// What tells no cubic is left as it is, and nothing is not finite.
func TestSmoothOfFewRows(t *testing.T) {
	for name, m := range map[string]*Trajectory{
		"four rows": {Time: []float64{0, 1, 2, 3}, Position: []float64{0, 1, 4, 9}},
		"window":    {Time: []float64{0, 1, 2, 3, 4}, Position: []float64{0, 1, 4, 9, 16}},
	} {
		if m.Smooth(3.9) != m && name == "window" || name == "four rows" && m.Smooth(100) != m {
			t.Errorf("%s: smoothed", name)
		}
	}
	close := &Trajectory{Time: []float64{0, 1e-300, 2e-300, 3e-300, 4e-300, 1, 2, 3}, Position: []float64{0, 0, 0, 0, 0, 1, 2, 3}}
	out := close.Smooth(10)
	for i, v := range out.Velocity {
		if math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(out.Position[i]) {
			t.Errorf("row %d: %v and %v", i, out.Position[i], v)
		}
	}
	alike := &Trajectory{Time: []float64{0, 5e-324, 1e-323, 1.5e-323, 2e-323, 1}, Position: []float64{1, 1, 1, 1, 1, 1}}
	for i, v := range alike.Smooth(1).Velocity {
		if v != 0 && math.Abs(v) > 1e-6 {
			t.Errorf("row %d of a motion at rest moves at %v", i, v)
		}
	}
}
