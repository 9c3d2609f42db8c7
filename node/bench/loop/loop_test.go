package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware"
	"guidedpolicysearch/node/bench/harness"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// captured is a publisher that keeps the last message.
type captured struct {
	transport.Publisher
	payload []byte
}

func (c *captured) Publish(payload []byte) error {
	c.payload = append(c.payload[:0], payload...)
	return nil
}

// rig is a control at 1 kHz whose ticks come as they are asked for, each after a joint state.
type rig struct {
	tb testing.TB
	*control
	joints *rosio.JointWriter
	now    int64 // steady, and the system's, ns
}

func newRig(tb testing.TB, contender int) *rig {
	tb.Helper()
	c, err := newControl(1000)
	if err != nil {
		tb.Fatal(err)
	}
	c.commands = new(captured)
	c.choose(contender)
	return &rig{tb, c, rosio.NewJointWriter(c.arm.Joints()), 1e9}
}

// sway delivers a joint state.
func (r *rig) sway() {
	r.tb.Helper()
	sway(r.arm, r.state, float64(r.now)*1e-9)
	if err := r.jointState(r.joints.Write(r.now, r.state.Position, r.state.Velocity), transport.Info{ReceiveTime: r.now}, r.now, r.now); err != nil {
		r.tb.Fatal(err)
	}
}

// next ticks once, a period after the last.
func (r *rig) next() ticked {
	r.tb.Helper()
	r.now += 1e6
	r.sway()
	t, err := r.tick(r.now, 0, 0)
	if err != nil {
		r.tb.Fatal(err)
	}
	return t
}

// begin ticks until the trial runs.
func (r *rig) begin() {
	r.tb.Helper()
	for n := 0; r.machine.Phase() != trial.Run; n++ {
		if n == 5 {
			r.tb.Fatalf("after %d ticks the machine is in phase %v", n, r.machine.Phase())
		}
		r.next()
	}
}

// Ticks are those of a trial, and their actions those of the contender on its states.
func TestTicksAreThoseOfATrial(t *testing.T) {
	for i, k := range contenders {
		t.Run(k.name, func(t *testing.T) {
			r := newRig(t, i)
			r.begin()
			const ticks = 900
			for range ticks {
				if !r.next().inTrial {
					t.Fatalf("the trial is over: phase %v, %s", r.machine.Phase(), r.machine.Fault())
				}
			}
			if n := len(r.commands.(*captured).payload); n != 76 { // as the robot of the other benchmark counts them
				t.Errorf("a message of %d bytes", n)
			}
			if n := r.recorded.JointStates.Len(); n != ticks || r.recorded.Commands.Len() != 1+ticks || r.recorded.JointStates.Dropped()+r.recorded.Commands.Dropped() != 0 {
				t.Errorf("%d joint states and %d commands are recorded of %d ticks", n, r.recorded.Commands.Len(), ticks)
			}
			steps := 1 + ticks/50
			if k.eachTick {
				steps = 1 + ticks
			}
			rec, command := r.machine.Record(), r.runners[i].command
			// A fault keeps what there is of the trial: all steps but the last.
			r.now += 2e9
			if _, err := r.tick(r.now, 0, 0); err != nil {
				t.Fatal(err)
			}
			if rec.Steps != steps-1 || rec.Rollout.DX != 26 || rec.Rollout.DU != 7 {
				t.Fatalf("%d steps of dX=%d, dU=%d, want %d, 26 and 7", rec.Steps, rec.Rollout.DX, rec.Rollout.DU, steps-1)
			}
			noise, err := rollout.Noise(command.NoiseSeed, rec.Rollout.T, 7, trial.DefaultConfig().Noise.Exploration())
			if err != nil {
				t.Fatal(err)
			}
			u := make([]float64, 7)
			for step := range rec.Steps {
				command.Controller.Act(u, rec.Rollout.State(step), step, noise[step*7:(step+1)*7])
				if !slices.Equal(u, rec.Commanded[step*7:(step+1)*7]) {
					t.Fatalf("step %d: commanded %v, the controller says %v", step, rec.Commanded[step*7:(step+1)*7], u)
				}
			}
		})
	}
}

