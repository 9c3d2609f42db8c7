package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"guidedpolicysearch/gps/ilqg"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/trajectory"
)

// TrajectoryName is the name under which a parameter file holds the parameters of a
// trajectory's optimisation.
const TrajectoryName = "trajectory_optimizer"

// ErrTrajectoryFile marks a parameter file of a trajectory's optimisation where one of
// learning on a robot is needed.
var ErrTrajectoryFile = errors.New("a trajectory is optimised under known dynamics, without a robot: run `gps train` with this file")

// ErrRobotFile marks a parameter file of learning on a robot where one of a trajectory's
// optimisation is needed.
var ErrRobotFile = errors.New("it learns on a robot; expected those of " + TrajectoryName + ", under known dynamics")

// ErrTwoTasks marks a parameter file of both.
var ErrTwoTasks = errors.New("the file holds parameters of both " + DefaultName + " and " + TrajectoryName + ", and `gps train` runs one of them: give each a file of its own")

// Trajectory is an optimisation as a parameter file and assignments give it.
type Trajectory struct {
	Config    *trajectory.Config
	Simulated *simrobot.Config
	// Warnings are lines for people.
	Warnings        []string
	setup, simSetup *Setup
	problem         *trajectory.Problem
}

// IsTrajectoryFile tells whether a parameter file has parameters of TrajectoryName.
func IsTrajectoryFile(file string) (bool, error) {
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", file})
	if err == nil {
		err = args.Check()
	}
	if err != nil {
		return false, err
	}
	for _, u := range args.UnmatchedNodeKeys() {
		if path.Base(u.Key) == TrajectoryName {
			return true, nil
		}
	}
	return false, nil
}

// LoadTrajectory reads a parameter file of a trajectory's optimisation, with assignments
// name=value that go to whichever of TrajectoryName and SimulatorName has the parameter.
func LoadTrajectory(file string, assignments []string) (*Trajectory, error) {
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", file})
	if err != nil {
		return nil, err
	}
	cfg, simCfg := trajectory.DefaultConfig(), simrobot.DefaultConfig()
	own, forSim, err := split(assignments, &cfg)
	if err != nil {
		return nil, err
	}
	l := &Trajectory{Config: &cfg, Simulated: &simCfg}
	var simErr error
	l.setup, err = load(args, TrajectoryName, &cfg, []string{SimulatorName}, own)
	l.simSetup, simErr = load(args, SimulatorName, &simCfg, []string{TrajectoryName}, forSim)
	if err = distinct(err, simErr); err == nil {
		err = l.setup.checkInFile(file, TrajectoryName)
	}
	if err != nil {
		return nil, err
	}
	l.Warnings = append(l.Warnings, l.setup.Warnings...)
	if cfg.Reference.MaxEffort != nil {
		for _, o := range append(own, forSim...) {
			if !keepsReference(o.Name) {
				cfg.Reference = trajectory.ReferenceConfig{}
				l.Warnings = append(l.Warnings, fmt.Sprintf("%s makes it another task: the best known costs are left out", o.Source))
				break
			}
		}
	}
	l.problem, err = trajectory.NewProblem(cfg, &simCfg)
	var field params.FieldError
	if errors.As(err, &field) {
		mistake := params.Mistake{Source: l.setup.Set.Source(field.Key), Key: field.Key, Problem: field.Problem}
		// The kind of derivatives suited the file's plant.
		if at := l.simSetup.Set.Source("plant.type"); field.Key == "derivatives.kind" && at.Argument != "" && mistake.Source.Argument == "" {
			mistake = params.Mistake{Source: at, Key: "plant.type", Problem: "derivatives.kind " + field.Problem}
		}
		err = params.Mistakes{mistake}
	}
	return l, err
}

// keepsReference tells whether the best known costs still hold with another value of a
// parameter: it concerns how they are found, or is one of what their variants differ in.
func keepsReference(name string) bool {
	switch name {
	case "seed", "iterations", "run_folder", "runs_folder", "cost.every_step", "plant.max_effort", "plant.max_speed":
		return true
	}
	for _, group := range []string{"solver.", "derivatives.", "starts.", "reference."} {
		if strings.HasPrefix(name, group) {
			return true
		}
	}
	return false
}

