package rollout_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsNoise(t *testing.T) {
	for _, c := range vectors.GPS(t, "noise_smooth") {
		t.Run(c.Name, func(t *testing.T) {
			white := c.Inputs.Get("white")
			got := rollout.Smooth(white.Floats(), white.Shape()[1], rollout.NoiseConfig{Sigma: c.Inputs.Get("sigma").Float(), Renormalize: c.Inputs.Get("renormalise").Bool()})
			vectors.Close(t, "smooth", got, c.Outputs.Get("smooth").Floats(), c.Tolerance)
		})
	}
}

func TestNoiseOfOneStep(t *testing.T) {
	for _, v := range rollout.Noise(3, 1, 2, rollout.DefaultNoiseConfig()) {
		if math.IsNaN(v) || v == 0 {
			t.Errorf("noise of one step is %v", v)
		}
	}
}

func TestNoiseRepeats(t *testing.T) {
	a, b := rollout.Noise(7, 50, 2, rollout.DefaultNoiseConfig()), rollout.Noise(7, 50, 2, rollout.DefaultNoiseConfig())
	if !slices.Equal(a, b) {
		t.Error("one seed gave two noises")
	}
	if slices.Equal(a, rollout.Noise(9, 50, 2, rollout.DefaultNoiseConfig())) {
		t.Error("two seeds gave one noise")
	}
	for i, v := range rollout.Noise(6, 50, 2, rollout.DefaultNoiseConfig()) {
		if v != -a[i] {
			t.Fatalf("entry %d of the antithetic noise is %v, want %v", i, v, -a[i])
		}
	}
}

func TestValidate(t *testing.T) {
	r := rollout.New(3, 2, 1)
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
	r.State(2)[1] = math.NaN()
	if err := r.Validate(); err == nil {
		t.Error("NaN was accepted")
	}
}
