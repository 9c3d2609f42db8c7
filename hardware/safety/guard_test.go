package safety_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
)

const timeout = time.Second

func reading(stamp time.Duration) *hardware.JointState {
	s := hardware.NewJointState(2)
	s.Stamp = int64(stamp)
	return s
}

func TestGuardFinite(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for joint, name := range []string{"a", "b"} {
			for _, field := range []string{"position", "velocity"} {
				g := safety.NewGuard([]string{"a", "b"}, timeout, true)
				s := reading(time.Second)
				list := s.Position
				if field == "velocity" {
					list = s.Velocity
				}
				list[joint] = v
				fresh, f := g.Check(s, 1, 0)
				if !fresh || f.Kind != safety.NotFinite || f.Joint != joint || f.Name != name || f.Value == 0 {
					t.Errorf("%s of joint %s is %v: fresh %v, fault %+v", field, name, v, fresh, f)
				}
				// The same reading mended is a new one, not a repetition.
				list[joint] = math.MaxFloat64
				if fresh, f := g.Check(s, 2, 0); !fresh || f.Kind != safety.NoFault {
					t.Errorf("after %v: fresh %v, fault %+v", v, fresh, f)
				}
			}
		}
	}
}

func TestGuardStamps(t *testing.T) {
	type step struct {
		stamp, now time.Duration // now is 0 where the ROS time is not known
		fresh      bool
		kind       safety.FaultKind
		by         time.Duration
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{0, 0, true, safety.NoFault, 0}, {1, 0, true, safety.NoFault, 0}, {timeout + 2, 0, true, safety.NoFault, 0}}},
		{"repetitions", []step{{5, 0, true, safety.NoFault, 0}, {5, 0, false, safety.NoFault, 0}, {5, 0, false, safety.NoFault, 0}, {6, 0, true, safety.NoFault, 0}}},
		{"repetitions of stamp 0", []step{{0, 0, true, safety.NoFault, 0}, {0, 0, false, safety.NoFault, 0}}},
		{"backwards once", []step{{5, 0, true, safety.NoFault, 0}, {2, 0, true, safety.Backwards, 3}, {3, 0, true, safety.NoFault, 0}}},
		{"restarted at 0", []step{{time.Hour, 0, true, safety.NoFault, 0}, {0, 0, true, safety.Backwards, time.Hour}, {0, 0, false, safety.NoFault, 0}, {1, 0, true, safety.NoFault, 0}}},
		{"before the epoch", []step{{-5, 0, true, safety.NoFault, 0}, {-4, 0, true, safety.NoFault, 0}, {-6, 0, true, safety.Backwards, 2}}},
		{"two publishers", []step{{100, 0, true, safety.NoFault, 0}, {7, 0, true, safety.Backwards, 93}, {101, 0, true, safety.NoFault, 0}, {8, 0, true, safety.Backwards, 93}}},
		{"as old as allowed", []step{{1, 1 + timeout, true, safety.NoFault, 0}}},
		{"old", []step{{1, 2 + timeout, true, safety.Old, timeout + 1}, {timeout, timeout, true, safety.NoFault, 0}}},
		{"clocks an hour apart", []step{{time.Second, time.Hour, true, safety.Old, time.Hour - time.Second}}},
		{"leapt ahead", []step{{1, 0, true, safety.NoFault, 0}, {timeout + 3, 0, true, safety.ClockJump, timeout + 2}, {timeout + 4, 0, true, safety.NoFault, 0}}},
		{"leapt past the last number", []step{{-1 << 62, 0, true, safety.NoFault, 0}, {1<<63 - 1, 0, true, safety.NoFault, 0}}},
		{"ahead of the clock", []step{{time.Hour, 1, true, safety.ClockJump, time.Hour - 1}}},
		{"an old repetition", []step{{1, 1, true, safety.NoFault, 0}, {1, time.Hour, false, safety.Old, time.Hour - 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := safety.NewGuard([]string{"a", "b"}, timeout, true)
			for i, s := range c.steps {
				fresh, f := g.Check(reading(s.stamp), int64(i+1), int64(s.now))
				if fresh != s.fresh || f.Kind != s.kind || f.Duration != s.by {
					t.Errorf("reading %d: fresh %v, fault %d by %d, want %v, %d by %d", i, fresh, f.Kind, f.Duration, s.fresh, s.kind, s.by)
				}
			}
		})
	}
}

