package inspection

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"guidedpolicysearch/node/console"
)

// Write writes the report for people.
func (r *Report) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	titles := map[Kind]string{KindUnknown: "of no kind that is known", KindRun: "a run", KindTrajectory: "a trajectory under known dynamics", KindCheckpoint: "a checkpoint", KindBag: "a bag",
		KindPolicy: "a policy", KindModel: "an ONNX model", KindParameters: "a parameter file", KindIntermediates: "intermediates of an update",
		KindDataset: "a dataset of rollouts"}
	fmt.Fprintf(out, "%s: %s, %s\n", r.Path, titles[r.Kind], size(r.Bytes))
	switch {
	case r.Run != nil:
		r.Run.write(out)
	case r.Trajectory != nil:
		fmt.Fprintf(out, "%d iterations of its best descent\n", len(r.Trajectory.Cost))
		curve(out, "cost per iteration", r.Trajectory.Cost)
	case r.Checkpoint != nil:
		r.Checkpoint.write(out)
	case r.Bag != nil:
		r.Bag.write(out)
	case r.Policy != nil:
		r.Policy.write(out)
	case r.Model != nil:
		r.Model.write(out)
	case r.Parameters != nil:
		for _, n := range r.Parameters.Nodes {
			fmt.Fprintf(out, "%-30s %d parameters\n", n.Node, n.Count)
		}
		fmt.Fprintf(out, "`gps params check %s` says whether they are right.\n", r.Path)
	case r.Intermediates != nil:
		fmt.Fprintf(out, "%d arrays below %s; NumPy opens it\n", r.Intermediates.Arrays, strings.Join(r.Intermediates.Groups, ", "))
	case r.Dataset != nil:
		fmt.Fprintf(out, "%d arrays: %s; NumPy opens it\n", len(r.Dataset.Arrays), strings.Join(r.Dataset.Arrays, ", "))
	}
	for _, d := range r.Damaged {
		fmt.Fprintf(out, "Damaged: %s\n", d)
	}
	if r.Error != "" {
		fmt.Fprintf(out, "Error: %s\n", r.Error)
	}
	return out.Flush()
}

func line(w io.Writer, name, format string, args ...any) {
	fmt.Fprintf(w, "%-14s %s\n", name, fmt.Sprintf(format, args...))
}

func curve(w io.Writer, title string, values []float64) {
	if len(values) > 1 {
		fmt.Fprintf(w, "\n%s", console.CostCurve(title, values))
	}
}

func (run *Run) write(w io.Writer) {
	if t := run.Task; t != nil {
		algorithm := t.Algorithm
		if t.Update != "" && t.Update != "lqr" {
			algorithm += " with " + t.Update
		}
		line(w, "task", "%d joints (%s), %d trials of %d steps of %v s per condition and iteration", len(t.Joints), strings.Join(t.Joints, ", "), t.Samples, t.Steps, t.DT)
		line(w, "algorithm", "%s, seed %d", algorithm, t.Seed)
	}
	planned := ""
	if run.Planned > 0 {
		planned = fmt.Sprintf(" of %d", run.Planned)
	}
	line(w, "iterations", "%d%s done, in %s", run.Iterations, planned, duration(run.Seconds))
	trials := fmt.Sprint(run.Trials)
	for _, part := range []struct {
		n    int
		text string
	}{{run.Imported, "%d imported"}, {run.Repeated, "%d recorded again since"}, {run.Faults, "%d broken off by a fault"}} {
		if part.n > 0 {
			trials += ", " + fmt.Sprintf(part.text, part.n)
		}
	}
	line(w, "trials", "%s", trials)
	intermediates := ""
	if run.Intermediates > 0 {
		intermediates = fmt.Sprintf("; intermediates %d", run.Intermediates)
	}
	line(w, "checkpoints", "%d; policies %d%s", run.Checkpoints, run.Policies, intermediates)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(run.Sizes)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, size(run.Sizes[name])))
	}
	line(w, "sizes", "%s", strings.Join(parts, ", "))
	switch {
	case run.Writer != nil:
		line(w, "written by", "process %d now (%s)", run.Writer.PID, run.Writer.Command)
	case run.WriterUnknown:
		line(w, "written by", "not known: this system does not list locks")
	default:
		line(w, "written by", "no process now")
	}
	unread := "checkpoints, policies and intermediates wholly"
	if run.Unread > 0 {
		unread = fmt.Sprintf("of %d older checkpoints, policies and intermediates (%s) the length alone", run.Unread, size(run.UnreadBytes))
	}
	line(w, "looked at", "the ends of recordings; %s", unread)
	for _, name := range run.SetAside {
		line(w, "set aside", "%s", name)
	}
	if n := len(run.MeanCost); n > 0 {
		success := ""
		if run.SuccessRate != nil {
			success = fmt.Sprintf(", success in %.0f%% of the trials", 100**run.SuccessRate)
		}
		line(w, "cost", "%.4g at first, %.4g at last, %.4g at best (means)%s", run.MeanCost[0], run.MeanCost[n-1], slices.Min(run.MeanCost), success)
	}
	curve(w, "mean cost per iteration", run.MeanCost)
}

