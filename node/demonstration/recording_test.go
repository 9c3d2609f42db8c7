package demonstration

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
)

// with are the topics of joint states and commands.
var with = Topics{"joint_states", "commands"}

// answered are n rows from a row on, each with a command, (row, -row), 1 ms after it.
func answered(first, n int, edit func(i int, s *sensor_msgs.JointState)) (list []message) {
	for i, s := range states(first, n, edit) {
		list = append(list, s, message{"/commands", s.received + 1, command(float64(first+i), -float64(first+i))})
	}
	return list
}

func nearly(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(v, w float64) bool { return v == w || math.Abs(v-w) < 1e-9 })
}

// Commands that begin late and stop early say how old each row's effort is.
func TestCommandAge(t *testing.T) {
	list := slices.Concat(states(0, 2, nil), answered(2, 3, nil), states(5, 2, nil))
	got, err := readBytes(t, write(t, mcap.CompressionNone, list...), with)
	if err != nil {
		t.Fatal(err)
	}
	inf := math.Inf(1)
	// Commands and rows are 10 ms apart; the last command comes 9 ms before the row after it.
	if !nearly(got.CommandAge, []float64{inf, inf, 0, 0, 0, 0.9, 1.9}) || got.Uncommanded() != 2 {
		t.Errorf("ages %v, %d uncommanded", got.CommandAge, got.Uncommanded())
	}
	if !slices.Equal(got.Effort, []float64{0, 0, 0, 0, 2, -2, 3, -3, 4, -4, 4, -4, 4, -4}) {
		t.Errorf("efforts %v", got.Effort)
	}
	if alone, err := readBytes(t, write(t, mcap.CompressionNone, list...), topics); err != nil || alone.CommandAge != nil || alone.Uncommanded() != 0 {
		t.Errorf("without commands: %+v, %v", alone, err)
	}
}

// A clock that is set back begins a stretch, whose rows know nothing of the commands before it.
func TestClockRestarts(t *testing.T) {
	for name, c := range map[string]struct {
		later  uint64 // how much later the second session is received, in ms
		edited func(list []message)
	}{
		"a machine's clock that goes on": {1000, func([]message) {}},
		"all clocks set back":            {0, func([]message) {}},
	} {
		second := slices.Concat(states(0, 2, nil), answered(2, 3, nil))
		for i := range second {
			second[i].received += c.later
		}
		list := slices.Concat(answered(0, 4, nil), second)
		got, losses, err := Salvage(save(t, filepath.Join(t.TempDir(), "motion.mcap"), write(t, mcap.CompressionNone, list...)), joints, with)
		if err != nil || len(losses) != 0 || len(got) != 2 {
			t.Fatalf("%s: %d stretches, losses %v, %v", name, len(got), losses, err)
		}
		inf := math.Inf(1)
		if !nearly(got[0].CommandAge, []float64{0, 0, 0, 0}) || !nearly(got[1].CommandAge, []float64{inf, inf, 0, 0, 0}) {
			t.Errorf("%s: ages %v and %v", name, got[0].CommandAge, got[1].CommandAge)
		}
		if !equal(&Stretch{Trajectory: &trajectory.Trajectory{Time: got[1].Time, Position: got[1].Position}}, want(5)) || !slices.Equal(got[1].Effort, []float64{0, 0, 0, 0, 2, -2, 3, -3, 4, -4}) {
			t.Errorf("%s: %+v", name, got[1].Trajectory)
		}
		if got[0].From != 0 || got[0].To != 4 || got[1].From != 4 || got[1].To != 9 || got[1].Stamp != 100e9 {
			t.Errorf("%s: messages %d to %d and %d to %d, stamp %d", name, got[0].From, got[0].To, got[1].From, got[1].To, got[1].Stamp)
		}
	}
}

