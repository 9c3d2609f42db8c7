package rosio_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/rosio"
)

// sent returns the message of a record as it arrives.
func sent(t *testing.T, m *guided_policy_search_msgs.Rollout) *guided_policy_search_msgs.Rollout {
	t.Helper()
	got := new(guided_policy_search_msgs.Rollout)
	if err := got.UnmarshalCDR(m.AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestRolloutTellsOfItsStates: how old each was, how many were missing before it, and in how many
// ticks the safety filter changed the torque.
func TestRolloutTellsOfItsStates(t *testing.T) {
	rec := exampleRecord()
	m := sent(t, exampleRollout(t))
	if !slices.Equal(m.StateAges, rec.Ages) || !slices.Equal(m.Lost, rec.Lost) || m.Intervened != 2 || m.Fault != "" {
		t.Errorf("ages %v, lost %v, %d interventions, fault %q", m.StateAges, m.Lost, m.Intervened, m.Fault)
	}
}

// TestPartialRollout: of a trial that was broken off, the message holds the steps that there are and
// why it ended; the record keeps its size.
func TestPartialRollout(t *testing.T) {
	r, rec := arm(t), exampleRecord()
	rec.Steps, rec.Fault = 2, safety.Fault{Kind: safety.NotFinite, Joint: 1, Name: "joint2", Value: math.NaN()}
	full := exampleRollout(t) // used again
	rosio.SetRollout(full, rec, r)
	m := sent(t, full)
	if m.Steps != 2 || m.Dx != 7 || m.Du != 2 || m.Fault != rec.Fault.String() || m.Fault == "" {
		t.Errorf("%d steps, dX %d, dU %d, fault %q", m.Steps, m.Dx, m.Du, m.Fault)
	}
	if !slices.Equal(m.States, rec.Rollout.X[:21]) || !slices.Equal(m.Actions, rec.Rollout.U[:4]) || !slices.Equal(m.Commanded, rec.Commanded[:4]) {
		t.Errorf("states %v, actions %v, commanded %v", m.States, m.Actions, m.Commanded)
	}
	if len(m.Stamps) != 3 || !slices.Equal(m.StateAges, rec.Ages[:3]) || !slices.Equal(m.Lost, rec.Lost[:3]) {
		t.Errorf("stamps %v, ages %v, lost %v", m.Stamps, m.StateAges, m.Lost)
	}
	got, err := rosio.ReadRollout(m, r)
	if err != nil || got.T != 2 || !slices.Equal(got.X, rec.Rollout.X[:21]) || !slices.Equal(got.U, rec.Rollout.U[:4]) {
		t.Errorf("read %+v, %v", got, err)
	}
	if rec.Rollout.T != 4 || len(rec.Rollout.X) != 35 {
		t.Errorf("the record's rollout became T=%d with %d states", rec.Rollout.T, len(rec.Rollout.X))
	}
	rosio.SetRollout(full, exampleRecord(), r)
	if m := sent(t, full); m.Steps != 4 || m.Fault != "" || len(m.StateAges) != 5 {
		t.Errorf("a whole trial after it: %d steps, fault %q, %d ages", m.Steps, m.Fault, len(m.StateAges))
	}
}

// TestJointReaderWithoutVelocities reads drivers that give none, or some that are not to be used.
func TestJointReaderWithoutVelocities(t *testing.T) {
	r, got := rosio.NewJointReader(joints, false), hardware.NewJointState(3)
	three := []float64{1, 2, 3}
	payloads := [][]byte{jointState(joints, three, nil), jointState(joints, three, []float64{4}), jointState(joints, three, []float64{4, 5, 6}),
		jointState(joints, three, []float64{math.NaN(), 5, 6})}
	for _, payload := range payloads {
		got.Velocity[0], got.Velocity[2] = 9, math.Inf(1)
		if err := r.Read(got, payload); err != nil || !slices.Equal(got.Position, three) || !slices.Equal(got.Velocity, []float64{0, 0, 0}) {
			t.Errorf("read %+v, %v", got, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = r.Read(got, payloads[0]) }); n != 0 {
		t.Errorf("Read allocates %v times", n)
	}
	if names := r.Names(); !slices.Equal(names, joints) {
		t.Errorf("names %q", names)
	}
}
