package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/plots"
)

// phaseNames says what the phases of an update are, in the order of the work.
var phaseNames = []struct{ key, name string }{
	{"read_s", "reading trials"}, {"prior_s", "prior"}, {"dynamics_s", "dynamics"}, {"cost_s", "cost"},
	{"trajectory_s", "trajectory"}, {"policy_s", "policy"}, {"checkpoint_s", "checkpoint"},
}

// timingPart shows where the time went.
func (r *Run) timingPart() *Part {
	p := &Part{ID: "timing", Title: "Time", Text: "Where the wall time of the iterations went."}
	if len(r.Reports) == 0 {
		p.miss(noReports)
		return p
	}
	reports := spread(r.Reports, 100)
	p.add("iterations", "Trials are all that is not the update.", stack("Wall time of the iterations", reports, []string{"update", "trials"}, func(q *learner.Report) []float64 {
		return []float64{q.UpdateSeconds, max(0, q.Seconds-q.UpdateSeconds)}
	}))
	names, keys := r.phases()
	if len(keys) == 0 {
		p.miss("the phases of the update are not there: the reports (iterations.jsonl) have no \"phases\": the run is of an earlier version of this program")
		return p
	}
	value := func(q *learner.Report) []float64 {
		var list []float64
		for _, key := range keys {
			list = append(list, q.Phases[key])
		}
		return list
	}
	p.add("phases", "Of the update, phase upon phase.", stack("Wall time of an update", reports, names, value))
	table := &Table{Title: "Phases of all updates", Head: []string{"phase", "time (s)", "share (%)"}}
	sums, total := make([]float64, len(keys)), 0.0
	for _, q := range r.Reports {
		addTo(sums, 1, value(q))
	}
	for _, s := range sums {
		total += s
	}
	for i, name := range names {
		table.Rows = append(table.Rows, []string{name, number(sums[i]), number(100 * sums[i] / total)})
	}
	p.Tables = append(p.Tables, table)
	return p
}