// A trial that a run recorded is a stretch, however soon the next one follows; other files of a bag
// go on with each other.
func TestTrialsAreStretches(t *testing.T) {
	trial := func(first, n int) []message {
		return append(states(first, n, nil), message{"/rollout", uint64(500 + 10*(first+n) - 1), new(guided_policy_search_msgs.Rollout)})
	}
	dir := t.TempDir()
	for name, list := range map[string][]message{"0": states(0, 2, nil), "1": states(2, 3, nil), "2": trial(5, 4), "3": trial(9, 2), "4": states(11, 3, nil), "5": states(14, 1, nil)} {
		save(t, filepath.Join(dir, name+".mcap"), write(t, mcap.CompressionNone, list...))
	}
	save(t, filepath.Join(dir, "metadata.yaml"), []byte(metadataText("mcap", "0.mcap", "1.mcap", "2.mcap", "3.mcap", "4.mcap", "5.mcap")))
	got, _, err := Salvage(dir, joints, topics)
	if err != nil {
		t.Fatal(err)
	}
	first := 0
	for i, n := range []int{5, 4, 2, 4} {
		if len(got) != 4 {
			t.Fatalf("%d stretches, want 4", len(got))
		}
		s := got[i]
		if !nearly(s.Time, want(n).Time) || s.From != first || s.To != first+n || s.Stamp != int64(100e9+first*10e6) || s.Position[0] != float64(first) {
			t.Errorf("stretch %d: times %v, messages %d to %d, stamp %d", i, s.Time, s.From, s.To, s.Stamp)
		}
		first += n
	}
	if one, err := Read(dir, joints, topics); err != nil || !equal(one, want(15)) {
		t.Errorf("as one motion: %+v, %v", one, err)
	}
}

// Between two rows a motion begins on the cubic through them: q = t^2 and t^3 with their slopes.
func TestBegin(t *testing.T) {
	m := &trajectory.Trajectory{Effort: []float64{1, 2, 3, 4, 5, 6}}
	for _, at := range []float64{0.5, 1.5, 2} {
		m.Time = append(m.Time, at)
		m.Position, m.Velocity = append(m.Position, at*at, at*at*at), append(m.Velocity, 2*at, 3*at*at)
	}
	d, err := Begin(m, 1.2)
	if err != nil {
		t.Fatal(err)
	}
	if !nearly(d.Time, []float64{1.2, 1.5, 2}) || !nearly(d.Position[:4], []float64{1.44, 1.728, 2.25, 3.375}) || !nearly(d.Velocity[:2], []float64{2.4, 4.32}) || !slices.Equal(d.Effort, m.Effort) || d.DU != 2 {
		t.Errorf("%+v", d)
	}
	if d, err := Begin(m, 1.5); err != nil || len(d.Time) != 2 || d.Position[0] != 2.25 || d.Effort[0] != 3 {
		t.Errorf("at a row: %+v, %v", d, err)
	}
	if _, err := Begin(m, 2); err == nil {
		t.Error("a motion of one row")
	}
}

// The clock of a machine that is set back is so for both topics; commands alone are out of order.
func TestReception(t *testing.T) {
	place := func(r *Reception, list ...int64) (out []int64) { // topics and times in turn
		for i := 0; i < len(list); i += 2 {
			out = append(out, r.Place(int(list[i]), list[i+1]))
		}
		return out
	}
	for name, list := range map[string][]int64{"joint states first": {0, 50, 1, 51, 0, 60, 1, 61, 0, 20, 1, 21, 0, 30}, "commands first": {0, 50, 1, 51, 0, 60, 1, 61, 1, 20, 0, 20, 0, 30}} {
		var r Reception
		if out := place(&r, list...); !slices.IsSorted(out) || r.SetBack() != 1 || r.OutOfOrder() || out[6]-out[5] != 30-list[11] {
			t.Errorf("%s: %v, set back %d times, %v", name, out, r.SetBack(), r.OutOfOrder())
		}
	}
	for name, list := range map[string][]int64{"commands": {0, 50, 1, 55, 1, 52, 0, 60}, "at the end": {0, 50, 1, 55, 1, 52}} {
		var r Reception
		if place(&r, list...); !r.OutOfOrder() {
			t.Errorf("%s: in order", name)
		}
	}
}
