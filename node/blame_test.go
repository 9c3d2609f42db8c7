package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/node"
)

// TestBlame: mistakes that show only with the robot name their own parameter, the entry or the joint,
// and where it was given.
func TestBlame(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.urdf")
	if err := os.WriteFile(bad, []byte("<robot name=\"r\"><link/></robot>"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set  []string
		want []string
	}{
		{[]string{"safety.slew_limit=[1.0,2.0,3.0]"}, []string{"--set safety.slew_limit=[1.0,2.0,3.0]: safety.slew_limit: ", "has 3 entries, need 2, one per joint"}},
		{[]string{"safety.position_lower=[0.0,.nan]"}, []string{"--set safety.position_lower=[0.0,.nan]: safety.position_lower: ", `of joint "joint2" is NaN`}},
		{[]string{"safety.position_lower=[1.0,2.0]", "safety.position_upper=[3.0,1.0]"}, []string{"--set safety.position_lower=[1.0,2.0]: safety.position_lower: ", `joint "joint2" may move from 2 to 1`}},
		{[]string{"safety.workspace_lower=[1.0]"}, []string{"--set safety.workspace_lower=[1.0]: safety.workspace_lower: ", "has 1 entries"}},
		{[]string{"safety.workspace_lower=[0.0,1.0,0.0]", "safety.workspace_upper=[1.0,0.5,1.0]"}, []string{"--set safety.workspace_lower=[0.0,1.0,0.0]: safety.workspace_lower: ", "element 1 is 1 and workspace_upper[1] is 0.5"}},
		{[]string{"safety.filter=always"}, []string{"--set safety.filter=always: safety.filter: ", "no dynamics model"}},
		{[]string{"robot.kinematics.lengths=[1.0]"}, []string{"--set robot.kinematics.lengths=[1.0]: robot.kinematics.lengths: ", "has 1 entries, need 2, one per joint"}},
		{[]string{"robot.kinematics.type=urdf"}, []string{"--set robot.kinematics.type=urdf: robot.kinematics.type: ", "no description"}},
		{[]string{"robot.gravity_compensation=true"}, []string{"--set robot.gravity_compensation=true: robot.gravity_compensation: ", "needs the robot's masses"}},
		{[]string{"robot.urdf=" + bad}, []string{`robot.urdf: got string "` + bad + `", urdf: invalid robot description: line 1: <link> has no name`}},
		{[]string{"sentinel_timeout=0.001"}, []string{"--set sentinel_timeout=0.001: sentinel_timeout: ", "at least 50ms"}},
		{[]string{"sentinel_timeout=1.0", "lock_step=false", "loop.driven_by=timer", "loop.rate=1.0"}, []string{"--set sentinel_timeout=1.0: sentinel_timeout: ", "at least 16s"}},
	} {
		_, _, _, err := node.LoadFile(planarArm, c.set)
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v, want one line", c.set, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%v: error %v, want %q", c.set, err, w)
			}
		}
	}
}
