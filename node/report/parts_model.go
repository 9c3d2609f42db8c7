package report

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/plots"
)

const noCheckpoint = "no checkpoint could be read (checkpoints)"

// jointNames returns the joints' names, numbers where they are not known.
func (r *Run) jointNames(dU int) []string {
	if r.Robot != nil {
		return r.Robot.Joints()
	}
	if s := r.latest(hasTrials); s != nil {
		return flat(s.Trials)[0].Joints
	}
	names := make([]string, dU)
	for j := range names {
		names[j] = fmt.Sprintf("joint %d", j)
	}
	return names
}

// stateNames returns the states' names, numbers where they are not known.
func (r *Run) stateNames(dX int) []string {
	if r.Robot != nil {
		return r.Robot.StateNames()
	}
	if s := r.latest(hasTrials); s != nil {
		return flat(s.Trials)[0].States
	}
	names := make([]string, dX)
	for i := range names {
		names[i] = fmt.Sprintf("x%d", i)
	}
	return names
}

// timeStep returns the length of a time step in s, and the label of an axis in it: steps where it is
// not known.
func (r *Run) timeStep() (dt float64, label string) {
	if s := r.latest(hasTrials); s != nil {
		return flat(s.Trials)[0].DT, "time (s)"
	}
	if r.Task != nil {
		return r.Task.DT, "time (s)"
	}
	return 1, "time step"
}

// gainsPart shows the controllers.
func (r *Run) gainsPart() *Part {
	p := &Part{ID: "gains", Title: "Controller gains", Text: "The time-varying controllers u = K x + k + noise: how strongly they feed back, what they feed forward, and how much they explore."}
	snapshots := r.having(hasControllers)
	if len(snapshots) == 0 {
		p.miss(noCheckpoint)
		return p
	}
	last := snapshots[len(snapshots)-1]
	dt, label := r.timeStep()
	for n, m := range spread(indices(len(last.Controllers)), mostPathConditions) {
		g := NewGains(last.Controllers[m])
		title := ""
		if len(last.Controllers) > 1 {
			title = capital(conditionName(m))
		}
		p.row(title, n > 0)
		for _, of := range []struct {
			id, title, y, caption string
			values                [][]float64
			log                   bool
		}{
			{"feedback", "Feedback gains", "norm of the row of K", "Per joint, after the last iteration.", g.Norm, true},
			{"forward", "Feed-forward torques", "k (N m)", "Per joint: what is commanded at x = 0.", g.Bias, false},
			{"noise", "Exploration noise", "standard deviation (N m)", "Per joint. Where it has gone, nothing more is learned.", g.Deviation, true},
		} {
			chart := &plots.Chart{Title: of.title + ", " + conditionName(m), X: label, Y: of.y, Log: of.log}
			for j, name := range r.jointNames(len(of.values))[:min(len(of.values), mostJoints)] {
				chart.Lines = append(chart.Lines, plots.ChartLine{Name: name, X: thin(sequence(len(of.values[j]), dt)), Y: thin(of.values[j]), Tone: plots.Tone(j)})
			}
			p.add(fmt.Sprintf("condition_%d_%s", m, of.id), of.caption, chart)
		}
	}
	p.some(mostPathConditions, len(last.Controllers), "conditions")
	p.row("Over the iterations", false)
	for _, of := range []struct {
		id, title, caption string
		value              func(g *Gains, t int) float64
	}{
		{"norm_map", "Norm of K", "Frobenius norm of K, mean over the conditions.", func(g *Gains, t int) float64 { return across(g.Norm, t) }},
		{"noise_map", "Exploration noise", "Root of the noise's total variance in N m, mean over the conditions.", func(g *Gains, t int) float64 { return across(g.Deviation, t) }},
	} {
		T := last.Controllers[0].T
		var maps [][]float64
		for _, s := range snapshots {
			row := make([]float64, T)
			for _, c := range s.Controllers {
				g := NewGains(c)
				for t := range row {
					row[t] += of.value(g, t) / float64(len(s.Controllers))
				}
			}
			maps = append(maps, row)
		}
		r.iterationMap(p, of.id, of.title, of.caption, snapshots, maps, dt, label)
	}
	return p
}

