//go:build cgo && !nomujoco

package safety_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
)

// BenchmarkTick measures a tick of the seven-joint arm with its dynamics model, at states near
// the limits of several joints under random torques.
func BenchmarkTick(b *testing.B) {
	arm := mujocoBody(b, "arm7", true, 20)
	n := len(arm.robot.Joints)
	for _, k := range []struct {
		near  float64
		delay time.Duration
	}{{0.5, 0}, {0.98, 0}, {0.98, 5 * time.Millisecond}} {
		near := k.near
		b.Run(fmt.Sprintf("at %v of the limits, delay %v", near, k.delay), func(b *testing.B) {
			c := plain()
			c.VelocityMargin, c.SlewLimit, c.Delay = 10, arm.slew, k.delay
			c.PositionMargin = 10
			f := filter(b, c, arm.robot)
			rng := rand.New(rand.NewPCG(1, 1))
			readings, wanted := make([]*hardware.JointState, 256), make([][]float64, 256)
			for k := range readings {
				readings[k], wanted[k] = hardware.NewJointState(n), make([]float64, n)
				for i := range n {
					side := float64(2*rng.IntN(2) - 1)
					readings[k].Position[i] = side * near * arm.robot.Upper[i]
					readings[k].Velocity[i] = near * arm.robot.Velocity[i] * (2*rng.Float64() - 1)
					wanted[k][i] = arm.robot.EffortLimit[i] * rng.NormFloat64()
				}
			}
			changed, infeasible := 0, 0
			for i := 0; b.Loop(); i++ {
				readings[i%256].Stamp = int64(i) * 1e6
				f.Tick(readings[i%256], wanted[i%256], safety.Learned, 0.001)
				if f.Intervened().Has(safety.Barrier) {
					changed++
				}
				if f.Intervened().Has(safety.Infeasible) {
					infeasible++
				}
			}
			b.ReportMetric(float64(changed)/float64(b.N), "changed/op")
			b.ReportMetric(float64(infeasible)/float64(b.N), "infeasible/op")
			if f.Fault().Kind != safety.NoFault {
				b.Fatal(f.Fault())
			}
		})
	}
}
