package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/node/bench/harness"
	"guidedpolicysearch/node/transport"
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

// newTick returns a control whose slot has the state of the swaying arm.
func newTick(t testing.TB) *control {
	t.Helper()
	a, err := newArm()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newControl(a, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	c.commands = new(captured)
	a.sway(*c.states.Back(), 0.3)
	c.states.Publish()
	return c
}

func TestTickIsARealOne(t *testing.T) {
	c := newTick(t)
	if len(c.x) != 26 || len(c.u) != 7 {
		t.Fatalf("dX=%d, dU=%d, want 26 and 7", len(c.x), len(c.u))
	}
	var torques [2][]byte
	for i, policy := range policies {
		torques[i] = bytes.Clone(c.tick(policy))
		if len(torques[i]) != 76 { // as the robot of the other benchmark counts them
			t.Errorf("%s: a message of %d bytes", policy, len(torques[i]))
		}
		for j, v := range c.x {
			if v == 0 || math.IsNaN(v) {
				t.Errorf("%s: x[%d] is %v", policy, j, v)
			}
		}
	}
	if bytes.Equal(torques[0], torques[1]) {
		t.Error("both policies give the same torques")
	}
	if err := c.fault(); err != nil {
		t.Error(err)
	}
	// The arm's sway is within all limits, at any time.
	for i := range 5000 {
		c.arm.sway(*c.states.Back(), float64(i)*1e-3)
		c.states.Publish()
		c.tick(policies[i%2])
	}
	if err := c.fault(); err != nil {
		t.Error(err)
	}
	(*c.states.Back()).Position[2] = math.NaN()
	c.states.Publish()
	c.tick(linearGaussian)
	if err := c.fault(); err == nil || !strings.Contains(err.Error(), "joint3") {
		t.Errorf("a NaN of joint3 gives %v", err)
	}
}

func TestTickAllocatesNothing(t *testing.T) {
	c := newTick(t)
	for _, policy := range policies {
		if n := testing.AllocsPerRun(100, func() { c.tick(policy) }); n != 0 {
			t.Errorf("%s: allocates %v times", policy, n)
		}
	}
}

func BenchmarkTick(b *testing.B) {
	c := newTick(b)
	for _, policy := range policies {
		b.Run(policy, func(b *testing.B) {
			for b.Loop() {
				c.tick(policy)
			}
		})
	}
}

func TestTurnMeasuresEveryTick(t *testing.T) {
	c := newTick(t)
	turn := newTurn(50)
	if err := turn.run(c, 200*time.Microsecond, network, 3); err != nil {
		t.Fatal(err)
	}
	for i, v := range turn.took {
		if v <= 1 {
			t.Errorf("tick %d took %d ns", i, v)
		}
	}
	if c.step != 53 {
		t.Errorf("%d ticks, want 53", c.step)
	}
	var out bytes.Buffer
	if err := turn.write(&out); err != nil {
		t.Fatal(err)
	}
	line, _ := out.ReadString('\n')
	if !strings.HasPrefix(line, "50 ") || out.Len() != 3*4*50 {
		t.Errorf("answers %q and %d bytes", line, out.Len())
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
		{rounds: [][]uint32{slow(10), slow(100), spike}},
		{rounds: [][]uint32{slow(12), slow(120), slow(12)}, took: []uint32{3, 1, 2}, sent: []uint32{9, 7, 8}},
		{rounds: [][]uint32{slow(20), slow(200), slow(999)}, took: []uint32{1}, sent: []uint32{1}, allocations: 4},
	}
	all := loops(results, time.Millisecond)
	if all[0].Overruns != 1 || all[0].Times.Max != 2e6 || all[0].Times.P50 != 10e3 || all[0].Ratio != 0 {
		t.Errorf("the bare loop: %+v", all[0])
	}
	if math.Abs(all[1].Ratio-1.2) > 1e-9 || math.Abs(all[1].MedianRatio-1.2) > 1e-9 || all[2].MedianRatio != 2 || math.Abs(all[2].Ratio-9.99) > 1e-9 {
		t.Errorf("ratios %+v %+v", all[1], all[2])
	}
	o := outcome{Machine: harness.Machine{Processor: "P"}, Rate: 1000, Seconds: 3, Priority: 80, Loops: all, Ticks: ticks(results), Notes: []string{"control: no real-time priority"}}
	if o.Ticks[0].Compute.P50 != 2 || o.Ticks[0].Publish.Max != 9 || o.Ticks[1].Allocations != 4 {
		t.Errorf("ticks %+v", o.Ticks)
	}
	var out strings.Builder
	if err := o.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1.20x", "9.99x", "met:    ours, linear-Gaussian: p99 of lateness is 1.20x", "missed: ours, network: p99 of lateness is 9.99x",
		"met:    ours, network: the latest tick", "missed: network: 4 allocations", "met:    linear-Gaussian: 0 allocations", "control: no real-time priority",
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

// A longer latest tick than the bare loop's is a miss once it is more than a period.
func TestVerdictOfTheLatestTick(t *testing.T) {
	for _, c := range []struct {
		bare, ours float64
		overruns   int
		met        bool
	}{{5e6, 5.5e6, 1, true}, {5e6, 6.5e6, 1, false}, {1e5, 9e5, 0, true}, {1e5, 1.1e6, 1, false}} {
		o := outcome{Loops: []loop{{Times: times{Max: c.bare}}, {Times: times{Max: c.ours}, Overruns: c.overruns}}}
		if line := o.verdicts()[1]; strings.HasPrefix(line, "met") != c.met {
			t.Errorf("%v beside %v: %q", c.ours, c.bare, line)
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
