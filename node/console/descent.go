package console

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Descent is one iteration of a trajectory's optimisation.
type Descent struct {
	// Number counts from 1.
	Number int
	// Cost is the trajectory's afterwards; Predicted and Actual are improvements.
	Cost, Predicted, Actual float64
	// Alpha is the step that was taken, 0 for none; Lambda the regularisation.
	Alpha, Lambda float64
}

// DescentTable writes the iterations of a descent, one per line, with a header.
func DescentTable(w io.Writer, list []Descent) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%9s %12s %12s %12s %10s %10s\n", "iteration", "cost", "predicted", "actual", "alpha", "lambda")
	for _, d := range list {
		alpha := "-"
		if d.Alpha > 0 {
			alpha = fmt.Sprintf("%.4g", d.Alpha)
		}
		fmt.Fprintf(&b, "%9d %12s %12s %12s %10s %10s\n", d.Number, number(d.Cost, 7), number(d.Predicted, 4), number(d.Actual, 4), alpha, number(d.Lambda, 3))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// DescentSummary is the end of an optimisation.
type DescentSummary struct {
	Cost, ReplayCost float64
	// Iterations of the best descent, and Total over all Starts.
	Iterations, Total, Starts int
	// Reference is the best cost known, Margin the part of it that is allowed on top. A
	// NaN reference leaves the verdict out.
	Reference, Margin float64
	// RunFolder holds what was written, Pictures are files there; empty ones are left out.
	RunFolder string
	Pictures  []string
	Seconds   float64
}

// Write writes the summary.
func (s DescentSummary) Write(w io.Writer) error {
	var b strings.Builder
	cost := number(s.Cost, 7)
	switch relative := s.Cost/s.Reference - 1; {
	case math.IsNaN(s.Reference):
		fmt.Fprintf(&b, "Done: cost %s.\n", cost)
	case s.Cost <= s.Reference*(1+s.Margin):
		fmt.Fprintf(&b, "Reached: cost %s, %+.3f%% from the best known, %s (up to %.3g%% counts).\n", cost, 100*relative, number(s.Reference, 7), 100*s.Margin)
	default:
		fmt.Fprintf(&b, "Not reached: cost %s, %+.3f%% from the best known, %s (up to %.3g%% counts).\n", cost, 100*relative, number(s.Reference, 7), 100*s.Margin)
	}
	fmt.Fprintf(&b, "Run again on the simulated robot: cost %s.\n", number(s.ReplayCost, 7))
	fmt.Fprintf(&b, "%d iterations, %d over all %d starts, in %s s.\n", s.Iterations, s.Total, s.Starts, fixed(s.Seconds))
	if s.RunFolder != "" {
		fmt.Fprintf(&b, "Run folder: %s\n", s.RunFolder)
	}
	for _, p := range s.Pictures {
		fmt.Fprintf(&b, "Picture: %s\n", p)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
