package watch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/watch"
)

var update = flag.Bool("update", false, "write the screens in testdata")

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func cdr(m msgs.Message) []byte { return m.AppendCDR(nil) }

// learned returns a model that has heard of a run of some iterations.
func learned(iterations int, tell func(watch.Event)) *watch.Model {
	m := watch.NewModel("/lab/arm", tell)
	m.Robot([]string{"shoulder", "elbow"}, []float64{10, 4})
	for i := 1; i <= iterations; i++ {
		m.Iteration(cdr(&gps.IterationReport{Stamp: builtin_interfaces.Time{Sec: int32(i)}, Iteration: uint32(i), Iterations: 12, MeanCost: 400 / float64(i), BestCost: 390 / float64(i),
			SampleCost: []float64{1, math.NaN()}, Kl: 3, Eta: 0.25, StepMultiplier: 1.5, EndEffectorError: 0.012, SuccessRate: math.NaN(), PolicyKl: math.NaN(), PolicyLoss: math.NaN()}), noon)
	}
	m.State(cdr(&gps.NodeState{Phase: gps.NodeState_RUN, Iteration: uint32(iterations + 1), Iterations: 12, Condition: 1, Sample: 2, Samples: 5, Ticks: 77}), noon)
	m.JointStates(cdr(&sensor_msgs.JointState{Name: []string{"elbow", "shoulder"}, Position: []float64{0.5, -1}, Velocity: []float64{0, 2}}), noon)
	m.Commands(cdr(&std_msgs.Float64MultiArray{Data: []float64{-5, 4}}), noon)
	m.Diagnostics(cdr(&diagnostic_msgs.DiagnosticArray{Status: []diagnostic_msgs.DiagnosticStatus{
		{Name: "arm: timing", Message: "fine", Values: []diagnostic_msgs.KeyValue{{Key: "control ticks", Value: "77"}, {Key: "overruns", Value: "0"}, {Key: "latency p99", Value: "40µs"}, {Key: "compute p99", Value: "12µs"}, {Key: "jitter p99", Value: "3µs"}}},
		{Name: "arm: commands", Level: diagnostic_msgs.DiagnosticStatus_WARN, Message: "nobody listens", Values: []diagnostic_msgs.KeyValue{{Key: "topic", Value: "/efforts"}}},
		{Name: "other: arm", Level: diagnostic_msgs.DiagnosticStatus_ERROR, Message: "of another node"},
	}}), noon)
	m.Log(cdr(&rcl_interfaces.Log{Level: rcl_interfaces.Log_WARN, Name: "lab.arm", Msg: "first line\nsecond \x1b[31mred"}), noon)
	m.Log(cdr(&rcl_interfaces.Log{Level: rcl_interfaces.Log_INFO, Name: "lab.arm", Msg: "not worth a line"}), noon)
	m.Log(cdr(&rcl_interfaces.Log{Level: rcl_interfaces.Log_ERROR, Name: "lab.arm2", Msg: "of another node"}), noon)
	return m
}