func (c *Checkpoint) write(w io.Writer) {
	line(w, "iteration", "%d, seed %d", c.Iteration, c.Seed)
	line(w, "version", "%d, SHA-256 %s", c.Version, c.Checksum)
	line(w, "sizes", "T=%d, dX=%d, dU=%d", c.Steps, len(c.States), len(c.Actions))
	line(w, "state", "%s", strings.Join(c.States, ", "))
	line(w, "action", "%s", strings.Join(c.Actions, ", "))
	for m, condition := range c.Conditions {
		duals := ""
		if condition.Duals {
			duals = ", multipliers towards the policy"
		}
		line(w, fmt.Sprintf("condition %d", m), "mean cost %.4g, eta %.3g, step multiplier %.3g, prior of %d trials in %d clusters%s",
			condition.MeanCost, condition.Eta, condition.StepMultiplier, condition.PriorTrials, condition.Clusters, duals)
	}
	if c.Policy != nil {
		line(w, "policy", "%s", c.Policy.layout())
		if c.Rollbacks > 0 {
			line(w, "rollbacks", "%d in a row", c.Rollbacks)
		}
	}
}

func (b *Bag) write(w io.Writer) {
	files := "1 file"
	if b.Files != 1 {
		files = fmt.Sprintf("%d files", b.Files)
	}
	line(w, "content", "%d messages in %s", b.Messages, files)
	line(w, "time", "%s, for %.3f s", time.Unix(0, b.Start).Format(time.RFC3339), b.Duration)
	width := len("topic")
	for _, t := range b.Topics {
		width = max(width, len(t.Name))
	}
	fmt.Fprintf(w, "%-*s %9s %10s  type\n", width, "topic", "messages", "Hz")
	for _, t := range b.Topics {
		rate := "-"
		if t.Rate != nil {
			rate = fmt.Sprintf("%.4g", *t.Rate)
		}
		fmt.Fprintf(w, "%-*s %9d %10s  %s\n", width, t.Name, t.Messages, rate, t.Type)
	}
}

func (p *Policy) write(w io.Writer) {
	line(w, "form", "%s", p.Form)
	line(w, "version", "%d, SHA-256 %s", p.Version, p.Checksum)
	line(w, "state", "%s", strings.Join(p.States, ", "))
	line(w, "action", "%s (N m, or N), every %v s, for %d steps", strings.Join(p.Actions, ", "), p.Step, p.Steps)
	if p.Network != nil {
		p.Network.write(w)
	}
	t := p.Training
	success := ""
	if t.SuccessRate != nil {
		success = fmt.Sprintf(", success in %.0f%% of the last trials", 100**t.SuccessRate)
	}
	line(w, "training", "%s, %d iterations, %d rollouts, %d conditions, seed %d%s", t.Algorithm, t.Iterations, t.Rollouts, t.Conditions, t.Seed, success)
	curve(w, "mean cost per iteration", t.MeanCost)
}

// layout says how a network is built.
func (n *Network) layout() string {
	return fmt.Sprintf("%s (%s), %d weights", strings.Trim(strings.ReplaceAll(fmt.Sprint(n.Sizes), " ", " - "), "[]"), n.Activation, n.Weights)
}

func (n *Network) write(w io.Writer) {
	line(w, "network", "%s", n.layout())
	for i, scale := range n.Scale {
		name := fmt.Sprint(i)
		if i < len(n.Observations) {
			name = n.Observations[i]
		}
		line(w, "observation", "%s, normalised by x * %.4g %+.4g", name, scale, n.Bias[i])
	}
}

func (m *Model) write(w io.Writer) {
	line(w, "operator set", "%d, IR version %d, written by %q", m.Opset, m.IR, m.Producer)
	line(w, "inputs", "%s", strings.Join(m.Inputs, ", "))
	line(w, "outputs", "%s", strings.Join(m.Outputs, ", "))
	line(w, "operators", "%s", strings.Join(m.Operators, ", "))
	if m.Network == nil {
		line(w, "runs here", "no: %s", m.Refused)
		return
	}
	m.Network.write(w)
	line(w, "action", "%s", strings.Join(m.Actions, ", "))
	for _, key := range slices.Sorted(maps.Keys(m.Properties)) {
		line(w, "property", "%s = %s", key, m.Properties[key])
	}
}

// duration writes seconds for people: to the millisecond where they are few.
func duration(seconds float64) time.Duration {
	unit := time.Second
	if seconds < 10 {
		unit = time.Millisecond
	}
	return time.Duration(seconds * float64(time.Second)).Round(unit)
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 10_000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", (bytes+500)/1000)
	}
	return fmt.Sprintf("%d MB", (bytes+500_000)/1_000_000)
}
