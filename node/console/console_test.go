package console

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var reference = []float64{445, 245, 93.9, 56.8, 42.6, 35.0, 30.3, 27.1, 24.7, 22.8}

// course plays a run.
func course(t *testing.T, p *Printer, s Summary) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range reference {
		for k := 0; k <= 5; k++ {
			check(p.Progress(i+1, k))
			if i == 2 && k == 3 {
				check(p.Notice("joint_states is 0.31 s old, torque is zero"))
			}
		}
		check(p.Iteration(Iteration{Number: i + 1, MeanCost: c, BestCost: 0.93 * c, Error: 0.5 / float64(i+1), KL: 0.2 * float64(i),
			Eta: math.Pow(10, float64(5-i)), Seconds: 0.0412}))
	}
	check(p.Summary(s))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: output is\n%s\nwant\n%s", name, got, want)
	}
}

func TestPlain(t *testing.T) {
	var b bytes.Buffer
	if IsTerminal(&b) {
		t.Error("a buffer is no terminal")
	}
	course(t, New(&b, Config{Iterations: 10, Trials: 5}),
		Summary{FinalCost: 22.8, Reference: 22.8, Margin: 0.1, RunFolder: "runs/one", Picture: "runs/one/learning.png", Seconds: 12.34})
	if strings.ContainsAny(b.String(), "\r\x1b") {
		t.Error("control characters without a terminal")
	}
	golden(t, "plain.txt", b.String())
}

// TestTerminal plays the control characters that the bar uses; what stays on the screen
// must be the plain output, and the bar must have been seen.
func TestTerminal(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Config{Iterations: 10, Trials: 5, Terminal: true})
	now := time.Unix(0, 0)
	p.now = func() time.Time { now = now.Add(time.Second); return now } // a second for each of the 60 reports
	course(t, p, Summary{FinalCost: 22.8, Reference: 22.8, Margin: 0.1, RunFolder: "runs/one", Picture: "runs/one/learning.png", Seconds: 12.34})
	// 20 s after the first report 17 of 50 trials are done: 33 more take 20/17 s each.
	if !strings.Contains(b.String(), "iteration 4 of 10, trial 3 of 5, 39 s left  34%") {
		t.Error("the bar was never drawn in iteration 4")
	}
	golden(t, "plain.txt", strings.Join(screen(b.String(), nil), "\n"))
}

// screen returns the lines that stay on a terminal. seen, if given, gets every state of a
// line.
func screen(output string, seen func(line []rune)) (lines []string) {
	for line := range strings.SplitSeq(output, "\n") {
		var shown []rune
		for _, part := range strings.Split(line, "\r") {
			text := strings.ReplaceAll(part, "\x1b[0K", "")
			if strings.HasSuffix(text, "\x1b[2K") {
				shown = nil
				continue
			}
			r := []rune(text)
			shown = append(r, shown[min(len(r), len(shown)):]...)
			if seen != nil {
				seen(r)
			}
		}
		lines = append(lines, string(shown))
	}
	return lines
}

// TestNarrowTerminal changes the width of the terminal during the run: no line with a bar
// reaches its last column, and none stays.
func TestNarrowTerminal(t *testing.T) {
	for _, c := range []struct {
		columns []int
		widest  int // bar
	}{
		{[]int{200}, 30}, {[]int{80}, 26}, {[]int{71}, 17}, {[]int{70}, 16}, {[]int{59}, 5}, {[]int{58}, 17}, {[]int{50}, 9}, {[]int{49}, 0}, {[]int{1}, 0},
		{[]int{55, 100, 30, 62}, 30},
	} {
		var b bytes.Buffer
		p := New(&b, Config{Iterations: 10, Trials: 5, Terminal: true})
		calls := 0
		p.columns = func() int {
			n := c.columns[calls*len(c.columns)/60%len(c.columns)]
			calls++
			return n
		}
		course(t, p, Summary{FinalCost: 22.8, Reference: 22.8, Margin: 0.1, RunFolder: "runs/one", Picture: "runs/one/learning.png", Seconds: 12.34})
		widest := 0
		lines := screen(b.String(), func(line []rune) {
			text := string(line)
			if n := strings.Count(text, "█") + strings.Count(text, "░"); n > 0 && strings.HasPrefix(text, "iteration ") {
				widest = max(widest, n)
				if len(c.columns) == 1 && len(line) >= c.columns[0] {
					t.Errorf("%d columns: line of %d: %q", c.columns[0], len(line), text)
				}
			}
		})
		if widest != c.widest || calls == 0 {
			t.Errorf("%v columns: bar of %d, want %d", c.columns, widest, c.widest)
		}
		golden(t, "plain.txt", strings.Join(lines, "\n"))
	}
}

