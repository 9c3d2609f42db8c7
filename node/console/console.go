// Package console writes the course of a learning run for people: a progress bar, a
// table line per iteration, and a summary with the learning curve in text.
//
// Everything goes to one io.Writer. The progress bar is drawn only if the writer is a
// terminal of at least 50 columns; elsewhere the output is the table and the summary, line by line.
package console

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Iteration is what one iteration is reported with. A NaN is shown as "-".
type Iteration struct {
	// Number counts from 1.
	Number int
	// MeanCost and BestCost are over the iteration's samples.
	MeanCost, BestCost float64
	// Error is the end-effector's distance from its target at the end of a trial,
	// mean over the samples, in m.
	Error float64
	// Success is the share of the samples that succeeded, shown if Config.Success.
	Success float64
	// KL is the divergence of the new controller from the old, summed over the
	// trajectory, in nat; Eta is its dual variable.
	KL, Eta float64
	// PolicyKL is the divergence of the controllers from the policy, summed over the trajectory, in
	// nat; Loss that of the policy's last fit; shown if Config.Policy.
	PolicyKL, Loss float64
	// Seconds is the wall-clock time of the whole iteration, trials and update.
	Seconds float64
}

// Config sets up a Printer.
type Config struct {
	// Iterations of the run and Trials of each, >= 1.
	Iterations, Trials int
	// Success shows which share of the samples succeeded, in place of eta: for tasks that say
	// what success is.
	Success bool
	// Policy shows how controllers and policy agree: for algorithms that learn one.
	Policy bool
	// Terminal draws the progress bar where it is wide enough; see IsTerminal.
	Terminal bool
}

// Printer writes a run's course. Its methods may be called from several goroutines.
type Printer struct {
	mu     sync.Mutex
	w      io.Writer
	config Config
	// columns returns the width of the terminal now.
	columns func() int
	bar     *progressbar.ProgressBar // nil if there is none
	width   int                      // of bar, 0 if there is none
	timed   bool                     // there is room for the time that is left
	left    remaining
	now     func() time.Time // for tests
	header  bool
	costs   []float64
}

// New returns a printer that writes to w.
func New(w io.Writer, c Config) *Printer {
	return &Printer{w: w, config: c, columns: func() int { return columns(w) }, now: time.Now}
}

// Progress says that trials of the given iteration (from 1) are done; without a
// terminal it writes nothing.
func (p *Printer) Progress(iteration, trials int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.config.Terminal || p.bar != nil && p.bar.IsFinished() {
		return nil
	}
	if err := p.fit(); err != nil || p.bar == nil {
		return err
	}
	done, now := (iteration-1)*p.config.Trials+trials, p.now()
	p.left.begin(now, done)
	text := p.config.description(iteration, min(trials+1, p.config.Trials))
	if p.timed {
		text += p.left.text(now, done, p.config.Iterations*p.config.Trials)
	}
	p.bar.Describe(text)
	return p.bar.Set(max(0, min(done, p.bar.GetMax())))
}

// Notice writes a line of text above the progress bar.
func (p *Printer) Notice(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines(text + "\n")
}

// Iteration writes the table line of an iteration, the first time with the header.
func (p *Printer) Iteration(it Iteration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := ""
	if !p.header {
		column := "eta"
		if p.config.Success {
			column = "success %"
		}
		text = fmt.Sprintf("iteration   mean cost   best cost    error cm         KL %10s %s   seconds\n", column, p.policyColumns(" policy KL ", "      loss "))
		p.header = true
	}
	p.costs = append(p.costs, it.MeanCost)
	value := number(it.Eta, 3)
	if p.config.Success {
		value = percent(it.Success)
	}
	text += fmt.Sprintf("%9d %11s %11s %11s %10s %10s %s%10s\n", it.Number, number(it.MeanCost, 4), number(it.BestCost, 4),
		number(100*it.Error, 3), number(it.KL, 3), value, p.policyColumns(fmt.Sprintf("%10s ", number(it.PolicyKL, 3)), fmt.Sprintf("%10s ", number(it.Loss, 3))), fixed(it.Seconds))
	return p.lines(text)
}