// resolved returns all parameters as they are used, in the form of a parameter file.
func (l *Trajectory) resolved() ([]byte, error) {
	text, err := l.setup.Resolved()
	if err != nil {
		return nil, err
	}
	b := bytes.NewBuffer(text)
	err = l.simSetup.Set.WriteYAML(b, l.simSetup.Name.FQN())
	return b.Bytes(), err
}

// TrajectoryResult is the outcome of an optimisation.
type TrajectoryResult struct {
	*trajectory.Outcome
	RunFolder string
	Pictures  []string
	Seconds   float64
}

// OptimizeTrajectory searches for the best trajectory, writes it to a run folder, and shows
// on the terminal what came of each start, the iterations of the best, and the motion.
func OptimizeTrajectory(ctx context.Context, l *Trajectory, terminal io.Writer) (*TrajectoryResult, error) {
	run, err := l.createRun()
	if err != nil {
		return nil, err
	}
	defer run.Close()
	var log bytes.Buffer
	out := io.MultiWriter(terminal, &log)
	res, err := l.optimize(ctx, run, out)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			fmt.Fprintf(&log, "Error: %v\n", err)
		}
		return nil, errors.Join(err, run.WriteFile(record.LogFile, log.Bytes()))
	}
	return res, run.WriteFile(record.LogFile, log.Bytes())
}

// createRun makes the run folder with the parameters in it.
func (l *Trajectory) createRun() (run *record.Run, err error) {
	resolved, err := l.resolved()
	if err != nil {
		return nil, err
	}
	dir := l.Config.RunFolder
	if dir == "" {
		if dir, err = record.NewRunDir(l.Config.RunsFolder); err != nil {
			return nil, err
		}
	}
	if run, err = record.CreateFlat(dir); err != nil {
		return nil, err
	}
	if err := run.WriteFile(record.ParamsFile, resolved); err != nil {
		return nil, errors.Join(err, run.Close())
	}
	return run, nil
}

func (l *Trajectory) optimize(ctx context.Context, run *record.Run, out io.Writer) (*TrajectoryResult, error) {
	began := time.Now()
	for _, w := range l.Warnings {
		fmt.Fprintln(out, w)
	}
	starts := l.Config.Starts.Restarts + 1
	fmt.Fprintf(out, "%s: %d controls, %s\n", l.Simulated.Plant.Type, l.Config.Steps, l.limits())
	shown, latest := -1, ilqg.Iteration{}
	show := func() {
		if shown >= 0 {
			fmt.Fprintf(out, "start %d of %d: cost %.7g after %d iterations (%s)\n", shown+1, starts, latest.Cost, latest.Number, latest.Status)
		}
	}
	outcome, err := l.problem.Optimize(ctx, func(start int, it ilqg.Iteration) {
		if start != shown {
			show()
		}
		shown, latest = start, it
	})
	if err != nil {
		return nil, err
	}
	show()
	res := &TrajectoryResult{Outcome: outcome, RunFolder: run.Dir(), Seconds: time.Since(began).Seconds()}
	if err := l.write(res, run); err != nil {
		return nil, err
	}
	if res.Pictures, err = l.draw(res, run); err != nil {
		fmt.Fprintf(out, "no picture: %v\n", err)
	}
	return res, l.tell(res, out)
}

// limits describes the limits and the cost of the task.
func (l *Trajectory) limits() string {
	list := func(name string, v []float64) string {
		if !slices.ContainsFunc(v, func(limit float64) bool { return limit > 0 }) {
			return "no limit of " + name
		}
		return fmt.Sprintf("%s at most %v", name, v)
	}
	charged := "final cost at the last state"
	if l.Config.Cost.EveryStep {
		charged = "final cost at every state"
	}
	return fmt.Sprintf("%s, %s, %s", list("effort", l.Simulated.Plant.MaxEffort), list("speed", l.Simulated.Plant.MaxSpeed), charged)
}

// TrajectoryIteration is an iteration of the best descent, as a line of JSON.
type TrajectoryIteration struct {
	Iteration int     `json:"iteration"`
	Cost      float64 `json:"cost"`
	// Predicted and Actual are null where a step diverged and has no improvement.
	Predicted *float64 `json:"predicted_improvement"`
	Actual    *float64 `json:"actual_improvement"`
	// Alpha is the step of the line search, 0 where none was taken.
	Alpha  float64 `json:"alpha"`
	Lambda float64 `json:"lambda"`
	Passes int     `json:"backward_passes"`
}

