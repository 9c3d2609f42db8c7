package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/plots"
)

// What is drawn of many.
const (
	mostPathConditions = 4
	mostPathSamples    = 3
	mostCompared       = 6 // iterations in one chart
	mostJoints         = 12
)

const noTrials = "no whole trial could be read (rollouts)"

// iterationName names an iteration.
func iterationName(n int) string { return fmt.Sprintf("iteration %d", n) }

// TipPath returns the coordinates of the end effector's points along a trial, (T+1) x coordinates, in
// m, by the robot's forward kinematics.
func TipPath(r *robot.Robot, t *Trial) [][]float64 {
	tip := r.EndEffector()
	joints, coordinates := tip.Dims()
	path := rows(t.T+1, coordinates)
	for i := range path {
		tip.Points(path[i], t.State(i)[:joints])
	}
	return path
}

// pathsPart shows the end effector's paths.
func (r *Run) pathsPart() *Part {
	p := &Part{ID: "paths", Title: "Paths of the end effector", Text: "Where the end effector went in the first, some and the last iteration, and where its target is."}
	snapshots := spread(r.having(hasTrials), 4)
	switch {
	case len(snapshots) == 0:
		p.miss(noTrials)
		return p
	case r.Robot == nil:
		p.miss("the robot is not known: see what could not be read")
		return p
	case r.Robot.EndEffector() == nil:
		p.miss("the robot has no end effector (robot.kinematics.type is none)")
		return p
	}
	if r.target == nil {
		p.miss("the task has no target for the end effector (cost.end_effector.weight and cost.joint_position.weight are 0)")
	}
	_, coordinates := r.Robot.EndEffector().Dims()
	each := min(coordinates, 3)
	views := [][2]int{{0, 1}}
	if each == 3 && !r.flatArm() {
		views = [][2]int{{0, 1}, {0, 2}, {1, 2}}
	}
	axes := []string{"x (m)", "y (m)", "z (m)"}
	for _, view := range views {
		name := strings.ReplaceAll(axes[view[0]]+axes[view[1]], " (m)", "")
		chart := &plots.Chart{Title: "Paths in the " + name[:1] + "-" + name[1:] + " plane", X: axes[view[0]], Y: axes[view[1]], Equal: true}
		for i, s := range snapshots {
			for _, trials := range spread(s.Trials, mostPathConditions) {
				for _, t := range spread(trials, mostPathSamples) {
					path := TipPath(r.Robot, t)
					var x, y []float64
					for _, at := range spread(path, mostPoints/2) {
						x, y = append(x, at[view[0]]), append(y, at[view[1]])
					}
					chart.Lines = append(chart.Lines, plots.ChartLine{Name: iterationName(s.Iteration), X: x, Y: y, Tone: plots.Ramp(i, len(snapshots)), Strong: i == len(snapshots)-1})
				}
			}
		}
		var x, y []float64
		for i := 0; i+each <= len(r.target); i += each {
			x, y = append(x, r.target[i+view[0]]), append(y, r.target[i+view[1]])
		}
		if x != nil {
			chart.Points = []plots.ChartPoints{{Name: "target", X: x, Y: y, Tone: plots.Limit, Cross: true}}
		}
		caption := fmt.Sprintf("At most %d trials of each of at most %d conditions.", mostPathSamples, mostPathConditions)
		if coordinates > each {
			caption += " Paths are those of the first of the end effector's points."
		}
		p.add(name, caption, chart)
	}
	return p
}

// flatArm tells whether the end effector moves in the x-y plane only.
func (r *Run) flatArm() bool { return r.Task.RobotConfig.Kinematics.Type == robot.PlanarKinematics }

// meanStates returns the mean of state i over the trials, T+1.
func meanStates(trials []*Trial, i int) []float64 {
	sums := make([]float64, trials[0].T+1)
	for _, t := range trials {
		addTo(sums, 1/float64(len(trials)), column(t.X, t.DX, i))
	}
	return sums
}

