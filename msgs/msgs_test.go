package msgs_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/cdr"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		message msgs.Message
		name    string
	}{
		{&sensor_msgs.JointState{}, "sensor_msgs/msg/JointState"},
		{&std_srvs.Trigger_Request{}, "std_srvs/srv/Trigger_Request"},
		{&gps.TrialCommand{}, "guided_policy_search_msgs/msg/TrialCommand"},
	} {
		if got := c.message.TypeName(); got != c.name {
			t.Errorf("TypeName %q, want %q", got, c.name)
		}
	}
}

// TestServices has each service, and nothing else, give the hashes of its two messages.
func TestServices(t *testing.T) {
	hashes := map[string]string{}
	for _, m := range newMessages() {
		hashes[m.TypeName()] = m.TypeHash()
		if _, ok := m.(msgs.Service); ok {
			t.Errorf("%s is a service, want a message", m.TypeName())
		}
	}
	n := 0
	for _, m := range newOthers() {
		request, response := hashes[m.TypeName()+"_Request"], hashes[m.TypeName()+"_Response"]
		service, ok := m.(msgs.Service)
		if ok != (request != "") {
			t.Errorf("%s is a service: %v, want %v", m.TypeName(), ok, request != "")
		}
		if !ok {
			continue
		}
		n++
		if service.RequestHash() != request || service.ResponseHash() != response {
			t.Errorf("%s: hashes %q and %q, want %q and %q", m.TypeName(), service.RequestHash(), service.ResponseHash(), request, response)
		}
	}
	if n < 15 {
		t.Errorf("%d services, want 15 or more", n)
	}
}

// TestDefinitions checks that every type named in a definition text is in the text.
func TestDefinitions(t *testing.T) {
	separator := "\n" + strings.Repeat("=", 80) + "\nMSG: "
	for _, m := range newMessages() {
		parts := strings.Split("\n"+m.Definition(), separator)
		named := map[string]bool{}
		for _, part := range parts[1:] {
			name, _, _ := strings.Cut(part, "\n")
			if named[name] {
				t.Errorf("%s: %s twice", m.TypeName(), name)
			}
			named[name] = true
		}
		typ := reflect.TypeOf(m).Elem()
		contained := map[string]bool{}
		collect(typ, contained)
		if len(contained) != len(named) {
			t.Errorf("%s: definition names %v, the Go type contains %v", m.TypeName(), named, contained)
		}
		for name := range contained {
			if !named[name] {
				t.Errorf("%s: no definition of %s", m.TypeName(), name)
			}
		}
	}
}

// collect notes the names of all messages inside typ.
func collect(typ reflect.Type, names map[string]bool) {
	switch typ.Kind() {
	case reflect.Slice, reflect.Array:
		collect(typ.Elem(), names)
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i).Type
			for f.Kind() == reflect.Slice || f.Kind() == reflect.Array {
				f = f.Elem()
			}
			if f.Kind() == reflect.Struct {
				m := reflect.New(f).Interface().(msgs.Message)
				names[strings.Replace(m.TypeName(), "/msg/", "/", 1)] = true
				collect(f, names)
			}
		}
	}
}

func jointState() *sensor_msgs.JointState {
	return &sensor_msgs.JointState{
		Header: std_msgs.Header{FrameId: "base"},
		Name:   []string{"shoulder", "elbow"}, Position: []float64{1, 2}, Velocity: []float64{3, math.Inf(1)},
		Effort: []float64{math.NaN(), math.Copysign(0, -1)},
	}
}

