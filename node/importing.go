package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	msg "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/importing"
	"guidedpolicysearch/node/record"
)

// ImportConfig says what `gps import` does.
type ImportConfig struct {
	importing.Config
	// Files are bags (their folders), MCAP files and CSV files.
	Files []string
	// Out is the folder of a run, or of a new one.
	Out string
	// Params is the parameter file of the task whose robot, time step and number of steps are meant;
	// "" for that of the run Out, or none.
	Params string
	// GivenDT and GivenSteps tell that those of Config were given: they win over the task's.
	GivenDT, GivenSteps bool
}

// Imported is what an import came to.
type Imported struct {
	Folder   string            `json:"folder"`
	Rollouts []ImportedRollout `json:"rollouts"`
	Notes    []string          `json:"notes"`
}

// ImportedRollout is a rollout that was imported.
type ImportedRollout struct {
	Source    string   `json:"source"`
	Path      string   `json:"path"` // relative to the folder
	Condition uint32   `json:"condition"`
	Sample    uint32   `json:"sample"`
	Steps     int      `json:"steps"`
	DT        float64  `json:"dt_s"`
	Joints    []string `json:"joints"`
	States    []string `json:"states"`
	Messages  int      `json:"messages"`
	LostBytes int64    `json:"lost_bytes"` // of the source
}

// ImportRollouts makes rollouts of recorded motions, in iteration 0 of a run folder. All files are
// read before anything is written; progress is told how many are. Errors are those of
// importing.Read, of parameters and of package record.
func ImportRollouts(ctx context.Context, c ImportConfig, progress func(done int)) (*Imported, error) {
	task, err := c.adoptTask()
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	motions := make([]*importing.Motion, len(c.Files))
	for i, path := range c.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if motions[i], err = importing.Read(path, c.Config); err != nil {
			return nil, err
		}
		progress(i + 1)
	}
	like, err := c.layoutOf(motions)
	if err != nil {
		return nil, err
	}
	run, notes, err := record.Open(c.Out)
	if errors.Is(err, record.ErrNotRun) {
		if run, err = record.Create(c.Out); err == nil && task != nil {
			err = run.WriteFile(record.ParamsFile, task)
		}
	}
	if err != nil {
		if run != nil {
			err = errors.Join(err, run.Close())
		}
		return nil, err
	}
	out := &Imported{Folder: run.Dir(), Rollouts: []ImportedRollout{}, Notes: append([]string{}, notes...)}
	if err = sameLayout(run, like); err == nil {
		err = c.write(run, motions, out)
	}
	return out, errors.Join(err, run.Close())
}

// adoptTask takes robot, time step and number of steps of the task that is meant, and returns its
// parameters; nil where there is none.
func (c *ImportConfig) adoptTask() ([]byte, error) {
	var cfg *Config
	var text []byte
	_, err := os.Stat(filepath.Join(c.Out, record.ParamsFile))
	switch {
	case c.Params != "":
		var setup *Setup
		if cfg, setup, _, err = LoadFile(c.Params, nil); err != nil {
			return nil, err
		}
		if text, err = setup.Resolved(); err != nil {
			return nil, err
		}
		if c.Robot, _, err = newRobot(cfg.Robot); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Params, err)
		}
	case err == nil:
		folder, err := record.View(c.Out)
		if err != nil {
			return nil, err
		}
		if cfg, _, err = replayed(folder, record.ParamsFile, nil); err != nil {
			return nil, err
		}
		if c.Robot, err = recordedRobot(cfg.Robot, c.Out); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Out, err)
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	default:
		return nil, err
	}
	if len(c.Joints) > 0 {
		return nil, fmt.Errorf("%w: the joints are those of the task, %q: leave out --joints", importing.ErrConfig, c.Robot.Joints())
	}
	if !c.GivenDT {
		c.DT = cfg.DT
	}
	if !c.GivenSteps {
		c.Steps = cfg.Steps
	}
	return text, nil
}

// layoutOf returns a rollout of the motions, all of which must have the same joints and states.
func (c *ImportConfig) layoutOf(motions []*importing.Motion) (first *msg.Rollout, err error) {
	file := ""
	for i, m := range motions {
		for _, t := range m.Trials {
			if first == nil {
				first, file = &t.Rollout, c.Files[i]
			} else if err := compareLayout(file, first, c.Files[i], &t.Rollout); err != nil {
				return nil, err
			}
		}
	}
	return first, nil
}

// sameLayout refuses rollouts of other joints or states than those that the run holds: no learner and
// no table could take both.
func sameLayout(run *record.Run, m *msg.Rollout) error {
	if m == nil {
		return nil
	}
	for _, iteration := range []uint32{importing.Iteration, 1} {
		paths, err := run.Rollouts(iteration)
		if err != nil {
			return err
		}
		for _, path := range paths {
			have, err := run.ReadRollout(path)
			if errors.Is(err, record.ErrDamaged) {
				continue
			}
			if err != nil {
				return err
			}
			return compareLayout(run.Path(path), have, "what is imported", m)
		}
	}
	return nil
}

func compareLayout(name string, a *msg.Rollout, other string, b *msg.Rollout) error {
	if slices.Equal(a.JointNames, b.JointNames) && slices.Equal(a.StateNames, b.StateNames) {
		return nil
	}
	return fmt.Errorf("%w: rollouts of one run need the same joints and state: %s has the joints %q and the states %q, %s has %q and %q: choose another folder (--out), the parameter file of that run (--params), or the same --joints",
		importing.ErrConfig, name, a.JointNames, a.StateNames, other, b.JointNames, b.StateNames)
}

// write records the rollouts after those that were imported before.
func (c *ImportConfig) write(run *record.Run, motions []*importing.Motion, out *Imported) error {
	sample, err := nextSample(run, c.Condition)
	if err != nil {
		return err
	}
	for i, m := range motions {
		lost := int64(0)
		for _, loss := range m.Losses {
			lost += loss.Lost
			out.Notes = append(out.Notes, fmt.Sprintf("%v: %d of %d bytes are lost, the rest was read", loss.Cause, loss.Lost, loss.Size))
		}
		out.Notes = append(out.Notes, m.Notes...)
		for _, t := range m.Trials {
			t.Rollout.Sample = sample
			sample++
			path, err := run.WriteTrial(t)
			if err != nil {
				return err
			}
			r := &t.Rollout
			out.Rollouts = append(out.Rollouts, ImportedRollout{Source: c.Files[i], Path: path, Condition: r.Condition, Sample: r.Sample, Steps: int(r.Steps), DT: r.Dt,
				Joints: r.JointNames, States: r.StateNames, Messages: t.JointStates.Len() + t.Commands.Len(), LostBytes: lost})
		}
	}
	return nil
}

// nextSample returns the number after the last imported sample of a condition.
func nextSample(run *record.Run, condition uint32) (next uint32, err error) {
	entries, err := run.Index()
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if e.Iteration == importing.Iteration && e.Condition == condition {
			next = max(next, e.Sample+1)
		}
	}
	return next, nil
}