// across returns the Euclidean norm over the rows at t.
func across(list [][]float64, t int) float64 {
	sum := 0.0
	for _, row := range list {
		sum += row[t] * row[t]
	}
	return math.Sqrt(sum)
}

// mostCells bounds the columns of a heat map.
const mostCells = 100

// iterationMap adds a heat map of one row per snapshot over time, in decimal logarithms where all values
// are positive.
func (r *Run) iterationMap(p *Part, id, title, caption string, snapshots []*Snapshot, values [][]float64, dt float64, label string) {
	ticks := make([]string, len(snapshots))
	for i, s := range snapshots {
		ticks[i] = fmt.Sprint(s.Iteration)
	}
	r.heatMap(p, id, title, "iteration", caption, ticks, values, dt, label)
}

// heatMap adds a heat map of named rows over time.
func (r *Run) heatMap(p *Part, id, title, y, caption string, names []string, values [][]float64, dt float64, label string) {
	least, most := math.Inf(1), math.Inf(-1)
	for _, row := range values {
		for _, v := range row {
			if isFinite(v) {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	if !(least <= most) {
		return
	}
	log := least > 0 && most > 10*least
	heat := &plots.ChartHeat{Rows: len(values), X0: 0, X1: float64(len(values[0])) * dt, Least: least, Most: most}
	for _, row := range values {
		shown := spread(row, mostCells)
		heat.Columns = len(shown)
		for _, v := range shown {
			if log {
				v = math.Log10(v)
			}
			heat.Values = append(heat.Values, v)
		}
	}
	if log {
		heat.Least, heat.Most = math.Log10(least), math.Log10(most)
	}
	picture := p.add(id, caption, &plots.Chart{Title: title, X: label, Y: y, Ticks: names, Heat: heat})
	picture.Low, picture.High = number(least), number(most)
	if log {
		picture.High += " (logarithmic)"
	}
}

// dynamicsPart shows how well the fitted dynamics foretell trials that they have not seen.
func (r *Run) dynamicsPart() *Part {
	p := &Part{ID: "dynamics", Title: "Fit of the dynamics", Text: "The dynamics that an iteration fitted, judged by the trials of the next, which the fit has not seen."}
	models := r.having(hasModels)
	if len(models) == 0 {
		if r.Task != nil && r.Task.Algorithm.Update == "pi2" && len(r.having(hasControllers)) > 0 {
			p.miss("no dynamics were fitted: the update pi2 needs no model (algorithm.update)")
		} else {
			p.miss("no checkpoint with fitted dynamics could be read (checkpoints)")
		}
		return p
	}
	var list []*HeldOut
	var failed error
	for _, s := range models {
		h, err := NewHeldOut(s)
		if err != nil {
			failed = fmt.Errorf("iteration %d: %w", s.Iteration, err)
			continue
		}
		if h != nil {
			list = append(list, h)
		}
	}
	if failed != nil {
		p.miss("some models cannot be judged: %v", failed)
	}
	if len(list) == 0 {
		p.miss("no iteration with fitted dynamics has trials after it")
		return p
	}
	dt, label := r.timeStep()
	chart := &plots.Chart{Title: "Held-out log-likelihood", X: label, Y: "log-likelihood (nat)", SymLog: true}
	compared := spread(list, mostCompared)
	for i, h := range compared {
		chart.Lines = append(chart.Lines, plots.ChartLine{Name: iterationName(h.Iteration), X: thin(sequence(len(h.LogLikelihood), dt)), Y: thin(h.LogLikelihood), Tone: plots.Ramp(i, len(compared)), Strong: i == len(compared)-1})
	}
	p.add("likelihood", "Per time step, of a whole transition; higher is better.", chart)
	if len(compared) > 1 {
		latest := *chart
		latest.Title = fmt.Sprintf("Held-out log-likelihood, iteration %d", compared[len(compared)-1].Iteration)
		latest.Lines = slices.Clone(chart.Lines[len(chart.Lines)-1:])
		latest.Lines[0].Strong = false
		p.add("likelihood_last", "The latest by itself: early fits may leave nothing to see of it.", &latest)
	}
	over := plots.ChartLine{Name: "mean over the time steps", Tone: 0, Dots: len(list) <= 30}
	for _, h := range list {
		over.X, over.Y = append(over.X, float64(h.Iteration)), append(over.Y, h.Mean())
	}
	p.add("likelihood_mean", "", &plots.Chart{Title: "Held-out log-likelihood over the iterations", X: "iteration", Y: "log-likelihood (nat)", Whole: true, SymLog: true, Lines: []plots.ChartLine{over}})

	last := list[len(list)-1]
	names := r.stateNames(len(last.Error))
	relative := rows(len(last.Error), len(last.LogLikelihood))
	table := &Table{Title: fmt.Sprintf("One-step errors of the models of iterations %d and %d", list[0].Iteration, last.Iteration),
		Head: []string{"state", "error, first", "error, last", "change in a step", "error / change"}}
	for i := range last.Error {
		for t := range relative[i] {
			relative[i][t] = math.NaN()
			if c := last.Change[i][t]; c > 0 && last.Error[i][t] > 0 {
				relative[i][t] = last.Error[i][t] / c
			}
		}
		before, _ := list[0].Total(i)
		e, change := last.Total(i)
		table.Rows = append(table.Rows, []string{names[i], number(before), number(e), number(change), number(e / change)})
	}
	r.heatMap(p, "error", fmt.Sprintf("One-step error, iteration %d", last.Iteration), "",
		"Root mean square error of the predicted next state, as a part of how much that state changes in the step.", names, relative, dt, label)
	p.Tables = append(p.Tables, table)
	return p
}

// clustersPart shows the mixture of the dynamics prior.
func (r *Run) clustersPart() *Part {
	p := &Part{ID: "clusters", Title: "Clusters of the dynamics prior", Text: "The Gaussian mixture over earlier transitions, in the plane of their first two principal components; ellipses are at two standard deviations."}
	s := r.latest(func(s *Snapshot) bool { return len(s.Priors) > 0 })
	if s == nil {
		p.miss("the latest checkpoint could not be read, or there is none (checkpoints)")
		return p
	}
	p.some(mostPathConditions, len(s.Priors), "conditions")
	var names []string
	states, actions := r.stateNames(s.Controllers[0].DX), r.jointNames(s.Controllers[0].DU)
	names = append(names, states...)
	for _, name := range actions {
		names = append(names, "torque of "+name)
	}
	for _, name := range states {
		names = append(names, "next "+name)
	}
	type picture struct {
		id    string
		chart *plots.Chart
	}
	var wide []picture
	for _, m := range spread(indices(len(s.Priors)), mostPathConditions) {
		if s.Priors[m] == nil || s.Priors[m].Mixture == nil {
			p.miss("%s has no mixture: the prior is not used (algorithm.prior.use), or the update needs no model", conditionName(m))
			continue
		}
		c, err := NewClusters(s.Priors[m])
		if err != nil {
			p.miss("%s: %v", conditionName(m), err)
			continue
		}
		chart, id := c.chart("Clusters, "+conditionName(m), mostDots), fmt.Sprintf("condition_%d", m)
		caption := fmt.Sprintf("%s, after iteration %d: %d clusters over %d trials. Across: %s. Up: %s.", capital(conditionName(m)), s.Iteration, len(c.X), len(s.Priors[m].Rollouts), c.meaning(0, names), c.meaning(1, names))
		if x, y, outside := c.Middle(); outside > 0 {
			wide = append(wide, picture{id + "_all", c.chart("All clusters, "+conditionName(m), mostFarDots)})
			chart.XRange, chart.YRange = x, y
			caption += fmt.Sprintf(" %d of %d points lie outside of the picture, far from the others.", outside, c.points())
		}
		p.add(id, caption, chart)
	}
	p.row("With all clusters", true)
	for _, w := range wide {
		p.add(w.id, fmt.Sprintf("At most %d points of each cluster.", mostFarDots), w.chart)
	}
	return p
}

// policyPart compares the policy with the local controllers.
func (r *Run) policyPart() *Part {
	p := &Part{ID: "policy", Title: "Policy against local controllers", Text: "How far the policy is from the controllers that it copies, at the states that the iteration's trials met."}
	snapshots := r.having(func(s *Snapshot) bool { return s.Policy != nil })
	if len(snapshots) == 0 {
		switch {
		case r.Task != nil && r.Task.Algorithm.Type == "trajopt":
			p.miss("the algorithm learns no policy (algorithm.type is trajopt)")
		case len(r.having(hasControllers)) == 0:
			p.miss(noCheckpoint)
		default:
			p.miss("no checkpoint holds a policy")
		}
		return p
	}
	var gaps []*Gap
	for _, s := range spread(snapshots, mostCompared) {
		if g := NewGap(s); g != nil {
			gaps = append(gaps, g)
		}
	}
	dt, label := r.timeStep()
	if len(gaps) == 0 {
		p.miss("the states to compare at are missing: %s", noTrials)
	} else {
		last := gaps[len(gaps)-1]
		difference := &plots.Chart{Title: "Policy's and controllers' actions", X: label, Y: "mean difference (N m)"}
		table := &Table{Title: fmt.Sprintf("Mean differences after iteration %d", last.Iteration), Head: []string{"joint", "mean difference (N m)"}}
		for j, name := range r.jointNames(len(last.Difference)) {
			table.Rows = append(table.Rows, []string{name, number(mean(last.Difference[j]))})
			if j < mostJoints {
				difference.Lines = append(difference.Lines, plots.ChartLine{Name: name, X: thin(sequence(len(last.Difference[j]), dt)), Y: thin(last.Difference[j]), Tone: plots.Tone(j)})
			}
		}
		p.add("difference", fmt.Sprintf("Mean of the absolute difference, after iteration %d.", last.Iteration), difference)
		kl := &plots.Chart{Title: "Controllers' divergence from the policy", X: label, Y: "KL (nat)", Log: true}
		for i, g := range gaps {
			if g.KL != nil {
				kl.Lines = append(kl.Lines, plots.ChartLine{Name: iterationName(g.Iteration), X: thin(sequence(len(g.KL), dt)), Y: thin(g.KL), Tone: plots.Ramp(i, len(gaps)), Strong: i == len(gaps)-1})
			}
		}
		p.add("kl", "KL(controller || policy) per time step, at the trials' states.", kl)
		p.Tables = append(p.Tables, table)
	}
	if s := r.latest(hasTrials); s != nil {
		p.Text += fmt.Sprintf(" Iteration %d's trials were driven by the %s.", s.Iteration, orElse(flat(s.Trials)[0].Driver, "controllers"))
	}
	reports := slices.DeleteFunc(slices.Clone(r.shownReports()), func(q *learner.Report) bool { return q.Policy == nil })
	if len(reports) > 0 {
		p.add("kl_mean", "Over a whole trial, as the update reported it, mean over the conditions.", &plots.Chart{Title: "Divergence over the iterations", X: "iteration", Y: "KL (nat)", Whole: true, Log: true,
			Lines: []plots.ChartLine{lineOver(reports, "KL", 3, func(q *learner.Report) float64 { return q.Policy.KL })}})
		p.add("loss", "Of the last fit of the iteration; held out where trials were kept for that.", &plots.Chart{Title: "Loss of the policy's training", X: "iteration", Y: "loss", Whole: true, Log: true,
			Lines: []plots.ChartLine{lineOver(reports, "trained on", 0, func(q *learner.Report) float64 { return q.Policy.Loss }), lineOver(reports, "held out", 1, func(q *learner.Report) float64 { return orNaN(q.Policy.HeldOutLoss) })}})
	}
	return p
}