// policyColumns returns the columns of a policy, where there is one.
func (p *Printer) policyColumns(columns ...string) string {
	if !p.config.Policy {
		return ""
	}
	return strings.Join(columns, "")
}

// Summary is the end of a run.
type Summary struct {
	// FinalCost is the mean sample cost of the last iteration.
	FinalCost float64
	// Reference is the cost to reach and Margin the part of it that is allowed on
	// top (0.1 is 10%). A NaN reference leaves the verdict out.
	Reference, Margin float64
	// RunFolder holds what was recorded; Picture is the file of the learning curve.
	// Empty ones are left out.
	RunFolder, Picture string
	// Seconds is the wall-clock time of the whole run.
	Seconds float64
	// Interrupted says that the run ended before its last iteration.
	Interrupted bool
	// PolicyUntried says that a policy was learned, and the costs are of trials that others drove.
	PolicyUntried bool
}

// Learned reports whether the final cost is at or below the reference with its margin;
// true if there is no reference and the cost is finite.
func (s Summary) Learned() bool {
	if math.IsNaN(s.Reference) {
		return !math.IsNaN(s.FinalCost) && !math.IsInf(s.FinalCost, 0)
	}
	return s.FinalCost <= s.limit()
}

func (s Summary) limit() float64 { return s.Reference + s.Margin*math.Abs(s.Reference) }

// Summary clears the progress bar and writes the learning curve, the verdict and where
// the results are.
func (p *Printer) Summary(s Summary) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	if len(p.costs) > 1 {
		b.WriteString("\n" + CostCurve("mean cost per iteration", p.costs) + "\n")
	}
	cost := number(s.FinalCost, 4)
	switch {
	case s.Interrupted:
		fmt.Fprintf(&b, "Stopped before the last iteration: mean cost %s, after %s s.\n", cost, fixed(s.Seconds))
	case math.IsNaN(s.Reference):
		fmt.Fprintf(&b, "Done: final mean cost %s, after %s s.\n", cost, fixed(s.Seconds))
	case s.Learned():
		fmt.Fprintf(&b, "Learned: final mean cost %s, reference %s (up to %s counts), after %s s.\n",
			cost, number(s.Reference, 4), number(s.limit(), 4), fixed(s.Seconds))
	default:
		fmt.Fprintf(&b, "Not learned: final mean cost %s, reference %s (up to %s counts), after %s s.\n",
			cost, number(s.Reference, 4), number(s.limit(), 4), fixed(s.Seconds))
	}
	if s.RunFolder != "" {
		fmt.Fprintf(&b, "Run folder: %s\n", s.RunFolder)
	}
	if s.PolicyUntried {
		fmt.Fprintf(&b, "The local controllers drove the trials: what the policy does, \"gps evaluate %s\" tells.\n", s.RunFolder)
	}
	if s.Picture != "" {
		fmt.Fprintf(&b, "Learning curve: %s\n", s.Picture)
	}
	if p.bar != nil {
		if err := p.bar.Clear(); err != nil {
			return err
		}
		p.bar = nil
	}
	p.config.Terminal = false // no bar any more
	_, err := io.WriteString(p.w, b.String())
	return err
}

// lines writes text above the progress bar.
func (p *Printer) lines(text string) error {
	redraw := p.bar != nil && p.bar.IsStarted() && !p.bar.IsFinished()
	if redraw {
		if err := p.bar.Clear(); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(p.w, text); err != nil {
		return err
	}
	if redraw {
		return p.bar.RenderBlank()
	}
	return nil
}

// number formats v with so many significant digits, without an exponent where that is
// readable.
func number(v float64, digits int) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "-"
	case a == 0 || math.IsInf(v, 0):
		return fmt.Sprintf("%g", v)
	case a >= 1e6 || a < 1e-3:
		return fmt.Sprintf("%.*e", digits-1, v)
	}
	before := max(1, int(math.Floor(math.Log10(a)))+1)
	if a < 1 {
		before = int(math.Floor(math.Log10(a))) + 1
	}
	return fmt.Sprintf("%.*f", max(0, digits-before), v)
}

// percent formats a share.
func percent(share float64) string {
	if math.IsNaN(share) {
		return "-"
	}
	return fmt.Sprintf("%.0f", 100*share)
}

// fixed formats seconds.
func fixed(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.2f", v)
}