// A fault of a machine that stood still breaks the trial off, and another begins; any other fault
// is an error.
func TestTrialsGoOnAfterAPause(t *testing.T) {
	for i, k := range contenders {
		t.Run(k.name, func(t *testing.T) {
			r := newRig(t, i)
			r.begin()
			for n := range 3 {
				for range 120 {
					r.next()
				}
				r.now += 120e6
				if r.next().inTrial || r.machine.Phase() != trial.Fault || r.broken != n+1 {
					t.Fatalf("after a pause of 121 ms: phase %v, %d trials broken off, want %d", r.machine.Phase(), r.broken, n+1)
				}
				if r.machine.TakePartial() != nil {
					t.Error("what there is of the trial is kept, and the next has no room for its own")
				}
				r.begin()
				if n := r.recorded.Commands.Len(); n != 1 {
					t.Errorf("%d commands are recorded in the first tick of a trial", n)
				}
			}
			r.now += 3e9 // no joint states: silent
			if tick, err := r.tick(r.now, 0, 0); err != nil || tick.inTrial || tick.observe != 0 {
				t.Fatalf("without joint states: %+v, %v", tick, err)
			}
			r.begin()
			if err := r.leave(); err != nil || r.machine.Phase() != trial.Reset {
				t.Fatalf("left in phase %v: %v", r.machine.Phase(), err)
			}
			// Turns of others lie between two of its own.
			r.now += 2e9
			r.choose(i)
			r.begin()
			r.now += 1e6
			r.state.Position[2] = math.NaN()
			if err := r.jointState(r.joints.Write(r.now, r.state.Position, r.state.Velocity), transport.Info{}, r.now, r.now); err != nil {
				t.Fatal(err)
			}
			if _, err := r.tick(r.now, 0, 0); err == nil || !strings.Contains(err.Error(), "joint3") {
				t.Errorf("a NaN of joint3 gives %v", err)
			}
		})
	}
}

