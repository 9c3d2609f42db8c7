package rosio_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/rosio"
)

var joints = []string{"shoulder", "elbow", "wrist"}

// jointState returns the payload of a message.
func jointState(names []string, position, velocity []float64) []byte {
	m := sensor_msgs.JointState{Name: names, Position: position, Velocity: velocity}
	m.Header.Stamp = builtin_interfaces.Time{Sec: 7, Nanosec: 5}
	return m.AppendCDR(nil)
}

func TestJointReaderOrders(t *testing.T) {
	r, got := rosio.NewJointReader(joints, true), hardware.NewJointState(3)
	// One reader takes one message after the other, whose order changes.
	for _, c := range []struct {
		name               string
		names              []string
		position, velocity []float64
	}{
		{"in order", joints, []float64{1, 2, 3}, []float64{4, 5, 6}},
		{"reversed", []string{"wrist", "elbow", "shoulder"}, []float64{3, 2, 1}, []float64{6, 5, 4}},
		{"among others", []string{"gripper", "elbow", "base", "wrist", "shoulder", "wheel"}, []float64{0, 2, 0, 3, 1, 0}, []float64{0, 5, 0, 6, 4, 0}},
		{"in order again", joints, []float64{1, 2, 3}, []float64{4, 5, 6}},
		{"named twice", []string{"shoulder", "elbow", "wrist", "elbow"}, []float64{1, 2, 3, 9}, []float64{4, 5, 6, 9}},
		{"others have no place", []string{"shoulder", "elbow", "wrist", "wheel"}, []float64{1, 2, 3}, []float64{4, 5, 6}},
		{"others are not finite", []string{"wheel", "shoulder", "elbow", "wrist"}, []float64{math.NaN(), 1, 2, 3}, []float64{math.Inf(1), 4, 5, 6}},
		{"more numbers than names", joints, []float64{1, 2, 3, 4}, []float64{4, 5, 6, 7}},
	} {
		got.Position[0], got.Velocity[2], got.Stamp = -1, -1, -1
		if err := r.Read(got, jointState(c.names, c.position, c.velocity)); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.Equal(got.Position, []float64{1, 2, 3}) || !slices.Equal(got.Velocity, []float64{4, 5, 6}) || got.Stamp != 7_000_000_005 {
			t.Errorf("%s: read %+v", c.name, got)
		}
	}
}

func TestJointReaderRefuses(t *testing.T) {
	three := []float64{1, 2, 3}
	for _, c := range []struct {
		name    string
		payload []byte
		is      error
		says    []string
	}{
		{"joint missing", jointState([]string{"shoulder", "wrist"}, three, three), rosio.ErrMessage, []string{"joint_states", `"elbow" is missing`, `"shoulder" "wrist"`}},
		{"no names", jointState(nil, three, three), rosio.ErrMessage, []string{`"shoulder" is missing`}},
		{"other case", jointState([]string{"Shoulder", "elbow", "wrist"}, three, three), rosio.ErrMessage, []string{`"shoulder" is missing`, `"Shoulder"`}},
		{"short position", jointState(joints, three[:2], three), rosio.ErrMessage, []string{"3 names", "2 positions", `"wrist"`}},
		{"no velocity", jointState(joints, three, nil), rosio.ErrMessage, []string{"0 velocities", `"shoulder"`}},
		{"empty", nil, cdr.ErrTruncated, []string{"joint_states"}},
		{"header only", []byte{0, 1, 0, 0}, cdr.ErrTruncated, []string{"joint_states"}},
		{"cut off", jointState(joints, three, three)[:90], cdr.ErrTruncated, []string{"joint_states"}},
		{"other encapsulation", append([]byte{0, 9}, jointState(joints, three, three)[2:]...), cdr.ErrHeader, []string{"joint_states"}},
		{"text", []byte("hello world, hello world, hello world"), nil, []string{"joint_states"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rosio.NewJointReader(joints, true)
			err := r.Read(hardware.NewJointState(3), c.payload)
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("error %v, want %v", err, c.is)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			got := hardware.NewJointState(3)
			if err := r.Read(got, jointState(joints, three, three)); err != nil || got.Position[2] != 3 {
				t.Errorf("the good message after it: %v, %+v", err, got)
			}
		})
	}
}