// jointsPart shows the joints' motions.
func (r *Run) jointsPart() *Part {
	p := &Part{ID: "joints", Title: "Joint trajectories", Text: "The mean positions of each joint in the first, some and the last iteration; the band is the last one's range over its samples."}
	snapshots := spread(r.having(hasTrials), mostCompared)
	if len(snapshots) == 0 {
		p.miss(noTrials)
		return p
	}
	first := flat(snapshots[len(snapshots)-1].Trials)[0]
	var target []float64
	if r.Task != nil && r.Task.Cost.Position.Weight > 0 && len(r.Task.Cost.Position.Target) == first.DU {
		target = r.Task.Cost.Position.Target
	} else {
		p.miss("there is no target for joint positions (cost.joint_position.weight is 0)")
	}
	conditions := r.trialConditions()
	for n, m := range spread(conditions, mostPathConditions) {
		title := ""
		if len(conditions) > 1 {
			title = capital(conditionName(m))
		}
		p.row(title, n > 0)
		for j := range min(first.DU, mostJoints) {
			chart := &plots.Chart{Title: fmt.Sprintf("%s, %s", first.Joints[j], conditionName(m)), X: "time (s)", Y: first.Joints[j] + " (rad)"}
			for i, s := range snapshots {
				if m >= len(s.Trials) || len(s.Trials[m]) == 0 {
					continue
				}
				values := meanStates(s.Trials[m], j)
				times := sequence(len(values), first.DT)
				chart.Lines = append(chart.Lines, plots.ChartLine{Name: iterationName(s.Iteration), X: thin(times), Y: thin(values), Tone: plots.Ramp(i, len(snapshots)), Strong: i == len(snapshots)-1})
				if i == len(snapshots)-1 {
					low, top := rangeOf(s.Trials[m], func(t *Trial) []float64 { return column(t.X, t.DX, j) })
					x, least, most := envelope(low, top, first.DT)
					chart.Bands = []plots.ChartBand{{X: x, Low: least, Top: most, Tone: plots.Ramp(i, len(snapshots))}}
				}
			}
			if target != nil {
				end := float64(first.T) * first.DT
				chart.Lines = append(chart.Lines, plots.ChartLine{Name: "target", X: []float64{0, end}, Y: []float64{target[j], target[j]}, Tone: plots.Limit, Dashed: true})
			}
			p.add(fmt.Sprintf("condition_%d_joint_%d", m, j), "", chart)
		}
	}
	p.some(mostJoints, first.DU, "joints")
	p.some(mostPathConditions, len(conditions), "conditions")
	return p
}

