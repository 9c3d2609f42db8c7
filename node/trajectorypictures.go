package node

import (
	"math"

	"guidedpolicysearch/node/plots"
	"guidedpolicysearch/node/record"
)

// TrajectoryPicture is the motion in the run folder of a trajectory's optimisation.
const TrajectoryPicture = "trajectory.png"

// draw draws the descents and the motion, and returns the files.
func (l *Trajectory) draw(res *TrajectoryResult, run *record.Run) (files []string, err error) {
	descents := plots.Descents{Title: "Trajectory optimisation", Best: res.Best, Reference: math.NaN()}
	if res.Reference != nil {
		descents.Reference, descents.ReferenceName = res.Reference.Cost, res.Reference.Name
	}
	for _, d := range res.Descents {
		costs := []float64{d.Start}
		for _, it := range d.Iterations {
			costs = append(costs, it.Cost)
		}
		descents.Costs = append(descents.Costs, costs)
	}
	r, joints := res.Rollout, l.Simulated.Joints
	column := func(at func(t int) []float64, n, i int) []float64 {
		var list []float64
		for t := range n {
			list = append(list, at(t)[i])
		}
		return list
	}
	limit := func(limits []float64, i int) float64 {
		if i < len(limits) {
			return limits[i]
		}
		return 0
	}
	var position, velocity, effort plots.TrajectoryPanel
	position.Label, velocity.Label, effort.Label = "position (rad or m)", "velocity (rad/s or m/s)", "effort (N m or N)"
	for i, name := range joints {
		position.Series = append(position.Series, plots.Series{Name: name, Values: column(r.State, r.T+1, i)})
		velocity.Series = append(velocity.Series, plots.Series{Name: name, Values: column(r.State, r.T+1, len(joints)+i), Limit: limit(l.Simulated.Plant.MaxSpeed, i)})
	}
	for i := range r.DU {
		effort.Series = append(effort.Series, plots.Series{Name: joints[i], Values: column(r.Action, r.T, i), Limit: limit(l.Simulated.Plant.MaxEffort, i), Held: true})
	}
	motion := plots.Trajectory{Title: l.Simulated.Plant.Type, TimeStep: res.TimeStep, Panels: []plots.TrajectoryPanel{position, velocity, effort}}
	for _, picture := range []struct {
		file string
		save func(string) error
	}{{PictureFile, descents.Save}, {TrajectoryPicture, motion.Save}} {
		path := run.Path(picture.file)
		if err := picture.save(path); err != nil {
			return files, err
		}
		files = append(files, path)
	}
	return files, nil
}
