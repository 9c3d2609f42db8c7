package node

import (
	"fmt"
	"io"
	"strings"
)

// Evaluation is what a policy came to.
type Evaluation struct {
	// Policy is its path, Algorithm what learned it, "" where that is not known.
	Policy    string `json:"policy"`
	Algorithm string `json:"algorithm"`
	Seed      uint64 `json:"seed"`
	Starts    int    `json:"starts"`
	// Criterion says what success is.
	Criterion string `json:"criterion"`
	// SuccessRate is the share of all trials that succeeded; one with a fault did not.
	SuccessRate float64 `json:"success_rate"`
	// MeanCost and MedianCost are over the trials that came to their end; nil for none.
	MeanCost   *float64 `json:"mean_cost"`
	MedianCost *float64 `json:"median_cost"`
	// MedianError is the end effector's, in m, over the same trials; nil where there is no target.
	MedianError *float64 `json:"median_error_m"`
	// Faults counts the trials that did not come to their end.
	Faults int `json:"faults"`
	// Note says why there are fewer trials than were asked for; empty otherwise.
	Note string          `json:"note,omitempty"`
	Rows []EvaluationRow `json:"rows"`
}

// EvaluationRow is one trial.
type EvaluationRow struct {
	// Start holds the initial joint positions in rad.
	Start []float64 `json:"start"`
	// Cost and Error, the end effector's distance from its target at the end in m, are nil where there
	// is none.
	Cost    *float64 `json:"cost"`
	Error   *float64 `json:"error_m"`
	Success bool     `json:"success"`
	// Fault says what broke the trial off, or why it did not begin; "" for a whole one.
	Fault string `json:"fault"`
}

// sum fills in what is over all rows.
func (e *Evaluation) sum() {
	var costs, errs []float64
	mean, succeeded := 0.0, 0
	for _, r := range e.Rows {
		if r.Success {
			succeeded++
		}
		if r.Fault != "" {
			e.Faults++
		}
		if r.Cost != nil {
			costs = append(costs, *r.Cost)
			mean += *r.Cost
		}
		if r.Error != nil {
			errs = append(errs, *r.Error)
		}
	}
	e.SuccessRate = float64(succeeded) / float64(len(e.Rows))
	if len(costs) > 0 {
		mean /= float64(len(costs))
		middle := median(costs)
		e.MeanCost, e.MedianCost = &mean, &middle
	}
	if len(errs) > 0 {
		middle := median(errs)
		e.MedianError = &middle
	}
}

// Write writes the evaluation as text.
func (e *Evaluation) Write(w io.Writer) error {
	value := func(v *float64, scale float64) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.4g", *v*scale)
	}
	fmt.Fprintf(w, "%s: %d trials without exploration noise; success: %s\n", e.Policy, e.Starts, e.Criterion)
	fmt.Fprintf(w, "%5s %11s %11s %8s  %s\n", "start", "cost", "error cm", "success", "joints, rad")
	for i, r := range e.Rows {
		success := "no"
		if r.Success {
			success = "yes"
		}
		var joints []string
		for _, q := range r.Start {
			joints = append(joints, fmt.Sprintf("%.3f", q))
		}
		text := strings.Join(joints, " ")
		if r.Fault != "" {
			text += "  fault: " + r.Fault
		}
		fmt.Fprintf(w, "%5d %11s %11s %8s  %s\n", i+1, value(r.Cost, 1), value(r.Error, 100), success, text)
	}
	if e.Note != "" {
		fmt.Fprintf(w, "%s\n", e.Note)
	}
	_, err := fmt.Fprintf(w, "Success in %.0f%% of the trials; cost: mean %s, median %s; error: median %s cm; %d faults.\n",
		100*e.SuccessRate, value(e.MeanCost, 1), value(e.MedianCost, 1), value(e.MedianError, 100), e.Faults)
	return err
}
