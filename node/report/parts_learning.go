package report

import (
	"fmt"
	"maps"
	"slices"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/plots"
)

// mostReports bounds the reports that charts and tables show.
const mostReports = 250

// mostConditions bounds the conditions that are shown one by one.
const mostConditions = 8

// shownReports returns the reports that are drawn.
func (r *Run) shownReports() []*learner.Report { return spread(r.Reports, mostReports) }

// fromZero is the axis of numbers that are never below 0, and maybe all 0: up to at least 1.
func fromZero(lines []plots.ChartLine) [2]float64 {
	most := 1.0
	for _, l := range lines {
		for _, v := range l.Y {
			if isFinite(v) {
				most = max(most, v)
			}
		}
	}
	return [2]float64{-0.03 * most, 1.03 * most}
}

// overReports returns iterations and a number of each report.
func overReports(reports []*learner.Report, value func(r *learner.Report) float64) (x, y []float64) {
	for _, r := range reports {
		x, y = append(x, float64(r.Iteration)), append(y, value(r))
	}
	return x, y
}

// lineOver is a line over the iterations.
func lineOver(reports []*learner.Report, name string, tone plots.Tone, value func(r *learner.Report) float64) plots.ChartLine {
	x, y := overReports(reports, value)
	return plots.ChartLine{Name: name, X: x, Y: y, Tone: tone, Dots: len(x) <= 30}
}

// byCondition returns the number of a condition in a report, where it is told.
func byCondition(m int, value func(c *learner.ConditionReport) float64) func(r *learner.Report) float64 {
	return func(r *learner.Report) float64 {
		if m >= len(r.Conditions) {
			return orNaN(nil)
		}
		return value(&r.Conditions[m])
	}
}

const noReports = "no iteration has ended yet, so nothing was reported (iterations.jsonl)"

// noConditions says why there is nothing per condition.
const noConditions = "the reports (iterations.jsonl) do not tell conditions apart (\"conditions\"): the run is of an earlier version of this program"

func (r *Run) toldConditions() int {
	n := 0
	for _, report := range r.Reports {
		n = max(n, len(report.Conditions))
	}
	return n
}

// percent is the axis of shares: all of it, and so much more that lines at its ends are seen.
var percent = [2]float64{-3, 103}

// learningPart shows the learning curve and its spread.
func (r *Run) learningPart() *Part {
	p := &Part{ID: "learning", Title: "Learning curve", Text: "What the trials of each iteration cost: the mean, the middle half and the whole range of its samples."}
	if len(r.Reports) == 0 {
		p.miss(noReports)
		return p
	}
	reports := r.shownReports()
	spreads := make(map[*learner.Report]Spread, len(reports))
	for _, report := range reports {
		spreads[report] = NewSpread(report.SampleCosts)
	}
	of := func(f func(s Spread) float64) []float64 {
		_, y := overReports(reports, func(r *learner.Report) float64 { return f(spreads[r]) })
		return y
	}
	x, _ := overReports(reports, func(*learner.Report) float64 { return 0 })
	chart := &plots.Chart{Title: "Cost of a sample", X: "iteration", Y: "cost", Whole: true, Log: true,
		Bands: []plots.ChartBand{{Name: "least to largest", X: x, Low: of(func(s Spread) float64 { return s.Least }), Top: of(func(s Spread) float64 { return s.Most }), Tone: 0},
			{Name: "middle half", X: x, Low: of(func(s Spread) float64 { return s.First }), Top: of(func(s Spread) float64 { return s.Third }), Tone: 0, Strong: true}},
		Lines: []plots.ChartLine{lineOver(reports, "mean", 0, func(r *learner.Report) float64 { return r.MeanCost })}}
	if r.Task != nil && len(r.Task.Reference.MeanCost) > 0 {
		ref := r.Task.Reference.MeanCost
		ref = ref[:min(len(ref), mostReports, reports[len(reports)-1].Iteration)]
		xs := sequence(len(ref), 1)
		for i := range xs {
			xs[i]++
		}
		chart.Lines = append(chart.Lines, plots.ChartLine{Name: "reference", X: xs, Y: ref, Tone: plots.Muted, Dashed: true})
	}
	p.add("cost", "Lower is better. The band narrows as exploration does.", chart)
	r.lateCosts(p, reports)
	p.add("error", "Distance of the end effector from its target at the last step, mean over the samples.", &plots.Chart{Title: "End-effector error", X: "iteration", Y: "error (cm)", Whole: true,
		Lines: []plots.ChartLine{lineOver(reports, "mean", 2, func(r *learner.Report) float64 { return 100 * r.EndEffectorError() })}})
	p.add("success", "Share of the samples that succeeded.", &plots.Chart{Title: "Success", X: "iteration", Y: "samples that succeeded (%)", Whole: true, YRange: percent,
		Lines: []plots.ChartLine{lineOver(reports, "success", 5, func(r *learner.Report) float64 { return 100 * r.Success() })}})
	r.conditionCosts(p, reports)
	p.Tables = append(p.Tables, r.iterationTable(reports, spreads))
	return p
}