// TestErrorsStayShort: a message as long as the network allows does not fill the log.
func TestErrorsStayShort(t *testing.T) {
	names := make([]string, 20_000)
	for i := range names {
		names[i] = strings.Repeat("x", 300)
	}
	err := rosio.NewJointReader(joints, true).Read(hardware.NewJointState(3), jointState(names, nil, nil))
	if !errors.Is(err, rosio.ErrMessage) || len(err.Error()) > 4000 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
	if !strings.Contains(err.Error(), "19984 more") {
		t.Errorf("error %.300q does not say how many names there are", err)
	}
}

func TestJointReaderAllocatesNothing(t *testing.T) {
	r, got := rosio.NewJointReader(joints, true), hardware.NewJointState(3)
	three := []float64{1, 2, 3}
	payload := jointState(joints, three, three)
	if n := testing.AllocsPerRun(100, func() {
		if err := r.Read(got, payload); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("Read allocates %v times", n)
	}
}

func TestJointWriter(t *testing.T) {
	w, r, got := rosio.NewJointWriter(joints), rosio.NewJointReader(joints, true), hardware.NewJointState(3)
	for stamp := range int64(3) {
		if err := r.Read(got, w.Write(stamp, []float64{1, 2, float64(stamp)}, []float64{4, 5, 6})); err != nil {
			t.Fatal(err)
		}
		if got.Stamp != stamp || !slices.Equal(got.Position, []float64{1, 2, float64(stamp)}) || !slices.Equal(got.Velocity, []float64{4, 5, 6}) {
			t.Errorf("read %+v", got)
		}
	}
	if n := testing.AllocsPerRun(100, func() { w.Write(1, got.Position, got.Velocity) }); n != 0 {
		t.Errorf("Write allocates %v times", n)
	}
}

// let returns torques that a filter has let through.
func let(t *testing.T, torque []float64) safety.Torque {
	t.Helper()
	cfg := safety.DefaultConfig()
	cfg.RampTime = 0
	r := safety.Robot{Joints: []string{"a", "b", "c"}[:len(torque)], EffortLimit: slices.Repeat([]float64{1e30}, len(torque))}
	f, err := safety.New(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	return f.Tick(hardware.NewJointState(len(torque)), torque, safety.Position, 1)
}

func TestEfforts(t *testing.T) {
	var w rosio.EffortWriter
	var r rosio.EffortReader
	torque := []float64{1, -2.5, 1e30}
	passed := let(t, torque)
	for range 2 {
		got, err := r.Read(w.Write(passed), 3)
		if err != nil || !slices.Equal(got, torque) {
			t.Errorf("read %v, %v", got, err)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := r.Read(w.Write(passed), 3); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("writing and reading allocate %v times", n)
	}
	for _, c := range []struct {
		name    string
		payload []byte
		is      error
		says    string
	}{
		{"too few", (&std_msgs.Float64MultiArray{Data: torque[:2]}).AppendCDR(nil), rosio.ErrMessage, "2 efforts, need 3"},
		{"too many", (&std_msgs.Float64MultiArray{Data: make([]float64, 4)}).AppendCDR(nil), rosio.ErrMessage, "4 efforts, need 3"},
		{"none", (&std_msgs.Float64MultiArray{}).AppendCDR(nil), rosio.ErrMessage, "0 efforts"},
		{"NaN", (&std_msgs.Float64MultiArray{Data: []float64{0, math.NaN(), 0}}).AppendCDR(nil), rosio.ErrMessage, "effort 1 is NaN"},
		{"infinite", (&std_msgs.Float64MultiArray{Data: []float64{0, 0, math.Inf(-1)}}).AppendCDR(nil), rosio.ErrMessage, "effort 2 is -Inf"},
		{"cut off", slices.Clone(w.Write(passed))[:20], cdr.ErrTruncated, "commands"},
		{"empty", nil, cdr.ErrTruncated, "commands"},
	} {
		got, err := r.Read(c.payload, 3)
		if !errors.Is(err, c.is) || got != nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "commands") {
			t.Errorf("%s: %v, error %v", c.name, got, err)
		}
	}
}

func TestStamps(t *testing.T) {
	for _, c := range []struct {
		ns   int64
		time builtin_interfaces.Time
	}{
		{0, builtin_interfaces.Time{}},
		{1, builtin_interfaces.Time{Nanosec: 1}},
		{1_999_999_999, builtin_interfaces.Time{Sec: 1, Nanosec: 999_999_999}},
		{-1, builtin_interfaces.Time{Sec: -1, Nanosec: 999_999_999}},
		{-1_000_000_000, builtin_interfaces.Time{Sec: -1}},
		{-1_500_000_000, builtin_interfaces.Time{Sec: -2, Nanosec: 500_000_000}},
		{math.MaxInt32*1_000_000_000 + 999_999_999, builtin_interfaces.Time{Sec: math.MaxInt32, Nanosec: 999_999_999}},
		{math.MinInt32 * 1_000_000_000, builtin_interfaces.Time{Sec: math.MinInt32}},
	} {
		if got := rosio.Stamp(c.ns); got != c.time {
			t.Errorf("Stamp(%d) = %+v, want %+v", c.ns, got, c.time)
		}
		if got := rosio.Nanoseconds(c.time); got != c.ns {
			t.Errorf("Nanoseconds(%+v) = %d, want %d", c.time, got, c.ns)
		}
	}
	// Nanoseconds beyond a second count on.
	if got := rosio.Nanoseconds(builtin_interfaces.Time{Sec: 1, Nanosec: math.MaxUint32}); got != 5_294_967_295 {
		t.Errorf("got %d", got)
	}
}

func FuzzJointReader(f *testing.F) {
	three := []float64{1, 2, 3}
	f.Add(jointState(joints, three, three))
	f.Add(jointState([]string{"wrist", "elbow", "shoulder", "wheel"}, three, three))
	f.Add(jointState(joints[:2], three, nil))
	f.Add([]byte{0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, got := rosio.NewJointReader(joints, true), hardware.NewJointState(3)
		err := r.Read(got, payload)
		// What was read before must not show.
		again := rosio.NewJointReader(joints, true)
		if err := again.Read(hardware.NewJointState(3), jointState([]string{"a", "b", "wrist", "elbow", "shoulder"}, make([]float64, 5), make([]float64, 5))); err != nil {
			t.Fatal(err)
		}
		second := hardware.NewJointState(3)
		if err2 := again.Read(second, payload); (err == nil) != (err2 == nil) {
			t.Fatalf("a new reader: %v; a used one: %v", err, err2)
		}
		if err != nil {
			return
		}
		w := rosio.NewJointWriter(joints)
		for i := range joints {
			a, b := math.Float64bits(got.Position[i]), math.Float64bits(second.Position[i])
			c, d := math.Float64bits(got.Velocity[i]), math.Float64bits(second.Velocity[i])
			if a != b && !namedTwice(payload) || c != d && !namedTwice(payload) || got.Stamp != second.Stamp {
				t.Fatalf("a new reader: %+v; a used one: %+v", got, second)
			}
		}
		third := hardware.NewJointState(3)
		if err := r.Read(third, w.Write(got.Stamp, got.Position, got.Velocity)); err != nil {
			t.Fatal(err)
		}
		if third.Stamp != got.Stamp && got.Stamp < math.MaxInt32*1_000_000_000 {
			t.Fatalf("stamp %d came back as %d", got.Stamp, third.Stamp)
		}
	})
}

// namedTwice tells whether a message names a joint twice: either place is right then.
func namedTwice(payload []byte) bool {
	var m sensor_msgs.JointState
	if err := m.UnmarshalCDR(payload); err != nil {
		return false
	}
	for _, joint := range joints {
		first := slices.Index(m.Name, joint)
		if first >= 0 && slices.Contains(m.Name[first+1:], joint) {
			return true
		}
	}
	return false
}
