package velocity_test

import (
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/internal/vectors"
)

// TestEncoderFilterVectors holds the filter to the reference's, which begins at rest at a
// given position and puts out filtered positions and velocities. The default matrices are
// those of the reference.
func TestEncoderFilterVectors(t *testing.T) {
	vectors.Run(t, "encoder_filter", func(t *testing.T, c vectors.Case) {
		initial := c.Inputs.Get("initial").Floats(-1)
		joints := len(initial)
		readings := c.Inputs.Get("readings").Floats(-1, joints)
		cfg := velocity.DefaultConfig()
		cfg.Source = velocity.EncoderFilter
		vectors.Close(t, "default transition", cfg.Encoder.Transition, c.Inputs.Get("A").Floats(3, 3), 0)
		vectors.Close(t, "default gain", cfg.Encoder.Gain, c.Inputs.Get("b").Floats(3), 0)
		e, err := velocity.New(cfg, joints)
		if err != nil {
			t.Fatal(err)
		}
		s := hardware.NewJointState(joints)
		copy(s.Position, initial)
		e.Update(s)
		var position, speed []float64
		for i := 0; i < len(readings); i += joints {
			s.Stamp += int64(time.Millisecond)
			copy(s.Position, readings[i:i+joints])
			if joint := e.Update(s); joint >= 0 {
				t.Fatalf("reading %d: joint %d is not finite", i/joints, joint)
			}
			position, speed = append(position, s.Position...), append(speed, s.Velocity...)
		}
		vectors.Close(t, "position", position, c.Outputs.Get("position").Floats(-1, joints), c.Tolerance)
		vectors.Close(t, "velocity", speed, c.Outputs.Get("velocity").Floats(-1, joints), c.Tolerance)
	})
}