// lateCosts shows the later iterations by themselves, where the early ones leave nothing to see of them.
func (r *Run) lateCosts(p *Part, reports []*learner.Report) {
	late := reports[len(reports)/3:]
	all, end := newRange(), newRange()
	for _, q := range reports {
		all.add(q.SampleCosts)
	}
	for _, q := range late {
		end.add(q.SampleCosts)
	}
	if len(late) < 4 || all.least > 0 || end.width() > 0.2*all.width() {
		return
	}
	chart := &plots.Chart{Title: "Cost of a sample, later iterations", X: "iteration", Y: "cost", Whole: true, Log: true,
		Lines: []plots.ChartLine{lineOver(late, "mean", 0, func(q *learner.Report) float64 { return q.MeanCost })}}
	x, low := overReports(late, func(q *learner.Report) float64 { return slices.Min(q.SampleCosts) })
	_, top := overReports(late, func(q *learner.Report) float64 { return slices.Max(q.SampleCosts) })
	chart.Bands = []plots.ChartBand{{Name: "least to largest", X: x, Low: low, Top: top, Tone: 0}}
	p.add("late", "The same on a scale of its own.", chart)
}

// conditionCosts shows the costs of the conditions one by one.
func (r *Run) conditionCosts(p *Part, reports []*learner.Report) {
	told := r.toldConditions()
	if told == 0 {
		p.miss(noConditions)
		return
	}
	if told == 1 {
		return
	}
	all := &plots.Chart{Title: "Mean cost of each condition", X: "iteration", Y: "cost", Whole: true, Log: true}
	cost := func(f func(s Spread) float64) func(c *learner.ConditionReport) float64 {
		return func(c *learner.ConditionReport) float64 { return f(NewSpread(c.SampleCosts)) }
	}
	average := cost(func(s Spread) float64 { return s.Mean })
	shown := spread(indices(told), mostConditions)
	for i, m := range shown {
		all.Lines = append(all.Lines, lineOver(reports, conditionName(m), plots.Tone(i), byCondition(m, average)))
	}
	p.add("conditions", "A condition is an initial position.", all)
	p.row("Each condition", true)
	for i, m := range shown {
		x, low := overReports(reports, byCondition(m, cost(func(s Spread) float64 { return s.Least })))
		_, top := overReports(reports, byCondition(m, cost(func(s Spread) float64 { return s.Most })))
		_, first := overReports(reports, byCondition(m, cost(func(s Spread) float64 { return s.First })))
		_, third := overReports(reports, byCondition(m, cost(func(s Spread) float64 { return s.Third })))
		p.add(fmt.Sprintf("condition_%d", m), "", &plots.Chart{Title: "Cost of " + conditionName(m), X: "iteration", Y: "cost", Whole: true, Log: true,
			Bands: []plots.ChartBand{{Name: "least to largest", X: x, Low: low, Top: top, Tone: plots.Tone(i)}, {Name: "middle half", X: x, Low: first, Top: third, Tone: plots.Tone(i), Strong: true}},
			Lines: []plots.ChartLine{lineOver(reports, "mean", plots.Tone(i), byCondition(m, average))}})
	}
	p.some(len(shown), told, "conditions")
}