func TestGuardSilent(t *testing.T) {
	g := safety.NewGuard([]string{"a", "b"}, timeout, true)
	if f := g.Silent(int64(time.Hour)); f.Kind != safety.NoFault {
		t.Errorf("silence before the first message: %v", f)
	}
	bad := reading(4)
	bad.Position[0] = math.NaN()
	arrival := int64(time.Hour)
	for name, arrive := range map[string]func(at int64){
		"reading":    func(at int64) { g.Check(reading(5), at, 0) },
		"repetition": func(at int64) { g.Check(reading(5), at, 0) },
		"not finite": func(at int64) { g.Check(bad, at, 0) },
		"unreadable": g.Touch,
	} {
		arrival += int64(time.Hour)
		arrive(arrival)
		if f := g.Silent(arrival + int64(timeout)); f.Kind != safety.NoFault {
			t.Errorf("%s: silent too early: %v", name, f)
		}
		f := g.Silent(arrival + int64(timeout) + 1)
		if f.Kind != safety.Silent || f.Duration != timeout+1 || f.Limit != timeout {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestFaultTexts: every text says what happened, where, and what was expected or what to
// look at.
func TestFaultTexts(t *testing.T) {
	seen := map[safety.FaultKind]bool{safety.NoFault: true}
	if text := (safety.Fault{}).String(); text != "" {
		t.Errorf("no fault says %q", text)
	}
	for _, c := range []struct {
		fault safety.Fault
		says  []string
	}{
		{safety.Fault{Kind: safety.Unreadable, Err: errors.New(`joint "elbow" is missing`)}, []string{`joint "elbow" is missing`}},
		{safety.Fault{Kind: safety.NotFinite, Joint: 1, Name: "elbow", Value: math.NaN()}, []string{"joint_states", `"elbow"`, "NaN", "expected a finite number"}},
		{safety.Fault{Kind: safety.NotFinite, Joint: -1, Name: "end_effector.x", Value: math.Inf(1)}, []string{"joint_states", `state's "end_effector.x"`, "+Inf", "expected a finite number"}},
		{safety.Fault{Kind: safety.Backwards, Duration: 3 * time.Second}, []string{"joint_states", "went back by 3s", "restarted", "two publishers"}},
		{safety.Fault{Kind: safety.Silent, Duration: 1234567890, Limit: time.Second}, []string{"no joint_states for 1.235s", "safety.stale_timeout is 1s", "driver running"}},
		{safety.Fault{Kind: safety.Frozen, Duration: 2 * time.Second, Limit: time.Second}, []string{"joint_states have repeated one stamp for 2s", "safety.stale_timeout is 1s", "frozen"}},
		{safety.Fault{Kind: safety.Old, Duration: 2 * time.Second, Limit: time.Second}, []string{"joint_states are 2s old", "safety.stale_timeout is 1s", "use_sim_time"}},
		{safety.Fault{Kind: safety.Gap, Duration: 150 * time.Millisecond, Step: 17}, []string{"are missing for 150ms", "time step 17"}},
		{safety.Fault{Kind: safety.ResetTimeout, Name: "elbow", Value: 0.25, Limit: 30 * time.Second}, []string{"reset", `"elbow"`, "0.25", "30s", "reset.timeout", "effort_limit"}},
		{safety.Fault{Kind: safety.BadTorque, Name: "elbow", Value: math.Inf(-1), Step: 5}, []string{"controller", `"elbow"`, "-Inf", "time step 5"}},
		{safety.Fault{Kind: safety.BadTorque, Name: "elbow", Value: math.NaN(), Step: -1}, []string{"position controller", `"elbow"`, "NaN", "reset.stiffness"}},
		{safety.Fault{Kind: safety.BadTorque, Name: "elbow", Value: math.NaN(), Step: -2}, []string{"learned controller", `"elbow"`, "NaN", "expected a finite number", "rollout"}},
		{safety.Fault{Kind: safety.PositionLimit, Name: "elbow", Value: 2.25, Bound: 2}, []string{"joint_states", `"elbow"`, "2.25", "limit of 2", "safety.position_margin", "reset the fault"}},
		{safety.Fault{Kind: safety.VelocityLimit, Name: "elbow", Value: 2.25, Bound: 2}, []string{"joint_states", `"elbow"`, "2.25", "limit of 2", "safety.velocity_margin", "reset the fault"}},
		{safety.Fault{Kind: safety.Workspace, Name: "z of point 2", Value: -0.1, Bound: 0}, []string{"end effector", "z of point 2", "-0.1 m", "0 m", "safety.workspace_margin", "reset the fault"}},
		{safety.Fault{Kind: safety.MissedDeadlines, Value: 5, Bound: 5}, []string{"control loop", "5 deadlines in a row", "safety.missed_in_a_row is 5", "priority"}},
		{safety.Fault{Kind: safety.MissedDeadlines, Value: 50, Bound: 50, Limit: time.Second}, []string{"control loop", "50 deadlines", "within 1s", "safety.missed_per_second is 50", "priority"}},
		{safety.Fault{Kind: safety.EmergencyStop}, []string{"emergency stop", "release it", "reset the fault"}},
		{safety.Fault{Kind: safety.LearnerSilent, Duration: 121 * time.Second, Limit: 2 * time.Minute}, []string{"learner", "2m1s", "safety.learner_timeout is 2m0s", "log"}},
		{safety.Fault{Kind: safety.ControllerInactive, Name: "effort"}, []string{"ros2_control", `"effort"`, "no longer active", "list_controllers", "reset the fault"}},
		{safety.Fault{Kind: safety.Leap, Name: "elbow", Value: 2, Bound: 0.053}, []string{`"elbow"`, "leapt by 2", "0.053", "velocity limit", "two publishers"}},
		{safety.Fault{Kind: safety.ClockJump, Duration: time.Hour, Limit: time.Second}, []string{"joint_states", "ahead by 1h", "1s", "clock"}},
		{safety.Fault{Kind: safety.Missing, Name: "/force"}, []string{"topic /force", "robot.extra.topics", "publisher run"}},
		{safety.Fault{Kind: safety.Stalled, Duration: 3*time.Second + 1, Limit: time.Second}, []string{"control loop", "stood still for 3s", "sentinel_timeout is 1s", "where the arm is", "reset the fault"}},
		{safety.Fault{Kind: safety.TwoSources}, []string{"joint_states", "two publishers", "stop one", "ros2 topic info", "reset the fault"}},
	} {
		seen[c.fault.Kind] = true
		text := c.fault.String()
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("fault %d says %q, not %q", c.fault.Kind, text, want)
			}
		}
		if strings.Contains(text, "\n") || strings.Contains(text, "%!") {
			t.Errorf("fault %d says %q", c.fault.Kind, text)
		}
	}
	// A kind that is new has no text of its own yet.
	for k := safety.NoFault; k <= safety.TwoSources+1; k++ {
		own := safety.Fault{Kind: k, Err: errors.New("unreadable")}.String() != fmt.Sprintf("fault %d", k)
		if own != (k <= safety.TwoSources) || own != seen[k] {
			t.Errorf("kind %d: has a text of its own %v, tested %v", k, own, seen[k])
		}
	}
}

func TestTickPartsAllocateNothing(t *testing.T) {
	g := safety.NewGuard([]string{"a", "b"}, timeout, true)
	s := reading(0)
	n := testing.AllocsPerRun(100, func() {
		s.Stamp = 5 - s.Stamp // back and forth
		_, f := g.Check(s, 1, 0)
		if f.Kind == safety.NoFault {
			g.Silent(int64(time.Hour))
		}
	})
	if n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

// A driver that sends one reading again and again is frozen, unless it waits for commands.
func TestFrozen(t *testing.T) {
	const second = int64(time.Second)
	for _, waits := range []bool{false, true} {
		g := safety.NewGuard([]string{"a"}, time.Second, waits)
		s := hardware.NewJointState(1)
		s.Stamp = 7
		now := second
		for range 11 {
			if _, fault := g.Check(s, now, 0); fault.Kind != safety.NoFault {
				t.Fatalf("a repetition is no fault by itself: %v", fault)
			}
			now += second / 10
		}
		want := safety.Frozen
		if waits {
			want = safety.NoFault
		}
		if got := g.Silent(now); got.Kind != want {
			t.Errorf("waits %v: %v (%v), want kind %v", waits, got.Kind, got, want)
		}
		if due := g.Deadline(now - second/2); waits == (due == 2*second+1) {
			t.Errorf("waits %v: deadline %d", waits, due)
		}
		g.Unpaced()
		if got := g.Silent(now); got.Kind != safety.Frozen {
			t.Errorf("waits %v, then not: %v", waits, got)
		}
	}
}