// TestScreen compares screens with those that people have looked at.
func TestScreen(t *testing.T) {
	fault := learned(3, nil)
	fault.State(cdr(&gps.NodeState{Phase: gps.NodeState_FAULT, Iteration: 4, Iterations: 12, Samples: 5, Fault: "elbow is at 3.2 rad"}), noon)
	for name, c := range map[string]struct {
		m             *watch.Model
		width, height int
		now           time.Time
	}{
		"wide":    {learned(9, nil), 80, 24, noon},
		"narrow":  {learned(9, nil), 40, 20, noon},
		"low":     {learned(9, nil), 80, 9, noon},
		"fault":   {fault, 80, 24, noon},
		"silent":  {learned(3, nil), 80, 24, noon.Add(5 * time.Second)},
		"unheard": {watch.NewModel("/lab/arm", nil), 80, 24, noon},
	} {
		got := c.m.Screen(c.width, c.height, c.now) + "\n"
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestScreenFits draws every size, of runs short and long.
func TestScreenFits(t *testing.T) {
	for _, iterations := range []int{0, 1, 11, 300} {
		m := learned(iterations, nil)
		for width := 1; width < 130; width += 3 {
			for height := 1; height < 50; height += 2 {
				lines := strings.Split(m.Screen(width, height, noon), "\n")
				if len(lines) > max(height, 8) {
					t.Fatalf("%dx%d: %d lines", width, height, len(lines))
				}
				for _, l := range lines {
					if n := utf8.RuneCountInString(l); n > max(width, 30) || strings.ContainsAny(l, "\x1b\n\t") {
						t.Fatalf("%dx%d: line of %d columns %q", width, height, n, l)
					}
				}
			}
		}
	}
}

// TestEvents reads the events as those do who take JSON.
func TestEvents(t *testing.T) {
	var events []watch.Event
	m := learned(2, func(e watch.Event) { events = append(events, e) })
	state := cdr(&gps.NodeState{Phase: gps.NodeState_RUN, Iteration: 3, Iterations: 12, Condition: 1, Sample: 2, Samples: 5, Ticks: 78})
	m.State(state, noon)      // but for the ticks the same
	m.State(state[:9], noon)  // cut off
	m.Trial(state[:11], noon) // counted, not told of again
	m.Trial(cdr(&gps.TrialReport{Iteration: 3, Cost: 5, FinalState: []float64{1}, Rollout: "rollouts/x.mcap"}), noon)
	var kinds []string
	byKind := map[string]map[string]any{}
	for _, e := range events {
		kinds = append(kinds, e.Kind)
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		values := map[string]any{}
		if err := json.Unmarshal(data, &values); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		byKind[e.Kind] = values
	}
	if got, want := fmt.Sprint(kinds), "[iteration iteration state diagnostics log malformed trial]"; got != want {
		t.Fatalf("events %s, want %s", got, want)
	}
	for _, c := range []struct {
		kind, key string
		want      any
	}{
		{"iteration", "mean_cost", 200.0}, {"iteration", "success_rate", nil}, {"iteration", "sample_cost", []any{1.0, nil}}, {"iteration", "time", float64(noon.Unix())},
		{"state", "phase", "run"}, {"state", "sample", 2.0}, {"diagnostics", "part", "commands"}, {"diagnostics", "level", "warn"},
		{"log", "message", "first line\nsecond \x1b[31mred"}, {"malformed", "topic", "~/state"}, {"trial", "cost", 5.0}, {"trial", "rollout", "rollouts/x.mcap"},
	} {
		if got := byKind[c.kind][c.key]; fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s of %s: %v, want %v", c.key, c.kind, got, c.want)
		}
	}
	if _, commands := m.Topics(); commands != "/efforts" {
		t.Errorf("commands are on %q", commands)
	}
}

// TestNewRun begins a second run on a node that is watched: its curve takes the place of the first's.
func TestNewRun(t *testing.T) {
	count := 0
	m := learned(5, func(e watch.Event) {
		if e.Kind == watch.IterationEvent {
			count++
		}
	})
	again := &gps.IterationReport{Stamp: builtin_interfaces.Time{Sec: 5}, Iteration: 5, Iterations: 12, MeanCost: 80}
	m.Iteration(cdr(again), noon) // as a late subscriber gets it
	if count != 5 {
		t.Fatalf("%d iterations told of, want 5", count)
	}
	m.Iteration(cdr(&gps.IterationReport{Stamp: builtin_interfaces.Time{Sec: 50}, Iteration: 1, Iterations: 12, MeanCost: 1234}), noon)
	if s := m.Screen(80, 24, noon); count != 6 || !strings.Contains(s, "1234") || strings.Contains(s, "  400 ") {
		t.Errorf("after %d iterations:\n%s", count, s)
	}
}

// TestDraw looks at what a terminal gets: each line cleared to its end, and the first screen back at
// the end.
func TestDraw(t *testing.T) {
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	frames := 0
	err := learned(3, nil).Draw(ctx, &out, func() (int, int) {
		if frames++; frames == 2 {
			cancel()
		}
		return 60 + frames, 12
	})
	s := out.String()
	if err != nil || frames != 2 {
		t.Fatalf("%d frames, %v", frames, err)
	}
	if !strings.HasPrefix(s, "\x1b[?1049h") || !strings.HasSuffix(s, "\x1b[?1049l") {
		t.Errorf("the terminal gets %q", s)
	}
	if n, lines := strings.Count(s, "\x1b[K"), strings.Count(s, "\r\n"); n != lines+frames || lines != strings.Count(s, "\n") {
		t.Errorf("%d ends of line cleared, %d lines", n, lines)
	}
	broken := errors.New("nobody reads")
	if err := learned(3, nil).Draw(context.Background(), failing{broken}, func() (int, int) { return 80, 24 }); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

// TestDrawWithoutSize is on a terminal that says to have 0 columns: it is drawn for 80.
func TestDrawWithoutSize(t *testing.T) {
	draw := func(width, height int) string {
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(context.Background())
		if err := learned(3, nil).Draw(ctx, &out, func() (int, int) {
			cancel()
			return width, height
		}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	widest := 0
	for line := range strings.SplitSeq(draw(0, 0), "\r\n") {
		widest = max(widest, utf8.RuneCountInString(line))
	}
	if lines := strings.Count(draw(0, 0), "\n"); widest < 60 || lines != strings.Count(draw(80, 24), "\n") {
		t.Errorf("drawn %d wide and %d high", widest, lines)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// FuzzModel takes any bytes as each message.
func FuzzModel(f *testing.F) {
	f.Add(cdr(&gps.NodeState{Fault: "x"}))
	f.Add(cdr(&sensor_msgs.JointState{Name: []string{"a"}, Position: []float64{math.NaN()}}))
	f.Add(cdr(&std_msgs.Float64MultiArray{Data: []float64{math.Inf(1)}}))
	f.Add(cdr(&gps.IterationReport{Iteration: 1, MeanCost: math.Inf(-1)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := learned(1, func(e watch.Event) {
			if _, err := json.Marshal(e); err != nil {
				t.Error(err)
			}
		})
		for _, take := range []func([]byte, time.Time){m.State, m.Iteration, m.Trial, m.Diagnostics, m.Log, m.JointStates, m.Commands} {
			take(data, noon)
		}
		for _, line := range strings.Split(m.Screen(60, 20, noon), "\n") {
			if utf8.RuneCountInString(line) > 60 || strings.ContainsRune(line, 0x1b) {
				t.Errorf("line %q", line)
			}
		}
	})
}
