package control_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/node/control"
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
				g := control.NewGuard([]string{"a", "b"}, timeout, true)
				s := reading(time.Second)
				list := s.Position
				if field == "velocity" {
					list = s.Velocity
				}
				list[joint] = v
				fresh, f := g.Check(s, 1, 0)
				if !fresh || f.Kind != control.NotFinite || f.Joint != joint || f.Name != name || f.Value == 0 {
					t.Errorf("%s of joint %s is %v: fresh %v, fault %+v", field, name, v, fresh, f)
				}
				// The same reading mended is a new one, not a repetition.
				list[joint] = math.MaxFloat64
				if fresh, f := g.Check(s, 2, 0); !fresh || f.Kind != control.NoFault {
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
		kind       control.FaultKind
		by         time.Duration
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{0, 0, true, control.NoFault, 0}, {1, 0, true, control.NoFault, 0}, {time.Hour, 0, true, control.NoFault, 0}}},
		{"repetitions", []step{{5, 0, true, control.NoFault, 0}, {5, 0, false, control.NoFault, 0}, {5, 0, false, control.NoFault, 0}, {6, 0, true, control.NoFault, 0}}},
		{"repetitions of stamp 0", []step{{0, 0, true, control.NoFault, 0}, {0, 0, false, control.NoFault, 0}}},
		{"backwards once", []step{{5, 0, true, control.NoFault, 0}, {2, 0, true, control.Backwards, 3}, {3, 0, true, control.NoFault, 0}}},
		{"restarted at 0", []step{{time.Hour, 0, true, control.NoFault, 0}, {0, 0, true, control.Backwards, time.Hour}, {0, 0, false, control.NoFault, 0}, {1, 0, true, control.NoFault, 0}}},
		{"before the epoch", []step{{-5, 0, true, control.NoFault, 0}, {-4, 0, true, control.NoFault, 0}, {-6, 0, true, control.Backwards, 2}}},
		{"two publishers", []step{{100, 0, true, control.NoFault, 0}, {7, 0, true, control.Backwards, 93}, {101, 0, true, control.NoFault, 0}, {8, 0, true, control.Backwards, 93}}},
		{"as old as allowed", []step{{1, 1 + timeout, true, control.NoFault, 0}}},
		{"old", []step{{1, 2 + timeout, true, control.Old, timeout + 1}, {timeout, timeout, true, control.NoFault, 0}}},
		{"clocks an hour apart", []step{{time.Second, time.Hour, true, control.Old, time.Hour - time.Second}}},
		{"ahead of the clock", []step{{time.Hour, 1, true, control.NoFault, 0}}},
		{"an old repetition", []step{{1, 1, true, control.NoFault, 0}, {1, time.Hour, false, control.Old, time.Hour - 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := control.NewGuard([]string{"a", "b"}, timeout, true)
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
	g := control.NewGuard([]string{"a", "b"}, timeout, true)
	if f := g.Silent(int64(time.Hour)); f.Kind != control.NoFault {
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
		if f := g.Silent(arrival + int64(timeout)); f.Kind != control.NoFault {
			t.Errorf("%s: silent too early: %v", name, f)
		}
		f := g.Silent(arrival + int64(timeout) + 1)
		if f.Kind != control.Silent || f.Duration != timeout+1 || f.Limit != timeout {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestPosition(t *testing.T) {
	p := control.Position{Stiffness: []float64{6, 2}, Damping: []float64{3, 0.5}}
	torque := make([]float64, 2)
	p.Act(torque, []float64{1, -1}, []float64{0.5, 0}, []float64{0.25, -2})
	if want := []float64{6*0.5 - 3*0.25, -2 + 0.5*2}; !slices.Equal(torque, want) {
		t.Errorf("torque %v, want %v", torque, want)
	}
	p.Act(torque, []float64{1, -1}, []float64{1, -1}, []float64{0, 0})
	if torque[0] != 0 || torque[1] != 0 {
		t.Errorf("torque %v at rest at the goal", torque)
	}
}

func TestWithin(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		q, dq []float64
		want  bool
	}{
		{[]float64{1, 2}, []float64{0, 0}, true},
		{[]float64{1.125, 1.875}, []float64{0.5, -0.5}, true}, // on the border
		{[]float64{1.126, 2}, []float64{0, 0}, false},
		{[]float64{1, 1.874}, []float64{0, 0}, false},
		{[]float64{1, 2}, []float64{0, 0.51}, false},
		{[]float64{1, 2}, []float64{-0.51, 0}, false},
		{[]float64{nan, 2}, []float64{0, 0}, false},
		{[]float64{1, 2}, []float64{0, nan}, false},
		{[]float64{1, math.Inf(1)}, []float64{0, 0}, false},
	} {
		if got := control.Within([]float64{1, 2}, c.q, c.dq, 0.125, 0.5); got != c.want {
			t.Errorf("q %v, dq %v: %v, want %v", c.q, c.dq, got, c.want)
		}
	}
}

func TestFarthest(t *testing.T) {
	for _, c := range []struct {
		q        []float64
		joint    int
		distance float64
	}{{[]float64{1, 2, 3}, 0, 0}, {[]float64{1, 2.5, 3}, 1, 0.5}, {[]float64{1, 2.5, 2}, 2, 1}, {[]float64{-7, 2, 3}, 0, 8}} {
		if joint, d := control.Farthest([]float64{1, 2, 3}, c.q); joint != c.joint || d != c.distance {
			t.Errorf("q %v: joint %d is %v away, want joint %d, %v", c.q, joint, d, c.joint, c.distance)
		}
	}
}

// TestFaultTexts: every text says what happened, where, and what was expected or what to
// look at.
func TestFaultTexts(t *testing.T) {
	seen := map[control.FaultKind]bool{control.NoFault: true}
	if text := (control.Fault{}).String(); text != "" {
		t.Errorf("no fault says %q", text)
	}
	for _, c := range []struct {
		fault control.Fault
		says  []string
	}{
		{control.Fault{Kind: control.Unreadable, Err: errors.New(`joint "elbow" is missing`)}, []string{`joint "elbow" is missing`}},
		{control.Fault{Kind: control.NotFinite, Joint: 1, Name: "elbow", Value: math.NaN()}, []string{"joint_states", `"elbow"`, "NaN", "expected a finite number"}},
		{control.Fault{Kind: control.NotFinite, Joint: -1, Name: "end_effector.x", Value: math.Inf(1)}, []string{"joint_states", `state's "end_effector.x"`, "+Inf", "expected a finite number"}},
		{control.Fault{Kind: control.Backwards, Duration: 3 * time.Second}, []string{"joint_states", "went back by 3s", "restarted", "two publishers"}},
		{control.Fault{Kind: control.Silent, Duration: 1234567890, Limit: time.Second}, []string{"no joint_states for 1.235s", "safety.stale_timeout is 1s", "driver running"}},
		{control.Fault{Kind: control.Frozen, Duration: 2 * time.Second, Limit: time.Second}, []string{"joint_states have repeated one stamp for 2s", "safety.stale_timeout is 1s", "frozen"}},
		{control.Fault{Kind: control.Old, Duration: 2 * time.Second, Limit: time.Second}, []string{"joint_states are 2s old", "safety.stale_timeout is 1s", "use_sim_time"}},
		{control.Fault{Kind: control.Gap, Duration: 150 * time.Millisecond, Step: 17}, []string{"joint_states are missing for 150ms", "time step 17"}},
		{control.Fault{Kind: control.ResetTimeout, Name: "elbow", Value: 0.25, Limit: 30 * time.Second}, []string{"reset", `"elbow"`, "0.25", "30s", "reset.timeout", "effort_limit"}},
		{control.Fault{Kind: control.BadTorque, Name: "elbow", Value: math.Inf(-1), Step: 5}, []string{"controller", `"elbow"`, "-Inf", "time step 5"}},
		{control.Fault{Kind: control.BadTorque, Name: "elbow", Value: math.NaN(), Step: -1}, []string{"position controller", `"elbow"`, "NaN", "reset.stiffness"}},
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
	for k := control.NoFault; k <= control.BadTorque+1; k++ {
		own := control.Fault{Kind: k, Err: errors.New("unreadable")}.String() != fmt.Sprintf("fault %d", k)
		if own != (k <= control.BadTorque) || own != seen[k] {
			t.Errorf("kind %d: has a text of its own %v, tested %v", k, own, seen[k])
		}
	}
}

func TestTickPartsAllocateNothing(t *testing.T) {
	g := control.NewGuard([]string{"a", "b"}, timeout, true)
	p := control.Position{Stiffness: []float64{6, 2}, Damping: []float64{3, 0.5}}
	s, torque, goal := reading(0), make([]float64, 2), []float64{1, 2}
	n := testing.AllocsPerRun(100, func() {
		s.Stamp = 5 - s.Stamp // back and forth
		_, f := g.Check(s, 1, 0)
		if f.Kind == control.NoFault {
			f = g.Silent(int64(time.Hour))
		}
		p.Act(torque, goal, s.Position, s.Velocity)
		control.Within(goal, s.Position, s.Velocity, 1, 1)
		control.Farthest(goal, s.Position)
	})
	if n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

// A driver that sends one reading again and again is frozen, unless it waits for commands.
func TestFrozen(t *testing.T) {
	const second = int64(time.Second)
	for _, waits := range []bool{false, true} {
		g := control.NewGuard([]string{"a"}, time.Second, waits)
		s := hardware.NewJointState(1)
		s.Stamp = 7
		now := second
		for range 11 {
			if _, fault := g.Check(s, now, 0); fault.Kind != control.NoFault {
				t.Fatalf("a repetition is no fault by itself: %v", fault)
			}
			now += second / 10
		}
		want := control.Frozen
		if waits {
			want = control.NoFault
		}
		if got := g.Silent(now); got.Kind != want {
			t.Errorf("waits %v: %v (%v), want kind %v", waits, got.Kind, got, want)
		}
		if due := g.Deadline(now - second/2); waits == (due == 2*second+1) {
			t.Errorf("waits %v: deadline %d", waits, due)
		}
		g.Unpaced()
		if got := g.Silent(now); got.Kind != control.Frozen {
			t.Errorf("waits %v, then not: %v", waits, got)
		}
	}
}