// TestAllocations holds the messages of the control tick to no allocation.
func TestAllocations(t *testing.T) {
	for _, c := range []struct{ from, to msgs.Message }{
		{jointState(), &sensor_msgs.JointState{}},
		{&std_msgs.Float64MultiArray{
			Layout: std_msgs.MultiArrayLayout{Dim: []std_msgs.MultiArrayDimension{{Label: "joints", Size: 2, Stride: 2}}},
			Data:   []float64{1, 2}}, &std_msgs.Float64MultiArray{}},
		{&rosgraph_msgs.Clock{}, &rosgraph_msgs.Clock{}},
	} {
		buf := c.from.AppendCDR(nil)
		big := referenceEncode(reflect.ValueOf(c.from).Elem(), true)
		n := testing.AllocsPerRun(100, func() {
			buf = c.from.AppendCDR(buf[:0])
			if err := c.to.UnmarshalCDR(buf); err != nil {
				t.Fatal(err)
			}
			if err := c.to.UnmarshalCDR(big); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", c.from.TypeName(), n)
		}
		if got := c.to.AppendCDR(nil); !bytes.Equal(got, buf) {
			t.Errorf("%s: decoded as %x, want %x", c.from.TypeName(), got, buf)
		}
	}
}

// TestReuse checks that memory is kept when messages shrink and grow again.
func TestReuse(t *testing.T) {
	long, short := jointState(), jointState()
	short.Name, short.Position = short.Name[:1], nil
	a, b := long.AppendCDR(nil), short.AppendCDR(nil)
	var m sensor_msgs.JointState
	if err := m.UnmarshalCDR(a); err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(100, func() {
		if m.UnmarshalCDR(b) != nil || len(m.Name) != 1 || len(m.Position) != 0 {
			t.Fatal("short message not read")
		}
		if m.UnmarshalCDR(a) != nil || len(m.Name) != 2 || len(m.Position) != 2 {
			t.Fatal("long message not read")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	js := jointState().AppendCDR(nil)
	descriptor := (&rcl_interfaces.DescribeParameters_Response{Descriptors: []rcl_interfaces.ParameterDescriptor{
		{}, {FloatingPointRange: []rcl_interfaces.FloatingPointRange{{}}}}}).AppendCDR(nil)
	edit := func(src []byte, at int, b byte) []byte {
		src = bytes.Clone(src)
		src[at] = b
		return src
	}
	for _, c := range []struct {
		name    string
		message msgs.Message
		src     []byte
		kind    error
		text    string
	}{
		{"empty", &std_msgs.Bool{}, nil, cdr.ErrTruncated,
			"cdr: payload too short: std_msgs/msg/Bool at byte 0: 0 bytes, want a header of 4 and a body"},
		{"header", &std_msgs.Bool{}, []byte{0, 7, 0, 0, 1}, cdr.ErrHeader,
			"cdr: not a plain CDR header: std_msgs/msg/Bool at byte 0: encapsulation 00 07, want 00 00 (big endian) or 00 01 (little endian)"},
		{"nested", &sensor_msgs.JointState{}, js[:10], cdr.ErrTruncated,
			"cdr: payload too short: sensor_msgs/msg/JointState.header.stamp.nanosec at byte 8: 2 bytes left, want 4 and 0 of padding"},
		{"element", &sensor_msgs.JointState{}, edit(js, 40, 'x'), cdr.ErrString,
			"cdr: string not terminated: sensor_msgs/msg/JointState.name[0] at byte 40: last of 9 bytes is 0x78, want 0"},
		{"length", &sensor_msgs.JointState{}, edit(js, 25, 9), cdr.ErrTruncated,
			"cdr: payload too short: sensor_msgs/msg/JointState.name at byte 24: length 2306 needs at least 9224 bytes"},
		{"bound", &rcl_interfaces.DescribeParameters_Response{}, edit(descriptor, len(descriptor)-32, 2), cdr.ErrBound,
			"descriptors[1].floating_point_range at byte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.message.UnmarshalCDR(c.src)
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got  %v\nwant %s", err, c.text)
			}
		})
	}
}

func TestOverBoundPanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(r.(string), "floating_point_range") {
			t.Errorf("recovered %v, want a panic that names the field", r)
		}
	}()
	m := rcl_interfaces.ParameterDescriptor{FloatingPointRange: make([]rcl_interfaces.FloatingPointRange, 2)}
	m.AppendCDR(nil)
}

// FuzzUnmarshalCDR feeds any bytes to any type: no panic, memory in proportion to the
// input, and what was read is written and read again the same.
func FuzzUnmarshalCDR(f *testing.F) {
	types := newMessages()
	for i, m := range types {
		f.Add(uint16(i), m.AppendCDR(nil))
		f.Add(uint16(i), referenceEncode(reflect.ValueOf(m).Elem(), true))
		if m.TypeName() == "sensor_msgs/msg/JointState" {
			f.Add(uint16(i), jointState().AppendCDR(nil))
		}
	}
	f.Fuzz(func(t *testing.T, which uint16, src []byte) {
		typ := reflect.TypeOf(types[int(which)%len(types)]).Elem()
		m := reflect.New(typ).Interface().(msgs.Message)
		if m.UnmarshalCDR(src) != nil {
			return
		}
		wire := m.AppendCDR(nil)
		if len(wire) > 2*len(src)+8 { // an empty string may have come without its zero byte
			t.Fatalf("%s: %d bytes read, %d written", m.TypeName(), len(src), len(wire))
		}
		again := reflect.New(typ).Interface().(msgs.Message)
		if err := again.UnmarshalCDR(wire); err != nil {
			t.Fatal(err)
		}
		if got := again.AppendCDR(nil); !bytes.Equal(got, wire) {
			t.Fatalf("%s: %x, then %x", m.TypeName(), wire, got)
		}
	})
}