// trialConditions returns the conditions that have a trial in some snapshot.
func (r *Run) trialConditions() []int {
	var list []int
	for _, s := range r.Snapshots {
		for m, trials := range s.Trials {
			if len(trials) > 0 && !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
	}
	slices.Sort(list)
	return list
}

// rangeOf returns the least and the largest over the trials at each step.
func rangeOf(trials []*Trial, values func(t *Trial) []float64) (low, top []float64) {
	for _, t := range trials {
		v := values(t)
		if low == nil {
			low, top = slices.Clone(v), slices.Clone(v)
		}
		for i, e := range v {
			low[i], top[i] = min(low[i], e), max(top[i], e)
		}
	}
	return low, top
}

// AtLimit returns the share of the steps of some trials in which the action of joint j, as it was
// commanded, is at its limit or beyond (99.9 % of it counts).
func AtLimit(trials []*Trial, j int, limit float64) float64 {
	at, n := 0, 0
	for _, t := range trials {
		for _, u := range column(t.Commanded, t.DU, j) {
			if math.Abs(u) >= 0.999*limit {
				at++
			}
			n++
		}
	}
	return float64(at) / float64(n)
}

// torquesPart shows the torques against their limits.
func (r *Run) torquesPart() *Part {
	p := &Part{ID: "torques", Title: "Torques against their limits", Text: "The actions of the latest iteration's trials: as they were applied (mean, and the range over all samples), and as they were commanded before limits."}
	snapshots := r.having(hasTrials)
	if len(snapshots) == 0 {
		p.miss(noTrials)
		return p
	}
	last := flat(snapshots[len(snapshots)-1].Trials)
	first := last[0]
	limits := make([]float64, first.DU)
	for j := range limits {
		limits[j] = math.NaN()
		if r.Robot != nil {
			limits[j] = r.Robot.EffortLimit()[j]
		}
	}
	if r.Robot == nil {
		p.miss("the limits are not known: see what could not be read")
	} else if r.Robot.Compensates() {
		p.Text += " Gravity compensation comes on top, and counts against the limits too."
	}
	for j := range min(first.DU, mostJoints) {
		low, top := rangeOf(last, func(t *Trial) []float64 { return column(t.U, t.DU, j) })
		applied, commanded := make([]float64, first.T), make([]float64, first.T)
		for _, t := range last {
			addTo(applied, 1/float64(len(last)), column(t.U, t.DU, j))
			addTo(commanded, 1/float64(len(last)), column(t.Commanded, t.DU, j))
		}
		times, end := thin(sequence(first.T, first.DT)), float64(first.T)*first.DT
		x, least, most := envelope(low, top, first.DT)
		name := first.Joints[j]
		chart := &plots.Chart{Title: "Torque of " + name, X: "time (s)", Y: name + " (N m)",
			Bands: []plots.ChartBand{{Name: "range", X: x, Low: least, Top: most, Tone: 0}},
			Lines: []plots.ChartLine{{Name: "commanded, mean", X: times, Y: thin(commanded), Tone: 1, Held: true}, {Name: "applied, mean", X: times, Y: thin(applied), Tone: 0, Held: true}}}
		// A limit far away would make the rest a flat line.
		if l := limits[j]; l <= 4*max(slices.Max(most), -slices.Min(least)) {
			for _, sign := range []float64{-1, 1} {
				chart.Lines = append(chart.Lines, plots.ChartLine{Name: "limit", X: []float64{0, end}, Y: []float64{sign * l, sign * l}, Tone: plots.Limit, Dashed: true})
			}
		}
		caption := ""
		if isFinite(limits[j]) {
			caption = fmt.Sprintf("Limit ±%s N m; at most %s N m was applied.", number(limits[j]), number(max(slices.Max(most), -slices.Min(least))))
		}
		p.add(fmt.Sprintf("joint_%d", j), caption, chart)
	}
	if r.Robot == nil {
		return p
	}
	p.row("", false)
	chart := &plots.Chart{Title: "Steps with a torque at its limit", X: "iteration", Y: "steps at the limit (%)", Whole: true}
	table := &Table{Title: "Torques of the latest iteration", Head: []string{"joint", "limit (N m)", "largest applied (N m)", "steps at the limit (%)"}}
	for j, name := range first.Joints {
		line := plots.ChartLine{Name: name, Tone: plots.Tone(j), Dots: len(snapshots) <= 30}
		for _, s := range snapshots {
			line.X, line.Y = append(line.X, float64(s.Iteration)), append(line.Y, 100*AtLimit(flat(s.Trials), j, limits[j]))
		}
		if j < mostJoints {
			chart.Lines = append(chart.Lines, line)
		}
		low, top := rangeOf(last, func(t *Trial) []float64 { return column(t.U, t.DU, j) })
		table.Rows = append(table.Rows, []string{name, number(limits[j]), number(max(slices.Max(top), -slices.Min(low))), number(line.Y[len(line.Y)-1])})
	}
	chart.YRange = fromZero(chart.Lines)
	p.add("saturation", "Of the commanded torques, over all trials.", chart)
	p.Tables = append(p.Tables, table)
	return p
}
