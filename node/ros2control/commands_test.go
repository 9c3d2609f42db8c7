package ros2control

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/lbr_fri_idl"
	"guidedpolicysearch/msgs/std_msgs"
)

// let returns torques that a filter has let through.
func let(t *testing.T, torque, position []float64) safety.Torque {
	t.Helper()
	cfg := safety.DefaultConfig()
	cfg.RampTime = 0
	f, err := safety.New(cfg, safety.Robot{Joints: []string{"A1", "A2", "A3", "A4", "A5", "A6", "A7"}[:len(torque)], EffortLimit: slices.Repeat([]float64{100}, len(torque))})
	if err != nil {
		t.Fatal(err)
	}
	s := hardware.NewJointState(len(torque))
	copy(s.Position, position)
	return f.Tick(s, torque, safety.Position, 1)
}

// TestWriters reads back what is written, as the controllers do.
func TestWriters(t *testing.T) {
	torque, position := []float64{1, 2, 3, 4, 5, 6, 7}, []float64{-1, -2, -3, -4, -5, -6, -7}
	passed := let(t, torque, position)
	var efforts std_msgs.Float64MultiArray
	w, err := Float64MultiArray.NewWriter(7)
	if err != nil {
		t.Fatal(err)
	}
	if err := efforts.UnmarshalCDR(w.Write(passed)); err != nil || !slices.Equal(efforts.Data, torque) {
		t.Errorf("efforts %v, error %v", efforts.Data, err)
	}
	var command lbr_fri_idl.LBRTorqueCommand
	lbr, err := LBRTorqueCommand.NewWriter(7)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.UnmarshalCDR(lbr.Write(passed)); err != nil || !slices.Equal(command.Torque[:], torque) || !slices.Equal(command.JointPosition[:], position) {
		t.Errorf("command %+v, error %v", command, err)
	}
	for kind, w := range map[Commands]Writer{Float64MultiArray: w, LBRTorqueCommand: lbr} {
		if n := testing.AllocsPerRun(100, func() { w.Write(passed) }); n != 0 {
			t.Errorf("%s: %v allocations", kind, n)
		}
		func() {
			defer func() {
				if r, _ := recover().(string); !strings.Contains(r, "6 torques, want 7") {
					t.Errorf("%s: recovered %q", kind, r)
				}
			}()
			w.Write(let(t, torque[:6], position))
		}()
	}
	if got := Float64MultiArray.Type().Name + LBRTorqueCommand.Type().Name; got != "std_msgs/msg/Float64MultiArraylbr_fri_idl/msg/LBRTorqueCommand" {
		t.Errorf("types %s", got)
	}
}

func TestCommandsErrors(t *testing.T) {
	for kind, joints := range map[Commands]int{"": 7, "effort": 2, LBRTorqueCommand: 6} {
		if _, err := kind.NewWriter(joints); !errors.Is(err, ErrCommands) {
			t.Errorf("%q for %d joints: error %v", kind, joints, err)
		}
	}
	if got := LBRTorqueCommand.Interfaces([]string{"A1", "A2"}); !slices.Equal(got, []string{"A1/position", "A1/effort", "A2/position", "A2/effort"}) {
		t.Errorf("an LBR claims %q", got)
	}
}