// conditionName names a condition as the run folder does, from 0.
func conditionName(m int) string { return fmt.Sprintf("condition %d", m) }

func (r *Run) iterationTable(reports []*learner.Report, spreads map[*learner.Report]Spread) *Table {
	t := &Table{Title: "Numbers of each iteration", Head: []string{"iteration", "mean cost", "least", "first quartile", "median", "third quartile", "largest", "error (cm)", "success (%)", "KL (nat)", "eta", "step", "update (s)", "whole (s)"}}
	for _, q := range reports {
		s := spreads[q]
		t.Rows = append(t.Rows, []string{fmt.Sprint(q.Iteration), number(q.MeanCost), number(s.Least), number(s.First), number(s.Median), number(s.Third), number(s.Most),
			number(100 * q.EndEffectorError()), number(100 * q.Success()), number(q.KL), number(q.Eta), number(q.StepMultiplier), number(q.UpdateSeconds), number(q.Seconds)})
	}
	if len(reports) < len(r.Reports) {
		t.Title += fmt.Sprintf(" (%d of %d, evenly spread)", len(reports), len(r.Reports))
	}
	return t
}

// CostTerms returns the mean of each cost term over a report's conditions, by name.
func CostTerms(q *learner.Report) map[string]float64 {
	sums := map[string]float64{}
	for _, c := range q.Conditions {
		for name, v := range c.CostTerms {
			sums[name] += v / float64(len(q.Conditions))
		}
	}
	return sums
}

// termsPart shows the cost by term.
func (r *Run) termsPart() *Part {
	p := &Part{ID: "terms", Title: "Cost by term", Text: "What the mean cost of a trial is made of, with the terms' weights."}
	if len(r.Reports) == 0 {
		p.miss(noReports)
		return p
	}
	reports := r.shownReports()
	names := map[string]bool{}
	terms := make(map[*learner.Report]map[string]float64, len(reports))
	for _, q := range reports {
		terms[q] = CostTerms(q)
		for name := range terms[q] {
			names[name] = true
		}
	}
	if len(names) == 0 {
		if r.toldConditions() == 0 {
			p.miss(noConditions)
		} else {
			p.miss("the reports (iterations.jsonl) tell no cost terms")
		}
		return p
	}
	sorted := slices.Sorted(maps.Keys(names))
	chart := &plots.Chart{Title: "Cost by term", X: "iteration", Y: "cost", Whole: true, Log: true, SymLog: true}
	last := &Table{Title: "Terms", Head: []string{"term", "first", "last"}, Open: true}
	for i, name := range sorted {
		line := lineOver(reports, name, plots.Tone(i), func(q *learner.Report) float64 {
			if v, there := terms[q][name]; there {
				return v
			}
			return orNaN(nil)
		})
		chart.Lines = append(chart.Lines, line)
		first, end, _ := ends(line.Y)
		last.Rows = append(last.Rows, []string{name, number(first), number(end)})
	}
	p.add("cost", "Mean over the samples of the sum over a trial's steps.", chart)
	p.Tables = append(p.Tables, last)
	return p
}