func TestVerdict(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		s       Summary
		learned bool
		text    string
	}{
		{Summary{FinalCost: 25.08, Reference: 22.8, Margin: 0.1}, true, "Learned: final mean cost 25.08, reference 22.80 (up to 25.08 counts)"},
		{Summary{FinalCost: 25.09, Reference: 22.8, Margin: 0.1}, false, "Not learned: final mean cost 25.09"},
		{Summary{FinalCost: 25, Reference: math.NaN(), RunFolder: "runs/off", PolicyUntried: true}, true, "\"gps evaluate runs/off\" tells"},
		{Summary{FinalCost: nan, Reference: 22.8, Margin: 0.1}, false, "Not learned: final mean cost -"},
		{Summary{FinalCost: -9.5, Reference: -10, Margin: 0.1}, true, "(up to -9.000 counts)"},
		{Summary{FinalCost: 3, Reference: nan}, true, "Done: final mean cost 3.000, after 0.00 s."},
		{Summary{FinalCost: 30, Reference: nan, Interrupted: true}, true, "Stopped before the last iteration: mean cost 30.00"},
		{Summary{FinalCost: math.Inf(1), Reference: nan}, false, "Done: final mean cost +Inf"},
	} {
		var b bytes.Buffer
		if err := New(&b, Config{Iterations: 1, Trials: 1}).Summary(c.s); err != nil {
			t.Fatal(err)
		}
		if c.s.Learned() != c.learned || !strings.Contains(b.String(), c.text) {
			t.Errorf("%+v: learned %v, text %q; want %v, %q", c.s, c.s.Learned(), b.String(), c.learned, c.text)
		}
	}
}

func TestNumber(t *testing.T) {
	for want, v := range map[string]float64{"445.0": 445, "5.707": 5.7074, "12346": 12345.6, "0.01234": 0.012339, "0": 0, "-": math.NaN(),
		"1.000e+06": 1e6, "1.230e-05": 1.23e-5, "-22.80": -22.8, "0.5000": 0.5, "+Inf": math.Inf(1)} {
		if got := number(v, 4); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestCurve(t *testing.T) {
	nan := math.NaN()
	long := make([]float64, 1000)
	for i := range long {
		long[i] = 1000 - float64(i)
	}
	var b strings.Builder
	for _, values := range [][]float64{{3, 2, 1}, {5}, {1, nan, -1}, {2, 2}, {nan}, nil, long} {
		b.WriteString(CostCurve("cost", values) + "\n")
	}
	golden(t, "curves.txt", b.String())
	if values := []float64{1, 100}; strings.Contains(Curve("position", values), "logarithmic") || !strings.Contains(CostCurve("cost", values), "logarithmic") {
		t.Error("only costs are drawn on a logarithmic scale")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe is closed") }

func TestWriteError(t *testing.T) {
	p := New(broken{}, Config{Iterations: 1, Trials: 1})
	if p.Iteration(Iteration{}) == nil || p.Notice("x") == nil || p.Summary(Summary{}) == nil {
		t.Error("a write error was swallowed")
	}
}

func TestSuccess(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Config{Iterations: 3, Trials: 5, Success: true})
	for i, share := range []float64{0, 0.6, math.NaN()} {
		if err := p.Iteration(Iteration{Number: i + 1, MeanCost: 1, BestCost: 1, Error: 0.01, Success: share, KL: 1, Eta: 12345, Seconds: 1}); err != nil {
			t.Fatal(err)
		}
	}
	const want = `iteration   mean cost   best cost    error cm         KL  success %    seconds
        1       1.000       1.000        1.00       1.00          0       1.00
        2       1.000       1.000        1.00       1.00         60       1.00
        3       1.000       1.000        1.00       1.00          -       1.00
`
	if b.String() != want {
		t.Errorf("output is\n%s\nwant\n%s", b.String(), want)
	}
}

// Where a policy is learned, there are columns for it.
func TestPolicyColumns(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Config{Iterations: 2, Trials: 5, Policy: true})
	for _, it := range []Iteration{{Number: 1, MeanCost: 10, BestCost: 9, PolicyKL: 12.34, Loss: 0.0567, Seconds: 1}, {Number: 2, PolicyKL: math.NaN(), Loss: math.NaN()}} {
		if err := p.Iteration(it); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], "policy KL       loss    seconds") || !strings.HasSuffix(lines[1], "12.3     0.0567       1.00") || !strings.HasSuffix(lines[2], "-          -       0.00") || len(lines[0]) != len(lines[1]) {
		t.Errorf("%s", b.String())
	}
}
