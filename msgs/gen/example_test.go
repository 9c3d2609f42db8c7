package gen_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/msgs/gen/internal/example_msgs"
)

// TestEverything reads back a message that has every kind of field.
func TestEverything(t *testing.T) {
	var m example_msgs.Everything
	m.SetDefaults()
	want := m
	want.Flag, want.Letter, want.I8, want.U16, want.I64 = true, 65, -8, 65535, math.MinInt64
	want.F32, want.F64, want.Text, want.Short = -1.5, 1e-3, "John's 'name' # one", "abc"
	want.Flags, want.Pair, want.Floats = [2]bool{true, false}, [2]string{"a, b", "c"}, []float32{0.5, -2}
	want.Turns[0].W, want.Turns[1].W = 1, 1
	if !reflect.DeepEqual(m, want) {
		t.Errorf("defaults %+v, want %+v", m, want)
	}

	m.Raw, m.U8, m.I16, m.I32, m.U32, m.U64 = 1, 2, -3, -4, 5, math.MaxUint64
	m.Header.FrameId, m.Triple, m.Few, m.Signed = "f", [3]int16{1, -2, 3}, []uint64{7, 8, 9}, []int8{-1, 1}
	m.Words, m.Tags, m.Both = []string{"", "w"}, []string{"abcd"}, []string{"x", "yz"}
	m.Bits, m.U16s, m.I32s, m.U32s = []bool{true}, []uint16{1, 2}, []int32{-1}, []uint32{1}
	m.Path = append(m.Path, m.Turns[:]...)
	m.Nothings, m.TypeName_ = make([]example_msgs.Nothing, 3), "t"
	wire := m.AppendCDR(nil)
	var got example_msgs.Everything
	if err := got.UnmarshalCDR(wire); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, m) {
		t.Errorf("read %+v, want %+v", got, m)
	}
	for n := range wire {
		if err := got.UnmarshalCDR(wire[:n]); !errors.Is(err, cdr.ErrTruncated) {
			t.Fatalf("%d of %d bytes: error %v", n, len(wire), err)
		}
	}
}

func TestConstants(t *testing.T) {
	if example_msgs.Everything_X != 123 || example_msgs.Everything_LOW != -128 || example_msgs.Everything_HIGH != math.MaxUint64 ||
		example_msgs.Everything_PI != float32(math.Pi) || !example_msgs.Everything_YES ||
		example_msgs.Everything_QUOTE != `it's # not a comment "here"` || example_msgs.Everything_BARE != "plain words" {
		t.Error("a constant has another value than its definition")
	}
}

// TestBounds checks each bound from both sides on the way in, and on the way out.
func TestBounds(t *testing.T) {
	over := map[string]func(*example_msgs.Everything){
		"short":    func(m *example_msgs.Everything) { m.Short = "abcdef" },
		"few":      func(m *example_msgs.Everything) { m.Few = make([]uint64, 4) },
		"words":    func(m *example_msgs.Everything) { m.Words = make([]string, 3) },
		"tags":     func(m *example_msgs.Everything) { m.Tags = []string{"abcde"} },
		"both":     func(m *example_msgs.Everything) { m.Both = []string{"", "abcde"} },
		"nothings": func(m *example_msgs.Everything) { m.Nothings = make([]example_msgs.Nothing, 5) },
	}
	for name, change := range over {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(r.(string), name) {
					t.Errorf("recovered %v, want a panic that names %s", r, name)
				}
			}()
			var m example_msgs.Everything
			change(&m)
			m.AppendCDR(nil)
		})
	}
}

// TestBoundsRead changes the byte at each place of a payload whose fields are at their
// bounds: for each bound there has to be one that goes over it, and is refused.
func TestBoundsRead(t *testing.T) {
	m := example_msgs.Everything{Short: "abcde", Few: make([]uint64, 3), Words: make([]string, 2),
		Tags: []string{"abcd"}, Both: []string{"abcd", "ab"}, Nothings: make([]example_msgs.Nothing, 4)}
	wire := m.AppendCDR(nil)
	if err := m.UnmarshalCDR(wire); err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	for i := cdr.HeaderSize; i < len(wire); i++ {
		src := bytes.Clone(wire)
		src[i]++
		var e *cdr.Error
		if err := m.UnmarshalCDR(src); errors.As(err, &e) && e.Err == cdr.ErrBound {
			refused[e.Field] = true
		}
	}
	for _, field := range []string{"short", "few", "words", "tags[0]", "both", "both[0]", "nothings"} {
		if !refused[field] {
			t.Errorf("%s was not refused over its bound", field)
		}
	}
}

// TestAction checks names and bytes of the types that follow from an action.
func TestAction(t *testing.T) {
	goal := example_msgs.Fibonacci_SendGoal_Request{Goal: example_msgs.Fibonacci_Goal{Order: 5}}
	goal.GoalId.Uuid[15] = 9
	if got, want := goal.TypeName(), "example_msgs/action/Fibonacci_SendGoal_Request"; got != want {
		t.Errorf("TypeName %q, want %q", got, want)
	}
	if !strings.HasPrefix(goal.Definition(), "unique_identifier_msgs/UUID goal_id\nexample_msgs/action/Fibonacci_Goal goal\n====") {
		t.Errorf("definition\n%s", goal.Definition())
	}
	result := example_msgs.Fibonacci_GetResult_Response{Status: 4, Result: example_msgs.Fibonacci_Result{Sequence: []int32{1}}}
	feedback := example_msgs.Fibonacci_FeedbackMessage{Feedback: example_msgs.Fibonacci_Feedback{Partial: []int32{2}}}
	accepted := example_msgs.Fibonacci_SendGoal_Response{Accepted: true}
	id := strings.Repeat("00", 15) + "09"
	for _, c := range []struct {
		got  []byte
		want string
	}{
		{goal.AppendCDR(nil), "00010000" + id + "05000000"},
		{accepted.AppendCDR(nil), "00010000" + "01000000" + "0000000000000000"},
		{(&example_msgs.Fibonacci_GetResult_Request{GoalId: goal.GoalId}).AppendCDR(nil), "00010000" + id},
		{result.AppendCDR(nil), "00010000" + "04000000" + "01000000" + "01000000"},
		{feedback.AppendCDR(nil), "00010000" + strings.Repeat("00", 16) + "01000000" + "02000000"},
	} {
		if got := hex.EncodeToString(c.got); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
