package velocity_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/internal/vectors"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, source := range []string{velocity.Message, velocity.Difference, velocity.EncoderFilter} {
		for _, gains := range []string{velocity.GivenGains, velocity.DesignedGains} {
			cfg := velocity.DefaultConfig()
			cfg.Source, cfg.Encoder.Gains = source, gains
			if err := cfg.Validate(); err != nil {
				t.Errorf("%s, %s: %v", source, gains, err)
			}
		}
	}
}

func TestConfigErrors(t *testing.T) {
	type config = velocity.Config
	given := func(change func(c *velocity.EncoderConfig)) func(c *config) {
		return func(c *config) { c.Source = velocity.EncoderFilter; change(&c.Encoder) }
	}
	designed := func(change func(c *velocity.EncoderConfig)) func(c *config) {
		return given(func(c *velocity.EncoderConfig) { c.Gains = velocity.DesignedGains; change(c) })
	}
	for name, c := range map[string]struct {
		change func(c *config)
		says   []string
	}{
		"source":          {func(c *config) { c.Source = "driver" }, []string{`source is "driver"`, "message, difference or encoder_filter"}},
		"cutoff 0":        {func(c *config) { c.Source, c.Cutoff = velocity.Difference, 0 }, []string{"cutoff is 0 Hz", "> 0"}},
		"cutoff NaN":      {func(c *config) { c.Source, c.Cutoff = velocity.Difference, math.NaN() }, []string{"cutoff is NaN"}},
		"cutoff infinite": {func(c *config) { c.Source, c.Cutoff = velocity.Difference, math.Inf(1) }, []string{"cutoff is +Inf"}},
		"period":          {given(func(c *velocity.EncoderConfig) { c.Period = 0 }), []string{"encoder_filter.period is 0s"}},
		"max_lost":        {given(func(c *velocity.EncoderConfig) { c.MaxLost = 101 }), []string{"encoder_filter.max_lost is 101"}},
		"max_lost < 0":    {given(func(c *velocity.EncoderConfig) { c.MaxLost = -1 }), []string{"encoder_filter.max_lost is -1"}},
		"gains":           {given(func(c *velocity.EncoderConfig) { c.Gains = "" }), []string{`encoder_filter.gains is ""`, "given or designed"}},
		"no transition":   {given(func(c *velocity.EncoderConfig) { c.Transition = nil }), []string{"encoder_filter.transition has 0 numbers, need 9"}},
		"short gain":      {given(func(c *velocity.EncoderConfig) { c.Gain = c.Gain[:2] }), []string{"encoder_filter.gain has 2 numbers, need 3"}},
		"NaN":             {given(func(c *velocity.EncoderConfig) { c.Transition[4] = math.NaN() }), []string{"encoder_filter.transition[4] is NaN"}},
		"infinite gain":   {given(func(c *velocity.EncoderConfig) { c.Gain[1] = math.Inf(1) }), []string{"encoder_filter.gain[1] is +Inf"}},
		"other period":    {given(func(c *velocity.EncoderConfig) { c.Period *= 2 }), []string{"encoder_filter.transition[1] is 0.00029752", "0.00059504", "2ms"}},
		"a digit":         {given(func(c *velocity.EncoderConfig) { c.Transition[8] = 0.99667 }), []string{"encoder_filter.transition[8] is 0.99667", "0.996776"}},
		"columns first": {given(func(c *velocity.EncoderConfig) {
			c.Transition[1], c.Transition[3] = c.Transition[3], c.Transition[1]
		}), []string{"encoder_filter.transition[1] is -106.5"}},
		"unstable": {given(func(c *velocity.EncoderConfig) {
			c.Gain = []float64{0, 0, 0}
			c.Transition = []float64{1, 1e-3, 5e-7, 0, 1, 1e-3, 0, 0, 1}
		}), []string{"eigenvalue", "encoder_filter.gain"}},
		"perfect encoder":    {designed(func(c *velocity.EncoderConfig) { c.Resolution = 0 }), []string{"encoder_filter.resolution", "encoder_filter.noise"}},
		"negative noise":     {designed(func(c *velocity.EncoderConfig) { c.Noise = -1 }), []string{"encoder_filter.noise is -1"}},
		"NaN resolution":     {designed(func(c *velocity.EncoderConfig) { c.Resolution = math.NaN() }), []string{"encoder_filter.resolution is NaN"}},
		"infinite noise":     {designed(func(c *velocity.EncoderConfig) { c.Noise = math.Inf(1) }), []string{"encoder_filter.noise is +Inf"}},
		"no jerk":            {designed(func(c *velocity.EncoderConfig) { c.Jerk = 0 }), []string{"encoder_filter.jerk is 0"}},
		"jerk out of bounds": {designed(func(c *velocity.EncoderConfig) { c.Jerk = 1e300 }), []string{"encoder_filter.jerk", "units"}},
		"tiny jerk":          {designed(func(c *velocity.EncoderConfig) { c.Jerk = 1e-300 }), []string{"encoder_filter.jerk", "units"}},
		"long period":        {designed(func(c *velocity.EncoderConfig) { c.Period = math.MaxInt64 }), []string{"encoder_filter.jerk", "period"}},
	} {
		cfg := velocity.DefaultConfig()
		c.change(&cfg)
		_, err := velocity.New(cfg, 2)
		if !errors.Is(err, velocity.ErrConfig) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, text := range c.says {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v, want it to say %q", name, err, text)
			}
		}
	}
}