// Iterations returns those of the best descent.
func (r *TrajectoryResult) Iterations() []TrajectoryIteration {
	list := []TrajectoryIteration{}
	for _, it := range r.Descents[r.Best].Iterations {
		list = append(list, TrajectoryIteration{Iteration: it.Number, Cost: it.Cost, Predicted: finite(it.Predicted), Actual: finite(it.Actual), Alpha: it.Alpha, Lambda: it.Lambda, Passes: it.Passes})
	}
	return list
}

// finite returns v, nil for what JSON has no number for.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// TrajectoryFile holds the trajectory in the run folder, one line per time step.
const TrajectoryFile = "trajectory.csv"

// write writes iterations and trajectory.
func (l *Trajectory) write(res *TrajectoryResult, run *record.Run) error {
	var lines bytes.Buffer
	for _, it := range res.Iterations() {
		line, err := json.Marshal(it)
		if err != nil {
			return err
		}
		lines.Write(append(line, '\n'))
	}
	if err := run.WriteFile(record.IterationsFile, lines.Bytes()); err != nil {
		return err
	}
	r, joints := res.Rollout, l.Simulated.Joints
	columns := []string{"time"}
	for _, kind := range []string{"position", "velocity"} {
		for _, j := range joints {
			columns = append(columns, kind+"."+j)
		}
	}
	for i := range r.DU {
		columns = append(columns, "effort."+joints[i])
	}
	for i := range r.DU {
		for k := range r.DX {
			columns = append(columns, "gain."+joints[i]+"."+columns[1+k])
		}
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, strings.Join(columns, ","))
	for t := range r.T + 1 {
		fmt.Fprintf(&b, "%.9g", float64(t)*res.TimeStep)
		for _, v := range r.State(t) {
			fmt.Fprintf(&b, ",%.17g", v)
		}
		// The last state has no control.
		for i := range r.DU + r.DU*r.DX {
			switch {
			case t == r.T:
				b.WriteByte(',')
			case i < r.DU:
				fmt.Fprintf(&b, ",%.17g", r.Action(t)[i])
			default:
				fmt.Fprintf(&b, ",%.9g", res.Gain[t*r.DU*r.DX+i-r.DU])
			}
		}
		b.WriteByte('\n')
	}
	return run.WriteFile(TrajectoryFile, b.Bytes())
}

// tell writes the best descent, the motion and the summary.
func (l *Trajectory) tell(res *TrajectoryResult, out io.Writer) error {
	best := res.Descents[res.Best]
	var rows []console.Descent
	costs := []float64{best.Start}
	for _, it := range best.Iterations {
		rows = append(rows, console.Descent{Number: it.Number, Cost: it.Cost, Predicted: it.Predicted, Actual: it.Actual, Alpha: it.Alpha, Lambda: it.Lambda})
		costs = append(costs, it.Cost)
	}
	fmt.Fprintf(out, "\nThe best is start %d, from cost %.7g:\n", res.Best+1, best.Start)
	if err := console.DescentTable(out, rows); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", console.CostCurve("cost per iteration of the best start", costs))
	r := res.Rollout
	for i, joint := range l.Simulated.Joints {
		var position []float64
		for t := range r.T + 1 {
			position = append(position, r.State(t)[i])
		}
		fmt.Fprintf(out, "%s\n", console.Curve("position of "+joint+" over the time steps", position))
	}
	for i := range r.DU {
		var effort []float64
		for t := range r.T {
			effort = append(effort, r.Action(t)[i])
		}
		fmt.Fprintf(out, "%s\n", console.Curve("effort of "+l.Simulated.Joints[i]+" over the time steps", effort))
	}
	summary := console.DescentSummary{Cost: res.Cost, ReplayCost: res.ReplayCost, Iterations: len(best.Iterations), Total: res.Total(), Starts: len(res.Descents),
		Reference: math.NaN(), RunFolder: res.RunFolder, Pictures: res.Pictures, Seconds: res.Seconds}
	if res.Reference != nil {
		summary.Reference, summary.Margin = res.Reference.Cost, res.Reference.Margin
	}
	return summary.Write(out)
}