// stepPart shows how far the controllers moved.
func (r *Run) stepPart() *Part {
	p := &Part{ID: "step", Title: "Step size", Text: "How far an update moved the controllers (KL divergence), what it was allowed, and the dual variable eta of that bound."}
	if len(r.Reports) == 0 {
		p.miss(noReports)
		return p
	}
	reports, told := r.shownReports(), r.toldConditions()
	kl := &plots.Chart{Title: "KL divergence from the controllers before", X: "iteration", Y: "KL (nat)", Whole: true, Log: true,
		Lines: []plots.ChartLine{lineOver(reports, "KL, mean", 0, func(q *learner.Report) float64 { return q.KL })}}
	if told > 0 {
		bound := lineOver(reports, "bound, mean", plots.Limit, func(q *learner.Report) float64 {
			sum, n := 0.0, 0
			for _, c := range q.Conditions {
				if c.Bound > 0 {
					sum += c.Bound
					n++
				}
			}
			return sum / float64(n)
		})
		bound.Dashed, bound.Dots = true, false
		kl.Lines = append(kl.Lines, bound)
	} else {
		p.miss("the bound is not there: %s", noConditions)
	}
	p.add("kl", "Near its bound, the bound is what holds an update back.", kl)
	eta := &plots.Chart{Title: "Dual variable of the bound", X: "iteration", Y: "eta", Whole: true, Log: true}
	step := &plots.Chart{Title: "Factor on the KL step", X: "iteration", Y: "factor", Whole: true, Log: true}
	if told > 1 {
		for i, m := range spread(indices(told), mostConditions) {
			eta.Lines = append(eta.Lines, lineOver(reports, conditionName(m), plots.Tone(i), byCondition(m, func(c *learner.ConditionReport) float64 { return c.Eta })))
			step.Lines = append(step.Lines, lineOver(reports, conditionName(m), plots.Tone(i), byCondition(m, func(c *learner.ConditionReport) float64 { return c.StepMultiplier })))
		}
	} else {
		eta.Lines = []plots.ChartLine{lineOver(reports, "eta", 1, func(q *learner.Report) float64 { return q.Eta })}
		step.Lines = []plots.ChartLine{lineOver(reports, "factor", 2, func(q *learner.Report) float64 { return q.StepMultiplier })}
	}
	p.add("eta", "Large where the bound is tight.", eta)
	p.add("factor", "Adapted by what the last updates promised and gave.", step)
	return p
}

// improvementPart compares what updates promised with what they gave.
func (r *Run) improvementPart() *Part {
	p := &Part{ID: "improvement", Title: "Predicted and actual improvement", Text: "What each update promised by its model, and what the next trials' models show of it: the closer, the better the model."}
	switch {
	case len(r.Reports) == 0:
		p.miss(noReports)
		return p
	case r.toldConditions() == 0:
		p.miss(noConditions)
		return p
	}
	reports := r.shownReports()
	average := func(value func(c *learner.ConditionReport) *float64) func(q *learner.Report) float64 {
		return func(q *learner.Report) float64 {
			sum, n := 0.0, 0
			for i := range q.Conditions {
				if v := value(&q.Conditions[i]); v != nil {
					sum += *v
					n++
				}
			}
			return sum / float64(n)
		}
	}
	predicted := average(func(c *learner.ConditionReport) *float64 { return c.Predicted })
	actual := average(func(c *learner.ConditionReport) *float64 { return c.Actual })
	what, rose := r.objective()
	p.add("mean", "Mean over the conditions; below 0 "+rose+".", &plots.Chart{Title: "Improvement of the " + what, X: "iteration", Y: "improvement", Whole: true, SymLog: true,
		Lines: []plots.ChartLine{lineOver(reports, "predicted", 1, predicted), lineOver(reports, "actual", 0, actual)}})
	_, xs := overReports(reports, predicted)
	_, ys := overReports(reports, actual)
	s := NewSpread(slices.DeleteFunc(slices.Clone(xs), func(v float64) bool { return !isFinite(v) }))
	p.add("against", "On the dashed line an update gives what it promised, below it less.", &plots.Chart{Title: "Actual against predicted improvement", X: "predicted", Y: "actual", SymLog: true, SymLogX: true,
		Points: []plots.ChartPoints{{Name: "iterations", X: xs, Y: ys, Tone: 0}},
		Lines:  []plots.ChartLine{promised(s.Least, s.Most)}})
	if len(p.Shown) == 0 {
		p.miss("improvement is known from the second iteration on, and only with the update lqr or pilqr")
	}
	return p
}

// promised is the line on which actual and predicted improvement are the same.
func promised(least, most float64) plots.ChartLine {
	return plots.ChartLine{Name: "as promised", X: []float64{least, most}, Y: []float64{least, most}, Tone: plots.Muted, Dashed: true}
}

// objective names what predicted and actual improvement are of, and says what happened where it got worse.
func (r *Run) objective() (what, rose string) {
	if r.Task != nil && slices.Contains([]string{"badmm", "constrained", "lagrangian"}, r.Task.Algorithm.Type) {
		return "objective", "the objective rose, which is the expected cost with the pull towards the policy"
	}
	return "expected cost", "the expected cost rose"
}