// The linear-Gaussian controller begins anew after its 100 steps, and no sooner.
func TestControllerIsCyclic(t *testing.T) {
	c, err := linearGaussian(1000, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	x, noise := []float64{1, -2, 3}, []float64{0.5, 1}
	at := func(step int) []float64 {
		u := make([]float64, 2)
		c.Act(u, x, step, noise)
		return u
	}
	if !slices.Equal(at(0), at(horizon)) || !slices.Equal(at(7), at(9*horizon+7)) || slices.Equal(at(0), at(horizon-1)) {
		t.Errorf("actions %v, %v; %v, %v; %v", at(0), at(horizon), at(7), at(9*horizon+7), at(horizon-1))
	}
}

func TestTimesOutsideTrialsAreLeftOut(t *testing.T) {
	if got := appendTimes([]uint32{4}, []uint32{0, 3, 0, 0, 1}); !slices.Equal(got, []uint32{4, 3, 1}) {
		t.Errorf("keeps %v, want 4, 3 and 1", got)
	}
}

func TestTickAllocatesNothing(t *testing.T) {
	for i, k := range contenders {
		r := newRig(t, i)
		r.begin()
		if n := testing.AllocsPerRun(200, func() { r.next() }); n != 0 {
			t.Errorf("%s: allocates %v times", k.name, n)
		}
		if r.machine.Phase() != trial.Run {
			t.Errorf("%s: the ticks end in phase %v", k.name, r.machine.Phase())
		}
	}
}

func BenchmarkTick(b *testing.B) {
	for i, k := range contenders {
		b.Run(k.name, func(b *testing.B) {
			r := newRig(b, i)
			r.begin()
			for n := 0; b.Loop(); n++ {
				if n%longestTurn(1000) == longestTurn(1000)-1 {
					b.StopTimer()
					if err := r.leave(); err != nil {
						b.Fatal(err)
					}
					r.begin()
					b.StartTimer()
				}
				r.next()
			}
		})
	}
}

// A turn of real time, while another goroutine delivers joint states.
func TestTurnMeasuresEveryTick(t *testing.T) {
	const network, warm, count, period = 2, 5, 50, 200 * time.Microsecond
	c, err := newControl(int(time.Second / period))
	if err != nil {
		t.Fatal(err)
	}
	clock := rostime.New(rostime.Config{})
	c.commands = new(captured)
	done, ended := make(chan struct{}), make(chan error)
	go func() {
		joints, s := rosio.NewJointWriter(c.arm.Joints()), hardware.NewJointState(7)
		for {
			select {
			case <-done:
				ended <- nil
				return
			default:
			}
			sway(c.arm, s, float64(clock.Steady())*1e-9)
			if err := c.jointState(joints.Write(clock.Now(), s.Position, s.Velocity), transport.Info{ReceiveTime: clock.Now()}, clock.Steady(), clock.Now()); err != nil {
				ended <- err
				return
			}
			time.Sleep(period / 2)
		}
	}()
	turn := newTurn(count)
	if err := turn.run(c, clock, period, network, warm); err != nil {
		t.Fatal(err)
	}
	close(done)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	timed := 0
	for i, v := range turn.computed {
		if v > 1 && turn.published[i] > 1 && turn.observed[i] != 1 {
			timed++
		} else if v != 0 || turn.published[i] != 0 || turn.observed[i] != 0 {
			t.Errorf("tick %d computed for %d ns, published for %d, observed for %d", i, v, turn.published[i], turn.observed[i])
		}
	}
	if slices.Max(turn.observed) == 0 {
		t.Error("no joint state is timed")
	}
	// A machine that stands still breaks a trial off, and three ticks begin another.
	if timed < count-10*(1+turn.broken) || timed == 0 && turn.broken == 0 {
		t.Errorf("%d ticks of %d are of a trial, %d of which were broken off", timed, count, turn.broken)
	}
	if n := c.sent.Count(); n != warm+count {
		t.Errorf("%d commands, want %d", n, warm+count)
	}
	var out bytes.Buffer
	if err := turn.write(&out); err != nil {
		t.Fatal(err)
	}
	line, _ := out.ReadString('\n')
	if want := fmt.Sprintf("%d %d %d\n", count, turn.allocations, turn.broken); line != want || out.Len() != 4*4*count {
		t.Errorf("answers %q and %d bytes, want %q", line, out.Len(), want)
	}
	for d, want := range map[time.Duration]uint32{-5: 0, 7: 7, time.Hour: math.MaxUint32} {
		if got := clip(d); got != want {
			t.Errorf("%v is clipped to %d, want %d", d, got, want)
		}
	}
}

// What is built in C answers as the bench asks.
func TestTickerAnswers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux: the bare loop is written for it")
	}
	b, err := harness.NewBuild(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Remove()
	if err := b.C(t.Context(), ticker, "-Wall", "-Wextra", "-Werror", filepath.Join("node", "bench", "peers", "ticker.c")); err != nil {
		t.Skipf("needs a C compiler: %v", err)
	}
	p, err := harness.Start(t.Context(), ticker, nil, b.Path(ticker), "0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	began := time.Now()
	counts, times, err := p.Ask("1000000 5 40", 1, 1)
	if err != nil || len(counts) != 1 || counts[0] != 40 || len(times[0]) != 40 {
		t.Fatalf("counts %v, %v", counts, err)
	}
	if took := time.Since(began); took < 44*time.Millisecond {
		t.Errorf("45 ticks of a millisecond took %v", took)
	}
	stays, err := harness.Start(t.Context(), ticker, nil, b.Path(ticker), "0", "0")
	if err != nil {
		t.Fatal(err)
	}
	defer stays.Close()
	latest := witnesses{p, stays}.begin(options{rate: 1000})
	if late, err := latest(); err != nil || late == 0 {
		t.Errorf("two loops are late by %d ns: %v", late, err)
	}
	nowhere, err := harness.Start(t.Context(), ticker, nil, b.Path(ticker), "0", "100000")
	if err != nil {
		t.Fatal(err)
	}
	if said := nowhere.Close(); !slices.ContainsFunc(said, func(line string) bool { return strings.HasPrefix(line, "processor 100000: ") }) {
		t.Errorf("on a processor that there is not: %q", said)
	}
	if said := stays.Close(); slices.ContainsFunc(said, func(line string) bool { return strings.HasPrefix(line, "processor") }) {
		t.Errorf("it does not stay: %q", said)
	}
	if _, _, err := p.Ask("0 5 40", 1, 1); err == nil || !strings.Contains(err.Error(), "expected a period and two counts") {
		t.Errorf("a period of 0: %v", err)
	}
}

// A disturbance that hits both loops leaves the ratios as they are.
func TestLoopsAreComparedWithTheBareOne(t *testing.T) {
	slow := func(n uint32) []uint32 {
		list := make([]uint32, 100)
		for i := range list {
			list[i] = n * 1000
		}
		return list
	}
	spike := slow(10)
	spike[7] = 2_000_000
	results := []measured{
		{rounds: [][]uint32{slow(10), slow(100), spike}, beside: []uint32{1, 1, 1_500_000}},
		{rounds: [][]uint32{slow(12), slow(120), slow(12)}, computed: []uint32{3, 1, 2}, published: []uint32{9, 7, 8}, observed: []uint32{5, 6}, allocations: 3, beside: make([]uint32, 3)},
		{rounds: [][]uint32{slow(20), slow(200), slow(999)}, computed: []uint32{1}, published: []uint32{1}, allocations: 4, broken: 6, beside: make([]uint32, 3)},
		{rounds: [][]uint32{slow(10), slow(100), slow(10)}, beside: make([]uint32, 3)},
	}
	all := loops(results, time.Millisecond)
	if all[0].Overruns != 1 || all[0].Times.Max != 2e6 || all[0].Times.P50 != 10e3 || all[0].Ratio != 0 {
		t.Errorf("the bare loop: %+v", all[0])
	}
	if math.Abs(all[1].Ratio-1.2) > 1e-9 || math.Abs(all[1].MedianRatio-1.2) > 1e-9 || all[2].MedianRatio != 2 || math.Abs(all[2].Ratio-9.99) > 1e-9 {
		t.Errorf("ratios %+v %+v", all[1], all[2])
	}
	o := outcome{Machine: harness.Machine{Processor: "P"}, Rate: 1000, Seconds: 3, Priority: 80, Loops: all, Ticks: ticks(results), Notes: []string{"control: no real-time priority"}}
	if o.Ticks[0].Compute.P50 != 2 || o.Ticks[0].Publish.Max != 9 || o.Ticks[0].Observe.P50 != 5 || o.Ticks[1].Allocations != 4 || o.Ticks[1].Broken != 6 {
		t.Errorf("ticks %+v", o.Ticks)
	}
	var out strings.Builder
	if err := o.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1.20x", "9.99x", "met:    ours, linear-Gaussian, 20 Hz: p99 of lateness is 1.20x", "missed: ours, linear-Gaussian, each tick: p99 of lateness is 9.99x",
		"met:    ours, linear-Gaussian, each tick: in no second", "missed: linear-Gaussian, each tick: 4 allocations of the whole process in 3000 ticks", "met:    linear-Gaussian, 20 Hz: 3 allocations", "control: no real-time priority",
		"missed: network, each tick: a tick computes for 0.0 us",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
	path := filepath.Join(t.TempDir(), "loop.json")
	if err := harness.Save(path, o); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var read outcome
	if err := json.Unmarshal(data, &read); err != nil || read.Loops[2].Ratio != all[2].Ratio {
		t.Errorf("reads %+v, %v", read, err)
	}
}

// A late tick is the loop's own if it is later by more than a period than those of the bare loops in the
// same second, not in any other.
func TestVerdictOfTheLatestTick(t *testing.T) {
	const ms = 1_000_000
	for _, c := range []struct {
		ours, beside []uint32 // the latest by second
		alone        int
		longest      float64
	}{
		{[]uint32{23 * ms, ms / 10}, []uint32{22.5 * ms, ms / 10}, 0, 0},
		{[]uint32{23 * ms, ms / 10}, []uint32{ms / 10, 22.5 * ms}, 1, 22.9 * ms},
		{[]uint32{2 * ms, 9 * ms}, []uint32{ms / 2, ms / 2}, 2, 8.5 * ms},
		{[]uint32{0.9 * ms, 1.4 * ms}, []uint32{0, ms / 2}, 0, 0},
		{[]uint32{6 * ms}, []uint32{23 * ms}, 0, 0},
	} {
		ours := measured{beside: c.beside}
		for _, v := range c.ours {
			ours.rounds = append(ours.rounds, []uint32{20_000, v, 30_000})
		}
		bare := measured{rounds: ours.rounds, beside: c.beside}
		o := outcome{Seconds: len(c.ours), Loops: loops([]measured{bare, ours}, time.Millisecond)}
		l := o.Loops[1]
		if l.Alone != c.alone || math.Abs(l.Longest-c.longest) > 1 || l.Beside != float64(slices.Max(c.beside)) {
			t.Errorf("%v beside %v: %d seconds, by up to %v ns, beside %v", c.ours, c.beside, l.Alone, l.Longest, l.Beside)
		}
		if line := o.verdicts()[1]; strings.HasPrefix(line, "met") != (c.alone == 0) || c.alone > 0 && !strings.Contains(line, fmt.Sprintf("in %d of %d seconds", c.alone, len(c.ours))) {
			t.Errorf("%v beside %v: %q", c.ours, c.beside, line)
		}
	}
}

func TestOptions(t *testing.T) {
	good := options{seconds: 60, rate: 1000, priority: 80, domain: 126}
	for want, change := range map[string]func(*options){
		"":                 func(*options) {},
		"-seconds is 0":    func(o *options) { o.seconds = 0 },
		"-rate is 9":       func(o *options) { o.rate = 9 },
		"-priority is 100": func(o *options) { o.priority = 100 },
		"-domain is 233":   func(o *options) { o.domain = 233 },
	} {
		o := good
		change(&o)
		if err := o.validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
