package e2e

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
)

// short makes runs of 2 iterations of 3 trials of 40 steps.
var short = []string{"iterations:=2", "samples:=3", "steps:=40"}

// shortAlone trains with the settings of short in one process.
func shortAlone(t *testing.T) trained {
	t.Helper()
	return train(t, filepath.Join(t.TempDir(), "alone"), "--iterations", "2", "--set", "samples=3", "--set", "steps=40")
}

// TestJointsInAnyOrder learns from joint states that name joints in another order and
// among others, and differently from one message to the next.
func TestJointsInAnyOrder(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	startFakeRobot(t, domain, func(k int, s *sensor_msgs.JointState) fault {
		q, dq := s.Position, s.Velocity
		switch k % 3 {
		case 1:
			s.Name = []string{"gripper", "joint2", "head", "joint1"}
			s.Position, s.Velocity, s.Effort = []float64{math.NaN(), q[1], 9, q[0]}, []float64{8, dq[1], math.Inf(1), dq[0]}, []float64{math.NaN(), 0, 0, 0}
		case 2:
			s.Name, s.Position, s.Velocity = []string{"joint2", "joint1", "wheel"}, []float64{q[1], q[0], 1e9}, []float64{dq[1], dq[0], 0}
		}
		return fault{}
	})
	n := startNode(t, domain, folder, short...)
	n.finish(0, 3)
	sameCosts(t, reports(t, folder), shortAlone(t).Iterations)
}

// TestFaults makes the robot err twice. Each time the torque goes to zero with the first
// bad message and stays so until the robot is well, the fault is said once, and the trial
// is repeated.
func TestFaults(t *testing.T) {
	t.Parallel()
	// Joint states of the first trial, and of a later one.
	first, second := 30, 225
	within := func(k, length int) bool {
		return first <= k && k < first+length || second <= k && k < second+length
	}
	for _, c := range []struct {
		name, said string
		stale      string
		change     func(k int, s *sensor_msgs.JointState) fault
	}{
		{name: "position is NaN", said: `joint "joint2" reads NaN`, change: func(k int, s *sensor_msgs.JointState) fault {
			if !within(k, 3) {
				return fault{}
			}
			s.Position[1] = math.NaN()
			return fault{bad: true}
		}},
		{name: "velocity is infinite", said: `joint "joint1" reads -Inf`, change: func(k int, s *sensor_msgs.JointState) fault {
			if !within(k, 1) {
				return fault{}
			}
			s.Velocity[0] = math.Inf(-1)
			return fault{bad: true}
		}},
		{name: "missing joint", said: `joint "joint2" is missing`, change: func(k int, s *sensor_msgs.JointState) fault {
			if !within(k, 4) {
				return fault{}
			}
			s.Name, s.Position, s.Velocity = []string{"joint1", "joint3"}, []float64{0, 0}, []float64{0, 0}
			return fault{bad: true}
		}},
		{name: "velocities are missing", said: `0 velocities`, change: func(k int, s *sensor_msgs.JointState) fault {
			if !within(k, 2) {
				return fault{}
			}
			s.Velocity = nil
			return fault{bad: true}
		}},
		{name: "no joint state", said: `joint_states: `, change: func(k int, s *sensor_msgs.JointState) fault {
			if !within(k, 2) {
				return fault{}
			}
			return fault{bad: true, payload: []byte{0, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}}
		}},
		{name: "stamps go backwards", said: `the stamp went back by`, change: func(k int, s *sensor_msgs.JointState) fault {
			if !within(k, 3) {
				return fault{}
			}
			s.Header.Stamp = rosio.Stamp(rosio.Nanoseconds(s.Header.Stamp) - 1e8*int64(1+k%100))
			return fault{bad: true}
		}},
		{name: "silence", said: `no joint_states for`, stale: "3.0", change: func(k int, s *sensor_msgs.JointState) fault {
			return fault{silent: within(k, 1), bad: within(k, 1)}
		}},
		{name: "gap", said: `are missing for`, change: func(k int, s *sensor_msgs.JointState) fault {
			// From here on the robot's time is ahead: as if joint states were lost.
			ahead := int64(0)
			for _, at := range []int{first, second} {
				if k >= at {
					ahead += 2e8
				}
			}
			s.Header.Stamp = rosio.Stamp(rosio.Nanoseconds(s.Header.Stamp) + ahead)
			return fault{bad: within(k, 1)}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			domain := ddsDomain(t)
			folder := filepath.Join(t.TempDir(), "run")
			robot := startFakeRobot(t, domain, c.change)
			// Without a ramp the torque is zero only where it has to be.
			parameters := append(slices.Clone(short), "safety.ramp_time:=0.0")
			if c.stale != "" {
				parameters = append(parameters, "safety.stale_timeout:="+c.stale)
			}
			n := startNode(t, domain, folder, parameters...)
			n.finish(0, 3)
			if faults, back := n.said("a fault is latched: "), n.said("the trial is repeated"); faults != 2 || back != 2 || n.said(c.said) != 2 {
				t.Errorf("said %d faults, of which %d of the kind, and %d recoveries, want 2 of each", faults, n.said(c.said), back)
			}
			if n := wholeFolder(t, folder); n != 6 {
				t.Errorf("%d recordings, want 6", n)
			}
			for _, r := range reports(t, folder) {
				if math.IsNaN(r.MeanCost) || math.IsInf(r.MeanCost, 0) || len(r.SampleCosts) != 3 {
					t.Errorf("iteration %d: mean cost %v, %d samples", r.Iteration, r.MeanCost, len(r.SampleCosts))
				}
			}
			checkTorque(t, robot.log(), 10)
		})
	}
}

