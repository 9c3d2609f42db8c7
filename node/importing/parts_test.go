package importing

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

// read returns what becomes of a file, and checks what it says.
func read(t *testing.T, data []byte, c Config, trials int, notes ...string) *Motion {
	t.Helper()
	m, err := Read(save(t, "motion.mcap", data), c)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Trials) != trials || len(m.Notes) != len(notes) {
		t.Fatalf("%d rollouts, notes %q; want %d, %q", len(m.Trials), m.Notes, trials, notes)
	}
	for i, note := range notes {
		if !strings.Contains(m.Notes[i], "motion.mcap: ") || !strings.Contains(m.Notes[i], note) {
			t.Errorf("note %q, want %q", m.Notes[i], note)
		}
	}
	for n, trial := range m.Trials {
		if int(trial.Rollout.Sample) != n {
			t.Errorf("rollout %d is sample %d", n, trial.Rollout.Sample)
		}
	}
	return m
}

// begins returns when a trial begins, after the first row of a recording.
func begins(m *Motion, trial int) float64 {
	s := m.Trials[trial].Rollout.Header.Stamp
	return float64(s.Sec) - 100 + float64(s.Nanosec)/1e9
}

// The joint states are there before the commands, and after them.
func TestRowsWithoutCommands(t *testing.T) {
	data := recordedFor(t, func(k int) bool { return k >= 21 && k <= 80 }, nil)
	c := config()
	early, late := "21 rows come (0.21 s) before the first command of topic /arm/commands: left out", "s) without a command of topic /arm/commands for more than 5 times the usual time (--max-gap): left out"
	// The last command comes nearly 5 intervals before row 85, and row 86 ends the motion.
	m := read(t, data, c, 1, early, "14 rows were (0.13 "+late)
	if r := &m.Trials[0].Rollout; r.Steps != 32 || math.Abs(begins(m, 0)-0.21) > 1e-9 {
		t.Errorf("%d steps from %v s on", r.Steps, begins(m, 0))
	}
	m.Trials[0].Rollout.Steps = 29 // later efforts are held
	checkTruth(t, m.Trials[0], 0.21)
	// What is before the beginning is not left out: it was not asked for.
	c.Begin = 0.1
	read(t, data, c, 1, "11 rows come (0.11 s) before", late)
	c.Begin = 0.23
	if m := read(t, data, c, 1, late); math.Abs(begins(m, 0)-0.23) > 1e-9 {
		t.Errorf("begins at %v s", begins(m, 0))
	}
	// Efforts that are held for any time have a first command still.
	c.Begin, c.MaxGap = 0, 0
	if m := read(t, data, c, 1, early); m.Trials[0].Rollout.Steps != 39 {
		t.Errorf("%d steps, want 39", m.Trials[0].Rollout.Steps)
	}
}

// Commands that stop in the middle part a motion.
func TestCommandsStop(t *testing.T) {
	m := read(t, recordedFor(t, func(k int) bool { return k < 30 || k >= 60 }, nil), config(), 2, "24 rows were (0.24 s) without a command")
	if math.Abs(begins(m, 0)) > 1e-9 || math.Abs(begins(m, 1)-0.6) > 1e-9 {
		t.Errorf("begin at %v and %v s, want 0 and 0.6", begins(m, 0), begins(m, 1))
	}
	checkTruth(t, m.Trials[1], 0.6)
}

// paused is a recording with pauses of a second after rows 20, 22 and 71.
func paused(k int, s *sensor_msgs.JointState, _ *int64) {
	for _, last := range []int{20, 22, 71} {
		if k > last {
			s.Header.Stamp.Sec++
		}
	}
}

