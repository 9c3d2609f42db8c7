//go:build cgo && !nomujoco

package mujoco

import (
	"testing"
	"testing/fstest"
)

const pendulum = `<mujoco model="pendulum">
  <compiler angle="radian" inertiafromgeom="false"/>
  <option timestep="0.0005" integrator="RK4"/>
  <worldbody>
    <body name="rod">
      <joint name="hinge" axis="0 1 0" damping="0.1"/>
      <inertial pos="0 0 -0.5" mass="1" diaginertia="0.08333333333333333 0.08333333333333333 1e-6"/>
    </body>
  </worldbody>
  <actuator><motor name="m" joint="hinge" ctrlrange="-5 5" ctrllimited="true"/></actuator>
</mujoco>`

func load(t testing.TB, mjcf string, c Config) *Simulator {
	t.Helper()
	s, err := Load(fstest.MapFS{"model.xml": {Data: []byte(mjcf)}}, "model.xml", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestQuick(t *testing.T) {
	s := load(t, pendulum, Config{TimeStep: 0.01})
	t.Log(s.JointNames(), s.EffortLimits(), s.TimeStep())
	for range 10 {
		if err := s.Step([]float64{1}); err != nil {
			t.Fatal(err)
		}
	}
	t.Log(s.Positions(), s.Velocities())
	m := make([]float64, 1)
	t.Log(s.MassMatrix(m), m)
	t.Log(s.BodyPose("rod"))
	j := make([]float64, 6)
	t.Log(s.PointJacobian(j, "rod", [3]float64{0, 0, -1}), j)
	t.Log(s.BodyPose("rd"))
}