// checkTorque wants zero torque in answer to bad joint states and to the good ones after
// them until the node trusts the robot again, and torque otherwise.
func checkTorque(t *testing.T, log []exchange, recoverySteps int) {
	t.Helper()
	zero, good, bad := 0, recoverySteps, 0
	for k, e := range log {
		good++
		if e.fault.bad {
			good = 0
			bad++
		}
		if e.fault.silent {
			good = 1 // the joint state itself is well
		}
		last := e.answers[len(e.answers)-1]
		if good < recoverySteps {
			for _, a := range e.answers {
				if !isZero(a) {
					t.Errorf("joint state %d, the %d. after a bad one: torque %v, want zero", k, good, a)
				}
			}
		} else if isZero(last) {
			zero++
		}
	}
	// Where the arm was put exactly at the goal of its reset the torque is zero until it has settled:
	// three joint states each for six trials and two that are repeated.
	if bad == 0 || zero > 3*8 {
		t.Errorf("%d bad joint states, %d answered with zero torque though the robot is well", bad, zero)
	}
}

// TestRobotKilled kills the simulated robot in mid-trial and starts it again, twice.
func TestRobotKilled(t *testing.T) {
	t.Parallel()
	domain := ddsDomain(t)
	folder := filepath.Join(t.TempDir(), "run")
	o := observe(t, domain, "")
	robot := startRobot(t, domain)
	n := startNode(t, domain, folder, "iterations:=6", "safety.stale_timeout:=3.0")
	for round, path := range []string{record.TrialPath(1, 0, 1), record.TrialPath(2, 0, 3)} {
		n.until(path+" is recorded", func() bool { return exists(folder, path) })
		states, _ := o.counts()
		n.until("the next trial runs", func() bool { now, _ := o.counts(); return now > states+60 })
		robot.kill()
		n.until("the fault is said", func() bool { return n.said("a fault is latched: no joint_states for") == round+1 })
		if !isZero(o.lastCommand()) {
			until(t, "the torque is zero", func() bool { return isZero(o.lastCommand()) })
		}
		robot = startRobot(t, domain)
		n.until("the robot is back", func() bool { return n.said("the trial is repeated") == round+1 })
	}
	n.finish(0, 3)
	if faults := n.said("a fault is latched"); faults != 2 {
		t.Errorf("%d faults were said, want 2", faults)
	}
	if got := wholeFolder(t, folder); got != 30 || len(reports(t, folder)) != 6 {
		t.Errorf("%d recordings, %d iterations, want 30 and 6", got, len(reports(t, folder)))
	}
	if n.said("ERROR") != 0 {
		t.Errorf("the log has an error:\n%s", n.stderr.String())
	}
}