// Each stretch is cut into rollouts by itself, with its own messages.
func TestPauses(t *testing.T) {
	c := config()
	c.Steps = 10
	cut := "cut into 4 stretches by 3 pauses of more than 0.05 s (--max-gap 5 times the usual 0.01 s), the longest of 1.01 s from 0.2 s to 1.21 s after the first row"
	m := read(t, recorded(t, paused), c, 4, cut, "1 stretch is shorter than a rollout of 10 steps (0.2 s), 0.01 s together: left out", "the ends of 2 stretches, 0.16 s together")
	for n, want := range []float64{0, 0.23, 0.43, 0.72} {
		shift := []float64{0, 2, 2, 3}[n]
		if math.Abs(begins(m, n)-want-shift) > 1e-9 {
			t.Errorf("rollout %d begins at %v s, want %v", n, begins(m, n), want+shift)
		}
		checkTruth(t, m.Trials[n], want)
		if states, commands := m.Trials[n].JointStates.Len(), m.Trials[n].Commands.Len(); states != 21 || commands != 20 {
			t.Errorf("rollout %d: %d joint states, %d commands", n, states, commands)
		}
	}
	// Whole stretches, from a time in a pause on.
	c.Steps, c.Begin = 0, 1
	m = read(t, recorded(t, paused), c, 2, "cut into 3 stretches by 3 pauses", "1 stretch is shorter than a rollout of 1 step (0.02 s)")
	if math.Abs(begins(m, 0)-2.23) > 1e-9 || m.Trials[0].Rollout.Steps != 24 || m.Trials[1].Rollout.Steps != 14 {
		t.Errorf("begins at %v s, %d and %d steps", begins(m, 0), m.Trials[0].Rollout.Steps, m.Trials[1].Rollout.Steps)
	}
	// Pauses before that time were not asked for.
	c.Begin = 2.3
	read(t, recorded(t, paused), c, 2, "cut into 2 stretches by 1 pause of")
	// Any gap is allowed, but not of any number of steps.
	long := recorded(t, func(k int, s *sensor_msgs.JointState, _ *int64) {
		if k > 50 {
			s.Header.Stamp.Sec += 1e9
		}
	})
	c.Begin, c.MaxGap, c.Steps = 0, 0, 10
	if _, err := Read(save(t, "motion.mcap", long), c); !errors.Is(err, ErrMotion) || !strings.Contains(err.Error(), "need at most 5000000 time steps of 0.02 s in all: cut it at its pauses (--max-gap)") {
		t.Errorf("error %v", err)
	}
	c.Steps = 0
	c.Begin, c.MaxGap = 0, 0
	if m := read(t, recorded(t, paused), c, 1); m.Trials[0].Rollout.Steps != 200 {
		t.Errorf("%d steps, want 200", m.Trials[0].Rollout.Steps)
	}
}

// A clock that is set back, with or without that of the machine that records, begins a stretch; the time
// to begin at is counted over them.
func TestClockSetBack(t *testing.T) {
	for name, receives := range map[string]int64{"stamps alone": 0, "both": -500_000_000} {
		data := recorded(t, func(k int, s *sensor_msgs.JointState, receive *int64) {
			if k > 50 {
				s.Header.Stamp = jointState(k - 46).Header.Stamp // again what the stamps were
				*receive += receives
			}
		})
		c := config()
		c.Steps = 10
		notes := []string{"cut into 2 stretches by a clock that was set back once", "the ends of 2 stretches"}
		if receives != 0 {
			notes = append(notes, "the machine that recorded it was set back once")
		}
		m := read(t, data, c, 4, notes...)
		for n, want := range []float64{0, 0.2, 0.51, 0.71} {
			checkTruth(t, m.Trials[n], want)
			if states, commands := m.Trials[n].JointStates.Len(), m.Trials[n].Commands.Len(); states != 21 || commands != 20 {
				t.Errorf("%s: rollout %d: %d joint states, %d commands", name, n, states, commands)
			}
			var command std_msgs.Float64MultiArray
			data, _, _ := m.Trials[n].Commands.At(0)
			if err := command.UnmarshalCDR(data); err != nil || command.Data[0] != torque(int(math.Round(want * rate)))[0] {
				t.Errorf("%s: rollout %d: first command %v, %v", name, n, command.Data, err)
			}
		}
		if math.Abs(begins(m, 2)-0.05) > 1e-9 {
			t.Errorf("%s: begins at %v s", name, begins(m, 2))
		}
		c.Begin, c.Steps = 0.6, 0 // 0.1 s after the second stretch's first row
		m, err := Read(save(t, "motion.mcap", data), c)
		if err != nil || len(m.Trials) != 1 {
			t.Fatalf("%s: %+v, %v", name, m, err)
		}
		checkTruth(t, m.Trials[0], 0.61)
	}
}

// A gap across the beginning of a rollout shifts nothing: q = t on both sides of it.
func TestGapAcrossBeginning(t *testing.T) {
	text := "time,a.position,a.velocity,a.effort\n"
	for k := range 301 {
		if k > 97 && k < 102 {
			continue
		}
		text += fmt.Sprintf("%v,%v,1,%v\n", float64(k)/100, float64(k)/100, k)
	}
	c := DefaultConfig()
	c.Steps = 20
	m, err := Read(save(t, "motion.csv", []byte(text)), c)
	if err != nil || len(m.Trials) != 3 {
		t.Fatalf("%+v, %v", m, err)
	}
	r := &m.Trials[1].Rollout
	for k := range 21 {
		if want := 1 + 0.05*float64(k); math.Abs(r.States[2*k]-want) > 1e-9 {
			t.Errorf("state of step %d is %v, want %v", k, r.States[2*k], want)
		}
	}
	// Row 97's effort holds until 1.02 s.
	if want := (97*2 + 102 + 103 + 104) / 5.; math.Abs(r.Actions[0]-want) > 1e-9 {
		t.Errorf("first action %v, want %v", r.Actions[0], want)
	}
}