// phases returns the phases that some report has.
func (r *Run) phases() (names, keys []string) {
	there := map[string]bool{}
	for _, q := range r.Reports {
		for key := range q.Phases {
			there[key] = true
		}
	}
	for _, phase := range phaseNames {
		if there[phase.key] {
			names, keys = append(names, phase.name), append(keys, phase.key)
			delete(there, phase.key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(there)) {
		names, keys = append(names, strings.TrimSuffix(key, "_s")), append(keys, key)
	}
	return names, keys
}

// stack is a chart of stacked bars over the iterations.
func stack(title string, reports []*learner.Report, names []string, value func(q *learner.Report) []float64) *plots.Chart {
	chart := &plots.Chart{Title: title, X: "iteration", Y: "time (s)", Whole: true}
	for i, name := range names {
		bar := plots.ChartBar{Name: name, Tone: plots.Tone(i)}
		for n, q := range reports {
			half := 0.4
			if n+1 < len(reports) {
				half *= float64(reports[n+1].Iteration - q.Iteration)
			}
			low := 0.0
			for _, v := range value(q)[:i] {
				low += v
			}
			bar.Left, bar.Right = append(bar.Left, float64(q.Iteration)-half), append(bar.Right, float64(q.Iteration)+half)
			bar.Low, bar.Top = append(bar.Low, low), append(bar.Top, low+value(q)[i])
		}
		chart.Bars = append(chart.Bars, bar)
	}
	return chart
}

// Ticks is a histogram of times over many trials: Counts[i] ticks took up to Bounds[i] s, the last count
// those above.
type Ticks struct {
	Bounds []float64
	Counts []uint64
	Most   float64
}

// AddTicks adds a trial's histogram to the sums, unless its ranges are others.
func (t *Ticks) AddTicks(h *guided_policy_search_msgs.Histogram) bool {
	if len(h.Counts) != len(h.UpperBounds)+1 || !slices.IsSorted(h.UpperBounds) || slices.ContainsFunc(h.UpperBounds, func(v float64) bool { return !isFinite(v) }) {
		return false
	}
	if t.Counts == nil {
		t.Bounds, t.Counts = h.UpperBounds, make([]uint64, len(h.Counts))
	}
	if !slices.Equal(t.Bounds, h.UpperBounds) {
		return false
	}
	for i, n := range h.Counts {
		t.Counts[i] += n
	}
	t.Most = max(t.Most, h.Max)
	return true
}

// Total returns how many ticks were counted.
func (t *Ticks) Total() (sum uint64) {
	for _, n := range t.Counts {
		sum += n
	}
	return sum
}

// Quantile returns the upper bound of the range that a part of the ticks is within.
func (t *Ticks) Quantile(part float64) float64 {
	need, sum := part*float64(t.Total()), 0.0
	for i, n := range t.Counts {
		if sum += float64(n); sum >= need && i < len(t.Bounds) {
			return min(t.Bounds[i], t.Most)
		}
	}
	return t.Most
}

// ticksPart shows how the control loop kept its time.
func (r *Run) ticksPart() *Part {
	p := &Part{ID: "ticks", Title: "Control ticks", Text: "How the control loop kept its time, over all ticks of the trials that were read."}
	trials := []*Trial{}
	for _, s := range r.Snapshots {
		trials = append(trials, flat(s.Trials)...)
	}
	if len(trials) == 0 {
		p.miss(noTrials)
		return p
	}
	ticks, overruns := uint64(0), uint64(0)
	for _, t := range trials {
		ticks += t.Timing.Ticks
		overruns += t.Timing.Overruns
	}
	table := &Table{Title: "Times of a tick", Head: []string{"what", "ticks", "median (ms)", "99 % within (ms)", "99.9 % within (ms)", "longest (ms)"}, Open: true}
	var without []string
	for i, of := range []struct {
		id, name, caption string
		histogram         func(t *Trial) *guided_policy_search_msgs.Histogram
	}{
		{"latency", "latency", "From the reception of a joint state to the command that uses it.", func(t *Trial) *guided_policy_search_msgs.Histogram { return &t.Timing.Latency }},
		{"jitter", "lateness", "By how much a tick, or a joint state, came at another time than it should have.", func(t *Trial) *guided_policy_search_msgs.Histogram { return &t.Timing.Jitter }},
		{"compute", "computing", "What a tick took to compute.", func(t *Trial) *guided_policy_search_msgs.Histogram { return &t.Timing.Compute }},
	} {
		var sum Ticks
		for _, t := range trials {
			sum.AddTicks(of.histogram(t))
		}
		if sum.Total() == 0 {
			without = append(without, of.name)
			continue
		}
		bar := plots.ChartBar{Name: of.name, Tone: plots.Tone(i)}
		low := 0.0
		for n, count := range sum.Counts {
			top := sum.Most
			if n < len(sum.Bounds) {
				top = sum.Bounds[n]
			}
			if n == 0 || low <= 0 {
				low = top / 2
			}
			if count > 0 && top > low && low > 0 {
				bar.Left, bar.Right = append(bar.Left, 1000*low), append(bar.Right, 1000*top)
				bar.Low, bar.Top = append(bar.Low, 0), append(bar.Top, 100*float64(count)/float64(sum.Total()))
			}
			low = top
		}
		p.add(of.id, of.caption, &plots.Chart{Title: "Ticks by their " + of.name, X: of.name + " (ms)", Y: "ticks (%)", LogX: true, Bars: []plots.ChartBar{bar}})
		table.Rows = append(table.Rows, []string{of.name, fmt.Sprint(sum.Total()), number(1000 * sum.Quantile(0.5)), number(1000 * sum.Quantile(0.99)), number(1000 * sum.Quantile(0.999)), number(1000 * sum.Most)})
	}
	if without != nil {
		p.miss("%s: not measured in these trials, as in lock step or without a middleware", strings.Join(without, ", "))
	}
	if len(table.Rows) > 0 {
		p.Text += fmt.Sprintf(" %d ticks, %d overruns.", ticks, overruns)
		p.Tables = append(p.Tables, table)
	}
	return p
}

// faultsPart lists what went wrong.
func (r *Run) faultsPart() *Part {
	p := &Part{ID: "faults", Title: "Faults and undone updates", Text: "Trials that a fault broke off, what the safety filter changed, and updates that were undone."}
	broken := &Table{Title: "Trials that a fault broke off", Head: []string{"iteration", "condition", "sample", "after step", "fault"}, Open: true}
	for _, t := range r.Broken {
		broken.Rows = append(broken.Rows, []string{fmt.Sprint(t.Iteration), fmt.Sprint(t.Condition), fmt.Sprint(t.Sample), fmt.Sprint(t.T), t.Fault})
	}
	if len(r.Broken) == 0 {
		p.Text += " No trial was broken off by a fault."
	} else {
		p.Tables = append(p.Tables, broken)
	}
	undone := &Table{Title: "Updates that were undone", Head: []string{"iteration", "what"}, Open: true}
	add := func(q *learner.Report, text string) {
		undone.Rows = append(undone.Rows, []string{fmt.Sprint(q.Iteration), text})
	}
	for _, q := range r.Reports {
		if q.Policy != nil && q.Policy.RolledBack {
			add(q, "the policy did worse than the one before, which was put back")
		}
		if q.Policy != nil && q.Policy.Diverged {
			add(q, "the policy's training diverged and was undone")
		}
		for m, c := range q.Conditions {
			if c.Anchored {
				add(q, conditionName(m)+" did not learn: no dual variable kept the bound, its controller stayed what it was")
			}
		}
	}
	if n := len(undone.Rows); n == 0 {
		p.Text += " No update was undone."
	} else {
		if n > mostReports {
			undone.Rows = spread(undone.Rows, mostReports)
			undone.Title += fmt.Sprintf(" (%d of %d)", mostReports, n)
		}
		p.Tables = append(p.Tables, undone)
	}
	snapshots := r.having(hasTrials)
	if len(snapshots) == 0 {
		p.miss(noTrials)
		return p
	}
	intervened := plots.ChartLine{Name: "ticks changed by the safety filter", Tone: 1, Dots: len(snapshots) <= 30}
	lost := plots.ChartLine{Name: "joint states lost", Tone: 3, Dots: len(snapshots) <= 30}
	for _, s := range snapshots {
		a, b := 0.0, 0.0
		for _, t := range flat(s.Trials) {
			a += float64(t.Intervened)
			b += float64(t.Lost)
		}
		n := math.Max(1, float64(len(flat(s.Trials))))
		intervened.X, intervened.Y = append(intervened.X, float64(s.Iteration)), append(intervened.Y, a/n)
		lost.X, lost.Y = append(lost.X, float64(s.Iteration)), append(lost.Y, b/n)
	}
	lines := []plots.ChartLine{intervened, lost}
	p.add("safety", "Mean of a trial.", &plots.Chart{Title: "Interventions and losses in a trial", X: "iteration", Y: "in a trial", Whole: true, YRange: fromZero(lines), Lines: lines})
	return p
}