// TestDesign compares with gains that scipy.linalg.solve_discrete_are 1.10 leads to.
func TestDesign(t *testing.T) {
	for _, c := range []struct {
		period                  time.Duration
		resolution, noise, jerk float64
		gain                    []float64
	}{
		{time.Millisecond, 2 * math.Pi / 65536, 0, 100, []float64{0.6211047494238077, 295.5783060910758, 70331.56252042727}},
		{time.Millisecond, 0.0001, 5e-05, 50, []float64{0.4527484315909507, 135.442681904411, 20259.286174660367}},
		{10 * time.Millisecond, 0.001, 0, 10, []float64{0.7545405006271109, 50.89165194426574, 1716.24997959932}},
		{4 * time.Millisecond, 0, 2e-05, 300, []float64{0.9927717046747226, 400.18360535810234, 80656.4677676228}},
		{time.Millisecond, 0.01, 0, 0.1, []float64{0.02040598780002756, 0.21035394010782232, 1.0842106873853017}},
	} {
		cfg := velocity.EncoderConfig{Period: c.period, Resolution: c.resolution, Noise: c.noise, Jerk: c.jerk}
		transition, gain, err := cfg.Design()
		if err != nil {
			t.Fatal(err)
		}
		for i := range gain {
			if math.Abs(gain[i]/c.gain[i]-1) > 1e-10 {
				t.Errorf("%+v: gain[%d] is %v, want %v", cfg, i, gain[i], c.gain[i])
			}
		}
		vectors.Close(t, "gain of the recursion", gain, recursion(cfg), 1e-8)
		// What is designed is what may be given.
		cfg.Gains, cfg.Transition, cfg.Gain = velocity.GivenGains, transition, gain
		if err := (velocity.Config{Source: velocity.EncoderFilter, Encoder: cfg}).Validate(); err != nil {
			t.Error(err)
		}
	}
}

// recursion returns the gain after many readings of the Kalman filter, in SI units.
func recursion(c velocity.EncoderConfig) []float64 {
	t := c.Period.Seconds()
	s, r := c.Jerk*c.Jerk, c.Resolution*c.Resolution/12+c.Noise*c.Noise
	f := [3][3]float64{{1, t, t * t / 2}, {0, 1, t}, {0, 0, 1}}
	q := [3][3]float64{
		{s * math.Pow(t, 5) / 20, s * math.Pow(t, 4) / 8, s * math.Pow(t, 3) / 6},
		{s * math.Pow(t, 4) / 8, s * math.Pow(t, 3) / 3, s * t * t / 2},
		{s * math.Pow(t, 3) / 6, s * t * t / 2, s * t}}
	p := [3][3]float64{{r, 0, 0}, {0, 1, 0}, {0, 0, 100}}
	gain := make([]float64, 3)
	for range 20000 {
		next := q
		for i := range 3 {
			for j := range 3 {
				for k := range 3 {
					for l := range 3 {
						next[i][j] += f[i][k] * p[k][l] * f[j][l]
					}
				}
			}
		}
		for i := range 3 {
			gain[i] = next[i][0] / (next[0][0] + r)
		}
		for i := range 3 {
			for j := range 3 {
				p[i][j] = next[i][j] - gain[i]*next[0][j]
			}
		}
	}
	return gain
}

// TestDesignFollowsItsUnits: the same motion in other units of length and time.
func TestDesignFollowsItsUnits(t *testing.T) {
	c := velocity.EncoderConfig{Period: time.Millisecond, Resolution: 1e-4, Noise: 1e-4, Jerk: 200}
	_, gain, err := c.Design()
	if err != nil {
		t.Fatal(err)
	}
	c.Resolution, c.Noise, c.Jerk = 1e-1, 1e-1, 2e5 // in thousandths
	_, same, err := c.Design()
	if err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "gain", same, gain, 1e-9)
	c.Jerk *= 4
	_, quicker, err := c.Design()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Max(gain) >= slices.Max(quicker) || gain[0] >= quicker[0] {
		t.Errorf("gain %v for 4 times the jerk, was %v", quicker, gain)
	}
}
